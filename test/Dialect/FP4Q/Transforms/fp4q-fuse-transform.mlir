// RUN: fp4q-opt %s --fp4q-fuse-transform | FileCheck %s
// RUN: fp4q-opt %s --fp4q-fuse-transform=multi-use=true | FileCheck %s --check-prefix=MULTI

// Each positive case stands next to its nearest negative. What bf16 and f16
// results and their permissions do is in fp4q-fuse-transform-relaxed.mlir.

//===----------------------------------------------------------------------===//
// Blocks and groups
//===----------------------------------------------------------------------===//

// B = G, one matrix a block.
// CHECK-LABEL: func.func @block_equals_group(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<2x32x32xbf16>
func.func @block_equals_group(%x: tensor<?x64xbf16>, %t: tensor<2x32x32xbf16>,
    %y: tensor<?x64xf32>, %c: tensor<?x32xi8>, %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  // CHECK-NOT: fp4q.block_transform
  // CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>) transform(%[[T]] : tensor<2x32x32xbf16>)
  %0 = fp4q.block_transform ins(%x, %t : tensor<?x64xbf16>, tensor<2x32x32xbf16>)
      outs(%y : tensor<?x64xf32>) -> tensor<?x64xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xf32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// B > G, one matrix for all blocks; the scales are given.
// CHECK-LABEL: func.func @block_above_group(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<4x128xf16>, %[[T:[^:]+]]: tensor<64x64xf32>, %[[S:[^:]+]]: tensor<4x8xf8E4M3FN>
func.func @block_above_group(%x: tensor<4x128xf16>, %t: tensor<64x64xf32>,
    %s: tensor<4x8xf8E4M3FN>, %gs: f32, %y: tensor<4x128xf32>,
    %c: tensor<4x64xi8>) -> tensor<4x64xi8> {
  // CHECK-NOT: fp4q.block_transform
  // CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<4x128xf16>) transform(%[[T]] : tensor<64x64xf32>) scales(%[[S]] : tensor<4x8xf8E4M3FN>)
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x128xf16>, tensor<64x64xf32>)
      outs(%y : tensor<4x128xf32>) -> tensor<4x128xf32>
  %1 = fp4q.quantize_pack ins(%0 : tensor<4x128xf32>)
      scales(%s : tensor<4x8xf8E4M3FN>) global_scale(%gs : f32)
      outs(%c : tensor<4x64xi8>) -> tensor<4x64xi8>
  return %1 : tensor<4x64xi8>
}

// B < G, to blocked scales.
// CHECK-LABEL: func.func @block_below_group(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<4x128xf32>, %[[T:[^:]+]]: tensor<16x8x8xf32>
func.func @block_below_group(%x: tensor<4x128xf32>, %t: tensor<16x8x8xf32>,
    %y: tensor<4x128xf32>, %c: tensor<4x64xi8>, %s: tensor<1x1x512xf8E8M0FNU>)
    -> (tensor<4x64xi8>, tensor<1x1x512xf8E8M0FNU>) {
  // CHECK-NOT: fp4q.block_transform
  // CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<4x128xf32>) transform(%[[T]] : tensor<16x8x8xf32>)
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x128xf32>, tensor<16x8x8xf32>)
      outs(%y : tensor<4x128xf32>) -> tensor<4x128xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<4x128xf32>)
      outs(%c, %s : tensor<4x64xi8>, tensor<1x1x512xf8E8M0FNU>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<4x64xi8>, tensor<1x1x512xf8E8M0FNU>
  return %1#0, %1#1 : tensor<4x64xi8>, tensor<1x1x512xf8E8M0FNU>
}

// A quantizer has one transform; the nearest is fused, the other stays.
// CHECK-LABEL: func.func @two_transforms(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<4x64xf32>, %[[T:[^:]+]]: tensor<32x32xf32>, %[[U:[^:]+]]: tensor<64x64xf32>
func.func @two_transforms(%x: tensor<4x64xf32>, %t: tensor<32x32xf32>,
    %u: tensor<64x64xf32>, %y: tensor<4x64xf32>, %c: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>) -> tensor<4x32xi8> {
  // CHECK: %[[Y:.*]] = fp4q.block_transform ins(%[[X]], %[[T]] :
  // CHECK-NOT: fp4q.block_transform
  // CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<4x64xf32>) transform(%[[U]] : tensor<64x64xf32>)
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  %1 = fp4q.block_transform ins(%0, %u : tensor<4x64xf32>, tensor<64x64xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  %2:2 = fp4q.quantize_pack ins(%1 : tensor<4x64xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %2#0 : tensor<4x32xi8>
}

//===----------------------------------------------------------------------===//
// Uses
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @other_use(
// CHECK: %[[Y:.*]] = fp4q.block_transform
// CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<4x64xf32>) outs
// MULTI-LABEL: func.func @other_use(
// MULTI-SAME:      %[[X:[^:]+]]: tensor<4x64xf32>
// MULTI: %[[Y:.*]] = fp4q.block_transform
// MULTI: fp4q.quantize_pack ins(%[[X]] : tensor<4x64xf32>) transform
// MULTI: return %{{.*}}, %[[Y]]
func.func @other_use(%x: tensor<4x64xf32>, %t: tensor<32x32xf32>,
    %y: tensor<4x64xf32>, %c: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>)
    -> (tensor<4x32xi8>, tensor<4x64xf32>) {
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<4x64xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %1#0, %0 : tensor<4x32xi8>, tensor<4x64xf32>
}

// Two quantizers of one result: with the option, nothing is left of it.
// CHECK-LABEL: func.func @two_quantizers(
// CHECK: fp4q.block_transform
// CHECK-NOT: transform(
// MULTI-LABEL: func.func @two_quantizers(
// MULTI-NOT: fp4q.block_transform
// MULTI-COUNT-2: transform(
func.func @two_quantizers(%x: tensor<4x64xf32>, %t: tensor<32x32xf32>,
    %y: tensor<4x64xf32>, %c: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>,
    %u: tensor<4x4xf8E4M3FN>) -> (tensor<4x32xi8>, tensor<4x32xi8>) {
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<4x64xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  %2:2 = fp4q.quantize_pack ins(%0 : tensor<4x64xf32>)
      outs(%c, %u : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>)
      -> tensor<4x32xi8>, tensor<4x4xf8E4M3FN>
  return %1#0, %2#0 : tensor<4x32xi8>, tensor<4x32xi8>
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @collapse_leading(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<2x?x64xbf16>
func.func @collapse_leading(%x: tensor<2x?x64xbf16>, %t: tensor<2x32x32xbf16>,
    %y: tensor<2x?x64xf32>, %c: tensor<?x32xi8>, %s: tensor<?x2xf8E8M0FNU>)
    -> tensor<?x32xi8> {
  // CHECK-NOT: fp4q.block_transform
  // CHECK: %[[R:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]] : tensor<2x?x64xbf16> into tensor<?x64xbf16>
  // CHECK-NEXT: fp4q.quantize_pack ins(%[[R]] : tensor<?x64xbf16>) transform
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<2x?x64xbf16>, tensor<2x32x32xbf16>)
      outs(%y : tensor<2x?x64xf32>) -> tensor<2x?x64xf32>
  %1 = tensor.collapse_shape %0 [[0, 1], [2]]
      : tensor<2x?x64xf32> into tensor<?x64xf32>
  %2:2 = fp4q.quantize_pack ins(%1 : tensor<?x64xf32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %2#0 : tensor<?x32xi8>
}

// Blocks of the last dimension would no longer be those that were transformed.
// CHECK-LABEL: func.func @collapse_last(
// CHECK: %[[Y:.*]] = fp4q.block_transform
// CHECK: %[[R:.*]] = tensor.collapse_shape %[[Y]]
// CHECK: fp4q.quantize_pack ins(%[[R]] : tensor<2x256xf32>) outs
func.func @collapse_last(%x: tensor<2x4x64xbf16>, %t: tensor<2x32x32xbf16>,
    %y: tensor<2x4x64xf32>, %c: tensor<2x128xi8>, %s: tensor<2x8xf8E8M0FNU>)
    -> tensor<2x128xi8> {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<2x4x64xbf16>, tensor<2x32x32xbf16>)
      outs(%y : tensor<2x4x64xf32>) -> tensor<2x4x64xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2]]
      : tensor<2x4x64xf32> into tensor<2x256xf32>
  %2:2 = fp4q.quantize_pack ins(%1 : tensor<2x256xf32>)
      outs(%c, %s : tensor<2x128xi8>, tensor<2x8xf8E8M0FNU>)
      -> tensor<2x128xi8>, tensor<2x8xf8E8M0FNU>
  return %2#0 : tensor<2x128xi8>
}

// CHECK-LABEL: func.func @expand_and_cast(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
func.func @expand_and_cast(%x: tensor<?x64xbf16>, %t: tensor<32x32xf32>,
    %m: index, %y: tensor<?x64xf32>, %c: tensor<2x4x32xi8>,
    %s: tensor<2x4x2xf8E8M0FNU>) -> tensor<2x4x32xi8> {
  // CHECK-NOT: fp4q.block_transform
  // CHECK: %[[E:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0, 1], [2]] output_shape [2, %{{.*}}, 64] : tensor<?x64xbf16> into tensor<2x?x64xbf16>
  // CHECK-NEXT: %[[C:.*]] = tensor.cast %[[E]] : tensor<2x?x64xbf16> to tensor<2x4x64xbf16>
  // CHECK-NEXT: fp4q.quantize_pack ins(%[[C]] : tensor<2x4x64xbf16>) transform
  %0 = fp4q.block_transform ins(%x, %t : tensor<?x64xbf16>, tensor<32x32xf32>)
      outs(%y : tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [2, %m, 64]
      : tensor<?x64xf32> into tensor<2x?x64xf32>
  %2 = tensor.cast %1 : tensor<2x?x64xf32> to tensor<2x4x64xf32>
  %3:2 = fp4q.quantize_pack ins(%2 : tensor<2x4x64xf32>)
      outs(%c, %s : tensor<2x4x32xi8>, tensor<2x4x2xf8E8M0FNU>)
      -> tensor<2x4x32xi8>, tensor<2x4x2xf8E8M0FNU>
  return %3#0 : tensor<2x4x32xi8>
}

// CHECK-LABEL: func.func @expand_last(
// CHECK: fp4q.block_transform
// CHECK: %[[R:.*]] = tensor.expand_shape
// CHECK: fp4q.quantize_pack ins(%[[R]] : tensor<4x2x32xf32>) outs
func.func @expand_last(%x: tensor<4x64xf32>, %t: tensor<64x64xf32>,
    %y: tensor<4x64xf32>, %c: tensor<4x2x16xi8>, %s: tensor<4x2x1xf8E8M0FNU>)
    -> tensor<4x2x16xi8> {
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<64x64xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  %1 = tensor.expand_shape %0 [[0], [1, 2]] output_shape [4, 2, 32]
      : tensor<4x64xf32> into tensor<4x2x32xf32>
  %2:2 = fp4q.quantize_pack ins(%1 : tensor<4x2x32xf32>)
      outs(%c, %s : tensor<4x2x16xi8>, tensor<4x2x1xf8E8M0FNU>)
      -> tensor<4x2x16xi8>, tensor<4x2x1xf8E8M0FNU>
  return %2#0 : tensor<4x2x16xi8>
}

//===----------------------------------------------------------------------===//
// Recipes that read the type of x
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @input_type_same(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<4x64xf32>
// CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<4x64xf32>) transform
func.func @input_type_same(%x: tensor<4x64xf32>, %t: tensor<32x32xf32>,
    %gs: f32, %y: tensor<4x64xf32>, %c: tensor<4x32xi8>,
    %s: tensor<4x4xf8E4M3FN>) -> tensor<4x32xi8> {
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<4x64xf32>) global_scale(%gs : f32)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>)
      {recipe = #fp4q.recipe<"ct-nv">}
      -> tensor<4x32xi8>, tensor<4x4xf8E4M3FN>
  return %1#0 : tensor<4x32xi8>
}

// CHECK-LABEL: func.func @input_type_other(
// CHECK: %[[Y:.*]] = fp4q.block_transform
// CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<4x64xf32>) global_scale
func.func @input_type_other(%x: tensor<4x64xbf16>, %t: tensor<32x32xf32>,
    %gs: f32, %y: tensor<4x64xf32>, %c: tensor<4x32xi8>,
    %s: tensor<4x4xf8E4M3FN>) -> tensor<4x32xi8> {
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xbf16>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<4x64xf32>) global_scale(%gs : f32)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>)
      {recipe = #fp4q.recipe<"ct-nv">}
      -> tensor<4x32xi8>, tensor<4x4xf8E4M3FN>
  return %1#0 : tensor<4x32xi8>
}

//===----------------------------------------------------------------------===//
// Widening casts
//===----------------------------------------------------------------------===//

#id = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func.func @widening(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<4x64xbf16>, %[[T:[^:]+]]: tensor<32x32xf32>
func.func @widening(%x: tensor<4x64xbf16>, %t: tensor<32x32xf32>,
    %i: tensor<f32>, %y: tensor<4x64xf32>, %c: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>)
    -> (tensor<4x32xi8>, tensor<4x64xf32>, tensor<f32>) {
  // CHECK-NOT: arith.extf
  // CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<4x64xbf16>) outs
  // CHECK: fp4q.block_transform ins(%[[X]], %[[T]] : tensor<4x64xbf16>, tensor<32x32xf32>)
  // CHECK: fp4q.global_scale ins(%[[X]] : tensor<4x64xbf16>)
  %0 = arith.extf %x : tensor<4x64xbf16> to tensor<4x64xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x64xbf16>) outs(%y : tensor<4x64xf32>) {
  ^bb0(%e: bf16, %o: f32):
    %w = arith.extf %e : bf16 to f32
    linalg.yield %w : f32
  } -> tensor<4x64xf32>
  %2:2 = fp4q.quantize_pack ins(%0 : tensor<4x64xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  %3 = fp4q.block_transform ins(%1, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  %4 = fp4q.global_scale ins(%1 : tensor<4x64xf32>) outs(%i : tensor<f32>)
      -> tensor<f32>
  return %2#0, %3, %4 : tensor<4x32xi8>, tensor<4x64xf32>, tensor<f32>
}
