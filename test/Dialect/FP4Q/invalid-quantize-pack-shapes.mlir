// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// Shapes that fp4q.quantize_pack rejects: constraints C1 to C3.

func.func @quantize_pack_c1_rank0(%x: tensor<bf16>, %c: tensor<i8>,
                                  %s: tensor<f8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects x to have rank >= 1, but got 0}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<bf16>)
      outs(%c, %s : tensor<i8>, tensor<f8E8M0FNU>)
      -> tensor<i8>, tensor<f8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c1_dynamic_k(%x: tensor<8x?xbf16>,
                                      %c: tensor<8x32xi8>,
                                      %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects the last dimension of x to be static and positive, but got 8x?}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x?xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c1_zero_k(%x: tensor<8x0xbf16>, %c: tensor<8x0xi8>,
                                   %s: tensor<8x0xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects the last dimension of x to be static and positive, but got 8x0}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x0xbf16>)
      outs(%c, %s : tensor<8x0xi8>, tensor<8x0xf8E8M0FNU>)
      -> tensor<8x0xi8>, tensor<8x0xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c1_k_one(%x: tensor<8x1xbf16>, %c: tensor<8x0xi8>,
                                  %s: tensor<8x1xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects K to be even, but got 1}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x1xbf16>)
      outs(%c, %s : tensor<8x0xi8>, tensor<8x1xf8E8M0FNU>)
      -> tensor<8x0xi8>, tensor<8x1xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c1_odd_k(%x: tensor<8x33xbf16>, %c: tensor<8x16xi8>,
                                  %s: tensor<8x1xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects K to be even, but got 33}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x33xbf16>)
      outs(%c, %s : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      -> tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c2_codes_columns(%x: tensor<8x64xbf16>,
                                          %c: tensor<8x64xi8>,
                                          %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects codes to have shape 8x32, but got 8x64}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x64xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x64xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c2_codes_rows(%x: tensor<8x64xbf16>,
                                       %c: tensor<7x32xi8>,
                                       %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects codes to have shape 8x32, but got 7x32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<7x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<7x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c2_codes_rank(%x: tensor<?x8x64xbf16>,
                                       %c: tensor<8x32xi8>,
                                       %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects codes to have shape ?x8x32, but got 8x32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c2_codes_rank0(%x: tensor<128xbf16>, %c: tensor<i8>,
                                        %s: tensor<4xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects codes to have shape 64, but got rank 0}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<128xbf16>)
      outs(%c, %s : tensor<i8>, tensor<4xf8E8M0FNU>)
      -> tensor<i8>, tensor<4xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c3_scales_rank(%x: tensor<8x64xbf16>,
                                        %c: tensor<8x32xi8>,
                                        %s: tensor<2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects scales to have shape 8xK/G for a group size G, but got 2}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c3_scales_rank0(%x: tensor<64xbf16>,
                                         %c: tensor<32xi8>,
                                         %s: tensor<f8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects scales to have shape K/G for a group size G, but got rank 0}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<64xbf16>)
      outs(%c, %s : tensor<32xi8>, tensor<f8E8M0FNU>)
      -> tensor<32xi8>, tensor<f8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c3_scales_rows(%x: tensor<?x8x64xbf16>,
                                        %c: tensor<?x8x32xi8>,
                                        %s: tensor<2x7x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects scales to have shape ?x8xK/G for a group size G, but got 2x7x2}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x8x64xbf16>)
      outs(%c, %s : tensor<?x8x32xi8>, tensor<2x7x2xf8E8M0FNU>)
      -> tensor<?x8x32xi8>, tensor<2x7x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c3_dynamic_columns(%x: tensor<8x64xbf16>,
                                            %c: tensor<8x32xi8>,
                                            %s: tensor<8x?xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects the last dimension of scales to be K/G for a group size G that is a power of two from 2 to 128 and divides K = 64, but got ?}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x?xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x?xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c3_zero_columns(%x: tensor<8x64xbf16>,
                                         %c: tensor<8x32xi8>,
                                         %s: tensor<8x0xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects the last dimension of scales to be K/G for a group size G that is a power of two from 2 to 128 and divides K = 64, but got 0}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x0xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x0xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c3_columns_do_not_divide_k(%x: tensor<8x64xbf16>,
                                                    %c: tensor<8x32xi8>,
                                                    %s: tensor<8x3xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects the last dimension of scales to be K/G for a group size G that is a power of two from 2 to 128 and divides K = 64, but got 3}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x3xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x3xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c3_group_of_1(%x: tensor<8x64xbf16>,
                                       %c: tensor<8x32xi8>,
                                       %s: tensor<8x64xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects the last dimension of scales to be K/G for a group size G that is a power of two from 2 to 128 and divides K = 64, but got 64}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x64xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x64xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c3_group_of_24(%x: tensor<8x96xbf16>,
                                        %c: tensor<8x48xi8>,
                                        %s: tensor<8x4xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects the last dimension of scales to be K/G for a group size G that is a power of two from 2 to 128 and divides K = 96, but got 4}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x96xbf16>)
      outs(%c, %s : tensor<8x48xi8>, tensor<8x4xf8E8M0FNU>)
      -> tensor<8x48xi8>, tensor<8x4xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c3_group_of_256(%x: tensor<8x256xbf16>,
                                         %c: tensor<8x128xi8>,
                                         %s: tensor<8x1xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects the last dimension of scales to be K/G for a group size G that is a power of two from 2 to 128 and divides K = 256, but got 1}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x256xbf16>)
      outs(%c, %s : tensor<8x128xi8>, tensor<8x1xf8E8M0FNU>)
      -> tensor<8x128xi8>, tensor<8x1xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c3_given_scales(%x: tensor<8x64xbf16>,
                                         %s: tensor<4x2xf8E8M0FNU>,
                                         %c: tensor<8x32xi8>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects scales to have shape 8xK/G for a group size G, but got 4x2}}
  %0 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      scales(%s : tensor<4x2xf8E8M0FNU>) outs(%c : tensor<8x32xi8>)
      -> tensor<8x32xi8>
  return
}
