// RUN: fp4q-opt %s --canonicalize --cse | FileCheck %s

// Inits are never read, so any of them becomes a tensor.empty of the sizes of
// the inputs.

//===----------------------------------------------------------------------===//
// One function an operation
//===----------------------------------------------------------------------===//

// CHECK: #[[$CEIL128:.*]] = affine_map<()[s0] -> (s0 ceildiv 128)>

// CHECK-LABEL: func.func @block_transform_init(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<64x64xbf16>
func.func @block_transform_init(%x: tensor<?x64xbf16>,
                                %t: tensor<64x64xbf16>,
                                %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[X]], %{{.*}}
  // CHECK: %[[EMPTY:.*]] = tensor.empty(%[[ROWS]]) : tensor<?x64xf32>
  // CHECK: fp4q.block_transform ins(%[[X]], %[[T]] :
  // CHECK-SAME: outs(%[[EMPTY]] : tensor<?x64xf32>)
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<64x64xbf16>)
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @quantize_pack_inits(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
func.func @quantize_pack_inits(%x: tensor<?x64xbf16>, %c: tensor<?x32xi8>,
                               %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[X]], %{{.*}}
  // CHECK-DAG: %[[C:.*]] = tensor.empty(%[[ROWS]]) : tensor<?x32xi8>
  // CHECK-DAG: %[[S:.*]] = tensor.empty(%[[ROWS]]) : tensor<?x2xf8E8M0FNU>
  // CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>)
  // CHECK-SAME: outs(%[[C]], %[[S]] :
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %0#0, %0#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// CHECK-LABEL: func.func @quantize_pack_blocked_inits(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
func.func @quantize_pack_blocked_inits(%x: tensor<?x64xbf16>,
                                       %c: tensor<?x32xi8>,
                                       %s: tensor<?x1x512xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>) {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[X]], %{{.*}}
  // CHECK: %[[TILES:.*]] = affine.apply #[[$CEIL128]]()[%[[ROWS]]]
  // CHECK-DAG: %[[C:.*]] = tensor.empty(%[[ROWS]]) : tensor<?x32xi8>
  // CHECK-DAG: %[[S:.*]] = tensor.empty(%[[TILES]]) : tensor<?x1x512xf8E8M0FNU>
  // CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>)
  // CHECK-SAME: outs(%[[C]], %[[S]] :
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>
  return %0#0, %0#1 : tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>
}

// Given scales are an input, and stay.
// CHECK-LABEL: func.func @quantize_pack_given_scales(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<4x64xbf16>, %[[S:[^:]+]]: tensor<4x2xf8E8M0FNU>
func.func @quantize_pack_given_scales(%x: tensor<4x64xbf16>,
                                      %s: tensor<4x2xf8E8M0FNU>,
                                      %c: tensor<4x32xi8>) -> tensor<4x32xi8> {
  // CHECK: %[[C:.*]] = tensor.empty() : tensor<4x32xi8>
  // CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<4x64xbf16>)
  // CHECK-SAME: scales(%[[S]] : tensor<4x2xf8E8M0FNU>)
  // CHECK-SAME: outs(%[[C]] : tensor<4x32xi8>)
  %0 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      scales(%s : tensor<4x2xf8E8M0FNU>) outs(%c : tensor<4x32xi8>)
      -> tensor<4x32xi8>
  return %0 : tensor<4x32xi8>
}

// CHECK-LABEL: func.func @dequant_init(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<2x?x32xi8>
func.func @dequant_init(%c: tensor<2x?x32xi8>, %s: tensor<2x?x2xf8E8M0FNU>,
                        %init: tensor<2x?x64xf16>) -> tensor<2x?x64xf16> {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[C]], %{{.*}}
  // CHECK: %[[EMPTY:.*]] = tensor.empty(%[[ROWS]]) : tensor<2x?x64xf16>
  // CHECK: fp4q.dequant
  // CHECK-SAME: outs(%[[EMPTY]] : tensor<2x?x64xf16>)
  %0 = fp4q.dequant ins(%c, %s : tensor<2x?x32xi8>, tensor<2x?x2xf8E8M0FNU>)
      outs(%init : tensor<2x?x64xf16>) -> tensor<2x?x64xf16>
  return %0 : tensor<2x?x64xf16>
}

// CHECK-LABEL: func.func @scaled_matmul_init(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>
func.func @scaled_matmul_init(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                              %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
                              %init: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[A]], %{{.*}}
  // CHECK: %[[EMPTY:.*]] = tensor.empty(%[[ROWS]]) : tensor<?x8xbf16>
  // CHECK: fp4q.scaled_matmul
  // CHECK-SAME: outs(%[[EMPTY]] : tensor<?x8xbf16>)
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%init : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return %0 : tensor<?x8xbf16>
}

// CHECK-LABEL: func.func @swizzle_scales_init(
// CHECK-SAME:      %[[S:[^:]+]]: tensor<3x?x5xf8E8M0FNU>
func.func @swizzle_scales_init(%s: tensor<3x?x5xf8E8M0FNU>,
                               %init: tensor<3x?x2x512xf8E8M0FNU>)
    -> tensor<3x?x2x512xf8E8M0FNU> {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[S]], %{{.*}}
  // CHECK: %[[TILES:.*]] = affine.apply #[[$CEIL128]]()[%[[ROWS]]]
  // CHECK: %[[EMPTY:.*]] = tensor.empty(%[[TILES]]) : tensor<3x?x2x512xf8E8M0FNU>
  // CHECK: fp4q.swizzle_scales
  // CHECK-SAME: outs(%[[EMPTY]] :
  %0 = fp4q.swizzle_scales ins(%s : tensor<3x?x5xf8E8M0FNU>)
      outs(%init : tensor<3x?x2x512xf8E8M0FNU>) -> tensor<3x?x2x512xf8E8M0FNU>
  return %0 : tensor<3x?x2x512xf8E8M0FNU>
}

// Only the init tells how many rows there are, so its size is still asked for.
// CHECK-LABEL: func.func @unswizzle_scales_init(
// CHECK-SAME:      %[[INIT:[^:]+]]: tensor<?x4xf8E8M0FNU>
func.func @unswizzle_scales_init(%init: tensor<?x4xf8E8M0FNU>,
                                 %z: tensor<2x1x512xf8E8M0FNU>)
    -> tensor<?x4xf8E8M0FNU> {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[INIT]], %{{.*}}
  // CHECK: %[[EMPTY:.*]] = tensor.empty(%[[ROWS]]) : tensor<?x4xf8E8M0FNU>
  // CHECK: fp4q.unswizzle_scales
  // CHECK-SAME: outs(%[[EMPTY]] : tensor<?x4xf8E8M0FNU>)
  %0 = fp4q.unswizzle_scales ins(%z : tensor<2x1x512xf8E8M0FNU>)
      outs(%init : tensor<?x4xf8E8M0FNU>) -> tensor<?x4xf8E8M0FNU>
  return %0 : tensor<?x4xf8E8M0FNU>
}

//===----------------------------------------------------------------------===//
// What follows from it, and what does not change
//===----------------------------------------------------------------------===//

// Equal operations are one afterwards, whatever their inits were.
// CHECK-LABEL: func.func @equal_operations(
func.func @equal_operations(%x: tensor<?x64xbf16>, %i: tensor<f32>,
                            %j: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  // CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<f32>
  // CHECK: %[[G:.*]] = fp4q.global_scale
  // CHECK-SAME: outs(%[[EMPTY]] : tensor<f32>)
  // CHECK-NEXT: return %[[G]], %[[G]]
  %0 = fp4q.global_scale ins(%x : tensor<?x64xbf16>) outs(%i : tensor<f32>)
      -> tensor<f32>
  %1 = fp4q.global_scale ins(%x : tensor<?x64xbf16>) outs(%j : tensor<f32>)
      -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}

// CHECK-LABEL: func.func @different_attributes(
func.func @different_attributes(%c: tensor<8x32xi8>, %s: tensor<8x4xf8E4M3FN>,
                                %gs: f32, %i: tensor<8x64xf32>)
    -> (tensor<8x64xf32>, tensor<8x64xf32>) {
  // CHECK: %[[M:.*]] = fp4q.dequant
  // CHECK-NOT: direction
  // CHECK: %[[D:.*]] = fp4q.dequant
  // CHECK-SAME: {direction = #fp4q.direction<divide>}
  // CHECK: return %[[M]], %[[D]]
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x4xf8E4M3FN>)
      global_scale(%gs : f32) outs(%i : tensor<8x64xf32>) -> tensor<8x64xf32>
  %1 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x4xf8E4M3FN>)
      global_scale(%gs : f32) outs(%i : tensor<8x64xf32>)
      {direction = #fp4q.direction<divide>} -> tensor<8x64xf32>
  return %0, %1 : tensor<8x64xf32>, tensor<8x64xf32>
}

// A slice of a larger destination, as tiling leaves it, is written in place;
// the init beside it is replaced all the same.
// CHECK-LABEL: func.func @slice_init(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<4x64xbf16>, %[[C:[^:]+]]: tensor<8x32xi8>
func.func @slice_init(%x: tensor<4x64xbf16>, %c: tensor<8x32xi8>,
                      %s: tensor<4x2xf8E8M0FNU>)
    -> (tensor<8x32xi8>, tensor<4x2xf8E8M0FNU>) {
  // CHECK-DAG: %[[SLICE:.*]] = tensor.extract_slice %[[C]][4, 0]
  // CHECK-DAG: %[[EMPTY:.*]] = tensor.empty() : tensor<4x2xf8E8M0FNU>
  // CHECK: fp4q.quantize_pack
  // CHECK-SAME: outs(%[[SLICE]], %[[EMPTY]] :
  %slice = tensor.extract_slice %c[4, 0] [4, 32] [1, 1]
      : tensor<8x32xi8> to tensor<4x32xi8>
  %0:2 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      outs(%slice, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  %1 = tensor.insert_slice %0#0 into %c[4, 0] [4, 32] [1, 1]
      : tensor<4x32xi8> into tensor<8x32xi8>
  return %1, %0#1 : tensor<8x32xi8>, tensor<4x2xf8E8M0FNU>
}

// Casts that hide sizes fold into the operation.
// CHECK-LABEL: func.func @folds_casts(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<4x64xbf16>, %[[T:[^:]+]]: tensor<64x64xbf16>
func.func @folds_casts(%x: tensor<4x64xbf16>, %t: tensor<64x64xbf16>,
                       %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<4x64xf32>
  // CHECK: %[[Y:.*]] = fp4q.block_transform
  // CHECK-SAME: ins(%[[X]], %[[T]] : tensor<4x64xbf16>, tensor<64x64xbf16>)
  // CHECK-SAME: outs(%[[EMPTY]] : tensor<4x64xf32>) -> tensor<4x64xf32>
  // CHECK: tensor.cast %[[Y]] : tensor<4x64xf32> to tensor<?x64xf32>
  %cast = tensor.cast %x : tensor<4x64xbf16> to tensor<?x64xbf16>
  %0 = fp4q.block_transform
      ins(%cast, %t : tensor<?x64xbf16>, tensor<64x64xbf16>)
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @unused(
// CHECK-SAME:      %[[M:[^:]+]]: memref<?x64xbf16>, %[[OUT:[^:]+]]: memref<f32>)
func.func @unused(%x: tensor<?x64xbf16>, %i: tensor<f32>,
                  %m: memref<?x64xbf16>, %out: memref<f32>) {
  // CHECK-NEXT: fp4q.global_scale ins(%[[M]] : memref<?x64xbf16>) outs(%[[OUT]] : memref<f32>)
  // CHECK-NEXT: return
  fp4q.global_scale ins(%m : memref<?x64xbf16>) outs(%out : memref<f32>)
  %0 = fp4q.global_scale ins(%x : tensor<?x64xbf16>) outs(%i : tensor<f32>)
      -> tensor<f32>
  return
}

// CHECK-LABEL: func.func @no_elements(
// CHECK-SAME:      %{{[^:]+}}: tensor<0x64xbf16>, %[[C:[^:]+]]: tensor<0x32xi8>, %[[S:[^:]+]]: tensor<0x1x512xf8E8M0FNU>
func.func @no_elements(%x: tensor<0x64xbf16>, %c: tensor<0x32xi8>,
                       %s: tensor<0x1x512xf8E8M0FNU>)
    -> (tensor<0x32xi8>, tensor<0x1x512xf8E8M0FNU>) {
  // CHECK-NEXT: return %[[C]], %[[S]]
  %0:2 = fp4q.quantize_pack ins(%x : tensor<0x64xbf16>)
      outs(%c, %s : tensor<0x32xi8>, tensor<0x1x512xf8E8M0FNU>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<0x32xi8>, tensor<0x1x512xf8E8M0FNU>
  return %0#0, %0#1 : tensor<0x32xi8>, tensor<0x1x512xf8E8M0FNU>
}

// The scale of no elements is 1, and is computed.
// CHECK-LABEL: func.func @result_of_no_elements(
func.func @result_of_no_elements(%x: tensor<0x64xbf16>, %i: tensor<f32>)
    -> tensor<f32> {
  // CHECK: fp4q.global_scale
  %0 = fp4q.global_scale ins(%x : tensor<0x64xbf16>) outs(%i : tensor<f32>)
      -> tensor<f32>
  return %0 : tensor<f32>
}
