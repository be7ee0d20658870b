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
