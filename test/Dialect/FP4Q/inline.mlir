// RUN: fp4q-opt %s --inline | FileCheck %s

// CHECK-LABEL: func.func @caller
// CHECK-NOT: call
// CHECK: fp4q.global_scale
func.func @caller(%x: tensor<?x64xf32>) -> tensor<f32> {
  %g = func.call @callee(%x) : (tensor<?x64xf32>) -> tensor<f32>
  return %g : tensor<f32>
}

func.func private @callee(%x: tensor<?x64xf32>) -> tensor<f32> {
  %init = tensor.empty() : tensor<f32>
  %g = fp4q.global_scale ins(%x : tensor<?x64xf32>)
      outs(%init : tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}
