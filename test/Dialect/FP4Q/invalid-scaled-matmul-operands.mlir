// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// Operands that fp4q.scaled_matmul rejects: constraints C5 to C7, ODS.

func.func @scaled_matmul_c5_alpha_length(%a: tensor<4x32xi8>,
                                         %sa: tensor<4x2xf8E8M0FNU>,
                                         %b: tensor<8x32xi8>,
                                         %sb: tensor<8x2xf8E8M0FNU>,
                                         %al: tensor<4xf32>,
                                         %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects alpha to have shape 8, but got 4}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) alpha(%al : tensor<4xf32>)
      outs(%i : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c6_bias_length(%a: tensor<4x32xi8>,
                                        %sa: tensor<4x2xf8E8M0FNU>,
                                        %b: tensor<8x32xi8>,
                                        %sb: tensor<8x2xf8E8M0FNU>,
                                        %bi: tensor<4xf32>,
                                        %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects bias to have shape 8, but got 4}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) bias(%bi : tensor<4xf32>)
      outs(%i : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c6_bias_rank(%a: tensor<4x32xi8>,
                                      %sa: tensor<4x2xf8E8M0FNU>,
                                      %b: tensor<8x32xi8>,
                                      %sb: tensor<8x2xf8E8M0FNU>,
                                      %bi: tensor<4x8xf32>,
                                      %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects bias to have shape 8, but got 4x8}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) bias(%bi : tensor<4x8xf32>)
      outs(%i : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c6_bias_type(%a: tensor<4x32xi8>,
                                      %sa: tensor<4x2xf8E8M0FNU>,
                                      %b: tensor<8x32xi8>,
                                      %sb: tensor<8x2xf8E8M0FNU>,
                                      %bi: tensor<8xf16>,
                                      %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects bias to be f32 or of the result's element type ('bf16'), but got 'f16'}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) bias(%bi : tensor<8xf16>)
      outs(%i : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c7_memref_b(%a: tensor<4x32xi8>,
                                     %sa: tensor<4x2xf8E8M0FNU>,
                                     %b: memref<8x32xi8>,
                                     %sb: tensor<8x2xf8E8M0FNU>,
                                     %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects its shaped operands to be all tensors or all memrefs}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          memref<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c7_memref_alpha(%a: tensor<4x32xi8>,
                                         %sa: tensor<4x2xf8E8M0FNU>,
                                         %b: tensor<8x32xi8>,
                                         %sb: tensor<8x2xf8E8M0FNU>,
                                         %al: memref<f32>,
                                         %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects its shaped operands to be all tensors or all memrefs}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) alpha(%al : memref<f32>)
      outs(%i : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_type_i32_codes(%a: tensor<4x32xi32>,
                                        %sa: tensor<4x2xf8E8M0FNU>,
                                        %b: tensor<8x32xi8>,
                                        %sb: tensor<8x2xf8E8M0FNU>,
                                        %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op operand #0 must be packed i8 code tensor or memref, but got 'tensor<4x32xi32>'}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi32>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_type_bf16_scales(%a: tensor<4x32xi8>,
                                          %sa: tensor<4x2xf8E8M0FNU>,
                                          %b: tensor<8x32xi8>,
                                          %sb: tensor<8x2xbf16>,
                                          %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op operand #3 must be f8E8M0FNU or f8E4M3FN scale tensor or memref, but got 'tensor<8x2xbf16>'}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xbf16>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_type_rank2_alpha(%a: tensor<4x32xi8>,
                                          %sa: tensor<4x2xf8E8M0FNU>,
                                          %b: tensor<8x32xi8>,
                                          %sb: tensor<8x2xf8E8M0FNU>,
                                          %al: tensor<4x8xf32>,
                                          %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op operand #4 must be f32, or f32 tensor or memref of rank 0 or 1, but got 'tensor<4x8xf32>'}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) alpha(%al : tensor<4x8xf32>)
      outs(%i : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_type_bf16_alpha(%a: tensor<4x32xi8>,
                                         %sa: tensor<4x2xf8E8M0FNU>,
                                         %b: tensor<8x32xi8>,
                                         %sb: tensor<8x2xf8E8M0FNU>,
                                         %al: bf16, %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op operand #4 must be f32, or f32 tensor or memref of rank 0 or 1, but got 'bf16'}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) alpha(%al : bf16)
      outs(%i : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_type_i8_bias(%a: tensor<4x32xi8>,
                                      %sa: tensor<4x2xf8E8M0FNU>,
                                      %b: tensor<8x32xi8>,
                                      %sb: tensor<8x2xf8E8M0FNU>,
                                      %bi: tensor<8xi8>, %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op operand #4 must be bf16, f16 or f32 tensor or memref, but got 'tensor<8xi8>'}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) bias(%bi : tensor<8xi8>)
      outs(%i : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_type_f64_init(%a: tensor<4x32xi8>,
                                       %sa: tensor<4x2xf8E8M0FNU>,
                                       %b: tensor<8x32xi8>,
                                       %sb: tensor<8x2xf8E8M0FNU>,
                                       %i: tensor<4x8xf64>) {
  // expected-error @below {{'fp4q.scaled_matmul' op operand #4 must be bf16, f16 or f32 tensor or memref, but got 'tensor<4x8xf64>'}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xf64>)
      -> tensor<4x8xf64>
  return
}
