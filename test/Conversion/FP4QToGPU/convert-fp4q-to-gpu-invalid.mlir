// RUN: fp4q-opt %s -split-input-file -verify-diagnostics --convert-fp4q-to-gpu

func.func @matmul_of_other_groups(
    %a: memref<9x64xi8>, %sa: memref<9x2xf8E8M0FNU>, %b: memref<24x64xi8>,
    %sb: memref<24x2xf8E8M0FNU>, %c: memref<9x24xf32>) {
  // expected-error @below {{'fp4q.scaled_matmul' op has no GPU kernel}}
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<9x64xi8>,
      memref<9x2xf8E8M0FNU>, memref<24x64xi8>, memref<24x2xf8E8M0FNU>)
      outs(%c : memref<9x24xf32>)
  return
}

// -----

func.func @on_tensors(%x: tensor<4x64xf32>, %g: tensor<f32>) -> tensor<f32> {
  // expected-error @below {{'fp4q.global_scale' op has no GPU kernel}}
  %0 = fp4q.global_scale ins(%x : tensor<4x64xf32>) outs(%g : tensor<f32>)
      -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// expected-error @below {{'gpu.module' op is in the input, but kernels are made of fp4q operations only}}
gpu.module @other [#nvvm.target<chip = "sm_20">] {
}
