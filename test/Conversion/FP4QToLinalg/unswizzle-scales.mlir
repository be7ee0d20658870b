// RUN: fp4q-opt %s --convert-fp4q-to-linalg | FileCheck %s

// CHECK-DAG: #[[$LINEAR:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d2, d1, d4)>
// CHECK-DAG: #[[$BLOCKED:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>

// Permuted, then cut to the rows and columns of the init.
// CHECK-LABEL: func.func @unswizzle(
// CHECK-SAME:      %[[Z:[^:]+]]: tensor<?x2x512xf8E4M3FN>, %[[INIT:[^:]+]]: tensor<?x6xf8E4M3FN>
func.func @unswizzle(%z: tensor<?x2x512xf8E4M3FN>, %init: tensor<?x6xf8E4M3FN>)
    -> tensor<?x6xf8E4M3FN> {
  // CHECK: %[[FROM:.*]] = tensor.expand_shape %[[Z]] {{\[\[}}0], [1], [2, 3, 4]] {{.*}} into tensor<?x2x32x4x4xf8E4M3FN>
  // CHECK: %[[S:.*]] = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$BLOCKED]], #[[$LINEAR]]]
  // CHECK-SAME: ins(%[[FROM]] : {{.*}}) outs(%{{.*}} : tensor<?x4x32x2x4xf8E4M3FN>)
  // CHECK-NEXT: ^bb0(%[[BYTE:.*]]: f8E4M3FN, %{{.*}}: f8E4M3FN):
  // CHECK-NEXT:   linalg.yield %[[BYTE]]
  // CHECK: %[[WHOLE:.*]] = tensor.collapse_shape %[[S]] {{\[\[}}0, 1, 2], [3, 4]] {{.*}} into tensor<?x8xf8E4M3FN>
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[INIT]]
  // CHECK: tensor.extract_slice %[[WHOLE]][0, 0] [%[[ROWS]], 6] [1, 1]
  %0 = fp4q.unswizzle_scales ins(%z : tensor<?x2x512xf8E4M3FN>)
      outs(%init : tensor<?x6xf8E4M3FN>) -> tensor<?x6xf8E4M3FN>
  return %0 : tensor<?x6xf8E4M3FN>
}
