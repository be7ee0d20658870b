// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// Transforms that fp4q.quantize_pack rejects: constraint C4.

func.func @quantize_pack_c4_transform_rank1(%x: tensor<8x64xbf16>,
                                            %t: tensor<64xbf16>,
                                            %c: tensor<8x32xi8>,
                                            %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got 64}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : tensor<64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c4_transform_rank4(%x: tensor<8x64xbf16>,
                                            %t: tensor<1x2x32x32xbf16>,
                                            %c: tensor<8x32xi8>,
                                            %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got 1x2x32x32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : tensor<1x2x32x32xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c4_transform_not_square(%x: tensor<8x64xbf16>,
                                                 %t: tensor<16x32xbf16>,
                                                 %c: tensor<8x32xi8>,
                                                 %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got 16x32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : tensor<16x32xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c4_transform_dynamic(%x: tensor<8x64xbf16>,
                                              %t: tensor<?x?xbf16>,
                                              %c: tensor<8x32xi8>,
                                              %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got ?x?}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : tensor<?x?xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c4_transform_block_of_1(%x: tensor<8x64xbf16>,
                                                 %t: tensor<1x1xbf16>,
                                                 %c: tensor<8x32xi8>,
                                                 %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got 1x1}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : tensor<1x1xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c4_transform_block_of_48(%x: tensor<8x96xbf16>,
                                                  %t: tensor<48x48xbf16>,
                                                  %c: tensor<8x48xi8>,
                                                  %s: tensor<8x3xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 96 and C = K/B, but got 48x48}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x96xbf16>)
      transform(%t : tensor<48x48xbf16>)
      outs(%c, %s : tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>)
      -> tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c4_transform_block_of_256(%x: tensor<8x256xbf16>,
                                                   %t: tensor<256x256xbf16>,
                                                   %c: tensor<8x128xi8>,
                                                   %s: tensor<8x8xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 256 and C = K/B, but got 256x256}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x256xbf16>)
      transform(%t : tensor<256x256xbf16>)
      outs(%c, %s : tensor<8x128xi8>, tensor<8x8xf8E8M0FNU>)
      -> tensor<8x128xi8>, tensor<8x8xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c4_transform_block_does_not_divide_k(%x: tensor<8x96xbf16>,
                                                              %t: tensor<64x64xbf16>,
                                                              %c: tensor<8x48xi8>,
                                                              %s: tensor<8x3xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 96 and C = K/B, but got 64x64}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x96xbf16>)
      transform(%t : tensor<64x64xbf16>)
      outs(%c, %s : tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>)
      -> tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c4_transform_number_of_blocks(%x: tensor<8x64xbf16>,
                                                       %t: tensor<3x32x32xbf16>,
                                                       %c: tensor<8x32xi8>,
                                                       %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got 3x32x32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : tensor<3x32x32xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c4_transform_dynamic_number_of_blocks(%x: tensor<8x64xbf16>,
                                                               %t: tensor<?x32x32xbf16>,
                                                               %c: tensor<8x32xi8>,
                                                               %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got ?x32x32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : tensor<?x32x32xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c4_transform_rank0(%x: tensor<8x64xbf16>,
                                            %t: tensor<bf16>,
                                            %c: tensor<8x32xi8>,
                                            %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got rank 0}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : tensor<bf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c4_transform_type(%x: tensor<8x64xbf16>,
                                           %t: tensor<32x32xf16>,
                                           %c: tensor<8x32xi8>,
                                           %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects transform to have the element type of x ('bf16') or f32, but got 'f16'}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : tensor<32x32xf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}
