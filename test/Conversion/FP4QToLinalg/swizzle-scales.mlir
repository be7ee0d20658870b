// RUN: fp4q-opt %s --convert-fp4q-to-linalg | FileCheck %s

// CHECK-DAG: #[[$MISSING:.*]] = affine_map<()[s0, s1] -> (s0 * 128 - s1)>
// CHECK-DAG: #[[$LINEAR:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d2, d1, d4)>
// CHECK-DAG: #[[$BLOCKED:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>

// Padded with byte 0 to whole tiles, then permuted: loops (tile row, tile
// column, row of a quarter, quarter, column).
// CHECK-LABEL: func.func @swizzle(
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x6xf8E4M3FN>, %[[INIT:[^:]+]]: tensor<?x2x512xf8E4M3FN>
func.func @swizzle(%s: tensor<?x6xf8E4M3FN>, %init: tensor<?x2x512xf8E4M3FN>)
    -> tensor<?x2x512xf8E4M3FN> {
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f8E4M3FN
  // CHECK-DAG: %[[TILES:.*]] = tensor.dim %[[INIT]]
  // CHECK-DAG: %[[ROWS:.*]] = tensor.dim %[[S]]
  // CHECK: %[[MISSING:.*]] = affine.apply #[[$MISSING]]()[%[[TILES]], %[[ROWS]]]
  // CHECK: %[[PADDED:.*]] = tensor.pad %[[S]] low[0, 0] high[%[[MISSING]], 2]
  // CHECK:   tensor.yield %[[ZERO]]
  // CHECK: %[[FROM:.*]] = tensor.expand_shape %[[PADDED]] {{\[\[}}0, 1, 2], [3, 4]] {{.*}} into tensor<?x4x32x2x4xf8E4M3FN>
  // CHECK: %[[TO:.*]] = tensor.expand_shape %[[INIT]] {{\[\[}}0], [1], [2, 3, 4]] {{.*}} into tensor<?x2x32x4x4xf8E4M3FN>
  // CHECK: %[[Z:.*]] = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$LINEAR]], #[[$BLOCKED]]]
  // CHECK-SAME: ins(%[[FROM]] : {{.*}}) outs(%[[TO]] :
  // CHECK-NEXT: ^bb0(%[[BYTE:.*]]: f8E4M3FN, %{{.*}}: f8E4M3FN):
  // CHECK-NEXT:   linalg.yield %[[BYTE]]
  // CHECK: tensor.collapse_shape %[[Z]] {{\[\[}}0], [1], [2, 3, 4]]
  %0 = fp4q.swizzle_scales ins(%s : tensor<?x6xf8E4M3FN>)
      outs(%init : tensor<?x2x512xf8E4M3FN>) -> tensor<?x2x512xf8E4M3FN>
  return %0 : tensor<?x2x512xf8E4M3FN>
}

// The byte 0 is 2^-127 in e8m0, which has no zero.
// CHECK-LABEL: func.func @pads_with_byte_0(
func.func @pads_with_byte_0(%s: tensor<3x130x2xf8E8M0FNU>,
                            %init: tensor<3x2x1x512xf8E8M0FNU>)
    -> tensor<3x2x1x512xf8E8M0FNU> {
  // CHECK: %[[BYTE0:.*]] = arith.constant 5.877470e-39 : f8E8M0FNU
  // CHECK: tensor.pad %{{.*}} low[0, 0, 0] high[0, 126, 2]
  // CHECK:   tensor.yield %[[BYTE0]]
  %0 = fp4q.swizzle_scales ins(%s : tensor<3x130x2xf8E8M0FNU>)
      outs(%init : tensor<3x2x1x512xf8E8M0FNU>) -> tensor<3x2x1x512xf8E8M0FNU>
  return %0 : tensor<3x2x1x512xf8E8M0FNU>
}
