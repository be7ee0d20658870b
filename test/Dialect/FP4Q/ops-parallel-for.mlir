// RUN: fp4q-opt %s --verify-roundtrip | FileCheck %s
// RUN: fp4q-opt %s --emit-bytecode | fp4q-opt | FileCheck %s
// RUN: fp4q-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// The forms of fp4q.parallel_for, a call of the runtime.

func.func private @body(index, index)
func.func private @body_of_captures(index, index, memref<?xf32>, f32)

// CHECK-LABEL: func.func @no_captures(
// CHECK-SAME:      %[[N:[^:]+]]: index
func.func @no_captures(%n: index) {
  // CHECK: fp4q.parallel_for @body(%[[N]]) grain(1){{$}}
  // GENERIC: "fp4q.parallel_for"(%{{[^,)]+}}) <{body = @body, grain = 1 : i64}> : (index) -> ()
  fp4q.parallel_for @body(%n) grain(1)
  return
}

// CHECK-LABEL: func.func @captures(
// CHECK-SAME:      %[[N:[^:]+]]: index, %[[X:[^:]+]]: memref<?xf32>, %[[F:[^:]+]]: f32
func.func @captures(%n: index, %x: memref<?xf32>, %f: f32) {
  // CHECK: fp4q.parallel_for @body_of_captures(%[[N]]) grain(64) captures(%[[X]], %[[F]] : memref<?xf32>, f32){{$}}
  // GENERIC: "fp4q.parallel_for"(%{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}) <{body = @body_of_captures, grain = 64 : i64}> : (index, memref<?xf32>, f32) -> ()
  fp4q.parallel_for @body_of_captures(%n) grain(64)
      captures(%x, %f : memref<?xf32>, f32)
  return
}
