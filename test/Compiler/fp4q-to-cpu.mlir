// RUN: fp4q-opt %s --fp4q-to-cpu | FileCheck %s --implicit-check-not=unrealized_conversion_cast --implicit-check-not=memrefCopy --implicit-check-not='fp4q.' --implicit-check-not='linalg.' --implicit-check-not='scf.' --implicit-check-not='func.func'
// RUN: fp4q-opt %s --fp4q-to-cpu=parallel=false | FileCheck %s --check-prefix=SEQUENTIAL

// Everything ends in the LLVM dialect. A public function gets a C interface
// and a function for the sizes of its results, and returns nothing: results are
// memref arguments that the caller allocates.

// CHECK: llvm.func @fp4q_parallel_for(i64, i64, i64, !llvm.ptr, !llvm.ptr)
// SEQUENTIAL-NOT: fp4q_parallel_for

// CHECK: llvm.func @block_transform(
// CHECK: llvm.call @fp4q_parallel_for(
// CHECK: llvm.func @_mlir_ciface_block_transform(%{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr {bufferize.result})
// SEQUENTIAL: llvm.func @_mlir_ciface_block_transform(
func.func @block_transform(%x: tensor<?x64xbf16>, %t: tensor<2x32x32xbf16>)
    -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x64xbf16>
  %init = tensor.empty(%rows) : tensor<?x64xf32>
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<2x32x32xbf16>)
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// CHECK: llvm.func @quantize_pack(
// CHECK: llvm.call @fp4q_parallel_for(
// CHECK: llvm.func @_mlir_ciface_quantize_pack(%{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: f32, %{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr {bufferize.result}, %{{[^:]+}}: !llvm.ptr {bufferize.result})
// SEQUENTIAL: llvm.func @_mlir_ciface_quantize_pack(
func.func @quantize_pack(%x: tensor<?x64xf16>, %gs: f32, %ss: tensor<f32>)
    -> (tensor<?x32xi8>, tensor<?x1x512xf8E4M3FN>) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %rows = tensor.dim %x, %c0 : tensor<?x64xf16>
  %tiles = arith.ceildivui %rows, %c128 : index
  %c = tensor.empty(%rows) : tensor<?x32xi8>
  %s = tensor.empty(%tiles) : tensor<?x1x512xf8E4M3FN>
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xf16>)
      global_scale(%gs : f32) scale_scale(%ss : tensor<f32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x1x512xf8E4M3FN>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<?x32xi8>, tensor<?x1x512xf8E4M3FN>
  return %0#0, %0#1 : tensor<?x32xi8>, tensor<?x1x512xf8E4M3FN>
}

// CHECK: llvm.func @_mlir_ciface_global_scale(%{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr {bufferize.result})
// SEQUENTIAL: llvm.func @_mlir_ciface_global_scale(
func.func @global_scale(%x: tensor<?x64xf32>) -> tensor<f32> {
  %init = tensor.empty() : tensor<f32>
  %0 = fp4q.global_scale ins(%x : tensor<?x64xf32>) outs(%init : tensor<f32>)
      -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK: llvm.func @_mlir_ciface_dequant(%{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: f32, %{{[^:]+}}: !llvm.ptr {bufferize.result})
// SEQUENTIAL: llvm.func @_mlir_ciface_dequant(
func.func @dequant(%c: tensor<2x?x32xi8>, %s: tensor<2x?x4xf8E4M3FN>, %gs: f32)
    -> tensor<2x?x64xbf16> {
  %c1 = arith.constant 1 : index
  %rows = tensor.dim %c, %c1 : tensor<2x?x32xi8>
  %init = tensor.empty(%rows) : tensor<2x?x64xbf16>
  %0 = fp4q.dequant ins(%c, %s : tensor<2x?x32xi8>, tensor<2x?x4xf8E4M3FN>)
      global_scale(%gs : f32) outs(%init : tensor<2x?x64xbf16>)
      {direction = #fp4q.direction<divide>} -> tensor<2x?x64xbf16>
  return %0 : tensor<2x?x64xbf16>
}

// CHECK: llvm.func @scaled_matmul(
// CHECK: llvm.call @fp4q_parallel_for(
// CHECK: llvm.func @_mlir_ciface_scaled_matmul(%{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr {bufferize.result})
// SEQUENTIAL: llvm.func @_mlir_ciface_scaled_matmul(
func.func @scaled_matmul(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                         %b: tensor<256x32xi8>, %sb: tensor<256x2xf8E8M0FNU>)
    -> tensor<?x256xbf16> {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %a, %c0 : tensor<?x32xi8>
  %init = tensor.empty(%rows) : tensor<?x256xbf16>
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<256x32xi8>, tensor<256x2xf8E8M0FNU>)
      outs(%init : tensor<?x256xbf16>) -> tensor<?x256xbf16>
  return %0 : tensor<?x256xbf16>
}

// CHECK: llvm.func @_mlir_ciface_scale_layouts(%{{[^:]+}}: !llvm.ptr, %{{[^:]+}}: !llvm.ptr {bufferize.result}, %{{[^:]+}}: !llvm.ptr {bufferize.result})
// SEQUENTIAL: llvm.func @_mlir_ciface_scale_layouts(
func.func @scale_layouts(%s: tensor<200x6xf8E4M3FN>)
    -> (tensor<2x2x512xf8E4M3FN>, tensor<200x6xf8E4M3FN>) {
  %z = tensor.empty() : tensor<2x2x512xf8E4M3FN>
  %0 = fp4q.swizzle_scales ins(%s : tensor<200x6xf8E4M3FN>)
      outs(%z : tensor<2x2x512xf8E4M3FN>) -> tensor<2x2x512xf8E4M3FN>
  %i = tensor.empty() : tensor<200x6xf8E4M3FN>
  %1 = fp4q.unswizzle_scales ins(%0 : tensor<2x2x512xf8E4M3FN>)
      outs(%i : tensor<200x6xf8E4M3FN>) -> tensor<200x6xf8E4M3FN>
  return %0, %1 : tensor<2x2x512xf8E4M3FN>, tensor<200x6xf8E4M3FN>
}

// No rows, and known to be none.
// CHECK: llvm.func @_mlir_ciface_no_rows(
// SEQUENTIAL: llvm.func @_mlir_ciface_no_rows(
func.func @no_rows(%x: tensor<0x64xbf16>)
    -> (tensor<0x32xi8>, tensor<0x1x512xf8E8M0FNU>) {
  %c = tensor.empty() : tensor<0x32xi8>
  %s = tensor.empty() : tensor<0x1x512xf8E8M0FNU>
  %0:2 = fp4q.quantize_pack ins(%x : tensor<0x64xbf16>)
      outs(%c, %s : tensor<0x32xi8>, tensor<0x1x512xf8E8M0FNU>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<0x32xi8>, tensor<0x1x512xf8E8M0FNU>
  return %0#0, %0#1 : tensor<0x32xi8>, tensor<0x1x512xf8E8M0FNU>
}

// The sizes are computed without touching any data.
// CHECK-LABEL: llvm.func @block_transform__result_shapes(
// CHECK-NOT:     llvm.load
// CHECK-NOT:     llvm.call
// CHECK:         llvm.store
// CHECK:       llvm.func @_mlir_ciface_block_transform__result_shapes(
// CHECK:       llvm.func @_mlir_ciface_quantize_pack__result_shapes(
// CHECK:       llvm.func @_mlir_ciface_global_scale__result_shapes(
// CHECK:       llvm.func @_mlir_ciface_dequant__result_shapes(
// CHECK:       llvm.func @_mlir_ciface_scaled_matmul__result_shapes(
// CHECK:       llvm.func @_mlir_ciface_scale_layouts__result_shapes(

// The functions that parallel loops call are the module's own.
// CHECK: llvm.func internal @block_transform_parallel_entry(
