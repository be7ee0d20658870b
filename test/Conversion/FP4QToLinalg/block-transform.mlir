// RUN: fp4q-opt %s --convert-fp4q-to-linalg | FileCheck %s

// CHECK-DAG: #[[$X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[$PER_BLOCK:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
// CHECK-DAG: #[[$SHARED:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[$Y:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>

// Loops (row, block, j, i): a chain of fused multiply-adds of ascending j.
// CHECK-LABEL: func.func @transform_a_block(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<2x32x32xbf16>, %[[INIT:[^:]+]]: tensor<?x64xbf16>
func.func @transform_a_block(%x: tensor<?x64xbf16>, %t: tensor<2x32x32xbf16>,
                             %init: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  // CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK: %[[BLOCKS:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2]] {{.*}} into tensor<?x2x32xbf16>
  // CHECK: %[[FILL:.*]] = linalg.fill ins(%[[ZERO]] : f32) outs(%{{.*}} : tensor<?x2x32xf32>)
  // CHECK: %[[TT:.*]] = linalg.transpose ins(%[[T]] : {{.*}}) permutation = [0, 2, 1]
  // CHECK: %[[Y:.*]] = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$X]], #[[$PER_BLOCK]], #[[$Y]]], iterator_types = ["parallel", "parallel", "reduction", "parallel"]
  // CHECK-SAME: ins(%[[BLOCKS]], %[[TT]] : {{.*}}) outs(%[[FILL]] :
  // CHECK-NEXT: ^bb0(%[[E:.*]]: bf16, %[[M:.*]]: bf16, %[[SUM:.*]]: f32):
  // CHECK-NEXT:   %[[E32:.*]] = arith.extf %[[E]] : bf16 to f32
  // CHECK-NEXT:   %[[M32:.*]] = arith.extf %[[M]] : bf16 to f32
  // CHECK-NEXT:   %[[NEXT:.*]] = math.fma %[[E32]], %[[M32]], %[[SUM]] : f32
  // CHECK-NEXT:   linalg.yield %[[NEXT]] : f32
  // CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[Y]] {{\[\[}}0], [1, 2]]
  // CHECK: linalg.generic {{.*}} ins(%[[ROWS]] : tensor<?x64xf32>) outs(%[[INIT]] : tensor<?x64xbf16>)
  // CHECK:   arith.truncf %{{.*}} : f32 to bf16
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<2x32x32xbf16>)
      outs(%init : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  return %0 : tensor<?x64xbf16>
}

// CHECK-LABEL: func.func @shared_f32_transform(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<8x64xf16>, %[[T:[^:]+]]: tensor<32x32xf32>
func.func @shared_f32_transform(%x: tensor<8x64xf16>, %t: tensor<32x32xf32>,
                                %init: tensor<8x64xf32>) -> tensor<8x64xf32> {
  // CHECK: linalg.transpose ins(%[[T]] : {{.*}}) permutation = [1, 0]
  // CHECK: linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$X]], #[[$SHARED]], #[[$Y]]]
  // CHECK-NEXT: ^bb0(%[[E:.*]]: f16, %[[M:.*]]: f32, %[[SUM:.*]]: f32):
  // CHECK-NEXT:   %[[E32:.*]] = arith.extf %[[E]] : f16 to f32
  // CHECK-NEXT:   math.fma %[[E32]], %[[M]], %[[SUM]] : f32
  // CHECK-NOT: arith.truncf
  // CHECK: return
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x64xf16>, tensor<32x32xf32>)
      outs(%init : tensor<8x64xf32>) -> tensor<8x64xf32>
  return %0 : tensor<8x64xf32>
}
