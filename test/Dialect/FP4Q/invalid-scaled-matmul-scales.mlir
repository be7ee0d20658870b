// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// Scales that fp4q.scaled_matmul rejects: constraints C2, C3 and C8.

func.func @scaled_matmul_c2_a_scales_rows(%a: tensor<4x32xi8>,
                                          %sa: tensor<8x2xf8E8M0FNU>,
                                          %b: tensor<8x32xi8>,
                                          %sb: tensor<8x2xf8E8M0FNU>,
                                          %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects a_scales to have shape 4xK/G for a group size G, but got 8x2}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<8x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c2_b_scales_rank(%a: tensor<4x32xi8>,
                                          %sa: tensor<4x2xf8E8M0FNU>,
                                          %b: tensor<8x32xi8>,
                                          %sb: tensor<16xf8E8M0FNU>,
                                          %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects b_scales to have shape 8xK/G for a group size G, but got 16}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<16xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c2_a_scales_zero_columns(%a: tensor<4x32xi8>,
                                                  %sa: tensor<4x0xf8E8M0FNU>,
                                                  %b: tensor<8x32xi8>,
                                                  %sb: tensor<8x2xf8E8M0FNU>,
                                                  %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects the last dimension of a_scales to be K/G for a group size G that is a power of two from 2 to 128 and divides K = 64, but got 0}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x0xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c2_b_scales_group_of_1(%a: tensor<4x32xi8>,
                                                %sa: tensor<4x2xf8E8M0FNU>,
                                                %b: tensor<8x32xi8>,
                                                %sb: tensor<8x64xf8E8M0FNU>,
                                                %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects the last dimension of b_scales to be K/G for a group size G that is a power of two from 2 to 128 and divides K = 64, but got 64}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x64xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c2_group_mismatch(%a: tensor<4x32xi8>,
                                           %sa: tensor<4x2xf8E8M0FNU>,
                                           %b: tensor<8x32xi8>,
                                           %sb: tensor<8x4xf8E8M0FNU>,
                                           %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects a and b to have the same group size, but got 32 and 16}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x4xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c2_group_mismatch_blocked(%a: tensor<4x32xi8>,
                                                   %sa: tensor<1x1x512xf8E8M0FNU>,
                                                   %b: tensor<8x32xi8>,
                                                   %sb: tensor<8x2xf8E8M0FNU>,
                                                   %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects a and b to have the same group size, but got 16 and 32}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<1x1x512xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 16 : i64}
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c3_scale_type_mismatch(%a: tensor<4x32xi8>,
                                                %sa: tensor<4x2xf8E8M0FNU>,
                                                %b: tensor<8x32xi8>,
                                                %sb: tensor<8x2xf8E4M3FN>,
                                                %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects a_scales and b_scales to have the same element type, but got 'f8E8M0FNU' and 'f8E4M3FN'}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E4M3FN>) outs(%i : tensor<4x8xbf16>)
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c8_blocked_without_group_size(%a: tensor<4x32xi8>,
                                                       %sa: tensor<1x1x512xf8E8M0FNU>,
                                                       %b: tensor<8x32xi8>,
                                                       %sb: tensor<8x2xf8E8M0FNU>,
                                                       %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects group_size with layout blocked_128x4}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<1x1x512xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>} -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c8_linear_with_group_size(%a: tensor<4x32xi8>,
                                                   %sa: tensor<4x2xf8E8M0FNU>,
                                                   %b: tensor<8x32xi8>,
                                                   %sb: tensor<8x2xf8E8M0FNU>,
                                                   %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects no group_size with linear scales, whose type tells it}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      {group_size = 32 : i64} -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c8_group_size_of_48(%a: tensor<4x32xi8>,
                                             %sa: tensor<4x2xf8E8M0FNU>,
                                             %b: tensor<8x32xi8>,
                                             %sb: tensor<1x1x512xf8E8M0FNU>,
                                             %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects group_size to be a power of two from 2 to 128 that divides K = 64, but got 48}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      outs(%i : tensor<4x8xbf16>)
      {b_scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 48 : i64}
      -> tensor<4x8xbf16>
  return
}

// -----

func.func @scaled_matmul_c8_blocked_b_shape(%a: tensor<4x32xi8>,
                                            %sa: tensor<4x2xf8E8M0FNU>,
                                            %b: tensor<8x32xi8>,
                                            %sb: tensor<8x2xf8E8M0FNU>,
                                            %i: tensor<4x8xbf16>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects b_scales to have shape 1x1x512, but got 8x2}}
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) outs(%i : tensor<4x8xbf16>)
      {b_scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<4x8xbf16>
  return
}
