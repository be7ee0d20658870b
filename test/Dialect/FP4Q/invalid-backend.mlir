// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

func.func @unknown(%x: tensor<4x64xf32>, %g: tensor<f32>) -> tensor<f32> {
  %0 = fp4q.global_scale ins(%x : tensor<4x64xf32>) outs(%g : tensor<f32>)
      // expected-error @below {{unknown back end 'cuda', expected one of reference, cpu, gpu-portable, gpu-native}}
      {fp4q.backend = #fp4q.backend<"cuda">} -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @not_the_attribute(%x: tensor<4x64xf32>, %g: tensor<f32>)
    -> tensor<f32> {
  // expected-error @below {{'fp4q.global_scale' op expects fp4q.backend to be a #fp4q.backend, but got "cpu"}}
  %0 = fp4q.global_scale ins(%x : tensor<4x64xf32>) outs(%g : tensor<f32>)
      {fp4q.backend = "cpu"} -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// expected-error @below {{'func.func' op has fp4q.backend, which is for operations of fp4q on tensors or memrefs}}
func.func private @not_the_operation() attributes {
    fp4q.backend = #fp4q.backend<"cpu">}
