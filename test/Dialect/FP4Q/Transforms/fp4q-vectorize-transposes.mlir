// RUN: fp4q-opt %s --fp4q-vectorize-transposes | FileCheck %s

// Rows of 16 are loaded and columns of 16 stored, with shuffles in between.
// CHECK-LABEL: @vectorize
// CHECK-SAME: (%[[SOURCE:.*]]: memref<32x48xf32>, %[[TARGET:.*]]: memref<48x32xf32>)
func.func @vectorize(%source: memref<32x48xf32>, %target: memref<48x32xf32>) {
  // CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
  // CHECK-DAG: %[[C32:.*]] = arith.constant 32 : index
  // CHECK-DAG: %[[C48:.*]] = arith.constant 48 : index
  // CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[C32]] step %[[C16]]
  // CHECK: scf.for %[[J:.*]] = %{{.*}} to %[[C48]] step %[[C16]]
  // CHECK-COUNT-16: vector.load %[[SOURCE]]{{.*}} : memref<32x48xf32>, vector<16xf32>
  // CHECK: vector.shuffle
  // CHECK-NOT: vector.transpose
  // CHECK-COUNT-16: vector.store {{.*}} %[[TARGET]]{{.*}} : memref<48x32xf32>, vector<16xf32>
  // CHECK-NOT: linalg.transpose
  linalg.transpose ins(%source : memref<32x48xf32>)
      outs(%target : memref<48x32xf32>) permutation = [1, 0]
  return
}

// Tiles of a larger matrix have adjacent elements in their rows.
// CHECK-LABEL: @vectorize_strided
func.func @vectorize_strided(
    %source: memref<16x16xf32, strided<[64, 1], offset: ?>>,
    %target: memref<16x16xf32>) {
  // CHECK: vector.load
  // CHECK-NOT: linalg.transpose
  linalg.transpose ins(%source : memref<16x16xf32, strided<[64, 1], offset: ?>>)
      outs(%target : memref<16x16xf32>) permutation = [1, 0]
  return
}

// CHECK-LABEL: @no_vectorize_remainder
func.func @no_vectorize_remainder(%source: memref<32x40xf32>,
                                  %target: memref<40x32xf32>) {
  // CHECK: linalg.transpose
  linalg.transpose ins(%source : memref<32x40xf32>)
      outs(%target : memref<40x32xf32>) permutation = [1, 0]
  return
}

// CHECK-LABEL: @no_vectorize_dynamic
func.func @no_vectorize_dynamic(%source: memref<?x16xf32>,
                                %target: memref<16x?xf32>) {
  // CHECK: linalg.transpose
  linalg.transpose ins(%source : memref<?x16xf32>)
      outs(%target : memref<16x?xf32>) permutation = [1, 0]
  return
}

// CHECK-LABEL: @no_vectorize_columns
func.func @no_vectorize_columns(
    %source: memref<16x16xf32, strided<[1, 16]>>, %target: memref<16x16xf32>) {
  // CHECK: linalg.transpose
  linalg.transpose ins(%source : memref<16x16xf32, strided<[1, 16]>>)
      outs(%target : memref<16x16xf32>) permutation = [1, 0]
  return
}

// CHECK-LABEL: @no_vectorize_bf16
func.func @no_vectorize_bf16(%source: memref<16x16xbf16>,
                             %target: memref<16x16xbf16>) {
  // CHECK: linalg.transpose
  linalg.transpose ins(%source : memref<16x16xbf16>)
      outs(%target : memref<16x16xbf16>) permutation = [1, 0]
  return
}
