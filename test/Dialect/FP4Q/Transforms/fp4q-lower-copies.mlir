// RUN: fp4q-opt %s --fp4q-lower-copies | FileCheck %s

// CHECK-LABEL: func.func @strided_source(
// CHECK-SAME:      %[[X:[^:]+]]: memref<4x8xf32, strided<[16, 1]>>, %[[Y:[^:]+]]: memref<4x8xf32>
func.func @strided_source(%x: memref<4x8xf32, strided<[16, 1]>>,
                          %y: memref<4x8xf32>) {
  // CHECK-NOT: memref.copy
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]} ins(%[[X]] : {{.*}}) outs(%[[Y]] :
  // CHECK-NEXT: ^bb0(%[[ELEMENT:.*]]: f32, %{{.*}}: f32):
  // CHECK-NEXT:   linalg.yield %[[ELEMENT]] : f32
  memref.copy %x, %y : memref<4x8xf32, strided<[16, 1]>> to memref<4x8xf32>
  return
}

// CHECK-LABEL: func.func @strided_target(
// CHECK-SAME:      %[[X:[^:]+]]: memref<?x8xi8>, %[[Y:[^:]+]]: memref<?x8xi8, strided<[?, 1], offset: ?>>
func.func @strided_target(%x: memref<?x8xi8>,
                          %y: memref<?x8xi8, strided<[?, 1], offset: ?>>) {
  // CHECK-NOT: memref.copy
  // CHECK: linalg.generic {{.*}} ins(%[[X]] : {{.*}}) outs(%[[Y]] :
  memref.copy %x, %y
      : memref<?x8xi8> to memref<?x8xi8, strided<[?, 1], offset: ?>>
  return
}

// A view of one element, at an offset, has no loops but still no identity
// layout.
// CHECK-LABEL: func.func @rank0(
func.func @rank0(%x: memref<f32, strided<[], offset: ?>>, %y: memref<f32>) {
  // CHECK: linalg.generic {{.*}} iterator_types = []
  memref.copy %x, %y : memref<f32, strided<[], offset: ?>> to memref<f32>
  return
}

// CHECK-LABEL: func.func @contiguous(
func.func @contiguous(%x: memref<?x8xf32>, %y: memref<?x8xf32>) {
  // CHECK-NEXT: memref.copy
  // CHECK-NEXT: return
  memref.copy %x, %y : memref<?x8xf32> to memref<?x8xf32>
  return
}

// CHECK-LABEL: func.func @unranked(
func.func @unranked(%x: memref<8xf32, strided<[2]>>, %y: memref<*xf32>) {
  // CHECK-NEXT: memref.copy
  // CHECK-NEXT: memref.copy
  // CHECK-NEXT: return
  memref.copy %x, %y : memref<8xf32, strided<[2]>> to memref<*xf32>
  memref.copy %y, %x : memref<*xf32> to memref<8xf32, strided<[2]>>
  return
}
