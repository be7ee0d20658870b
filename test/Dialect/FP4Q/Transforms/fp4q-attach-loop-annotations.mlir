// RUN: fp4q-opt %s --convert-scf-to-cf --convert-to-llvm --fp4q-attach-loop-annotations | FileCheck %s

// The annotation of a loop becomes that of the branch back to its head.

#once = #llvm.loop_annotation<unroll = <disable = true>>

// CHECK-DAG: #[[$UNROLL:.*]] = #llvm.loop_unroll<disable = true>
// CHECK-DAG: #[[$ANNOTATION:.*]] = #llvm.loop_annotation<unroll = #[[$UNROLL]]>

// CHECK-LABEL: llvm.func @annotated
// CHECK: llvm.cond_br %{{.*}}, ^[[BODY:.*]], ^[[END:.*]]{{$}}
// CHECK: ^[[BODY]]:
// CHECK: llvm.br ^{{.*}} {loop_annotation = #[[$ANNOTATION]]}
func.func @annotated(%from: index, %to: index, %step: index, %m: memref<8xf32>, %x: f32) {
  scf.for %i = %from to %to step %step {
    memref.store %x, %m[%i] : memref<8xf32>
  } {llvm.loop_annotation = #once}
  return
}

// CHECK-LABEL: llvm.func @plain
// CHECK-NOT: loop_annotation
func.func @plain(%from: index, %to: index, %step: index, %m: memref<8xf32>, %x: f32) {
  scf.for %i = %from to %to step %step {
    memref.store %x, %m[%i] : memref<8xf32>
  }
  return
}
