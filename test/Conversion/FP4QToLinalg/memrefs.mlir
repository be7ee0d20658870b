// RUN: fp4q-opt %s --convert-fp4q-to-linalg | FileCheck %s

// Memrefs are read as tensors, and results written where the init was.
// CHECK-LABEL: func.func @one_result(
// CHECK-SAME:      %[[X:[^:]+]]: memref<?x64xbf16, strided<[?, 1]>>, %[[G:[^:]+]]: memref<f32>
func.func @one_result(%x: memref<?x64xbf16, strided<[?, 1]>>, %g: memref<f32>) {
  // CHECK-DAG: %[[TX:.*]] = bufferization.to_tensor %[[X]] restrict : memref<?x64xbf16, strided<[?, 1]>> to tensor<?x64xbf16>
  // CHECK-DAG: %[[TG:.*]] = bufferization.to_tensor %[[G]] restrict writable : memref<f32> to tensor<f32>
  // CHECK: linalg.generic {{.*}} ins(%[[TX]] :
  // CHECK: %[[R:.*]] = linalg.generic {{.*}} outs(%[[TG]] : tensor<f32>)
  // CHECK: bufferization.materialize_in_destination %[[R]] in restrict writable %[[G]] : (tensor<f32>, memref<f32>) -> ()
  fp4q.global_scale ins(%x : memref<?x64xbf16, strided<[?, 1]>>)
      outs(%g : memref<f32>)
  return
}

// CHECK-LABEL: func.func @two_results_and_scalars(
// CHECK-SAME:      %[[X:[^:]+]]: memref<8x64xf32>, %[[GS:[^:]+]]: memref<f32>, %[[SS:[^:]+]]: f32, %[[C:[^:]+]]: memref<8x32xi8>, %[[S:[^:]+]]: memref<8x2xf8E8M0FNU>
func.func @two_results_and_scalars(%x: memref<8x64xf32>, %gs: memref<f32>,
                                   %ss: f32, %c: memref<8x32xi8>,
                                   %s: memref<8x2xf8E8M0FNU>) {
  // CHECK: %[[TGS:.*]] = bufferization.to_tensor %[[GS]] restrict : memref<f32> to tensor<f32>
  // CHECK: %[[SCALES:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %[[TGS]] :
  // CHECK:   arith.mulf %[[SS]], %{{.*}} : f32
  // CHECK: %[[CODES:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<8x32xi8>)
  // CHECK-DAG: bufferization.materialize_in_destination %[[CODES]] in restrict writable %[[C]]
  // CHECK-DAG: bufferization.materialize_in_destination %[[SCALES]] in restrict writable %[[S]]
  // CHECK-NOT: fp4q.
  // CHECK: return
  fp4q.quantize_pack ins(%x : memref<8x64xf32>)
      global_scale(%gs : memref<f32>) scale_scale(%ss : f32)
      outs(%c, %s : memref<8x32xi8>, memref<8x2xf8E8M0FNU>)
  return
}
