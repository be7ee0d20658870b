// RUN: fp4q-opt %s --fp4q-fuse-transform | FileCheck %s

// Blocks of a transform and groups of scales in every relation, one matrix for
// all blocks or one each. Next to each, the same with a bf16 result, whose
// rounding fusion would skip.

// B = G, a matrix a block.
// CHECK-LABEL: func.func @block_equals_group_per_block(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<2x32x32xf32>
// CHECK-NOT: fp4q.block_transform
// CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>) transform(%[[T]] : tensor<2x32x32xf32>)
func.func @block_equals_group_per_block(%x: tensor<?x64xbf16>,
    %t: tensor<2x32x32xf32>, %y: tensor<?x64xf32>, %c: tensor<?x32xi8>,
    %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<2x32x32xf32>)
      outs(%y : tensor<?x64xf32>) -> tensor<?x64xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xf32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// CHECK-LABEL: func.func @block_equals_group_per_block_rounded(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<2x32x32xf32>
// CHECK: %[[Y:.*]] = fp4q.block_transform ins(%[[X]], %[[T]] :
// CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<?x64xbf16>) outs
func.func @block_equals_group_per_block_rounded(%x: tensor<?x64xbf16>,
    %t: tensor<2x32x32xf32>, %y: tensor<?x64xbf16>, %c: tensor<?x32xi8>,
    %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<2x32x32xf32>)
      outs(%y : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// B = G, one matrix.
// CHECK-LABEL: func.func @block_equals_group_shared(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<32x32xf32>
// CHECK-NOT: fp4q.block_transform
// CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>) transform(%[[T]] : tensor<32x32xf32>)
func.func @block_equals_group_shared(%x: tensor<?x64xbf16>,
    %t: tensor<32x32xf32>, %y: tensor<?x64xf32>, %c: tensor<?x32xi8>,
    %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<32x32xf32>)
      outs(%y : tensor<?x64xf32>) -> tensor<?x64xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xf32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// CHECK-LABEL: func.func @block_equals_group_shared_rounded(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<32x32xf32>
// CHECK: %[[Y:.*]] = fp4q.block_transform ins(%[[X]], %[[T]] :
// CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<?x64xbf16>) outs
func.func @block_equals_group_shared_rounded(%x: tensor<?x64xbf16>,
    %t: tensor<32x32xf32>, %y: tensor<?x64xbf16>, %c: tensor<?x32xi8>,
    %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<32x32xf32>)
      outs(%y : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// B > G, a matrix a block.
// CHECK-LABEL: func.func @block_above_group_per_block(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<1x64x64xf32>
// CHECK-NOT: fp4q.block_transform
// CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>) transform(%[[T]] : tensor<1x64x64xf32>)
func.func @block_above_group_per_block(%x: tensor<?x64xbf16>,
    %t: tensor<1x64x64xf32>, %y: tensor<?x64xf32>, %c: tensor<?x32xi8>,
    %s: tensor<?x4xf8E4M3FN>)
    -> (tensor<?x32xi8>, tensor<?x4xf8E4M3FN>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<1x64x64xf32>)
      outs(%y : tensor<?x64xf32>) -> tensor<?x64xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xf32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
      -> tensor<?x32xi8>, tensor<?x4xf8E4M3FN>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>
}

// CHECK-LABEL: func.func @block_above_group_per_block_rounded(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<1x64x64xf32>
// CHECK: %[[Y:.*]] = fp4q.block_transform ins(%[[X]], %[[T]] :
// CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<?x64xbf16>) outs
func.func @block_above_group_per_block_rounded(%x: tensor<?x64xbf16>,
    %t: tensor<1x64x64xf32>, %y: tensor<?x64xbf16>, %c: tensor<?x32xi8>,
    %s: tensor<?x4xf8E4M3FN>)
    -> (tensor<?x32xi8>, tensor<?x4xf8E4M3FN>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<1x64x64xf32>)
      outs(%y : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
      -> tensor<?x32xi8>, tensor<?x4xf8E4M3FN>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>
}

// B > G, one matrix.
// CHECK-LABEL: func.func @block_above_group_shared(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<64x64xf32>
// CHECK-NOT: fp4q.block_transform
// CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>) transform(%[[T]] : tensor<64x64xf32>)
func.func @block_above_group_shared(%x: tensor<?x64xbf16>,
    %t: tensor<64x64xf32>, %y: tensor<?x64xf32>, %c: tensor<?x32xi8>,
    %s: tensor<?x4xf8E4M3FN>)
    -> (tensor<?x32xi8>, tensor<?x4xf8E4M3FN>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<64x64xf32>)
      outs(%y : tensor<?x64xf32>) -> tensor<?x64xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xf32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
      -> tensor<?x32xi8>, tensor<?x4xf8E4M3FN>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>
}

// CHECK-LABEL: func.func @block_above_group_shared_rounded(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<64x64xf32>
// CHECK: %[[Y:.*]] = fp4q.block_transform ins(%[[X]], %[[T]] :
// CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<?x64xbf16>) outs
func.func @block_above_group_shared_rounded(%x: tensor<?x64xbf16>,
    %t: tensor<64x64xf32>, %y: tensor<?x64xbf16>, %c: tensor<?x32xi8>,
    %s: tensor<?x4xf8E4M3FN>)
    -> (tensor<?x32xi8>, tensor<?x4xf8E4M3FN>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<64x64xf32>)
      outs(%y : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
      -> tensor<?x32xi8>, tensor<?x4xf8E4M3FN>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>
}

// B < G, a matrix a block.
// CHECK-LABEL: func.func @block_below_group_per_block(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<8x8x8xf32>
// CHECK-NOT: fp4q.block_transform
// CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>) transform(%[[T]] : tensor<8x8x8xf32>)
func.func @block_below_group_per_block(%x: tensor<?x64xbf16>,
    %t: tensor<8x8x8xf32>, %y: tensor<?x64xf32>, %c: tensor<?x32xi8>,
    %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<8x8x8xf32>)
      outs(%y : tensor<?x64xf32>) -> tensor<?x64xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xf32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// CHECK-LABEL: func.func @block_below_group_per_block_rounded(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<8x8x8xf32>
// CHECK: %[[Y:.*]] = fp4q.block_transform ins(%[[X]], %[[T]] :
// CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<?x64xbf16>) outs
func.func @block_below_group_per_block_rounded(%x: tensor<?x64xbf16>,
    %t: tensor<8x8x8xf32>, %y: tensor<?x64xbf16>, %c: tensor<?x32xi8>,
    %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<8x8x8xf32>)
      outs(%y : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// B < G, one matrix.
// CHECK-LABEL: func.func @block_below_group_shared(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<8x8xf32>
// CHECK-NOT: fp4q.block_transform
// CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>) transform(%[[T]] : tensor<8x8xf32>)
func.func @block_below_group_shared(%x: tensor<?x64xbf16>,
    %t: tensor<8x8xf32>, %y: tensor<?x64xf32>, %c: tensor<?x32xi8>,
    %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<8x8xf32>)
      outs(%y : tensor<?x64xf32>) -> tensor<?x64xf32>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xf32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// CHECK-LABEL: func.func @block_below_group_shared_rounded(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<8x8xf32>
// CHECK: %[[Y:.*]] = fp4q.block_transform ins(%[[X]], %[[T]] :
// CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<?x64xbf16>) outs
func.func @block_below_group_shared_rounded(%x: tensor<?x64xbf16>,
    %t: tensor<8x8xf32>, %y: tensor<?x64xbf16>, %c: tensor<?x32xi8>,
    %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<8x8xf32>)
      outs(%y : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %1#0, %1#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}
