// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// What fp4q.block_transform and fp4q.global_scale reject.

func.func @block_transform_c1_rank0(%x: tensor<bf16>, %t: tensor<32x32xbf16>,
                                    %i: tensor<f32>) {
  // expected-error @below {{'fp4q.block_transform' op expects x to have rank >= 1, but got 0}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<bf16>, tensor<32x32xbf16>)
      outs(%i : tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @block_transform_c1_dynamic_k(%x: tensor<8x?xbf16>,
                                        %t: tensor<32x32xbf16>,
                                        %i: tensor<8x64xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects the last dimension of x to be static and positive, but got 8x?}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x?xbf16>, tensor<32x32xbf16>)
      outs(%i : tensor<8x64xf32>) -> tensor<8x64xf32>
  return
}

// -----

func.func @block_transform_c1_zero_k(%x: tensor<8x0xbf16>,
                                     %t: tensor<32x32xbf16>,
                                     %i: tensor<8x64xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects the last dimension of x to be static and positive, but got 8x0}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x0xbf16>, tensor<32x32xbf16>)
      outs(%i : tensor<8x64xf32>) -> tensor<8x64xf32>
  return
}

// -----

func.func @block_transform_c2_odd_k(%x: tensor<8x33xbf16>,
                                    %t: tensor<32x32xbf16>,
                                    %i: tensor<8x33xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 33 and C = K/B, but got 32x32}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x33xbf16>, tensor<32x32xbf16>)
      outs(%i : tensor<8x33xf32>) -> tensor<8x33xf32>
  return
}

// -----

func.func @block_transform_c2_not_square(%x: tensor<8x64xbf16>,
                                         %t: tensor<32x16xbf16>,
                                         %i: tensor<8x64xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got 32x16}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x64xbf16>, tensor<32x16xbf16>)
      outs(%i : tensor<8x64xf32>) -> tensor<8x64xf32>
  return
}

// -----

func.func @block_transform_c2_block_of_1(%x: tensor<8x64xbf16>,
                                         %t: tensor<64x1x1xbf16>,
                                         %i: tensor<8x64xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got 64x1x1}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x64xbf16>, tensor<64x1x1xbf16>)
      outs(%i : tensor<8x64xf32>) -> tensor<8x64xf32>
  return
}

// -----

func.func @block_transform_c2_block_of_24(%x: tensor<8x96xbf16>,
                                          %t: tensor<24x24xbf16>,
                                          %i: tensor<8x96xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 96 and C = K/B, but got 24x24}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x96xbf16>, tensor<24x24xbf16>)
      outs(%i : tensor<8x96xf32>) -> tensor<8x96xf32>
  return
}

// -----

func.func @block_transform_c2_block_of_256(%x: tensor<8x256xbf16>,
                                           %t: tensor<1x256x256xbf16>,
                                           %i: tensor<8x256xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 256 and C = K/B, but got 1x256x256}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x256xbf16>, tensor<1x256x256xbf16>)
      outs(%i : tensor<8x256xf32>) -> tensor<8x256xf32>
  return
}

// -----

func.func @block_transform_c2_number_of_blocks(%x: tensor<8x64xbf16>,
                                               %t: tensor<1x32x32xbf16>,
                                               %i: tensor<8x64xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got 1x32x32}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x64xbf16>, tensor<1x32x32xbf16>)
      outs(%i : tensor<8x64xf32>) -> tensor<8x64xf32>
  return
}

// -----

func.func @block_transform_c2_dynamic(%x: tensor<8x64xbf16>,
                                      %t: tensor<2x?x?xbf16>,
                                      %i: tensor<8x64xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects transform to be BxB or CxBxB, where B is a power of two from 2 to 128 that divides K = 64 and C = K/B, but got 2x?x?}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x64xbf16>, tensor<2x?x?xbf16>)
      outs(%i : tensor<8x64xf32>) -> tensor<8x64xf32>
  return
}

// -----

func.func @block_transform_c3_type(%x: tensor<8x64xbf16>,
                                   %t: tensor<32x32xf16>,
                                   %i: tensor<8x64xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects transform to have the element type of x ('bf16') or f32, but got 'f16'}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x64xbf16>, tensor<32x32xf16>)
      outs(%i : tensor<8x64xf32>) -> tensor<8x64xf32>
  return
}

// -----

func.func @block_transform_c4_init_shape(%x: tensor<8x64xbf16>,
                                         %t: tensor<32x32xbf16>,
                                         %i: tensor<8x32xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects init to have shape 8x64, but got 8x32}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x64xbf16>, tensor<32x32xbf16>)
      outs(%i : tensor<8x32xf32>) -> tensor<8x32xf32>
  return
}

// -----

func.func @block_transform_c4_init_rank(%x: tensor<8x64xbf16>,
                                        %t: tensor<32x32xbf16>,
                                        %i: tensor<1x8x64xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects init to have shape 8x64, but got 1x8x64}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x64xbf16>, tensor<32x32xbf16>)
      outs(%i : tensor<1x8x64xf32>) -> tensor<1x8x64xf32>
  return
}

// -----

func.func @block_transform_c5_memref_init(%x: tensor<8x64xbf16>,
                                          %t: tensor<32x32xbf16>,
                                          %i: memref<8x64xf32>) {
  // expected-error @below {{'fp4q.block_transform' op expects its shaped operands to be all tensors or all memrefs}}
  fp4q.block_transform ins(%x, %t : tensor<8x64xbf16>, tensor<32x32xbf16>)
      outs(%i : memref<8x64xf32>)
  return
}

// -----

func.func @block_transform_type_f64_input(%x: tensor<8x64xf64>,
                                          %t: tensor<32x32xbf16>,
                                          %i: tensor<8x64xf32>) {
  // expected-error @below {{'fp4q.block_transform' op operand #0 must be bf16, f16 or f32 tensor or memref, but got 'tensor<8x64xf64>'}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x64xf64>, tensor<32x32xbf16>)
      outs(%i : tensor<8x64xf32>) -> tensor<8x64xf32>
  return
}

// -----

func.func @block_transform_type_f8_transform(%x: tensor<8x64xbf16>,
                                             %t: tensor<32x32xf8E4M3FN>,
                                             %i: tensor<8x64xf32>) {
  // expected-error @below {{'fp4q.block_transform' op operand #1 must be bf16, f16 or f32 tensor or memref, but got 'tensor<32x32xf8E4M3FN>'}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x64xbf16>, tensor<32x32xf8E4M3FN>)
      outs(%i : tensor<8x64xf32>) -> tensor<8x64xf32>
  return
}

// -----

func.func @block_transform_type_unranked_init(%x: tensor<8x64xbf16>,
                                              %t: tensor<32x32xbf16>,
                                              %i: tensor<*xf32>) {
  // expected-error @below {{'fp4q.block_transform' op operand #2 must be bf16, f16 or f32 tensor or memref, but got 'tensor<*xf32>'}}
  %0 = fp4q.block_transform ins(%x, %t : tensor<8x64xbf16>, tensor<32x32xbf16>)
      outs(%i : tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @global_scale_c1_memref_init(%x: tensor<8x64xbf16>, %i: memref<f32>) {
  // expected-error @below {{'fp4q.global_scale' op expects its shaped operands to be all tensors or all memrefs}}
  fp4q.global_scale ins(%x : tensor<8x64xbf16>)
      outs(%i : memref<f32>)
  return
}

// -----

func.func @global_scale_type_f64_input(%x: tensor<8x64xf64>, %i: tensor<f32>) {
  // expected-error @below {{'fp4q.global_scale' op operand #0 must be bf16, f16 or f32 tensor or memref, but got 'tensor<8x64xf64>'}}
  %0 = fp4q.global_scale ins(%x : tensor<8x64xf64>)
      outs(%i : tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @global_scale_type_unranked_input(%x: tensor<*xbf16>,
                                            %i: tensor<f32>) {
  // expected-error @below {{'fp4q.global_scale' op operand #0 must be bf16, f16 or f32 tensor or memref, but got 'tensor<*xbf16>'}}
  %0 = fp4q.global_scale ins(%x : tensor<*xbf16>)
      outs(%i : tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @global_scale_type_rank1_init(%x: tensor<8x64xbf16>,
                                        %i: tensor<1xf32>) {
  // expected-error @below {{'fp4q.global_scale' op operand #1 must be tensor<f32> or memref<f32>, but got 'tensor<1xf32>'}}
  %0 = fp4q.global_scale ins(%x : tensor<8x64xbf16>)
      outs(%i : tensor<1xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @global_scale_type_bf16_init(%x: tensor<8x64xbf16>,
                                       %i: tensor<bf16>) {
  // expected-error @below {{'fp4q.global_scale' op operand #1 must be tensor<f32> or memref<f32>, but got 'tensor<bf16>'}}
  %0 = fp4q.global_scale ins(%x : tensor<8x64xbf16>)
      outs(%i : tensor<bf16>) -> tensor<bf16>
  return
}
