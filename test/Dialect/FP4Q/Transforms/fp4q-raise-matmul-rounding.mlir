// RUN: fp4q-opt %s --fp4q-remarks --fp4q-raise-matmul -split-input-file -verify-diagnostics
// RUN: fp4q-opt %s --fp4q-raise-matmul=relaxed -split-input-file | FileCheck %s

// Which roundings may be skipped by default, and which with leave only. Option
// relaxed raises all of them.
// CHECK-COUNT-7: fp4q.scaled_matmul

// bf16 does not hold code * scale * g ...
func.func @rounded_bf16(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>, %g: f32) -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x32xbf16>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      global_scale(%g : f32)
      outs(%va : tensor<4x32xbf16>) -> tensor<4x32xbf16>
  %vb = tensor.empty() : tensor<8x32xbf16>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xbf16>) -> tensor<8x32xbf16>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=rounded_bf16 | Reason="decoded values are rounded to a type that does not hold them, and only option relaxed may skip that"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xbf16>, tensor<8x32xbf16>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// ... but it does if g is a power of two ...
func.func @power_of_two(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>) -> tensor<4x8xf32> {
  %g = arith.constant 0.25 : f32
  %va = tensor.empty() : tensor<4x32xbf16>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      global_scale(%g : f32)
      outs(%va : tensor<4x32xbf16>) -> tensor<4x32xbf16>
  %vb = tensor.empty() : tensor<8x32xbf16>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xbf16>) -> tensor<8x32xbf16>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Passed] product raised | Category:fp4q-raise-matmul | Function=power_of_two | Reason="it stays within the bound of the product"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xbf16>, tensor<8x32xbf16>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// ... and else leave is needed, here on the dequant.
func.func @allowed_on_dequant(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>, %g: f32) -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x32xbf16>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      global_scale(%g : f32)
      outs(%va : tensor<4x32xbf16>) {fp4q.relaxed} -> tensor<4x32xbf16>
  %vb = tensor.empty() : tensor<8x32xbf16>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xbf16>) -> tensor<8x32xbf16>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Passed] product raised | Category:fp4q-raise-matmul | Function=allowed_on_dequant | Reason="roundings are skipped, as allowed"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xbf16>, tensor<8x32xbf16>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// f16 holds e2m1 times e4m3 ...
func.func @f16_e4m3(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E4M3FN>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E4M3FN>) -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x32xf16>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E4M3FN>)
      outs(%va : tensor<4x32xf16>) -> tensor<4x32xf16>
  %vb = tensor.empty() : tensor<8x32xf16>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E4M3FN>)
      outs(%vb : tensor<8x32xf16>) -> tensor<8x32xf16>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Passed] product raised | Category:fp4q-raise-matmul | Function=f16_e4m3 | Reason="it stays within the bound of the product"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf16>, tensor<8x32xf16>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// ... but not e2m1 times e8m0.
func.func @f16_e8m0(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>) -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x32xf16>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xf16>) -> tensor<4x32xf16>
  %vb = tensor.empty() : tensor<8x32xf16>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xf16>) -> tensor<8x32xf16>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=f16_e8m0 | Reason="decoded values are rounded to a type that does not hold them, and only option relaxed may skip that"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf16>, tensor<8x32xf16>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// A sum in bf16 is rounded at each step.
func.func @narrow_sum(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>) -> tensor<4x8xbf16> {
  %va = tensor.empty() : tensor<4x32xbf16>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xbf16>) -> tensor<4x32xbf16>
  %vb = tensor.empty() : tensor<8x32xbf16>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xbf16>) -> tensor<8x32xbf16>
  %init = arith.constant dense<0.0> : tensor<4x8xbf16>
  // expected-remark @below {{[Missed] product not raised | Category:fp4q-raise-matmul | Function=narrow_sum | Reason="products or sums are rounded to less than f32, and only option relaxed may skip that"}}
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xbf16>, tensor<8x32xbf16>)
      outs(%init : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return %c : tensor<4x8xbf16>
}

// -----

// The same with leave on the product.
func.func @allowed_on_product(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>) -> tensor<4x8xbf16> {
  %va = tensor.empty() : tensor<4x32xbf16>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xbf16>) -> tensor<4x32xbf16>
  %vb = tensor.empty() : tensor<8x32xbf16>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xbf16>) -> tensor<8x32xbf16>
  %init = arith.constant dense<0.0> : tensor<4x8xbf16>
  // expected-remark @below {{[Passed] product raised | Category:fp4q-raise-matmul | Function=allowed_on_product | Reason="roundings are skipped, as allowed"}}
  %c = linalg.matmul
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      {fp4q.relaxed} ins(%da, %db : tensor<4x32xbf16>, tensor<8x32xbf16>)
      outs(%init : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return %c : tensor<4x8xbf16>
}
