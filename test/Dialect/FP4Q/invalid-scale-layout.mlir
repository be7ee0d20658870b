// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// What fp4q.swizzle_scales and fp4q.unswizzle_scales reject.

func.func @swizzle_scales_c1_rank1(%x: tensor<2xf8E8M0FNU>,
                                   %i: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.swizzle_scales' op expects source to have rank >= 2, but got 1}}
  %0 = fp4q.swizzle_scales ins(%x : tensor<2xf8E8M0FNU>)
      outs(%i : tensor<1x1x512xf8E8M0FNU>) -> tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @swizzle_scales_c1_dynamic_columns(%x: tensor<8x?xf8E8M0FNU>,
                                             %i: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.swizzle_scales' op expects the last dimension of source to be static and positive, but got 8x?}}
  %0 = fp4q.swizzle_scales ins(%x : tensor<8x?xf8E8M0FNU>)
      outs(%i : tensor<1x1x512xf8E8M0FNU>) -> tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @swizzle_scales_c1_zero_columns(%x: tensor<8x0xf8E8M0FNU>,
                                          %i: tensor<1x0x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.swizzle_scales' op expects the last dimension of source to be static and positive, but got 8x0}}
  %0 = fp4q.swizzle_scales ins(%x : tensor<8x0xf8E8M0FNU>)
      outs(%i : tensor<1x0x512xf8E8M0FNU>) -> tensor<1x0x512xf8E8M0FNU>
  return
}

// -----

func.func @swizzle_scales_c2_tiles(%x: tensor<129x5xf8E8M0FNU>,
                                   %i: tensor<1x2x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.swizzle_scales' op expects init to have shape 2x2x512, but got 1x2x512}}
  %0 = fp4q.swizzle_scales ins(%x : tensor<129x5xf8E8M0FNU>)
      outs(%i : tensor<1x2x512xf8E8M0FNU>) -> tensor<1x2x512xf8E8M0FNU>
  return
}

// -----

func.func @swizzle_scales_c2_bytes_of_a_tile(%x: tensor<8x2xf8E8M0FNU>,
                                             %i: tensor<1x1x128xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.swizzle_scales' op expects init to have shape 1x1x512, but got 1x1x128}}
  %0 = fp4q.swizzle_scales ins(%x : tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<1x1x128xf8E8M0FNU>) -> tensor<1x1x128xf8E8M0FNU>
  return
}

// -----

func.func @swizzle_scales_c2_rank(%x: tensor<3x8x2xf8E8M0FNU>,
                                  %i: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.swizzle_scales' op expects init to have shape 3x1x1x512, but got 1x1x512}}
  %0 = fp4q.swizzle_scales ins(%x : tensor<3x8x2xf8E8M0FNU>)
      outs(%i : tensor<1x1x512xf8E8M0FNU>) -> tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @swizzle_scales_c2_huge_source(%x: tensor<9223372036854775807x9223372036854775807xf8E8M0FNU>,
                                         %i: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.swizzle_scales' op expects init to have shape 72057594037927936x2305843009213693952x512, but got 1x1x512}}
  %0 = fp4q.swizzle_scales ins(%x : tensor<9223372036854775807x9223372036854775807xf8E8M0FNU>)
      outs(%i : tensor<1x1x512xf8E8M0FNU>) -> tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @swizzle_scales_c3_type_mismatch(%x: tensor<8x2xf8E8M0FNU>,
                                           %i: tensor<1x1x512xf8E4M3FN>) {
  // expected-error @below {{'fp4q.swizzle_scales' op expects source and init to have the same element type, but got 'f8E8M0FNU' and 'f8E4M3FN'}}
  %0 = fp4q.swizzle_scales ins(%x : tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<1x1x512xf8E4M3FN>) -> tensor<1x1x512xf8E4M3FN>
  return
}

// -----

func.func @swizzle_scales_c4_memref_source(%x: memref<8x2xf8E8M0FNU>,
                                           %i: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.swizzle_scales' op expects its shaped operands to be all tensors or all memrefs}}
  %0 = fp4q.swizzle_scales ins(%x : memref<8x2xf8E8M0FNU>)
      outs(%i : tensor<1x1x512xf8E8M0FNU>) -> tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @swizzle_scales_type_i8_source(%x: tensor<8x2xi8>,
                                         %i: tensor<1x1x512xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.swizzle_scales' op operand #0 must be f8E8M0FNU or f8E4M3FN scale tensor or memref, but got 'tensor<8x2xi8>'}}
  %0 = fp4q.swizzle_scales ins(%x : tensor<8x2xi8>)
      outs(%i : tensor<1x1x512xf8E8M0FNU>) -> tensor<1x1x512xf8E8M0FNU>
  return
}

// -----

func.func @unswizzle_scales_c1_rank1(%x: tensor<1x1x512xf8E8M0FNU>,
                                     %i: tensor<2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.unswizzle_scales' op expects init to have rank >= 2, but got 1}}
  %0 = fp4q.unswizzle_scales ins(%x : tensor<1x1x512xf8E8M0FNU>)
      outs(%i : tensor<2xf8E8M0FNU>) -> tensor<2xf8E8M0FNU>
  return
}

// -----

func.func @unswizzle_scales_c1_dynamic_columns(%x: tensor<1x1x512xf8E8M0FNU>,
                                               %i: tensor<8x?xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.unswizzle_scales' op expects the last dimension of init to be static and positive, but got 8x?}}
  %0 = fp4q.unswizzle_scales ins(%x : tensor<1x1x512xf8E8M0FNU>)
      outs(%i : tensor<8x?xf8E8M0FNU>) -> tensor<8x?xf8E8M0FNU>
  return
}

// -----

func.func @unswizzle_scales_c2_tiles(%x: tensor<2x1x512xf8E8M0FNU>,
                                     %i: tensor<129x5xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.unswizzle_scales' op expects source to have shape 2x2x512, but got 2x1x512}}
  %0 = fp4q.unswizzle_scales ins(%x : tensor<2x1x512xf8E8M0FNU>)
      outs(%i : tensor<129x5xf8E8M0FNU>) -> tensor<129x5xf8E8M0FNU>
  return
}

// -----

func.func @unswizzle_scales_c2_rank(%x: tensor<8x512xf8E8M0FNU>,
                                    %i: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.unswizzle_scales' op expects source to have shape 1x1x512, but got 8x512}}
  %0 = fp4q.unswizzle_scales ins(%x : tensor<8x512xf8E8M0FNU>)
      outs(%i : tensor<8x2xf8E8M0FNU>) -> tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @unswizzle_scales_c3_type_mismatch(%x: tensor<1x1x512xf8E4M3FN>,
                                             %i: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.unswizzle_scales' op expects source and init to have the same element type, but got 'f8E4M3FN' and 'f8E8M0FNU'}}
  %0 = fp4q.unswizzle_scales ins(%x : tensor<1x1x512xf8E4M3FN>)
      outs(%i : tensor<8x2xf8E8M0FNU>) -> tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @unswizzle_scales_c4_memref_init(%x: tensor<1x1x512xf8E8M0FNU>,
                                           %i: memref<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.unswizzle_scales' op expects its shaped operands to be all tensors or all memrefs}}
  fp4q.unswizzle_scales ins(%x : tensor<1x1x512xf8E8M0FNU>)
      outs(%i : memref<8x2xf8E8M0FNU>)
  return
}

// -----

func.func @unswizzle_scales_type_unranked_source(%x: tensor<*xf8E8M0FNU>,
                                                 %i: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.unswizzle_scales' op operand #0 must be f8E8M0FNU or f8E4M3FN scale tensor or memref, but got 'tensor<*xf8E8M0FNU>'}}
  %0 = fp4q.unswizzle_scales ins(%x : tensor<*xf8E8M0FNU>)
      outs(%i : tensor<8x2xf8E8M0FNU>) -> tensor<8x2xf8E8M0FNU>
  return
}
