// RUN: fp4q-opt %s --fp4q-select-backend | FileCheck %s
// RUN: fp4q-opt %s --fp4q-select-backend=target=cpu:avx512-vnni | FileCheck %s
// RUN: fp4q-opt %s --fp4q-select-backend="target=cpu backend=reference matmul=reference" | FileCheck %s

// Every operation of level 1 gets a back end, on tensors and on memrefs, and
// nothing else does. The choice among several is tested on a table of its own,
// in fp4q-select-backend-choice.mlir.
// CHECK-LABEL: func.func @layer(
func.func @layer(%x: tensor<?x64xbf16>, %t: tensor<32x32xbf16>,
                 %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %m: index)
    -> tensor<?x8xbf16> {
  // CHECK: tensor.empty(%{{.*}}) : tensor<?x64xf32>
  %0 = tensor.empty(%m) : tensor<?x64xf32>
  // CHECK: fp4q.block_transform {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
  %y = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<32x32xbf16>)
      outs(%0 : tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = tensor.empty() : tensor<f32>
  // CHECK: fp4q.global_scale {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
  %g = fp4q.global_scale ins(%y : tensor<?x64xf32>) outs(%1 : tensor<f32>)
      -> tensor<f32>
  %2 = tensor.empty(%m) : tensor<?x32xi8>
  %3 = tensor.empty(%m) : tensor<?x2xf8E8M0FNU>
  // CHECK: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
  %a, %sa = fp4q.quantize_pack ins(%y : tensor<?x64xf32>)
      global_scale(%g : tensor<f32>)
      outs(%2, %3 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  %4 = tensor.empty(%m) : tensor<?x8xbf16>
  // CHECK: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"reference">} ->
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
  // CHECK: fp4q.dequant {{.*}} {fp4q.backend = #fp4q.backend<"reference">}{{$}}
  fp4q.dequant ins(%c, %q : memref<8x48xi8>, memref<8x6xf8E4M3FN>)
      outs(%y : memref<8x96xf16>)
  return %0, %1 : tensor<2x2x512xf8E4M3FN>, tensor<200x6xf8E4M3FN>
}
