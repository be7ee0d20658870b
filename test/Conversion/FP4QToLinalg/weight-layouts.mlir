// RUN: fp4q-opt %s --convert-fp4q-to-linalg | FileCheck %s

// CHECK-DAG: #[[$MISSING:.*]] = affine_map<()[s0, s1] -> (s0 * 16 - s1)>
// CHECK-DAG: #[[$LINEAR:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, d3)>
// CHECK-DAG: #[[$PACKED:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>

// Padded with zeros to whole tiles, then permuted: loops (tile row, tile column,
// row, byte).
// CHECK-LABEL: func.func @pack(
// CHECK-SAME:      %[[W:[^:]+]]: tensor<?x33xi8>, %[[INIT:[^:]+]]: tensor<?x9x64xi8>
func.func @pack(%w: tensor<?x33xi8>, %init: tensor<?x9x64xi8>)
    -> tensor<?x9x64xi8> {
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i8
  // CHECK-DAG: %[[TILES:.*]] = tensor.dim %[[INIT]]
  // CHECK-DAG: %[[ROWS:.*]] = tensor.dim %[[W]]
  // CHECK: %[[MISSING:.*]] = affine.apply #[[$MISSING]]()[%[[TILES]], %[[ROWS]]]
  // CHECK: %[[PADDED:.*]] = tensor.pad %[[W]] low[0, 0] high[%[[MISSING]], 3]
  // CHECK:   tensor.yield %[[ZERO]]
  // CHECK: %[[FROM:.*]] = tensor.expand_shape %[[PADDED]] {{\[\[}}0, 1], [2, 3]] {{.*}} into tensor<?x16x9x4xi8>
  // CHECK: %[[TO:.*]] = tensor.expand_shape %[[INIT]] {{\[\[}}0], [1], [2, 3]] {{.*}} into tensor<?x9x16x4xi8>
  // CHECK: %[[P:.*]] = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$LINEAR]], #[[$PACKED]]]
  // CHECK-SAME: ins(%[[FROM]] : {{.*}}) outs(%[[TO]] :
  // CHECK-NEXT: ^bb0(%[[BYTE:.*]]: i8, %{{.*}}: i8):
  // CHECK-NEXT:   linalg.yield %[[BYTE]]
  // CHECK: tensor.collapse_shape %[[P]] {{\[\[}}0], [1], [2, 3]]
  %0 = fp4q.pack_weights ins(%w : tensor<?x33xi8>)
      outs(%init : tensor<?x9x64xi8>) -> tensor<?x9x64xi8>
  return %0 : tensor<?x9x64xi8>
}

// CHECK-LABEL: func.func @unpack(
func.func @unpack(%p: tensor<2x9x64xi8>, %init: tensor<17x33xi8>)
    -> tensor<17x33xi8> {
  // CHECK: %[[W:.*]] = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$PACKED]], #[[$LINEAR]]]
  // CHECK: %[[WHOLE:.*]] = tensor.collapse_shape %[[W]] {{\[\[}}0, 1], [2, 3]] : tensor<2x16x9x4xi8> into tensor<32x36xi8>
  // CHECK: tensor.extract_slice %[[WHOLE]][0, 0] [17, 33] [1, 1]
  %0 = fp4q.unpack_weights ins(%p : tensor<2x9x64xi8>)
      outs(%init : tensor<17x33xi8>) -> tensor<17x33xi8>
  return %0 : tensor<17x33xi8>
}

// A product of packed weights unpacks them.
// CHECK-LABEL: func.func @product(
// CHECK: tensor.extract_slice %{{.*}}[0, 0] [17, 32] [1, 1] : tensor<32x32xi8> to tensor<17x32xi8>
// CHECK: linalg.generic
// CHECK-NOT: fp4q
func.func @product(%a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
                   %b: tensor<2x8x64xi8>, %sb: tensor<17x2xf8E8M0FNU>,
                   %init: tensor<4x17xf32>) -> tensor<4x17xf32> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<2x8x64xi8>, tensor<17x2xf8E8M0FNU>)
      outs(%init : tensor<4x17xf32>)
      {b_layout = #fp4q.weight_layout<packed_16x8>} -> tensor<4x17xf32>
  return %0 : tensor<4x17xf32>
}
