// RUN: fp4q-opt %s --fp4q-copy-repeated-results | FileCheck %s
// RUN: fp4q-opt %s --fp4q-to-cpu | FileCheck %s --check-prefix=CPU

// CHECK-LABEL: @repeated
// CHECK-SAME: (%[[X:.*]]: tensor<4x64xf32>)
// CPU-LABEL: llvm.func @repeated
func.func @repeated(%x: tensor<4x64xf32>)
    -> (tensor<f32>, tensor<4x64xf32>, tensor<f32>) {
  %init = tensor.empty() : tensor<f32>
  // CHECK: %[[G:.*]] = fp4q.global_scale ins(%[[X]]
  %g = fp4q.global_scale ins(%x : tensor<4x64xf32>)
      outs(%init : tensor<f32>) -> tensor<f32>
  // CHECK: %[[COPY:.*]] = bufferization.alloc_tensor() copy(%[[G]]) : tensor<f32>
  // CHECK-NEXT: return %[[G]], %[[X]], %[[COPY]]
  return %g, %x, %g : tensor<f32>, tensor<4x64xf32>, tensor<f32>
}

// CHECK-LABEL: @distinct
// CHECK-NOT: alloc_tensor
// CHECK: return
func.func @distinct(%x: tensor<?xf32>, %y: tensor<?xf32>)
    -> (tensor<?xf32>, tensor<?xf32>) {
  return %x, %y : tensor<?xf32>, tensor<?xf32>
}

// Without elements nothing need be computed. The result would be the buffer of
// the other.
// CHECK-LABEL: func.func @uninitialized(
// CHECK: %[[E:.*]] = tensor.empty() : tensor<0x16xf32>
// CHECK: %[[R:.*]] = linalg.exp {{.*}} outs(%[[E]] :
// CHECK: %[[F:.*]] = tensor.empty() : tensor<0x16xf32>
// CHECK: return %[[R]], %[[F]]
func.func @uninitialized(%x: tensor<0x16xf32>)
    -> (tensor<0x16xf32>, tensor<0x16xf32>) {
  %e = tensor.empty() : tensor<0x16xf32>
  %r = linalg.exp ins(%x : tensor<0x16xf32>) outs(%e : tensor<0x16xf32>)
      -> tensor<0x16xf32>
  return %r, %e : tensor<0x16xf32>, tensor<0x16xf32>
}

// CHECK-LABEL: func.func @uninitialized_alone(
// CHECK: %[[E:.*]] = tensor.empty
// CHECK-NOT: tensor.empty
// CHECK: return %[[E]]
func.func @uninitialized_alone() -> tensor<0x16xf32> {
  %e = tensor.empty() : tensor<0x16xf32>
  return %e : tensor<0x16xf32>
}
