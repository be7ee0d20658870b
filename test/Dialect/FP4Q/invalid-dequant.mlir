// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// What fp4q.dequant rejects.

func.func @dequant_c1_rank0(%c: tensor<i8>, %s: tensor<f8E8M0FNU>,
                            %i: tensor<bf16>) {
  // expected-error @below {{'fp4q.dequant' op expects init to have rank >= 1, but got 0}}
  %0 = fp4q.dequant ins(%c, %s : tensor<i8>, tensor<f8E8M0FNU>)
      outs(%i : tensor<bf16>) -> tensor<bf16>
  return
}

// -----

func.func @dequant_c1_dynamic_k(%c: tensor<8x32xi8>,
                                %s: tensor<8x2xf8E8M0FNU>,
                                %i: tensor<8x?xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects the last dimension of init to be static and positive, but got 8x?}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x?xbf16>) -> tensor<8x?xbf16>
  return
}

// -----

func.func @dequant_c1_zero_k(%c: tensor<8x32xi8>, %s: tensor<8x2xf8E8M0FNU>,
                             %i: tensor<8x0xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects the last dimension of init to be static and positive, but got 8x0}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x0xbf16>) -> tensor<8x0xbf16>
  return
}

// -----

func.func @dequant_c1_odd_k(%c: tensor<8x32xi8>, %s: tensor<8x2xf8E8M0FNU>,
                            %i: tensor<8x63xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects K to be even, but got 63}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x63xbf16>) -> tensor<8x63xbf16>
  return
}

// -----

func.func @dequant_c2_codes_columns(%c: tensor<8x64xi8>,
                                    %s: tensor<8x2xf8E8M0FNU>,
                                    %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects codes to have shape 8x32, but got 8x64}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x64xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c2_codes_rank(%c: tensor<8x32xi8>,
                                 %s: tensor<8x2xf8E8M0FNU>,
                                 %i: tensor<2x8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects codes to have shape 2x8x32, but got 8x32}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<2x8x64xbf16>) -> tensor<2x8x64xbf16>
  return
}

// -----

func.func @dequant_c3_scales_rows(%c: tensor<8x32xi8>,
                                  %s: tensor<4x2xf8E8M0FNU>,
                                  %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects scales to have shape 8xK/G for a group size G, but got 4x2}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<4x2xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c3_dynamic_columns(%c: tensor<8x32xi8>,
                                      %s: tensor<8x?xf8E8M0FNU>,
                                      %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects the last dimension of scales to be K/G for a group size G that is a power of two from 2 to 128 and divides K = 64, but got ?}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x?xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c3_group_of_1(%c: tensor<8x32xi8>,
                                 %s: tensor<8x64xf8E4M3FN>,
                                 %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects the last dimension of scales to be K/G for a group size G that is a power of two from 2 to 128 and divides K = 64, but got 64}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x64xf8E4M3FN>)
      outs(%i : tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c4_global_scale_zero(%c: tensor<8x32xi8>,
                                        %s: tensor<8x2xf8E8M0FNU>,
                                        %i: tensor<8x64xbf16>) {
  %gs = arith.constant 0.0 : f32
  // expected-error @below {{'fp4q.dequant' op expects a constant global_scale to be finite and positive, but got 0.000000e+00 : f32}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      global_scale(%gs : f32) outs(%i : tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c4_global_scale_tensor_nan(%c: tensor<8x32xi8>,
                                              %s: tensor<8x2xf8E8M0FNU>,
                                              %i: tensor<8x64xbf16>) {
  %gs = arith.constant dense<0x7FC00000> : tensor<f32>
  // expected-error @below {{'fp4q.dequant' op expects a constant global_scale to be finite and positive, but got 0x7FC00000 : f32}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      global_scale(%gs : tensor<f32>) outs(%i : tensor<8x64xbf16>)
      {direction = #fp4q.direction<divide>} -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c5_memref_codes(%c: memref<8x32xi8>,
                                   %s: tensor<8x2xf8E8M0FNU>,
                                   %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects its shaped operands to be all tensors or all memrefs}}
  %0 = fp4q.dequant ins(%c, %s : memref<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c5_tensor_global_scale(%c: memref<8x32xi8>,
                                          %s: memref<8x2xf8E8M0FNU>,
                                          %gs: tensor<f32>,
                                          %i: memref<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects its shaped operands to be all tensors or all memrefs}}
  fp4q.dequant ins(%c, %s : memref<8x32xi8>, memref<8x2xf8E8M0FNU>)
      global_scale(%gs : tensor<f32>) outs(%i : memref<8x64xbf16>)
  return
}

// -----

func.func @dequant_c6_blocked_without_group_size(%c: tensor<8x32xi8>,
                                                 %s: tensor<1x1x512xf8E8M0FNU>,
                                                 %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects group_size with layout blocked_128x4}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>)
      {scale_layout = #fp4q.scale_layout<blocked_128x4>} -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c6_linear_with_group_size(%c: tensor<8x32xi8>,
                                             %s: tensor<8x2xf8E8M0FNU>,
                                             %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects no group_size with linear scales, whose type tells it}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>) {group_size = 32 : i64} -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c6_group_size_of_128(%c: tensor<8x32xi8>,
                                        %s: tensor<1x1x512xf8E8M0FNU>,
                                        %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects group_size to be a power of two from 2 to 128 that divides K = 64, but got 128}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>)
      {group_size = 128 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c6_blocked_shape(%c: tensor<8x32xi8>,
                                    %s: tensor<1x2x512xf8E8M0FNU>,
                                    %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects scales to have shape 1x1x512, but got 1x2x512}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<1x2x512xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c6_blocked_rank(%c: tensor<8x32xi8>,
                                   %s: tensor<8x2xf8E8M0FNU>,
                                   %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects scales to have shape 1x1x512, but got 8x2}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_c6_blocked_vector(%c: tensor<32xi8>,
                                     %s: tensor<1x1x512xf8E8M0FNU>,
                                     %i: tensor<64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expects scales in layout blocked_128x4 to belong to a matrix, but K = 64 is the only dimension}}
  %0 = fp4q.dequant ins(%c, %s : tensor<32xi8>, tensor<1x1x512xf8E8M0FNU>)
      outs(%i : tensor<64xbf16>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<64xbf16>
  return
}

// -----

func.func @dequant_type_i4_codes(%c: tensor<8x64xi4>,
                                 %s: tensor<8x2xf8E8M0FNU>,
                                 %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op operand #0 must be packed i8 code tensor or memref, but got 'tensor<8x64xi4>'}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x64xi4>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_type_f32_scales(%c: tensor<8x32xi8>, %s: tensor<8x2xf32>,
                                   %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op operand #1 must be f8E8M0FNU or f8E4M3FN scale tensor or memref, but got 'tensor<8x2xf32>'}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf32>)
      outs(%i : tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_type_f64_init(%c: tensor<8x32xi8>,
                                 %s: tensor<8x2xf8E8M0FNU>,
                                 %i: tensor<8x64xf64>) {
  // expected-error @below {{'fp4q.dequant' op operand #2 must be bf16, f16 or f32 tensor or memref, but got 'tensor<8x64xf64>'}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x64xf64>) -> tensor<8x64xf64>
  return
}

// -----

func.func @dequant_type_unranked_codes(%c: tensor<*xi8>,
                                       %s: tensor<8x2xf8E8M0FNU>,
                                       %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op operand #0 must be packed i8 code tensor or memref, but got 'tensor<*xi8>'}}
  %0 = fp4q.dequant ins(%c, %s : tensor<*xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_type_result_differs_from_init(%c: tensor<8x32xi8>,
                                                 %s: tensor<8x2xf8E8M0FNU>,
                                                 %i: tensor<8x64xbf16>) {
  // expected-error @below {{'fp4q.dequant' op expected type of operand #2 ('tensor<8x64xbf16>') to match type of corresponding result ('tensor<8x64xf32>')}}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>) -> tensor<8x64xf32>
  return
}

// -----

func.func @dequant_type_direction(%c: tensor<8x32xi8>,
                                  %s: tensor<8x2xf8E8M0FNU>,
                                  %i: tensor<8x64xbf16>) {
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<8x64xbf16>)
      // expected-error @below {{unknown direction 'add', expected one of multiply, divide}}
      {direction = #fp4q.direction<add>}
      -> tensor<8x64xbf16>
  return
}

// -----

func.func @dequant_resource_too_long(%s: tensor<2x2xf8E8M0FNU>,
                                     %i: tensor<2x4xbf16>) {
  %c = arith.constant dense_resource<long> : tensor<2x2xi8>
  // expected-error @below {{'fp4q.dequant' op expects resource 'long' of operand #0 to hold 4 bytes, but got 5}}
  %0 = fp4q.dequant ins(%c, %s : tensor<2x2xi8>, tensor<2x2xf8E8M0FNU>)
      outs(%i : tensor<2x4xbf16>) -> tensor<2x4xbf16>
  return
}

{-# dialect_resources: { builtin: { long: "0x010000000102030405" } } #-}

// -----

func.func @dequant_resource_missing(%c: tensor<2x2xi8>, %i: tensor<2x4xbf16>) {
  %s = arith.constant dense_resource<none> : tensor<2x2xf8E8M0FNU>
  // expected-error @below {{'fp4q.dequant' op expects resource 'none' of operand #1 to hold 4 bytes, but got 0}}
  %0 = fp4q.dequant ins(%c, %s : tensor<2x2xi8>, tensor<2x2xf8E8M0FNU>)
      outs(%i : tensor<2x4xbf16>) -> tensor<2x4xbf16>
  return
}
