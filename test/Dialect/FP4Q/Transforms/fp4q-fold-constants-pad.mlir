// tensor.pad in front of operations of fp4q, as fp4q-legalize-layouts makes it.
// RUN: fp4q-opt %s --fp4q-fold-constants | FileCheck %s
// RUN: fp4q-opt %s --fp4q-fold-constants=max-elements=4 --fp4q-remarks 2>&1 | FileCheck %s --check-prefix=LIMIT

// In all dimensions, in front and behind; three bytes of two rows of two
// matrices.
// CHECK-LABEL: func.func @pad(
// CHECK: %[[P:.*]] = arith.constant dense<{{\[\[}}[9, 9, 9, 9], [1, 2, 9, 9], [3, 4, 9, 9]],
// CHECK-SAME: {{\[\[}}9, 9, 9, 9], [5, 6, 9, 9], [7, 8, 9, 9]],
// CHECK-SAME: {{\[\[}}9, 9, 9, 9], [9, 9, 9, 9], [9, 9, 9, 9]]]> : tensor<3x3x4xi8>
// CHECK: fp4q.dequant ins(%[[P]],
// LIMIT: [[@LINE+12]]:8: remark: [Missed] constant not folded {{.*}} Function=pad | Reason="36 elements are more than the option max-elements permits: 4"
// LIMIT: remark: [Missed] constant not folded {{.*}} Function=others | Reason="the padding or its extent is not constant, or elements are cut off"
// LIMIT: remark: [Missed] constant not folded {{.*}} Function=others | Reason="the padding or its extent is not constant, or elements are cut off"
// LIMIT-COUNT-3: Function=cut | Reason="the padding or its extent is not constant, or elements are cut off"
// LIMIT: remark: [Missed] constant not folded {{.*}} Function=huge | Reason="4000000000000 elements are more than the option max-elements permits: 4"
// LIMIT-LABEL: func.func @pad(
// LIMIT: tensor.pad
func.func @pad(%s: tensor<3x3x4xf8E8M0FNU>, %y: tensor<3x3x8xf32>)
    -> tensor<3x3x8xf32> {
  %c = arith.constant dense<[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]>
      : tensor<2x2x2xi8>
  %nine = arith.constant 9 : i8
  %p = tensor.pad %c low[0, 1, 0] high[1, 0, 2] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %nine : i8
  } : tensor<2x2x2xi8> to tensor<3x3x4xi8>
  %0 = fp4q.dequant ins(%p, %s : tensor<3x3x4xi8>, tensor<3x3x4xf8E8M0FNU>)
      outs(%y : tensor<3x3x8xf32>) -> tensor<3x3x8xf32>
  return %0 : tensor<3x3x8xf32>
}

// A splat, of elements of four bytes, from a resource's name.
// CHECK-LABEL: func.func @resource(
// CHECK: arith.constant dense_resource<w_padded> : tensor<1x4xf32>
func.func @resource(%t: tensor<2x2xf32>, %y: tensor<1x4xf32>)
    -> tensor<1x4xf32> {
  %w = arith.constant dense_resource<w> : tensor<1x2xf32>
  %half = arith.constant 0.5 : f32
  %p = tensor.pad %w low[0, 1] high[0, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %half : f32
  } : tensor<1x2xf32> to tensor<1x4xf32>
  %0 = fp4q.block_transform ins(%p, %t : tensor<1x4xf32>, tensor<2x2xf32>)
      outs(%y : tensor<1x4xf32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// Not what others read, nor where the padding or how much of it there is is not
// known; nor is there anything to copy from a tensor without elements.
// CHECK-LABEL: func.func @others(
// CHECK: tensor.pad
// CHECK: tensor.pad
// CHECK: tensor.pad
// CHECK-NOT: tensor.pad
// CHECK: return
func.func @others(%t: tensor<2x2xf32>, %y: tensor<1x4xf32>, %v: f32,
                  %n: index, %d: tensor<1x?xf32>)
    -> (tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>) {
  %c = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %none = arith.constant dense<> : tensor<0x2xf32>
  %half = arith.constant 0.5 : f32
  %p0 = tensor.pad %c low[0, 1] high[0, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %half : f32
  } : tensor<1x2xf32> to tensor<1x4xf32>
  %p1 = tensor.pad %c low[0, 1] high[0, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %v : f32
  } : tensor<1x2xf32> to tensor<1x4xf32>
  %p2 = tensor.pad %c low[0, %n] high[0, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %half : f32
  } : tensor<1x2xf32> to tensor<1x4xf32>
  %p3 = tensor.pad %none low[0, 1] high[1, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %half : f32
  } : tensor<0x2xf32> to tensor<1x4xf32>
  %1 = fp4q.block_transform ins(%p1, %t : tensor<1x4xf32>, tensor<2x2xf32>)
      outs(%y : tensor<1x4xf32>) -> tensor<1x4xf32>
  %2 = fp4q.block_transform ins(%p2, %t : tensor<1x4xf32>, tensor<2x2xf32>)
      outs(%y : tensor<1x4xf32>) -> tensor<1x4xf32>
  %3 = fp4q.block_transform ins(%p3, %t : tensor<1x4xf32>, tensor<2x2xf32>)
      outs(%y : tensor<1x4xf32>) -> tensor<1x4xf32>
  return %p0, %1, %2, %3 : tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>,
      tensor<1x4xf32>
}

// Neither what is cut off at an end, nor between elements without a value.
// CHECK-LABEL: func.func @cut(
// CHECK-COUNT-3: tensor.pad
// CHECK-NOT: tensor.pad
// CHECK: return
func.func @cut(%c: tensor<2x16xi8>, %y: tensor<2x32xf32>)
    -> (tensor<2x32xf32>, tensor<2x32xf32>, tensor<2x32xf32>) {
  %s = arith.constant dense<[[1.0], [2.0], [4.0]]> : tensor<3x1xf8E8M0FNU>
  %one = arith.constant dense<1.0> : tensor<1x1xf8E8M0FNU>
  %v = arith.constant 1.0 : f8E8M0FNU
  %u = ub.poison : f8E8M0FNU
  %p = tensor.pad %s low[-1, 0] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %v : f8E8M0FNU
  } : tensor<3x1xf8E8M0FNU> to tensor<2x1xf8E8M0FNU>
  %q = tensor.pad %s low[0, 0] high[-1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %v : f8E8M0FNU
  } : tensor<3x1xf8E8M0FNU> to tensor<2x1xf8E8M0FNU>
  %r = tensor.pad %one low[0, 0] high[1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %u : f8E8M0FNU
  } : tensor<1x1xf8E8M0FNU> to tensor<2x1xf8E8M0FNU>
  %0 = fp4q.dequant ins(%c, %p : tensor<2x16xi8>, tensor<2x1xf8E8M0FNU>)
      outs(%y : tensor<2x32xf32>) -> tensor<2x32xf32>
  %1 = fp4q.dequant ins(%c, %q : tensor<2x16xi8>, tensor<2x1xf8E8M0FNU>)
      outs(%y : tensor<2x32xf32>) -> tensor<2x32xf32>
  %2 = fp4q.dequant ins(%c, %r : tensor<2x16xi8>, tensor<2x1xf8E8M0FNU>)
      outs(%y : tensor<2x32xf32>) -> tensor<2x32xf32>
  return %0, %1, %2 : tensor<2x32xf32>, tensor<2x32xf32>, tensor<2x32xf32>
}

// What is made counts, not what is read.
func.func @huge(%c: tensor<4000000000000x16xi8>,
                %y: tensor<4000000000000x32xf32>)
    -> tensor<4000000000000x32xf32> {
  %s = arith.constant dense<1.0> : tensor<4x1xf8E8M0FNU>
  %v = arith.constant 1.0 : f8E8M0FNU
  %p = tensor.pad %s low[0, 0] high[3999999999996, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %v : f8E8M0FNU
  } : tensor<4x1xf8E8M0FNU> to tensor<4000000000000x1xf8E8M0FNU>
  %0 = fp4q.dequant ins(%c, %p : tensor<4000000000000x16xi8>, tensor<4000000000000x1xf8E8M0FNU>)
      outs(%y : tensor<4000000000000x32xf32>)
      -> tensor<4000000000000x32xf32>
  return %0 : tensor<4000000000000x32xf32>
}

// CHECK: w_padded: "0x400000000000003F0000803F000000400000003F"
{-#
  dialect_resources: { builtin: { w: "0x040000000000803F00000040" } }
#-}
