// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// Inits and scales that fp4q.quantize_pack rejects: constraints C5 and C6.

func.func @quantize_pack_c5_no_init(%x: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects 2 inits (codes and scales), but got 0}}
  "fp4q.quantize_pack"(%x)
      <{operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0>}>
      : (tensor<8x64xbf16>) -> ()
  return
}

// -----

func.func @quantize_pack_c5_one_init(%x: tensor<8x64xbf16>,
                                     %c: tensor<8x32xi8>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects 2 inits (codes and scales), but got 1}}
  %0 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c : tensor<8x32xi8>) -> tensor<8x32xi8>
  return
}

// -----

func.func @quantize_pack_c5_three_inits(%x: tensor<8x64xbf16>,
                                        %c: tensor<8x32xi8>,
                                        %s: tensor<8x2xf8E8M0FNU>,
                                        %s2: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects 2 inits (codes and scales), but got 3}}
  %0:3 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s, %s2 : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c5_given_scales_and_init(%x: tensor<8x64xbf16>,
                                                  %s: tensor<8x2xf8E8M0FNU>,
                                                  %c: tensor<8x32xi8>,
                                                  %s2: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects 1 init (codes) when scales are given, but got 2}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      scales(%s : tensor<8x2xf8E8M0FNU>)
      outs(%c, %s2 : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c5_given_scales_and_scale_scale(%x: tensor<8x64xbf16>,
                                                         %s: tensor<8x2xf8E8M0FNU>,
                                                         %ss: f32,
                                                         %c: tensor<8x32xi8>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects no scale_scale when scales are given}}
  %0 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      scales(%s : tensor<8x2xf8E8M0FNU>) scale_scale(%ss : f32)
      outs(%c : tensor<8x32xi8>) -> tensor<8x32xi8>
  return
}

// -----

func.func @quantize_pack_c5_first_init_is_scales(%x: tensor<8x64xbf16>,
                                                 %s: tensor<8x2xf8E8M0FNU>,
                                                 %c: tensor<8x32xi8>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects the first init to be i8 codes, but got 'f8E8M0FNU'}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%s, %c : tensor<8x2xf8E8M0FNU>, tensor<8x32xi8>)
      -> tensor<8x2xf8E8M0FNU>, tensor<8x32xi8>
  return
}

// -----

func.func @quantize_pack_c5_second_init_is_codes(%x: tensor<8x64xbf16>,
                                                 %c: tensor<8x32xi8>,
                                                 %c2: tensor<8x32xi8>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects the second init to be f8E8M0FNU or f8E4M3FN scales, but got 'i8'}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %c2 : tensor<8x32xi8>, tensor<8x32xi8>)
      -> tensor<8x32xi8>, tensor<8x32xi8>
  return
}

// -----

func.func @quantize_pack_c6_global_scale_zero(%x: tensor<8x64xbf16>,
                                              %c: tensor<8x32xi8>,
                                              %s: tensor<8x2xf8E8M0FNU>) {
  %gs = arith.constant 0.0 : f32
  // expected-error @below {{'fp4q.quantize_pack' op expects a constant global_scale to be finite and positive, but got 0.000000e+00 : f32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      global_scale(%gs : f32)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c6_global_scale_minus_zero(%x: tensor<8x64xbf16>,
                                                    %c: tensor<8x32xi8>,
                                                    %s: tensor<8x2xf8E8M0FNU>) {
  %gs = arith.constant -0.0 : f32
  // expected-error @below {{'fp4q.quantize_pack' op expects a constant global_scale to be finite and positive, but got -0.000000e+00 : f32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      global_scale(%gs : f32)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c6_global_scale_negative(%x: tensor<8x64xbf16>,
                                                  %c: tensor<8x32xi8>,
                                                  %s: tensor<8x2xf8E8M0FNU>) {
  %gs = arith.constant -1.0 : f32
  // expected-error @below {{'fp4q.quantize_pack' op expects a constant global_scale to be finite and positive, but got -1.000000e+00 : f32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      global_scale(%gs : f32)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c6_global_scale_nan(%x: tensor<8x64xbf16>,
                                             %c: tensor<8x32xi8>,
                                             %s: tensor<8x2xf8E8M0FNU>) {
  %gs = arith.constant 0x7FC00000 : f32
  // expected-error @below {{'fp4q.quantize_pack' op expects a constant global_scale to be finite and positive, but got 0x7FC00000 : f32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      global_scale(%gs : f32)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c6_global_scale_infinite(%x: tensor<8x64xbf16>,
                                                  %c: tensor<8x32xi8>,
                                                  %s: tensor<8x2xf8E8M0FNU>) {
  %gs = arith.constant 0x7F800000 : f32
  // expected-error @below {{'fp4q.quantize_pack' op expects a constant global_scale to be finite and positive, but got 0x7F800000 : f32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      global_scale(%gs : f32)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c6_global_scale_with_given_scales(%x: tensor<8x64xbf16>,
                                                           %s: tensor<8x2xf8E8M0FNU>,
                                                           %c: tensor<8x32xi8>) {
  %gs = arith.constant 0.0 : f32
  // expected-error @below {{'fp4q.quantize_pack' op expects a constant global_scale to be finite and positive, but got 0.000000e+00 : f32}}
  %0 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      scales(%s : tensor<8x2xf8E8M0FNU>) global_scale(%gs : f32)
      outs(%c : tensor<8x32xi8>) -> tensor<8x32xi8>
  return
}

// -----

func.func @quantize_pack_c6_scale_scale_negative(%x: tensor<8x64xbf16>,
                                                 %c: tensor<8x32xi8>,
                                                 %s: tensor<8x2xf8E8M0FNU>) {
  %ss = arith.constant -4.0 : f32
  // expected-error @below {{'fp4q.quantize_pack' op expects a constant scale_scale to be finite and positive, but got -4.000000e+00 : f32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      scale_scale(%ss : f32)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c6_scale_scale_tensor_zero(%x: tensor<8x64xbf16>,
                                                    %c: tensor<8x32xi8>,
                                                    %s: tensor<8x2xf8E8M0FNU>) {
  %ss = arith.constant dense<0.0> : tensor<f32>
  // expected-error @below {{'fp4q.quantize_pack' op expects a constant scale_scale to be finite and positive, but got 0.000000e+00 : f32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      scale_scale(%ss : tensor<f32>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c6_scale_scale_tensor_nan(%x: tensor<8x64xbf16>,
                                                   %c: tensor<8x32xi8>,
                                                   %s: tensor<8x2xf8E8M0FNU>) {
  %ss = arith.constant dense<0x7FC00000> : tensor<f32>
  // expected-error @below {{'fp4q.quantize_pack' op expects a constant scale_scale to be finite and positive, but got 0x7FC00000 : f32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      scale_scale(%ss : tensor<f32>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c6_scale_scale_tensor_infinite(%x: tensor<8x64xbf16>,
                                                        %c: tensor<8x32xi8>,
                                                        %s: tensor<8x2xf8E8M0FNU>) {
  %ss = arith.constant dense<0x7F800000> : tensor<f32>
  // expected-error @below {{'fp4q.quantize_pack' op expects a constant scale_scale to be finite and positive, but got 0x7F800000 : f32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      scale_scale(%ss : tensor<f32>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}
