// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// What fp4q.pack_weights, fp4q.unpack_weights and fp4q.scaled_matmul with packed
// weights reject.

func.func @pack_weights_c1_rank1(%w: tensor<32xi8>, %i: tensor<1x8x64xi8>) {
  // expected-error @below {{'fp4q.pack_weights' op expects source to have rank >= 2, but got 1}}
  %0 = fp4q.pack_weights ins(%w : tensor<32xi8>)
      outs(%i : tensor<1x8x64xi8>) -> tensor<1x8x64xi8>
  return
}

// -----

func.func @pack_weights_c1_dynamic_k(%w: tensor<16x?xi8>,
                                     %i: tensor<1x8x64xi8>) {
  // expected-error @below {{'fp4q.pack_weights' op expects the last dimension of source to be static and positive, but got 16x?}}
  %0 = fp4q.pack_weights ins(%w : tensor<16x?xi8>)
      outs(%i : tensor<1x8x64xi8>) -> tensor<1x8x64xi8>
  return
}

// -----

func.func @pack_weights_c2_tiles(%w: tensor<17x33xi8>, %i: tensor<1x9x64xi8>) {
  // expected-error @below {{'fp4q.pack_weights' op expects init to have shape 2x9x64, but got 1x9x64}}
  %0 = fp4q.pack_weights ins(%w : tensor<17x33xi8>)
      outs(%i : tensor<1x9x64xi8>) -> tensor<1x9x64xi8>
  return
}

// -----

func.func @pack_weights_c2_bytes_of_a_tile(%w: tensor<16x32xi8>,
                                           %i: tensor<1x8x16x4xi8>) {
  // expected-error @below {{'fp4q.pack_weights' op expects init to have shape 1x8x64, but got 1x8x16x4}}
  %0 = fp4q.pack_weights ins(%w : tensor<16x32xi8>)
      outs(%i : tensor<1x8x16x4xi8>) -> tensor<1x8x16x4xi8>
  return
}

// -----

func.func @pack_weights_c3_mixed(%w: tensor<16x32xi8>, %i: memref<1x8x64xi8>) {
  // expected-error @below {{'fp4q.pack_weights' op expects its shaped operands to be all tensors or all memrefs}}
  "fp4q.pack_weights"(%w, %i) : (tensor<16x32xi8>, memref<1x8x64xi8>) -> ()
  return
}

// -----

func.func @unpack_weights_c1_zero_k(%p: tensor<1x0x64xi8>,
                                    %i: tensor<16x0xi8>) {
  // expected-error @below {{'fp4q.unpack_weights' op expects the last dimension of init to be static and positive, but got 16x0}}
  %0 = fp4q.unpack_weights ins(%p : tensor<1x0x64xi8>)
      outs(%i : tensor<16x0xi8>) -> tensor<16x0xi8>
  return
}

// -----

func.func @unpack_weights_c2_batch(%p: tensor<3x1x8x64xi8>,
                                   %i: tensor<2x16x32xi8>) {
  // expected-error @below {{'fp4q.unpack_weights' op expects source to have shape 2x1x8x64, but got 3x1x8x64}}
  %0 = fp4q.unpack_weights ins(%p : tensor<3x1x8x64xi8>)
      outs(%i : tensor<2x16x32xi8>) -> tensor<2x16x32xi8>
  return
}

// -----

func.func @unpack_weights_c3_mixed(%p: memref<1x8x64xi8>, %i: tensor<16x32xi8>) {
  // expected-error @below {{'fp4q.unpack_weights' op expects its shaped operands to be all tensors or all memrefs}}
  %0 = "fp4q.unpack_weights"(%p, %i)
      : (memref<1x8x64xi8>, tensor<16x32xi8>) -> tensor<16x32xi8>
  return
}

// -----

func.func @scaled_matmul_c9_linear_b(%a: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>,
    %b: tensor<16x32xi8>, %t: tensor<16x2xf8E8M0FNU>, %i: tensor<4x16xf32>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects b in layout packed_16x8 to have shape 1x8x64, but got 16x32}}
  %0 = fp4q.scaled_matmul ins(%a, %s, %b, %t : tensor<4x32xi8>,
      tensor<4x2xf8E8M0FNU>, tensor<16x32xi8>, tensor<16x2xf8E8M0FNU>)
      outs(%i : tensor<4x16xf32>) {b_layout = #fp4q.weight_layout<packed_16x8>}
      -> tensor<4x16xf32>
  return
}

// -----

func.func @scaled_matmul_c9_k(%a: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>,
    %b: tensor<1x9x64xi8>, %t: tensor<16x2xf8E8M0FNU>, %i: tensor<4x16xf32>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects b in layout packed_16x8 to have shape 1x8x64, but got 1x9x64}}
  %0 = fp4q.scaled_matmul ins(%a, %s, %b, %t : tensor<4x32xi8>,
      tensor<4x2xf8E8M0FNU>, tensor<1x9x64xi8>, tensor<16x2xf8E8M0FNU>)
      outs(%i : tensor<4x16xf32>) {b_layout = #fp4q.weight_layout<packed_16x8>}
      -> tensor<4x16xf32>
  return
}

// -----

func.func @scaled_matmul_c9_dynamic_n(%a: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>,
    %b: tensor<1x8x64xi8>, %t: tensor<16x2xf8E8M0FNU>, %i: tensor<4x?xf32>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects the last dimension of init to be static and positive, but got 4x?}}
  %0 = fp4q.scaled_matmul ins(%a, %s, %b, %t : tensor<4x32xi8>,
      tensor<4x2xf8E8M0FNU>, tensor<1x8x64xi8>, tensor<16x2xf8E8M0FNU>)
      outs(%i : tensor<4x?xf32>) {b_layout = #fp4q.weight_layout<packed_16x8>}
      -> tensor<4x?xf32>
  return
}

// -----

func.func @scaled_matmul_c9_blocked_scales(%a: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>, %b: tensor<1x8x64xi8>,
    %t: tensor<1x1x512xf8E8M0FNU>, %i: tensor<4x16xf32>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects b_scales to be linear when b is in layout packed_16x8}}
  %0 = fp4q.scaled_matmul ins(%a, %s, %b, %t : tensor<4x32xi8>,
      tensor<4x2xf8E8M0FNU>, tensor<1x8x64xi8>, tensor<1x1x512xf8E8M0FNU>)
      outs(%i : tensor<4x16xf32>) {b_layout = #fp4q.weight_layout<packed_16x8>,
        b_scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<4x16xf32>
  return
}

// -----

// The rows of the scales are the columns of the result.
func.func @scaled_matmul_c9_rows_of_scales(%a: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>, %b: tensor<1x8x64xi8>,
    %t: tensor<15x2xf8E8M0FNU>, %i: tensor<4x16xf32>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects b_scales to have shape 16xK/G for a group size G, but got 15x2}}
  %0 = fp4q.scaled_matmul ins(%a, %s, %b, %t : tensor<4x32xi8>,
      tensor<4x2xf8E8M0FNU>, tensor<1x8x64xi8>, tensor<15x2xf8E8M0FNU>)
      outs(%i : tensor<4x16xf32>) {b_layout = #fp4q.weight_layout<packed_16x8>}
      -> tensor<4x16xf32>
  return
}

// -----

func.func @scaled_matmul_c9_batch(%a: tensor<3x4x32xi8>,
    %s: tensor<3x4x2xf8E8M0FNU>, %b: tensor<2x1x8x64xi8>,
    %t: tensor<2x16x2xf8E8M0FNU>, %i: tensor<3x4x16xf32>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects b in layout packed_16x8 to have shape 3x1x8x64, but got 2x1x8x64}}
  %0 = fp4q.scaled_matmul ins(%a, %s, %b, %t : tensor<3x4x32xi8>,
      tensor<3x4x2xf8E8M0FNU>, tensor<2x1x8x64xi8>, tensor<2x16x2xf8E8M0FNU>)
      outs(%i : tensor<3x4x16xf32>) {b_layout = #fp4q.weight_layout<packed_16x8>}
      -> tensor<3x4x16xf32>
  return
}

// -----

// Nothing would compare these with N at run time.
func.func @scaled_matmul_c9_dynamic_tiles(%a: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>, %b: tensor<?x8x64xi8>,
    %t: tensor<16x2xf8E8M0FNU>, %i: tensor<4x16xf32>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects the tiles of b in layout packed_16x8 to be static, but got ?x8x64}}
  %0 = fp4q.scaled_matmul ins(%a, %s, %b, %t : tensor<4x32xi8>,
      tensor<4x2xf8E8M0FNU>, tensor<?x8x64xi8>, tensor<16x2xf8E8M0FNU>)
      outs(%i : tensor<4x16xf32>) {b_layout = #fp4q.weight_layout<packed_16x8>}
      -> tensor<4x16xf32>
  return
}

// -----

func.func @scaled_matmul_c9_dynamic_rows_of_scales(%a: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>, %b: tensor<1x8x64xi8>,
    %t: tensor<?x2xf8E8M0FNU>, %i: tensor<4x16xf32>) {
  // expected-error @below {{'fp4q.scaled_matmul' op expects the rows of b_scales to be static when b is in layout packed_16x8, but got ?x2}}
  %0 = fp4q.scaled_matmul ins(%a, %s, %b, %t : tensor<4x32xi8>,
      tensor<4x2xf8E8M0FNU>, tensor<1x8x64xi8>, tensor<?x2xf8E8M0FNU>)
      outs(%i : tensor<4x16xf32>) {b_layout = #fp4q.weight_layout<packed_16x8>}
      -> tensor<4x16xf32>
  return
}

// -----

func.func @weight_layout_keyword(%a: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>,
    %b: tensor<1x8x64xi8>, %t: tensor<16x2xf8E8M0FNU>, %i: tensor<4x16xf32>) {
  %0 = fp4q.scaled_matmul ins(%a, %s, %b, %t : tensor<4x32xi8>,
      tensor<4x2xf8E8M0FNU>, tensor<1x8x64xi8>, tensor<16x2xf8E8M0FNU>)
      outs(%i : tensor<4x16xf32>)
      // expected-error @below {{unknown weight_layout 'packed', expected one of linear, packed_16x8}}
      {b_layout = #fp4q.weight_layout<packed>} -> tensor<4x16xf32>
  return
}
