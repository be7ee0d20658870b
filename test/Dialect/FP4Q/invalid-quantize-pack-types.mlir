// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// Types that fp4q.quantize_pack rejects: constraint C7, ODS, resources.

func.func @quantize_pack_c7_memref_input(%x: memref<8x64xbf16>,
                                         %c: tensor<8x32xi8>,
                                         %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects its shaped operands to be all tensors or all memrefs}}
  %0:2 = fp4q.quantize_pack ins(%x : memref<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c7_memref_transform(%x: tensor<8x64xbf16>,
                                             %t: memref<32x32xbf16>,
                                             %c: tensor<8x32xi8>,
                                             %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects its shaped operands to be all tensors or all memrefs}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : memref<32x32xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c7_memref_global_scale(%x: tensor<8x64xbf16>,
                                                %gs: memref<f32>,
                                                %c: tensor<8x32xi8>,
                                                %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects its shaped operands to be all tensors or all memrefs}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      global_scale(%gs : memref<f32>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_c7_memref_scale_init(%x: tensor<8x64xbf16>,
                                              %c: tensor<8x32xi8>,
                                              %s: memref<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects its shaped operands to be all tensors or all memrefs}}
  %0 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, memref<8x2xf8E8M0FNU>) -> tensor<8x32xi8>
  return
}

// -----

func.func @quantize_pack_c7_tensor_scale_scale(%x: memref<8x64xbf16>,
                                               %ss: tensor<f32>,
                                               %c: memref<8x32xi8>,
                                               %s: memref<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expects its shaped operands to be all tensors or all memrefs}}
  fp4q.quantize_pack ins(%x : memref<8x64xbf16>)
      scale_scale(%ss : tensor<f32>)
      outs(%c, %s : memref<8x32xi8>, memref<8x2xf8E8M0FNU>)
  return
}

// -----

func.func @quantize_pack_type_f64_input(%x: tensor<8x64xf64>,
                                        %c: tensor<8x32xi8>,
                                        %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op operand #0 must be bf16, f16 or f32 tensor or memref, but got 'tensor<8x64xf64>'}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xf64>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_type_unranked_input(%x: tensor<*xbf16>,
                                             %c: tensor<8x32xi8>,
                                             %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op operand #0 must be bf16, f16 or f32 tensor or memref, but got 'tensor<*xbf16>'}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<*xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_type_unranked_memref_input(%x: memref<*xbf16>,
                                                    %c: memref<8x32xi8>,
                                                    %s: memref<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op operand #0 must be bf16, f16 or f32 tensor or memref, but got 'memref<*xbf16>'}}
  fp4q.quantize_pack ins(%x : memref<*xbf16>)
      outs(%c, %s : memref<8x32xi8>, memref<8x2xf8E8M0FNU>)
  return
}

// -----

func.func @quantize_pack_type_vector_input(%x: vector<8x64xbf16>,
                                           %c: tensor<8x32xi8>,
                                           %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op operand #0 must be bf16, f16 or f32 tensor or memref, but got 'vector<8x64xbf16>'}}
  %0:2 = fp4q.quantize_pack ins(%x : vector<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_type_i8_transform(%x: tensor<8x64xbf16>,
                                           %t: tensor<32x32xi8>,
                                           %c: tensor<8x32xi8>,
                                           %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op operand #1 must be bf16, f16 or f32 tensor or memref, but got 'tensor<32x32xi8>'}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : tensor<32x32xi8>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_type_f8E5M2_given_scales(%x: tensor<8x64xbf16>,
                                                  %s: tensor<8x2xf8E5M2>,
                                                  %c: tensor<8x32xi8>) {
  // expected-error @below {{'fp4q.quantize_pack' op operand #1 must be f8E8M0FNU or f8E4M3FN scale tensor or memref, but got 'tensor<8x2xf8E5M2>'}}
  %0 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      scales(%s : tensor<8x2xf8E5M2>) outs(%c : tensor<8x32xi8>)
      -> tensor<8x32xi8>
  return
}

// -----

func.func @quantize_pack_type_f64_global_scale(%x: tensor<8x64xbf16>,
                                               %gs: f64, %c: tensor<8x32xi8>,
                                               %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op operand #1 must be f32, tensor<f32> or memref<f32>, but got 'f64'}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      global_scale(%gs : f64)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_type_rank1_global_scale(%x: tensor<8x64xbf16>,
                                                 %gs: tensor<1xf32>,
                                                 %c: tensor<8x32xi8>,
                                                 %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op operand #1 must be f32, tensor<f32> or memref<f32>, but got 'tensor<1xf32>'}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      global_scale(%gs : tensor<1xf32>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_type_i32_codes(%x: tensor<8x64xbf16>,
                                        %c: tensor<8x32xi32>,
                                        %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op operand #1 must be variadic of packed i8 code or f8 scale tensor or memref, but got 'tensor<8x32xi32>'}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi32>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi32>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_type_f32_scales(%x: tensor<8x64xbf16>,
                                         %c: tensor<8x32xi8>,
                                         %s: tensor<8x2xf32>) {
  // expected-error @below {{'fp4q.quantize_pack' op operand #2 must be variadic of packed i8 code or f8 scale tensor or memref, but got 'tensor<8x2xf32>'}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf32>)
      -> tensor<8x32xi8>, tensor<8x2xf32>
  return
}

// -----

func.func @quantize_pack_type_no_results(%x: tensor<8x64xbf16>,
                                         %c: tensor<8x32xi8>,
                                         %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expected the number of tensor results (0) to be equal to the number of output tensors (2)}}
  fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
  return
}

// -----

func.func @quantize_pack_type_results_of_memrefs(%x: memref<8x64xbf16>,
                                                 %c: memref<8x32xi8>,
                                                 %s: memref<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expected the number of tensor results (1) to be equal to the number of output tensors (0)}}
  %0 = fp4q.quantize_pack ins(%x : memref<8x64xbf16>)
      outs(%c, %s : memref<8x32xi8>, memref<8x2xf8E8M0FNU>) -> tensor<8x32xi8>
  return
}

// -----

func.func @quantize_pack_type_result_differs_from_init(%x: tensor<8x64xbf16>,
                                                       %c: tensor<8x32xi8>,
                                                       %s: tensor<8x2xf8E8M0FNU>) {
  // expected-error @below {{'fp4q.quantize_pack' op expected type of operand #2 ('tensor<8x2xf8E8M0FNU>') to match type of corresponding result ('tensor<8x2xf8E4M3FN>')}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E4M3FN>
  return
}

// -----

func.func @quantize_pack_type_scale_layout(%x: tensor<8x64xbf16>,
                                           %c: tensor<8x32xi8>,
                                           %s: tensor<8x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      // expected-error @below {{unknown scale_layout 'columns', expected one of linear, blocked_128x4}}
      {scale_layout = #fp4q.scale_layout<columns>}
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return
}

// -----

func.func @quantize_pack_resource_too_short(%x: tensor<2x4xbf16>,
                                            %c: tensor<2x2xi8>) {
  %s = arith.constant dense_resource<short> : tensor<2x2xf8E8M0FNU>
  // expected-error @below {{'fp4q.quantize_pack' op expects resource 'short' of operand #1 to hold 4 bytes, but got 3}}
  %0 = fp4q.quantize_pack ins(%x : tensor<2x4xbf16>)
      scales(%s : tensor<2x2xf8E8M0FNU>) outs(%c : tensor<2x2xi8>)
      -> tensor<2x2xi8>
  return
}

{-# dialect_resources: { builtin: { short: "0x010000007F7F7F" } } #-}
