// RUN: fp4q-opt %s --fp4q-lower-micro-ops | FileCheck %s

// The structure of the result; test/Unit/CodeGen checks the bits.

// CHECK-LABEL: func.func @decode(
// CHECK-SAME: %[[C:.*]]: vector<16xi8>, %[[S:.*]]: vector<2xf8E4M3FN>)
func.func @decode(%c: vector<16xi8>, %s: vector<2xf8E4M3FN>)
    -> (vector<32xbf16>, vector<32xi8>) {
  // CHECK: %[[CODES:.*]] = arith.extui %[[C]] : vector<16xi8> to vector<16xi32>
  // CHECK: %[[BYTES:.*]] = arith.bitcast %[[S]] : vector<2xf8E4M3FN> to vector<2xi8>
  // CHECK: vector.shuffle %{{.*}}, %{{.*}} [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1] : vector<2xf32>, vector<2xf32>
  // CHECK: %[[EVEN:.*]] = arith.truncf %{{.*}} : vector<16xf32> to vector<16xbf16>
  // CHECK: %[[ODD:.*]] = arith.truncf %{{.*}} : vector<16xf32> to vector<16xbf16>
  // CHECK: %[[V:.*]] = vector.interleave %[[EVEN]], %[[ODD]]
  %0 = fp4q.decode %c scales(%s : vector<2xf8E4M3FN>)
      : vector<16xi8> -> vector<32xbf16>
  // CHECK: %[[LOW:.*]] = arith.trunci %{{.*}} : vector<16xi32> to vector<16xi8>
  // CHECK: %[[HIGH:.*]] = arith.trunci %{{.*}} : vector<16xi32> to vector<16xi8>
  // CHECK: %[[U:.*]] = vector.shuffle %[[LOW]], %[[HIGH]] [0, 1, 2, {{.*}}, 31]
  %1 = fp4q.decode %c order<split> bias(12) : vector<16xi8> -> vector<32xi8>
  // CHECK: return %[[V]], %[[U]]
  return %0, %1 : vector<32xbf16>, vector<32xi8>
}

// CHECK-LABEL: func.func @encode(
// CHECK-SAME: %[[T:.*]]: vector<32xf32>)
func.func @encode(%t: vector<32xf32>) -> (vector<16xi8>, vector<16xi8>) {
  // CHECK: %{{.*}}, %{{.*}} = vector.deinterleave %[[T]] : vector<32xf32> -> vector<16xf32>
  // CHECK: %[[C:.*]] = arith.trunci %{{.*}} : vector<16xi32> to vector<16xi8>
  %0 = fp4q.encode %t : vector<32xf32> -> vector<16xi8>
  // CHECK: vector.shuffle %[[T]], %[[T]] [0, 1, {{.*}}, 15]
  // CHECK: vector.shuffle %[[T]], %[[T]] [16, 17, {{.*}}, 31]
  // CHECK: %[[D:.*]] = arith.trunci %{{.*}} : vector<16xi32> to vector<16xi8>
  %1 = fp4q.encode %t order<split> : vector<32xf32> -> vector<16xi8>
  // CHECK: return %[[C]], %[[D]]
  return %0, %1 : vector<16xi8>, vector<16xi8>
}

// CHECK-LABEL: func.func @group_dot(
// CHECK-SAME: %[[U:.*]]: vector<16xi8>, %[[S:.*]]: vector<16xi8>, %[[ACC:.*]]: vector<4xi32>)
func.func @group_dot(%u: vector<16xi8>, %s: vector<16xi8>, %acc: vector<4xi32>)
    -> vector<4xi32> {
  // CHECK-DAG: %[[UX:.*]] = arith.extui %[[U]] : vector<16xi8> to vector<16xi32>
  // CHECK-DAG: %[[SX:.*]] = arith.extsi %[[S]] : vector<16xi8> to vector<16xi32>
  // CHECK: %[[P:.*]] = arith.muli %[[UX]], %[[SX]]
  // CHECK: %[[E:.*]], %[[O:.*]] = vector.deinterleave %[[P]]
  // CHECK: %[[PAIRS:.*]] = arith.addi %[[E]], %[[O]] : vector<8xi32>
  // CHECK: %[[E2:.*]], %[[O2:.*]] = vector.deinterleave %[[PAIRS]]
  // CHECK: %[[SUMS:.*]] = arith.addi %[[E2]], %[[O2]] : vector<4xi32>
  // CHECK: %[[D:.*]] = arith.addi %[[ACC]], %[[SUMS]]
  // CHECK: return %[[D]]
  %0 = fp4q.group_dot %u, %s, %acc : vector<16xi8>, vector<4xi32>
  return %0 : vector<4xi32>
}
