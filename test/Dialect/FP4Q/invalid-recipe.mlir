// RUN: fp4q-opt %s -verify-diagnostics -split-input-file

// expected-error @below {{unknown recipe 'mxfp4', expected one of law, torchao-mx-floor, torchao-mx-ceil, torchao-mx-even, torchao-mx-rceil, torchao-nv1, torchao-nv2, ct-nv, ct-mx, modelopt-nv, gptoss-mx, te-nv, flashinfer-nv}}
func.func private @unknown_preset() attributes {a = #fp4q.recipe<"mxfp4">}

// -----

// expected-error @below {{unknown recipe setting 'rounding', expected one of scale_formula, intermediate, e8m0_rounding, e8m0_tiny, e8m0_offset, e4m3_floor, e4m3_zero, element_operand, scale_byte_zero, zero_sign, global_scale}}
func.func private @unknown_setting() attributes {a = #fp4q.recipe<rounding = never>}

// -----

// expected-error @below {{unknown e8m0_offset '-1', expected one of 0, -2}}
func.func private @unknown_offset() attributes {a = #fp4q.recipe<e8m0_offset = -1>}

// -----

// expected-error @below {{unknown zero_sign 'none', expected one of sign_bit, only_negative}}
func.func private @unknown_value() attributes {a = #fp4q.recipe<"ct-nv", zero_sign = none>}

// -----

func.func @quantize_pack_c9_e8m0_setting(%x: tensor<4x64xf32>, %c: tensor<4x32xi8>, %s: tensor<4x4xf8E4M3FN>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects a recipe for e4m3 scales, but it sets an e8m0 rounding}}
  %r:2 = fp4q.quantize_pack ins(%x : tensor<4x64xf32>) outs(%c, %s : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>) {recipe = #fp4q.recipe<"torchao-mx-floor">} -> tensor<4x32xi8>, tensor<4x4xf8E4M3FN>
  return
}

// -----

func.func @quantize_pack_c9_e4m3_setting(%x: tensor<4x64xf32>, %c: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects a recipe for e8m0 scales, but it sets an e4m3 floor}}
  %r:2 = fp4q.quantize_pack ins(%x : tensor<4x64xf32>) outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>) {recipe = #fp4q.recipe<"torchao-nv1">} -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c9_e4m3_zero(%x: tensor<4x64xf32>, %c: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects a recipe for e8m0 scales, but it sets an e4m3 zero}}
  %r:2 = fp4q.quantize_pack ins(%x : tensor<4x64xf32>) outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>) {recipe = #fp4q.recipe<e4m3_zero = s_zero_to_one>} -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c9_global_scale_without(%x: tensor<4x64xf32>, %g: f32, %c: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects no global scale, because the recipe has none}}
  %r:2 = fp4q.quantize_pack ins(%x : tensor<4x64xf32>) global_scale(%g : f32) outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>) {recipe = #fp4q.recipe<"gptoss-mx">} -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c9_global_scale_unread(%x: tensor<4x64xf32>, %g: f32, %c: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects no global scale, because the recipe does not read it}}
  %r:2 = fp4q.quantize_pack ins(%x : tensor<4x64xf32>) global_scale(%g : f32) outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>) {recipe = #fp4q.recipe<scale_formula = amax, element_operand = x_over_q>} -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c9_scale_scale_unread(%x: tensor<4x64xf32>, %ss: f32, %c: tensor<4x32xi8>, %s: tensor<4x4xf8E4M3FN>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects no scale scale, because the recipe's scale formula does not read it}}
  %r:2 = fp4q.quantize_pack ins(%x : tensor<4x64xf32>) scale_scale(%ss : f32) outs(%c, %s : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>) {recipe = #fp4q.recipe<"te-nv">} -> tensor<4x32xi8>, tensor<4x4xf8E4M3FN>
  return
}
