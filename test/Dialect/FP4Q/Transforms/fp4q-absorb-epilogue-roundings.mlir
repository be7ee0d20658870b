// RUN: fp4q-opt %s --fp4q-absorb-epilogue | FileCheck %s --check-prefixes=CHECK,EXACT
// RUN: fp4q-opt %s --fp4q-absorb-epilogue=relaxed=true | FileCheck %s --check-prefixes=CHECK,RELAXED
// RUN: fp4q-opt %s --fp4q-remarks --fp4q-absorb-epilogue -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

#id = affine_map<(d0, d1) -> (d0, d1)>
#col = affine_map<(d0, d1) -> (d1)>

// Two steps: one rounding or two.

// fma(f, c, bias) is what a product with alpha f computes.
// CHECK-LABEL: func.func @fma(
// CHECK-SAME:      %[[F:[^:]+]]: f32, %[[B:[^:]+]]: tensor<8xf32>
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%[[F]] : f32) bias(%[[B]] : tensor<8xf32>)
// CHECK-NOT: math.fma
func.func @fma(%f: f32, %bias: tensor<8xf32>, %a: tensor<4x32xi8>,
    %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
    %i: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #col, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<4x8xf32>, tensor<8xf32>)
      outs(%i : tensor<4x8xf32>) {
  ^bb0(%c: f32, %n: f32, %out: f32):
    %s = math.fma %f, %c, %n : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// f * c is rounded before the bias is added.
// CHECK-LABEL: func.func @factor_then_bias(
// EXACT: %[[C:.*]] = fp4q.scaled_matmul {{.*}} tensor<8x2xf8E8M0FNU>) outs(
// EXACT: linalg.generic {{.*}} ins(%[[C]],
// RELAXED: fp4q.scaled_matmul {{.*}} alpha(%{{.*}} : f32) bias(%{{.*}} : tensor<8xf32>)
// RELAXED-NOT: linalg.generic
// REMARK: [Passed] absorbed into the product | Category:fp4q-absorb-epilogue | Function=fma | Reason="it is rounded as before, so no bit changes"
// REMARK: Function=factor_then_bias | Reason="its product with alpha would no longer be rounded in between, which nothing permits"
func.func @factor_then_bias(%f: f32, %bias: tensor<8xf32>, %a: tensor<4x32xi8>,
    %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
    %i: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #col, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<4x8xf32>, tensor<8xf32>)
      outs(%i : tensor<4x8xf32>) {
  ^bb0(%c: f32, %n: f32, %out: f32):
    %p = arith.mulf %c, %f : f32
    %s = arith.addf %p, %n : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// fastmath<contract> on both is leave; on one of them it is not.
// CHECK-LABEL: func.func @contract(
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%{{.*}} : f32) bias(%{{.*}} : tensor<8xf32>)
// EXACT: fp4q.scaled_matmul {{.*}} alpha(%{{.*}} : f32) outs(
// EXACT: arith.addf
// REMARK: Function=contract | Reason="roundings are skipped, as permitted"
func.func @contract(%f: f32, %bias: tensor<8xf32>, %a: tensor<4x32xi8>,
    %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
    %i: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #col, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<4x8xf32>, tensor<8xf32>)
      outs(%i : tensor<4x8xf32>) {
  ^bb0(%c: f32, %n: f32, %out: f32):
    %p = arith.mulf %c, %f fastmath<contract> : f32
    %s = arith.addf %p, %n fastmath<contract> : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  %2 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = tensor.splat %f : tensor<4x8xf32>
  %4 = arith.mulf %2, %3 : tensor<4x8xf32>
  %5 = arith.addf %4, %3 fastmath<contract> : tensor<4x8xf32>
  return %1, %5 : tensor<4x8xf32>, tensor<4x8xf32>
}

// An alpha of 1 rounds nothing; any other does, unless the product is relaxed.
// CHECK-LABEL: func.func @bias_after_alpha(
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%{{.*}} : f32) bias(
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%{{.*}} : f32) bias(
// CHECK-NOT: fp4q.relaxed
// EXACT: fp4q.scaled_matmul {{.*}} alpha(%{{.*}} : f32) outs(
// EXACT: arith.addf
// RELAXED: fp4q.scaled_matmul {{.*}} alpha(%{{.*}} : f32) bias(
func.func @bias_after_alpha(%f: f32, %a: tensor<4x32xi8>,
    %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
    %i: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %one = arith.constant 1.0 : f32
  %three = arith.constant dense<3.0> : tensor<4x8xf32>
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%one : f32) outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = arith.addf %0, %three : tensor<4x8xf32>
  %2 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%f : f32) outs(%i : tensor<4x8xf32>) {fp4q.relaxed}
      -> tensor<4x8xf32>
  %3 = arith.addf %three, %2 : tensor<4x8xf32>
  %4 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%f : f32) outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = arith.addf %4, %three : tensor<4x8xf32>
  return %1, %3, %5 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// bf16 arithmetic rounds the product and the sum.
// CHECK-LABEL: func.func @bf16_bias(
// EXACT: linalg.generic
// RELAXED: fp4q.scaled_matmul {{.*}} bias(%{{.*}} : tensor<8xbf16>) {{.*}} -> tensor<4x8xbf16>
// RELAXED-NOT: linalg.generic
func.func @bf16_bias(%bias: tensor<8xbf16>, %a: tensor<4x32xi8>,
    %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
    %i: tensor<4x8xbf16>) -> tensor<4x8xbf16> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  %1 = linalg.generic {indexing_maps = [#id, #col, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<4x8xbf16>, tensor<8xbf16>)
      outs(%i : tensor<4x8xbf16>) {
  ^bb0(%c: bf16, %n: bf16, %out: bf16):
    %s = arith.addf %c, %n : bf16
    linalg.yield %s : bf16
  } -> tensor<4x8xbf16>
  return %1 : tensor<4x8xbf16>
}

// CHECK-LABEL: func.func @second_bias(
// CHECK: fp4q.scaled_matmul {{.*}} bias(
// CHECK: arith.addf
// REMARK: Function=second_bias | Reason="it has a bias already"
func.func @second_bias(%bias: tensor<8xf32>, %a: tensor<4x32xi8>,
    %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
    %i: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %three = arith.constant dense<3.0> : tensor<4x8xf32>
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      bias(%bias : tensor<8xf32>) outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = arith.addf %0, %three : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// The same between operations on tensors.
// CHECK-LABEL: func.func @contract_tensors(
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%{{.*}} : f32) bias(%{{.*}} : tensor<8xf32>)
// CHECK-NOT: arith.addf
func.func @contract_tensors(%f: f32, %a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %i: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = tensor.splat %f : tensor<4x8xf32>
  %2 = arith.mulf %0, %1 fastmath<contract> : tensor<4x8xf32>
  %3 = arith.addf %2, %1 fastmath<contract> : tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// Contraction is no leave to multiply the factors first.
// CHECK-LABEL: func.func @two_factors(
// EXACT: fp4q.scaled_matmul {{.*}} alpha(%{{.*}} : f32)
// EXACT: arith.mulf {{.*}} : tensor<4x8xf32>
// RELAXED: %[[F2:.*]] = arith.mulf {{.*}} : f32
// RELAXED: %[[P:.*]] = arith.mulf %[[F2]], {{.*}} : f32
// RELAXED: fp4q.scaled_matmul {{.*}} alpha(%[[P]] : f32)
// REMARK: Function=two_factors | Reason="its product with alpha would no longer be rounded in between, which nothing permits"
func.func @two_factors(%f: f32, %a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %i: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%f : f32) outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = tensor.splat %f : tensor<4x8xf32>
  %2 = arith.mulf %0, %1 fastmath<contract> : tensor<4x8xf32>
  %3 = arith.mulf %2, %1 fastmath<contract> : tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// Constant factors whose product overflows stay apart even with leave.
// CHECK-LABEL: func.func @huge_factors(
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%{{.*}} : f32)
// CHECK: arith.mulf
func.func @huge_factors(%a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %i: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %f = arith.constant 0x7F000000 : f32
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%f : f32) outs(%i : tensor<4x8xf32>) {fp4q.relaxed}
      -> tensor<4x8xf32>
  %1 = arith.constant dense<1.0e+30> : tensor<4x8xf32>
  %2 = arith.mulf %0, %1 : tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// The leave of a product is about its own rounding: here none, as it is f32.
// That of the conversion behind it stays, unless that has leave itself.
// CHECK-LABEL: func.func @leave_of_last(
// CHECK: fp4q.scaled_matmul
// EXACT-SAME: -> tensor<4x8xbf16>
// EXACT-NEXT: arith.extf
// RELAXED-SAME: -> tensor<4x8xf32>
// CHECK: fp4q.scaled_matmul {{.*}} -> tensor<4x8xf32>
// CHECK: fp4q.scaled_matmul {{.*}} -> tensor<4x8xf32>
// CHECK-NOT: arith.extf
// CHECK: return
func.func @leave_of_last(%a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %i: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) {fp4q.relaxed} -> tensor<4x8xf32>
  %1 = arith.truncf %0 : tensor<4x8xf32> to tensor<4x8xbf16>
  %2 = arith.extf %1 : tensor<4x8xbf16> to tensor<4x8xf32>
  %3 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = arith.truncf %3 {fp4q.relaxed} : tensor<4x8xf32> to tensor<4x8xbf16>
  %5 = arith.extf %4 : tensor<4x8xbf16> to tensor<4x8xf32>
  %6 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %7 = arith.truncf %6 fastmath<contract> : tensor<4x8xf32> to tensor<4x8xbf16>
  %8 = arith.extf %7 : tensor<4x8xbf16> to tensor<4x8xf32>
  return %2, %5, %8 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}
