// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// Shapes that fp4q.scaled_matmul rejects: constraints C1 and C4.

func.func @scaled_matmul_c1_a_rank1(%a: tensor<32xi8>,
                                    %sa: tensor<4x2xf8E8M0FNU>,
                                    %b: tensor<8x32xi8>,
                                    %sb: tensor<8x2xf8E8M0FNU>,
                                    %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects a to have rank >= 2, but got 1}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c1_b_rank1(%a: tensor<4x32xi8>,
                                    %sa: tensor<4x2xf8E8M0FNU>,
                                    %b: tensor<32xi8>,
                                    %sb: tensor<8x2xf8E8M0FNU>,
                                    %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects b to have rank >= 2, but got 1}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c1_a_dynamic_k(%a: tensor<4x?xi8>,
                                        %sa: tensor<4x2xf8E8M0FNU>,
                                        %b: tensor<8x32xi8>,
                                        %sb: tensor<8x2xf8E8M0FNU>,
                                        %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects the last dimension of a to be static and positive, but got 4x?}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x?xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c1_b_zero_k(%a: tensor<4x32xi8>,
                                     %sa: tensor<4x2xf8E8M0FNU>,
                                     %b: tensor<8x0xi8>,
                                     %sb: tensor<8x2xf8E8M0FNU>,
                                     %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects the last dimension of b to be static and positive, but got 8x0}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x0xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c1_k_mismatch(%a: tensor<4x32xi8>,
                                       %sa: tensor<4x2xf8E8M0FNU>,
                                       %b: tensor<8x64xi8>,
                                       %sb: tensor<8x2xf8E8M0FNU>,
                                       %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects a and b to agree in K/2, but got 32 and 64}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x64xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c1_k_too_large(%a: tensor<4x4611686018427387904xi8>,
                                        %sa: tensor<4x2xf8E8M0FNU>,
                                        %b: tensor<8x4611686018427387904xi8>,
                                        %sb: tensor<8x2xf8E8M0FNU>,
                                        %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects K to fit in 64 bits, but K/2 is 4611686018427387904}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x4611686018427387904xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x4611686018427387904xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c1_dynamic_n(%a: tensor<4x32xi8>,
                                      %sa: tensor<4x2xf8E8M0FNU>,
                                      %b: tensor<?x32xi8>,
                                      %sb: tensor<8x2xf8E8M0FNU>,
                                      %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects N, the rows of b, to be static and positive, but got ?x32}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<?x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c1_zero_n(%a: tensor<4x32xi8>,
                                   %sa: tensor<4x2xf8E8M0FNU>,
                                   %b: tensor<0x32xi8>,
                                   %sb: tensor<8x2xf8E8M0FNU>,
                                   %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects N, the rows of b, to be static and positive, but got 0x32}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<0x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c1_batch_of_b_only(%a: tensor<4x32xi8>,
                                            %sa: tensor<4x2xf8E8M0FNU>,
                                            %b: tensor<2x8x32xi8>,
                                            %sb: tensor<2x8x2xf8E8M0FNU>,
                                            %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects b to have no batch dimensions or those of a, but got 4x32 and 2x8x32}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<2x8x32xi8>, tensor<2x8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c1_batch_mismatch(%a: tensor<3x4x32xi8>,
                                           %sa: tensor<3x4x2xf8E8M0FNU>,
                                           %b: tensor<2x8x32xi8>,
                                           %sb: tensor<2x8x2xf8E8M0FNU>,
                                           %i: tensor<3x4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects b to have no batch dimensions or those of a, but got 3x4x32 and 2x8x32}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<3x4x32xi8>, tensor<3x4x2xf8E8M0FNU>,
          tensor<2x8x32xi8>, tensor<2x8x2xf8E8M0FNU>)
      outs(%i : tensor<3x4x8xbf16>) -> tensor<3x4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c1_part_of_the_batch(%a: tensor<2x3x4x32xi8>,
                                              %sa: tensor<2x3x4x2xf8E8M0FNU>,
                                              %b: tensor<3x8x32xi8>,
                                              %sb: tensor<3x8x2xf8E8M0FNU>,
                                              %i: tensor<2x3x4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects b to have no batch dimensions or those of a, but got 2x3x4x32 and 3x8x32}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<2x3x4x32xi8>, tensor<2x3x4x2xf8E8M0FNU>,
          tensor<3x8x32xi8>, tensor<3x8x2xf8E8M0FNU>)
      outs(%i : tensor<2x3x4x8xbf16>) -> tensor<2x3x4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c4_init_columns(%a: tensor<4x32xi8>,
                                         %sa: tensor<4x2xf8E8M0FNU>,
                                         %b: tensor<8x32xi8>,
                                         %sb: tensor<8x2xf8E8M0FNU>,
                                         %i: tensor<4x16xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects init to have shape 4x8, but got 4x16}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x16xbf16>)
      -> tensor<4x16xbf16>
  return
}

// -----

func.func @scaled_matmul_c4_init_rank(%a: tensor<4x32xi8>,
                                      %sa: tensor<4x2xf8E8M0FNU>,
                                      %b: tensor<8x32xi8>,
                                      %sb: tensor<8x2xf8E8M0FNU>,
                                      %i: tensor<1x4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects init to have shape 4x8, but got 1x4x8}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<1x4x8xbf16>)
      -> tensor<1x4x8xbf16>
  return
}
