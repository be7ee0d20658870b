// RUN: fp4q-opt %s --fp4q-select-backend | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: fp4q-opt %s --fp4q-select-backend=target=cpu:avx512-vnni | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: fp4q-opt %s --fp4q-select-backend="target=cpu backend=reference matmul=reference" | FileCheck %s --check-prefixes=CHECK,REFERENCE
// RUN: fp4q-opt %s --fp4q-select-backend="quantize=reference" | FileCheck %s --check-prefixes=CHECK,MATMUL
// RUN: fp4q-opt %s --fp4q-select-backend --remark-format=emitRemark --remarks-filter=fp4q-select-backend 2>&1 | FileCheck %s --check-prefix=REMARK

// Every operation of level 1 gets a back end, on tensors and on memrefs, and
// nothing else does. The choice among several is tested on a table of its own,
// in fp4q-select-backend-choice.mlir.
// CHECK-LABEL: func.func @layer(
func.func @layer(%x: tensor<?x64xbf16>, %t: tensor<32x32xbf16>,
                 %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %m: index)
    -> tensor<?x8xbf16> {
  // CHECK: tensor.empty(%{{.*}}) : tensor<?x64xf32>
  %0 = tensor.empty(%m) : tensor<?x64xf32>
  // AUTO: fp4q.block_transform {{.*}} {fp4q.backend = #fp4q.backend<"cpu">} ->
  // MATMUL: fp4q.block_transform {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
  // REFERENCE: fp4q.block_transform {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
  %y = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<32x32xbf16>)
      outs(%0 : tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = tensor.empty() : tensor<f32>
  // CHECK: fp4q.global_scale {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
  %g = fp4q.global_scale ins(%y : tensor<?x64xf32>) outs(%1 : tensor<f32>)
      -> tensor<f32>
  %2 = tensor.empty(%m) : tensor<?x32xi8>
  %3 = tensor.empty(%m) : tensor<?x2xf8E8M0FNU>
  // AUTO: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"cpu">} ->
  // REFERENCE: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
  // MATMUL: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
  %a, %sa = fp4q.quantize_pack ins(%y : tensor<?x64xf32>)
      global_scale(%g : tensor<f32>)
      outs(%2, %3 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  %4 = tensor.empty(%m) : tensor<?x8xbf16>
  // AUTO: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"cpu">} ->
  // REFERENCE: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
  // MATMUL: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"cpu">} ->
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%g : tensor<f32>) outs(%4 : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return %c : tensor<?x8xbf16>
}

// CHECK-LABEL: func.func @layouts_and_memrefs(
func.func @layouts_and_memrefs(%s: tensor<200x6xf8E4M3FN>,
                               %z: tensor<2x2x512xf8E4M3FN>,
                               %c: memref<8x48xi8>, %q: memref<8x6xf8E4M3FN>,
                               %y: memref<8x96xf16>)
    -> (tensor<2x2x512xf8E4M3FN>, tensor<200x6xf8E4M3FN>) {
  // CHECK: fp4q.swizzle_scales {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
  %0 = fp4q.swizzle_scales ins(%s : tensor<200x6xf8E4M3FN>)
      outs(%z : tensor<2x2x512xf8E4M3FN>) -> tensor<2x2x512xf8E4M3FN>
  // CHECK: fp4q.unswizzle_scales {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
  %1 = fp4q.unswizzle_scales ins(%0 : tensor<2x2x512xf8E4M3FN>)
      outs(%s : tensor<200x6xf8E4M3FN>) -> tensor<200x6xf8E4M3FN>
  // AUTO: fp4q.dequant {{.*}} {fp4q.backend = #fp4q.backend<"cpu">}{{$}}
  // REFERENCE: fp4q.dequant {{.*}} {fp4q.backend = #fp4q.backend<"reference">}{{$}}
  fp4q.dequant ins(%c, %q : memref<8x48xi8>, memref<8x6xf8E4M3FN>)
      outs(%y : memref<8x96xf16>)
  return %0, %1 : tensor<2x2x512xf8E4M3FN>, tensor<200x6xf8E4M3FN>
}

// The kernels of the back end cpu multiply the two formats of hardware, and no
// other group size.
// CHECK-LABEL: func.func @formats(
func.func @formats(%a: tensor<4x32xi8>, %b: tensor<8x32xi8>,
    %ma: tensor<4x2xf8E8M0FNU>, %mb: tensor<8x2xf8E8M0FNU>,
    %na: tensor<4x4xf8E4M3FN>, %nb: tensor<8x4xf8E4M3FN>,
    %oa: tensor<4x4xf8E8M0FNU>, %ob: tensor<8x4xf8E8M0FNU>,
    %y: tensor<4x8xf16>)
    -> (tensor<4x8xf16>, tensor<4x8xf16>, tensor<4x8xf16>) {
  // AUTO: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"cpu">}
  // REMARK: remark: [Passed] back end chosen | Category:fp4q-select-backend | Function=formats | BackEnd=cpu{{$}}
  %0 = fp4q.scaled_matmul
      ins(%a, %ma, %b, %mb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%y : tensor<4x8xf16>) -> tensor<4x8xf16>
  // AUTO: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"cpu">}
  // REMARK: remark: [Passed] back end chosen | Category:fp4q-select-backend | Function=formats | BackEnd=cpu{{$}}
  %1 = fp4q.scaled_matmul
      ins(%a, %na, %b, %nb : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>,
          tensor<8x32xi8>, tensor<8x4xf8E4M3FN>)
      outs(%y : tensor<4x8xf16>) -> tensor<4x8xf16>
  // CHECK: fp4q.scaled_matmul {{.*}} tensor<4x4xf8E8M0FNU>, {{.*}} {fp4q.backend = #fp4q.backend<"reference">}
  // REMARK: remark: [Passed] back end chosen | Category:fp4q-select-backend | Function=formats | BackEnd=reference, Reason="cpu does not take e8m0 scales of groups of 16"{{$}}
  %2 = fp4q.scaled_matmul
      ins(%a, %oa, %b, %ob : tensor<4x32xi8>, tensor<4x4xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x4xf8E8M0FNU>)
      outs(%y : tensor<4x8xf16>) -> tensor<4x8xf16>
  return %0, %1, %2 : tensor<4x8xf16>, tensor<4x8xf16>, tensor<4x8xf16>
}

// Memrefs can be neither padded nor converted in front of a kernel.
// CHECK-LABEL: func.func @memrefs_as_they_are(
func.func @memrefs_as_they_are(%a: memref<4x24xi8>, %sa: memref<4x3xf8E4M3FN>,
    %b: memref<8x24xi8>, %sb: memref<8x3xf8E4M3FN>, %y: memref<4x8xf32>,
    %t: tensor<4x24xi8>, %ts: tensor<4x3xf8E4M3FN>, %ty: tensor<4x4xf32>,
    %z: memref<1x1x512xf8E4M3FN>, %x: memref<4x48xf32>) -> tensor<4x4xf32> {
  // CHECK: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"reference">}
  // REMARK: remark: [Passed] back end chosen | Category:fp4q-select-backend | Function=memrefs_as_they_are | BackEnd=reference, Reason="cpu takes K in multiples of 32 and cannot pad memrefs from 48"{{$}}
  fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : memref<4x24xi8>, memref<4x3xf8E4M3FN>,
          memref<8x24xi8>, memref<8x3xf8E4M3FN>) outs(%y : memref<4x8xf32>)
  // CHECK: fp4q.dequant {{.*}} {fp4q.backend = #fp4q.backend<"reference">,
  // REMARK: remark: [Passed] {{.*}} | BackEnd=reference, Reason="cpu does not take blocked scales in memrefs"{{$}}
  fp4q.dequant ins(%a, %z : memref<4x24xi8>, memref<1x1x512xf8E4M3FN>)
      outs(%x : memref<4x48xf32>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
  // AUTO: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"cpu">}
  // REMARK: remark: [Passed] {{.*}} | BackEnd=cpu{{$}}
  %c = fp4q.scaled_matmul
      ins(%t, %ts, %t, %ts : tensor<4x24xi8>, tensor<4x3xf8E4M3FN>,
          tensor<4x24xi8>, tensor<4x3xf8E4M3FN>)
      outs(%ty : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %c : tensor<4x4xf32>
}
