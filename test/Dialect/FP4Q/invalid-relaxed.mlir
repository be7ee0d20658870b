// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

func.func @relaxed_not_unit(%x: tensor<4x64xf32>, %i: tensor<f32>)
    -> tensor<f32> {
  // expected-error @below {{'fp4q.global_scale' op expects fp4q.relaxed to be a unit attribute, but got true}}
  %0 = fp4q.global_scale ins(%x : tensor<4x64xf32>) outs(%i : tensor<f32>)
      {fp4q.relaxed = true} -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// It may be on any operation.
func.func @relaxed_elsewhere(%x: tensor<4xf32>) -> tensor<4xbf16> {
  // expected-error @below {{'arith.truncf' op expects fp4q.relaxed to be a unit attribute, but got "yes"}}
  %0 = arith.truncf %x {fp4q.relaxed = "yes"} : tensor<4xf32> to tensor<4xbf16>
  return %0 : tensor<4xbf16>
}
