// RUN: fp4q-opt %s -split-input-file --convert-fp4q-to-vector=chip=cpu:avx512-vnni | FileCheck %s -enable-var-scope
// RUN: fp4q-opt %s -split-input-file --convert-fp4q-to-vector=chip=cpu:x86-64-v3 | FileCheck %s --check-prefix=AVX2

// One row at a time, in registers of 16 lanes; then of 4 for what is left of K.
// CHECK-LABEL: func.func private @mxfp4_row(
// CHECK: fp4q.decode %{{.*}} order<split> : vector<64xi8> -> vector<128xi8>
// CHECK: fp4q.decode %{{.*}} order<split> : vector<16xi8> -> vector<32xi8>
// CHECK: fp4q.decode %{{.*}} order<split> bias(12) : vector<64xi8> -> vector<128xi8>
// CHECK: fp4q.group_dot %{{.*}} e2m1_range : vector<64xi8>, vector<16xi32>
// CHECK: fp4q.group_dot %{{.*}} e2m1_range : vector<64xi8>, vector<16xi32>
// CHECK: arith.sitofp %{{.*}} : vector<16xi32> to vector<16xf32>

// The choice by the number of rows; then panels of a, and tiles of b.
// CHECK-LABEL: func.func @mxfp4(
// CHECK-SAME: %[[A:[^:]+]]: memref<?x80xi8>
// CHECK: %[[M:.*]] = memref.dim %[[A]], %{{.*}} : memref<?x80xi8>
// CHECK: %[[FEW:.*]] = arith.cmpi ule, %[[M]], %{{.*}} : index
// CHECK: scf.if %[[FEW]] {
// CHECK: scf.forall
// CHECK: func.call @mxfp4_row(
// CHECK: } else {
// CHECK: scf.forall
// CHECK: fp4q.decode %{{.*}} order<split> : vector<16xi8> -> vector<32xi8>
// CHECK: scf.forall
// CHECK: fp4q.decode %{{.*}} order<split> bias(12) : vector<64xi8> -> vector<128xi8>
// The epilogue of a group has no conversion.
// CHECK: fp4q.group_dot %{{.*}} e2m1_range : vector<64xi8>, vector<16xi32>
// CHECK-NOT: arith.sitofp
// CHECK: arith.subf %{{.*}} : vector<16xf32>
// CHECK: vector.fma %{{.*}} : vector<16xf32>
// Rows with a scale that tiles cannot represent.
// CHECK: func.call @mxfp4_row(
// CHECK-NOT: fp4q.scaled_matmul
// AVX2-LABEL: func.func @mxfp4(
// AVX2: fp4q.group_dot %{{.*}} e2m1_range : vector<32xi8>, vector<8xi32>
func.func @mxfp4(%a: memref<?x80xi8>, %sa: memref<?x5xf8E8M0FNU>,
                 %b: memref<96x80xi8>, %sb: memref<96x5xf8E8M0FNU>,
                 %c: memref<?x96xbf16>) {
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<?x80xi8>,
      memref<?x5xf8E8M0FNU>, memref<96x80xi8>, memref<96x5xf8E8M0FNU>)
      outs(%c : memref<?x96xbf16>) {fp4q.backend = #fp4q.backend<"cpu">}
  return
}

// -----

// Batches that share b are rows. Two groups of 16 elements are read together.
// CHECK-LABEL: func.func @shared(
// CHECK: memref.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]] : memref<3x4x16xi8> into memref<12x16xi8>
// CHECK-NOT: memref.subview
func.func @shared(%a: memref<3x4x16xi8>, %sa: memref<3x4x2xf8E4M3FN>,
                  %b: memref<8x16xi8>, %sb: memref<8x2xf8E4M3FN>,
                  %alpha: memref<8xf32>, %c: memref<3x4x8xf32>) {
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<3x4x16xi8>,
      memref<3x4x2xf8E4M3FN>, memref<8x16xi8>, memref<8x2xf8E4M3FN>)
      alpha(%alpha : memref<8xf32>) outs(%c : memref<3x4x8xf32>)
      {fp4q.backend = #fp4q.backend<"cpu">}
  return
}

// -----

// CHECK-LABEL: func.func @batches(
// CHECK: scf.for
// CHECK: memref.subview %{{.*}} : memref<3x4x16xi8> to memref<4x16xi8
// CHECK: memref.subview %{{.*}} : memref<3x8x16xi8> to memref<8x16xi8
func.func @batches(%a: memref<3x4x16xi8>, %sa: memref<3x4x2xf8E4M3FN>,
                   %b: memref<3x8x16xi8>, %sb: memref<3x8x2xf8E4M3FN>,
                   %c: memref<3x4x8xf32>) {
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<3x4x16xi8>,
      memref<3x4x2xf8E4M3FN>, memref<3x8x16xi8>, memref<3x8x2xf8E4M3FN>)
      outs(%c : memref<3x4x8xf32>) {fp4q.backend = #fp4q.backend<"cpu">}
  return
}

// -----

// Vectors are loaded along rows, so strided rows are copied first.
// CHECK-LABEL: func.func @strided(
// CHECK: %[[COPY:.*]] = memref.alloc() : memref<4x16xi8>
// CHECK: memref.copy %{{.*}}, %[[COPY]]
// CHECK: memref.dealloc %[[COPY]]
func.func @strided(%a: memref<4x16xi8, strided<[64, 2]>>,
                   %sa: memref<4x2xf8E4M3FN>,
                   %b: memref<8x16xi8>, %sb: memref<8x2xf8E4M3FN>,
                   %c: memref<4x8xf32>) {
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<4x16xi8, strided<[64, 2]>>,
      memref<4x2xf8E4M3FN>, memref<8x16xi8>, memref<8x2xf8E4M3FN>)
      outs(%c : memref<4x8xf32>) {fp4q.backend = #fp4q.backend<"cpu">}
  return
}

// -----

// What another back end computes stays.
// CHECK-LABEL: func.func @other(
// CHECK: fp4q.scaled_matmul
func.func @other(%a: memref<4x16xi8>, %sa: memref<4x2xf8E4M3FN>,
                 %b: memref<8x16xi8>, %sb: memref<8x2xf8E4M3FN>,
                 %c: memref<4x8xf32>) {
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<4x16xi8>,
      memref<4x2xf8E4M3FN>, memref<8x16xi8>, memref<8x2xf8E4M3FN>)
      outs(%c : memref<4x8xf32>) {fp4q.backend = #fp4q.backend<"reference">}
  return
}
