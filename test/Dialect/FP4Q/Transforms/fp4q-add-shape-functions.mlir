// RUN: fp4q-opt %s --fp4q-add-shape-functions --resolve-ranked-shaped-type-result-dims --canonicalize --cse --canonicalize | FileCheck %s

// CHECK-DAG: #[[$CEIL128:.*]] = affine_map<()[s0] -> (s0 ceildiv 128)>

// The sizes of both results, one after the other, then three numbers that say
// which sizes contradict each other.
// CHECK-LABEL: func.func @matmul(
// CHECK:         fp4q.scaled_matmul
func.func @matmul(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                  %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>)
    -> (tensor<?x8xf32>, tensor<f32>) {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %a, %c0 : tensor<?x32xi8>
  %empty = tensor.empty(%rows) : tensor<?x8xf32>
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %scalar = tensor.empty() : tensor<f32>
  %1 = fp4q.global_scale ins(%0 : tensor<?x8xf32>)
      outs(%scalar : tensor<f32>) -> tensor<f32>
  return %0, %1 : tensor<?x8xf32>, tensor<f32>
}
// CHECK-LABEL: func.func @matmul__result_shapes(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>, %[[SA:[^:]+]]: tensor<?x2xf8E8M0FNU>, %{{[^:]+}}: tensor<8x32xi8>, %{{[^:]+}}: tensor<8x2xf8E8M0FNU>, %[[SIZES:[^:]+]]: memref<5xindex>) {
// CHECK-NOT:     fp4q.
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG:     %[[C3:.*]] = arith.constant 3 : index
// CHECK-DAG:     %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG:     %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG:     %[[ROWS:.*]] = tensor.dim %[[A]], %[[C0]]
// CHECK:         memref.store %[[ROWS]], %[[SIZES]][%[[C0]]]
// CHECK:         memref.store %[[C8]], %[[SIZES]][%[[C1]]]
// CHECK:         %[[SCALES:.*]] = tensor.dim %[[SA]], %[[C0]]
// CHECK:         %[[AGREE:.*]] = arith.cmpi eq, %[[ROWS]], %[[SCALES]] : index
// CHECK-DAG:     %[[CHECK:.*]] = arith.select %[[AGREE]], %[[C0]], %[[C1]] : index
// CHECK-DAG:     %[[LHS:.*]] = arith.select %[[AGREE]], %[[C0]], %[[ROWS]] : index
// CHECK-DAG:     %[[RHS:.*]] = arith.select %[[AGREE]], %[[C0]], %[[SCALES]] : index
// CHECK:         memref.store %[[CHECK]], %[[SIZES]][%[[C2]]]
// CHECK:         memref.store %[[LHS]], %[[SIZES]][%[[C3]]]
// CHECK:         memref.store %[[RHS]], %[[SIZES]][%[[C4]]]
// CHECK-NEXT:    return

// Attributes of arguments stay, those of results have no place.
func.func @attributes(%x: tensor<?x4xf8E4M3FN> {bufferization.writable = false})
    -> (tensor<?x1x512xf8E4M3FN> {bufferization.writable = true}) {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %rows = tensor.dim %x, %c0 : tensor<?x4xf8E4M3FN>
  %tiles = arith.ceildivui %rows, %c128 : index
  %empty = tensor.empty(%tiles) : tensor<?x1x512xf8E4M3FN>
  %0 = fp4q.swizzle_scales ins(%x : tensor<?x4xf8E4M3FN>)
      outs(%empty : tensor<?x1x512xf8E4M3FN>) -> tensor<?x1x512xf8E4M3FN>
  return %0 : tensor<?x1x512xf8E4M3FN>
}
// CHECK-LABEL: func.func @attributes__result_shapes(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x4xf8E4M3FN> {bufferization.writable = false}, %[[SIZES:[^:]+]]: memref<6xindex>) {
// CHECK-DAG:     %[[ROWS:.*]] = tensor.dim %[[X]]
// CHECK-DAG:     %[[TILES:.*]] = affine.apply #[[$CEIL128]]()[%[[ROWS]]]
// CHECK:         memref.store %[[TILES]], %[[SIZES]]

// Nothing is added for functions that are private, have no body, or return
// nothing or more than ranked tensors.
// CHECK-NOT: __result_shapes
func.func private @private(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
func.func private @external(tensor<?xf32>) -> tensor<?xf32>
func.func @no_results(%x: tensor<?xf32>) {
  return
}
func.func @scalar_result(%x: tensor<?xf32>, %f: f32) -> (tensor<?xf32>, f32) {
  return %x, %f : tensor<?xf32>, f32
}
func.func @unranked_result(%x: tensor<*xf32>) -> tensor<*xf32> {
  return %x : tensor<*xf32>
}
func.func @memref_result(%x: memref<?xf32>) -> memref<?xf32> {
  return %x : memref<?xf32>
}
