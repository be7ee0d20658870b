// RUN: fp4q-opt %s --fp4q-remarks --fp4q-raise-matmul -split-input-file -verify-diagnostics

// One reason each why a product of decoded operands stays.

// Groups of b along its columns: the codes cannot be summed over.
func.func @wrong_axis(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<32x16xi8>, %sb: tensor<32x1xf8E8M0FNU>) -> tensor<4x32xf32> {
  %va = tensor.empty() : tensor<4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xf32>) -> tensor<4x32xf32>
  %vb = tensor.empty() : tensor<32x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<32x16xi8>, tensor<32x1xf8E8M0FNU>)
      outs(%vb : tensor<32x32xf32>) -> tensor<32x32xf32>
  %init = arith.constant dense<0.0> : tensor<4x32xf32>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=wrong_axis | Reason="groups do not lie along the summed dimension"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (k, n)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf32>, tensor<32x32xf32>)
      outs(%init : tensor<4x32xf32>) -> tensor<4x32xf32>
  return %c : tensor<4x32xf32>
}

// -----

// Different group sizes.
func.func @group_sizes(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x2xf8E8M0FNU>) -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xf32>) -> tensor<4x32xf32>
  %vb = tensor.empty() : tensor<8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%vb : tensor<8x32xf32>) -> tensor<8x32xf32>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=group_sizes | Reason="the operands have different group sizes"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf32>, tensor<8x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// Different scale types.
func.func @scale_types(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E4M3FN>) -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xf32>) -> tensor<4x32xf32>
  %vb = tensor.empty() : tensor<8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E4M3FN>)
      outs(%vb : tensor<8x32xf32>) -> tensor<8x32xf32>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=scale_types | Reason="the operands have different scale types"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf32>, tensor<8x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// Sums that start from another product.
func.func @accumulates(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>, %init: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xf32>) -> tensor<4x32xf32>
  %vb = tensor.empty() : tensor<8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xf32>) -> tensor<8x32xf32>
   // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=accumulates | Reason="the sums start from neither 0 nor one value a column"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf32>, tensor<8x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// Sums that start from one value a row.
func.func @row_bias(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>, %bias: tensor<4xf32>) -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xf32>) -> tensor<4x32xf32>
  %vb = tensor.empty() : tensor<8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xf32>) -> tensor<8x32xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %init = linalg.broadcast ins(%bias : tensor<4xf32>)
      outs(%e : tensor<4x8xf32>) dimensions = [1]
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=row_bias | Reason="the sums start from neither 0 nor one value a column"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf32>, tensor<8x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// The number of columns must be static.
func.func @dynamic_columns(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<?x16xi8>, %sb: tensor<?x1xf8E8M0FNU>, %n: index) -> tensor<4x?xf32> {
  %va = tensor.empty() : tensor<4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xf32>) -> tensor<4x32xf32>
  %vb = tensor.empty(%n) : tensor<?x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>)
      outs(%vb : tensor<?x32xf32>) -> tensor<?x32xf32>
  %e = tensor.empty(%n) : tensor<4x?xf32>
  %zero = arith.constant 0.0 : f32
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<4x?xf32>)
      -> tensor<4x?xf32>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=dynamic_columns | Reason="the number of columns is not a positive constant"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf32>, tensor<?x32xf32>)
      outs(%init : tensor<4x?xf32>) -> tensor<4x?xf32>
  return %c : tensor<4x?xf32>
}

// -----

// A constant scale with its sign bit set.
func.func @negative_scale(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E4M3FN>,
    %b: tensor<8x16xi8>) -> tensor<4x8xf32> {
  %sb = arith.constant dense<[[1.0], [1.0], [1.0], [-1.0], [1.0], [1.0], [1.0],
                               [1.0]]> : tensor<8x1xf8E4M3FN>
  %va = tensor.empty() : tensor<4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E4M3FN>)
      outs(%va : tensor<4x32xf32>) -> tensor<4x32xf32>
  %vb = tensor.empty() : tensor<8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E4M3FN>)
      outs(%vb : tensor<8x32xf32>) -> tensor<8x32xf32>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=negative_scale | Reason="an e4m3 scale is negative"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf32>, tensor<8x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// alpha would underflow.
func.func @tiny_alpha(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>) -> tensor<4x8xf32> {
  %g = arith.constant 1.0e-30 : f32
  %va = tensor.empty() : tensor<4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      global_scale(%g : f32)
      outs(%va : tensor<4x32xf32>) -> tensor<4x32xf32>
  %vb = tensor.empty() : tensor<8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      global_scale(%g : f32)
      outs(%vb : tensor<8x32xf32>) -> tensor<8x32xf32>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=tiny_alpha | Reason="the product of the global scales leaves f32's normal range"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf32>, tensor<8x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// Weight-only: nothing to raise.
func.func @weight_only(%x: tensor<4x32xf32>, %b: tensor<8x16xi8>,
                       %sb: tensor<8x1xf8E8M0FNU>) -> tensor<4x8xf32> {
  %vb = tensor.empty() : tensor<8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xf32>) -> tensor<8x32xf32>
  %vt = tensor.empty() : tensor<32x8xf32>
  %t = linalg.transpose ins(%db : tensor<8x32xf32>)
      outs(%vt : tensor<32x8xf32>) permutation = [1, 0]
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Analysis] product is weight-only | Category:fp4q-raise-matmul | Function=weight_only | Reason="one operand is float; the other is decoded in front of it"}}
  %c = linalg.matmul ins(%x, %t : tensor<4x32xf32>, tensor<32x8xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// Two summed dimensions.
func.func @two_sums(%a: tensor<4x2x16xi8>, %sa: tensor<4x2x1xf8E8M0FNU>,
                    %b: tensor<8x2x16xi8>, %sb: tensor<8x2x1xf8E8M0FNU>)
    -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x2x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x2x16xi8>, tensor<4x2x1xf8E8M0FNU>)
      outs(%va : tensor<4x2x32xf32>) -> tensor<4x2x32xf32>
  %vb = tensor.empty() : tensor<8x2x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x2x16xi8>, tensor<8x2x1xf8E8M0FNU>)
      outs(%vb : tensor<8x2x32xf32>) -> tensor<8x2x32xf32>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=two_sums | Reason="products are summed over more than one dimension"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, c, k) -> (m, c, k)>,
                       affine_map<(m, n, c, k) -> (n, c, k)>,
                       affine_map<(m, n, c, k) -> (m, n)>]
      ins(%da, %db : tensor<4x2x32xf32>, tensor<8x2x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// The rows of a are batches to b.
func.func @no_rows(%a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
                   %b: tensor<4x8x16xi8>, %sb: tensor<4x8x1xf8E8M0FNU>)
    -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xf32>) -> tensor<4x32xf32>
  %vb = tensor.empty() : tensor<4x8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<4x8x16xi8>, tensor<4x8x1xf8E8M0FNU>)
      outs(%vb : tensor<4x8x32xf32>) -> tensor<4x8x32xf32>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=no_rows | Reason="the result has no rows"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (m, n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf32>, tensor<4x8x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// Four of the eight rows that are decoded.
func.func @some_rows(%a: tensor<8x16xi8>, %sa: tensor<8x1xf8E8M0FNU>,
                     %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>)
    -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<8x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%va : tensor<8x32xf32>) -> tensor<8x32xf32>
  %vb = tensor.empty() : tensor<8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xf32>) -> tensor<8x32xf32>
  %rows = tensor.extract_slice %da[0, 0] [4, 32] [1, 1]
      : tensor<8x32xf32> to tensor<4x32xf32>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=some_rows | Reason="only a part of a decoded operand is multiplied"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%rows, %db : tensor<4x32xf32>, tensor<8x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}
