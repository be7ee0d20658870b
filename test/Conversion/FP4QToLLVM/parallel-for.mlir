// RUN: fp4q-opt %s --convert-to-llvm | FileCheck %s

// CHECK: llvm.func @fp4q_parallel_for(i64, i64, i64, !llvm.ptr, !llvm.ptr)

func.func private @body(index, index)
func.func private @body_of_captures(index, index, memref<?xf32>, f32)

// CHECK-LABEL: llvm.func @no_captures(
// CHECK-SAME:      %[[N:[^:]+]]: i64
func.func @no_captures(%n: index) {
  // CHECK: %[[SPACE:.*]] = llvm.alloca %{{.*}} x !llvm.struct<()>
  // CHECK-DAG: %[[ZERO:.*]] = llvm.mlir.constant(0 : i64) : i64
  // CHECK-DAG: %[[GRAIN:.*]] = llvm.mlir.constant(4 : i64) : i64
  // CHECK-DAG: %[[ENTRY:.*]] = llvm.mlir.addressof @body_entry : !llvm.ptr
  // CHECK: llvm.call @fp4q_parallel_for(%[[ZERO]], %[[N]], %[[GRAIN]], %[[ENTRY]], %[[SPACE]]) : (i64, i64, i64, !llvm.ptr, !llvm.ptr) -> ()
  fp4q.parallel_for @body(%n) grain(4)
  return
}

// Captures travel in a struct on the stack, which is allocated once, also if
// the call is in a loop.
// CHECK-LABEL: llvm.func @captures_in_loop(
func.func @captures_in_loop(%n: index, %x: memref<?xf32>, %f: f32) {
  // CHECK: %[[SPACE:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>, f32)>
  // CHECK: llvm.cond_br
  // CHECK-NOT: llvm.alloca
  // CHECK: %[[EMPTY:.*]] = llvm.mlir.undef : !llvm.struct<(struct<{{.*}}>, f32)>
  // CHECK: %[[ONE:.*]] = llvm.insertvalue %{{.*}}, %[[EMPTY]][0]
  // CHECK: %[[BOTH:.*]] = llvm.insertvalue %{{.*}}, %[[ONE]][1]
  // CHECK: llvm.store %[[BOTH]], %[[SPACE]]
  // CHECK: %[[ENTRY:.*]] = llvm.mlir.addressof @body_of_captures_entry
  // CHECK: llvm.call @fp4q_parallel_for(%{{.*}}, %{{.*}}, %{{.*}}, %[[ENTRY]], %[[SPACE]])
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  cf.br ^loop(%c0 : index)
^loop(%i: index):
  %more = arith.cmpi slt, %i, %n : index
  cf.cond_br %more, ^inside, ^end
^inside:
  fp4q.parallel_for @body_of_captures(%n) grain(1)
      captures(%x, %f : memref<?xf32>, f32)
  %next = arith.addi %i, %c1 : index
  cf.br ^loop(%next : index)
^end:
  return
}

// One entry serves all calls of a body.
// CHECK-LABEL: llvm.func @again(
func.func @again(%n: index) {
  // CHECK: llvm.mlir.addressof @body_entry
  fp4q.parallel_for @body(%n) grain(1)
  return
}

// CHECK-LABEL: llvm.func internal @body_entry(
// CHECK-SAME:      %{{[^:]+}}: !llvm.ptr, %[[LO:[^:]+]]: i64, %[[HI:[^:]+]]: i64)
// CHECK:         llvm.call @body(%[[LO]], %[[HI]]) : (i64, i64) -> ()
// CHECK-NEXT:    llvm.return

// A memref is passed as its fields.
// CHECK-LABEL: llvm.func internal @body_of_captures_entry(
// CHECK-SAME:      %[[CONTEXT:[^:]+]]: !llvm.ptr, %[[LO:[^:]+]]: i64, %[[HI:[^:]+]]: i64)
// CHECK-NEXT:    %[[STRUCT:.*]] = llvm.load %[[CONTEXT]]
// CHECK-NEXT:    %[[X:.*]] = llvm.extractvalue %[[STRUCT]][0]
// CHECK-NEXT:    %[[F:.*]] = llvm.extractvalue %[[STRUCT]][1]
// CHECK:         %[[DATA:.*]] = llvm.extractvalue %[[X]][0]
// CHECK:         llvm.call @body_of_captures(%[[LO]], %[[HI]], %[[DATA]], {{.*}}, %[[F]]) : (i64, i64, !llvm.ptr, !llvm.ptr, i64, i64, i64, f32) -> ()
// CHECK-NEXT:    llvm.return
// CHECK-NOT:   @body_entry
