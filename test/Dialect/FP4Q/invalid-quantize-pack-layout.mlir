// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// Scale layouts that fp4q.quantize_pack rejects: constraint C8.

func.func @quantize_pack_c8_blocked_without_group_size(%x: tensor<8x64xbf16>,
                                                       %c: tensor<8x32xi8>,
                                                       %s: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects group_size with layout blocked_128x4}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      {scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c8_linear_with_group_size(%x: tensor<8x64xbf16>,
                                                   %c: tensor<8x32xi8>,
                                                   %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects no group_size with linear scales, whose type tells it}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      {group_size = 32 : i64} -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c8_group_size_zero(%x: tensor<8x64xbf16>,
                                            %c: tensor<8x32xi8>,
                                            %s: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects group_size to be a power of two from 2 to 128 that divides K = 64, but got 0}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      {group_size = 0 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c8_group_size_negative(%x: tensor<8x64xbf16>,
                                                %c: tensor<8x32xi8>,
                                                %s: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects group_size to be a power of two from 2 to 128 that divides K = 64, but got -32}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      {group_size = -32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c8_group_size_of_1(%x: tensor<8x64xbf16>,
                                            %c: tensor<8x32xi8>,
                                            %s: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects group_size to be a power of two from 2 to 128 that divides K = 64, but got 1}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      {group_size = 1 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c8_group_size_of_24(%x: tensor<8x64xbf16>,
                                             %c: tensor<8x32xi8>,
                                             %s: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects group_size to be a power of two from 2 to 128 that divides K = 64, but got 24}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      {group_size = 24 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c8_group_size_of_256(%x: tensor<8x64xbf16>,
                                              %c: tensor<8x32xi8>,
                                              %s: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects group_size to be a power of two from 2 to 128 that divides K = 64, but got 256}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      {group_size = 256 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c8_group_size_does_not_divide_k(%x: tensor<8x96xbf16>,
                                                         %c: tensor<8x48xi8>,
                                                         %s: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects group_size to be a power of two from 2 to 128 that divides K = 96, but got 64}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x96xbf16>)
      outs(%c, %s : tensor<8x48xi8>, tensor<1x1x512xf8E8M0FNU>)
      {group_size = 64 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x48xi8>, tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c8_blocked_shape(%x: tensor<129x160xbf16>,
                                          %c: tensor<129x80xi8>,
                                          %s: tensor<2x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects scales to have shape 2x2x512, but got 2x1x512}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<129x160xbf16>)
      outs(%c, %s : tensor<129x80xi8>, tensor<2x1x512xf8E8M0FNU>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<129x80xi8>, tensor<2x1x512xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c8_blocked_given_shape(%x: tensor<3x8x64xbf16>,
                                                %s: tensor<1x1x512xf8E8M0FNU>,
                                                %c: tensor<3x8x32xi8>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects scales to have shape 3x1x1x512, but got 1x1x512}}
  %0 = fp4q.quantize_pack ins(%x : tensor<3x8x64xbf16>)
      scales(%s : tensor<1x1x512xf8E8M0FNU>) outs(%c : tensor<3x8x32xi8>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<3x8x32xi8>
  return
}

// -----

func.func @quantize_pack_c8_blocked_vector(%x: tensor<64xbf16>,
                                           %c: tensor<32xi8>,
                                           %s: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects scales in layout blocked_128x4 to belong to a matrix, but K = 64 is the only dimension}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<64xbf16>)
      outs(%c, %s : tensor<32xi8>, tensor<1x1x512xf8E8M0FNU>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<32xi8>, tensor<1x1x512xf8E8M0FNU>
  return
}
