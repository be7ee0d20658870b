// RUN: fp4q-opt %s --fp4q-outline-parallel-loops | FileCheck %s

// CHECK-DAG: #[[$TRIPS:.*]] = affine_map<()[s0] -> ((s0 - 2) ceildiv 4)>

// The body gets a range of linear iteration numbers, the last loop fastest.
// CHECK-LABEL: func.func private @two_loops_parallel(
// CHECK-SAME:      %[[LO:[^:]+]]: index, %[[HI:[^:]+]]: index, %[[V:[^:]+]]: f32, %[[X:[^:]+]]: memref<?x8xf32>, %[[N0:[^:]+]]: index)
// CHECK-DAG:     %[[N1:.*]] = arith.constant 4 : index
// CHECK:         scf.for %[[I:.*]] = %[[LO]] to %[[HI]] step %{{.*}} {
// CHECK-NEXT:      %[[I1:.*]] = arith.remui %[[I]], %{{.*}} : index
// CHECK-NEXT:      %[[I0:.*]] = arith.divui %[[I]], %{{.*}} : index
// CHECK-NEXT:      %[[S1:.*]] = arith.muli %[[I1]], %[[STEP1:.*]] : index
// CHECK-NEXT:      %[[J1:.*]] = arith.addi %[[S1]], %[[LB1:.*]] : index
// CHECK-NEXT:      %[[S0:.*]] = arith.muli %[[I0]], %[[STEP0:.*]] : index
// CHECK-NEXT:      %[[J0:.*]] = arith.addi %[[S0]], %[[LB0:.*]] : index
// CHECK-NEXT:      memref.store %[[V]], %[[X]][%[[J0]], %[[J1]]]
// CHECK:         return

// CHECK-LABEL: func.func @two_loops(
// CHECK-SAME:      %[[X:[^:]+]]: memref<?x8xf32>, %[[V:[^:]+]]: f32, %[[N:[^:]+]]: index)
func.func @two_loops(%x: memref<?x8xf32>, %v: f32, %n: index) {
  // CHECK: %[[TRIPS:.*]] = affine.apply #[[$TRIPS]]()[%[[N]]]
  // CHECK: %[[COUNT:.*]] = arith.muli %[[TRIPS]], %{{.*}} : index
  // CHECK: fp4q.parallel_for @two_loops_parallel(%[[COUNT]]) grain(1) captures(%[[V]], %[[X]], %[[TRIPS]] : f32, memref<?x8xf32>, index)
  // CHECK-NOT: scf.forall
  scf.forall (%i, %j) = (2, 0) to (%n, 8) step (4, 2) {
    memref.store %v, %x[%i, %j] : memref<?x8xf32>
  }
  return
}

// Constants are cloned into the body rather than captured; an inner
// scf.forall runs sequentially.
// CHECK-LABEL: func.func private @nested_parallel(
// CHECK-SAME:      %{{[^:]+}}: index, %{{[^:]+}}: index, %[[X:[^:]+]]: memref<8x4xf32>)
// CHECK:         %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         scf.for %[[I:.*]] =
// CHECK:           %[[ROW:.*]] = arith.addi
// CHECK:           scf.for %[[J:.*]] =
// CHECK:             memref.store %[[ZERO]], %[[X]][%[[ROW]], %[[J]]]

// CHECK-LABEL: func.func @nested(
// CHECK-SAME:      %[[X:[^:]+]]: memref<8x4xf32>)
func.func @nested(%x: memref<8x4xf32>) {
  // CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
  // CHECK: fp4q.parallel_for @nested_parallel(%[[C8]]) grain(1) captures(%[[X]] : memref<8x4xf32>)
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (8) {
    scf.forall (%j) in (4) {
      memref.store %zero, %x[%i, %j] : memref<8x4xf32>
    }
  }
  return
}

// Each loop gets a function of its own, also below other loops.
// CHECK-LABEL: func.func private @in_loop_parallel(
// CHECK:       func.func private @[[SECOND:in_loop_parallel_.*]](
// CHECK:       func.func @in_loop(
func.func @in_loop(%x: memref<8xf32>, %v: f32) {
  // CHECK: scf.for %[[K:.*]] =
  // CHECK:   fp4q.parallel_for @in_loop_parallel({{.*}}captures(%{{.*}}, %{{.*}} : f32, memref<8xf32>)
  // CHECK:   fp4q.parallel_for @[[SECOND]]({{.*}}captures(%{{.*}}, %{{.*}}, %[[K]] : f32, memref<8xf32>, index)
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %k = %c0 to %c4 step %c1 {
    scf.forall (%i) in (8) {
      memref.store %v, %x[%i] : memref<8xf32>
    }
    scf.forall (%i) in (1) {
      memref.store %v, %x[%k] : memref<8xf32>
    }
  }
  return
}

// Names that are taken are not taken again.
// CHECK: func.func private @[[TAKEN:name_taken_parallel_.+]](
// CHECK: func.func @name_taken(
// CHECK:   fp4q.parallel_for @[[TAKEN]](
func.func @name_taken(%x: memref<8xf32>, %v: f32) {
  scf.forall (%i) in (8) {
    memref.store %v, %x[%i] : memref<8xf32>
  }
  return
}
func.func private @name_taken_parallel()

// CHECK-LABEL: func.func @sequential(
func.func @sequential(%x: memref<8xf32>, %v: f32, %n: index) {
  // CHECK: scf.for
  // CHECK-NOT: fp4q.parallel_for
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    memref.store %v, %x[%i] : memref<8xf32>
  }
  return
}
