// RUN: fp4q-opt %s --verify-roundtrip | FileCheck %s
// RUN: fp4q-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// CHECK-LABEL: func.func @decode(
// CHECK-SAME: %[[C:.*]]: vector<16xi8>, %[[S:.*]]: vector<2xf8E4M3FN>, %[[E:.*]]: vector<1xf8E8M0FNU>)
func.func @decode(%c: vector<16xi8>, %s: vector<2xf8E4M3FN>,
                  %e: vector<1xf8E8M0FNU>) {
  // CHECK-NEXT: fp4q.decode %[[C]] : vector<16xi8> -> vector<32xf32>
  %0 = fp4q.decode %c : vector<16xi8> -> vector<32xf32>
  // CHECK-NEXT: fp4q.decode %[[C]] order<split> : vector<16xi8> -> vector<32xf16>
  %1 = fp4q.decode %c order<split> : vector<16xi8> -> vector<32xf16>
  // CHECK-NEXT: fp4q.decode %[[C]] scales(%[[S]] : vector<2xf8E4M3FN>) : vector<16xi8> -> vector<32xbf16>
  %2 = fp4q.decode %c scales(%s : vector<2xf8E4M3FN>) order<interleaved>
      : vector<16xi8> -> vector<32xbf16>
  // CHECK-NEXT: fp4q.decode %[[C]] scales(%[[E]] : vector<1xf8E8M0FNU>) order<split> : vector<16xi8> -> vector<32xbf16>
  %3 = fp4q.decode %c scales(%e : vector<1xf8E8M0FNU>) order<split>
      : vector<16xi8> -> vector<32xbf16>
  // CHECK-NEXT: fp4q.decode %[[C]] order<split> bias(12) : vector<16xi8> -> vector<32xi8>
  // GENERIC: "fp4q.decode"(%{{.*}}) <{bias = 12 : i64, order = #fp4q.nibble_order<split>}> : (vector<16xi8>) -> vector<32xi8>
  %4 = fp4q.decode %c order<split> bias(12) : vector<16xi8> -> vector<32xi8>
  return
}

// CHECK-LABEL: func.func @encode(
// CHECK-SAME: %[[T:.*]]: vector<6xf32>)
func.func @encode(%t: vector<6xf32>) {
  // CHECK-NEXT: fp4q.encode %[[T]] : vector<6xf32> -> vector<3xi8>
  %0 = fp4q.encode %t : vector<6xf32> -> vector<3xi8>
  // CHECK-NEXT: fp4q.encode %[[T]] order<split> sign_of_zero<only_negative> : vector<6xf32> -> vector<3xi8>
  %1 = fp4q.encode %t order<split> sign_of_zero<only_negative>
      : vector<6xf32> -> vector<3xi8>
  return
}

// CHECK-LABEL: func.func @group_dot(
// CHECK-SAME: %[[U:.*]]: vector<64xi8>, %[[S:.*]]: vector<64xi8>, %[[ACC:.*]]: vector<16xi32>)
func.func @group_dot(%u: vector<64xi8>, %s: vector<64xi8>,
                     %acc: vector<16xi32>) {
  // CHECK-NEXT: fp4q.group_dot %[[U]], %[[S]], %[[ACC]] : vector<64xi8>, vector<16xi32>
  %0 = fp4q.group_dot %u, %s, %acc : vector<64xi8>, vector<16xi32>
  // CHECK-NEXT: fp4q.group_dot %[[U]], %[[S]], %[[ACC]] e2m1_range : vector<64xi8>, vector<16xi32>
  %1 = fp4q.group_dot %u, %s, %acc e2m1_range : vector<64xi8>, vector<16xi32>
  return
}

// CHECK-LABEL: func.func @mma(
// CHECK-SAME: %[[A:.*]]: vector<4xi32>, %[[SA:.*]]: i32, %[[B:.*]]: vector<2xi32>, %[[SB:.*]]: i32, %[[C:.*]]: vector<4xf32>)
func.func @mma(%a: vector<4xi32>, %sa: i32, %b: vector<2xi32>, %sb: i32,
               %c: vector<4xf32>) {
  // CHECK-NEXT: fp4q.mma_block_scaled <mxfp4> %[[A]] scaled %[[SA]][2, 0], %[[B]] scaled %[[SB]][0, 3], %[[C]]
  %0 = fp4q.mma_block_scaled <mxfp4> %a scaled %sa[2, 0], %b scaled %sb[0, 3], %c
  // CHECK-NEXT: fp4q.mma_block_scaled <nvfp4> %[[A]] scaled %[[SA]][0, 1], %[[B]] scaled %[[SB]][0, 2], %[[C]]
  %1 = fp4q.mma_block_scaled <nvfp4> %a scaled %sa[0, 1], %b scaled %sb[0, 2], %c
  return
}
