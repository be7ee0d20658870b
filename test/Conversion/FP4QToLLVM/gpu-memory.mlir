// RUN: fp4q-opt %s --convert-to-llvm --reconcile-unrealized-casts | FileCheck %s

// CHECK: llvm.mlir.global private constant @weight(dense<[1, 2, 3]> : tensor<3xi16>)
memref.global "private" constant @weight : memref<3xi16> = dense<[1, 2, 3]>

// CHECK-LABEL: llvm.func @constant
// CHECK: %[[RECORD:.*]] = llvm.mlir.addressof @weight.on_gpu
// CHECK: %[[DATA:.*]] = llvm.call @fp4q_gpu_constant_data(%[[RECORD]]) : (!llvm.ptr) -> !llvm.ptr
// CHECK: llvm.insertvalue %[[DATA]], %{{.*}}[0]
// CHECK: llvm.insertvalue %[[DATA]], %{{.*}}[1]
func.func @constant() -> (memref<3xi16>, memref<3xi16>) {
  %0 = fp4q.gpu_constant @weight : memref<3xi16>
  %1 = fp4q.gpu_constant @weight : memref<3xi16>
  return %0, %1 : memref<3xi16>, memref<3xi16>
}

// CHECK-LABEL: llvm.func @workspace
// CHECK-SAME: (%[[M:.*]]: i64)
// CHECK: %[[ROW:.*]] = llvm.mlir.constant(64 : index)
// CHECK: %[[ELEMENTS:.*]] = llvm.mul %{{.*}}, %[[M]]
// CHECK: %[[BYTES:.*]] = llvm.ptrtoint
// CHECK: %[[MEMORY:.*]] = llvm.call @fp4q_gpu_workspace(%[[BYTES]]) : (i64) -> !llvm.ptr
func.func @workspace(%m: index) -> memref<?x64xf32> {
  %0 = fp4q.gpu_workspace(%m) : memref<?x64xf32>
  return %0 : memref<?x64xf32>
}

// CHECK-LABEL: llvm.func @copy
// CHECK: llvm.call @fp4q_gpu_copy_async(%{{.*}}, %{{.*}}, %{{.*}}) : (!llvm.ptr, !llvm.ptr, i64) -> ()
func.func @copy(%x: memref<?x64xbf16>, %y: memref<?x64xbf16>) {
  fp4q.gpu_copy %x, %y : memref<?x64xbf16>
  return
}

// One record, however often it is used.
// CHECK: llvm.mlir.global internal @weight.on_gpu() {{.*}} : !llvm.struct<(ptr, i64, ptr)> {
// CHECK:   %[[EMPTY:.*]] = llvm.mlir.undef
// CHECK:   %[[DATA:.*]] = llvm.mlir.addressof @weight :
// CHECK:   %[[SIZE:.*]] = llvm.mlir.constant(6 : i64)
// CHECK:   %[[NULL:.*]] = llvm.mlir.zero
// CHECK:   %[[FIELDS0:.*]] = llvm.insertvalue %[[DATA]], %[[EMPTY]][0]
// CHECK:   %[[FIELDS1:.*]] = llvm.insertvalue %[[SIZE]], %[[FIELDS0]][1]
// CHECK:   %[[FIELDS2:.*]] = llvm.insertvalue %[[NULL]], %[[FIELDS1]][2]
// CHECK:   llvm.return %[[FIELDS2]]
// CHECK-LABEL: llvm.func internal @weight.on_gpu.release()
// CHECK:   %[[RECORD:.*]] = llvm.mlir.addressof @weight.on_gpu
// CHECK:   llvm.call @fp4q_gpu_constant_release(%[[RECORD]]) : (!llvm.ptr) -> ()
// CHECK: llvm.mlir.global_dtors dtors = [@weight.on_gpu.release]
// CHECK-NOT: @weight.on_gpu
