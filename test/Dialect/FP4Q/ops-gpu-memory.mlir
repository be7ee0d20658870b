// RUN: fp4q-opt %s | fp4q-opt | FileCheck %s
// RUN: fp4q-opt %s --canonicalize --cse | FileCheck %s --check-prefix=CSE

memref.global "private" constant @weight : memref<4xi8> = dense<[1, 2, 3, 4]>

// CHECK-LABEL: func.func @memory
// CHECK: fp4q.gpu_workspace(%{{.*}}) : memref<?x4xi8>
// CHECK: fp4q.gpu_workspace() : memref<4xi8>
// CHECK: fp4q.gpu_constant @weight : memref<4xi8>
// CHECK: fp4q.gpu_copy %{{.*}}, %{{.*}} : memref<4xi8>

// Memory that is written is not memory that is free, and two workspaces are
// two; unused constants go.
// CSE-LABEL: func.func @memory
// CSE-COUNT-2: fp4q.gpu_workspace
// CSE-COUNT-1: fp4q.gpu_constant
// CSE-NOT: fp4q.gpu_constant
// CSE: fp4q.gpu_copy
func.func @memory(%m: index) -> (memref<?x4xi8>, memref<4xi8>) {
  %0 = fp4q.gpu_workspace(%m) : memref<?x4xi8>
  %1 = fp4q.gpu_workspace() : memref<4xi8>
  %2 = fp4q.gpu_constant @weight : memref<4xi8>
  %3 = fp4q.gpu_constant @weight : memref<4xi8>
  fp4q.gpu_copy %2, %1 : memref<4xi8>
  return %0, %1 : memref<?x4xi8>, memref<4xi8>
}
