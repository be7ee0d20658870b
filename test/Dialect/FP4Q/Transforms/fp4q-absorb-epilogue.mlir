// RUN: fp4q-opt %s --fp4q-absorb-epilogue | FileCheck %s --check-prefixes=CHECK,EXACT
// RUN: fp4q-opt %s --fp4q-absorb-epilogue=relaxed=true | FileCheck %s --check-prefixes=CHECK,RELAXED
// RUN: fp4q-opt %s --fp4q-remarks --fp4q-absorb-epilogue -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

#id = affine_map<(d0, d1) -> (d0, d1)>
#col = affine_map<(d0, d1) -> (d1)>
#row = affine_map<(d0, d1) -> (d0)>
#none = affine_map<(d0, d1) -> ()>

//===----------------------------------------------------------------------===//
// One step
//===----------------------------------------------------------------------===//

// Rounding is the last thing that the product does anyway.
// CHECK-LABEL: func.func @round(
// CHECK: %[[C:.*]] = fp4q.scaled_matmul
// CHECK-SAME: alpha(
// CHECK-SAME: outs(%{{.*}} : tensor<?x8xbf16>) -> tensor<?x8xbf16>
// CHECK-NEXT: return %[[C]]
// REMARK: [Passed] absorbed into the product | Category:fp4q-absorb-epilogue | Function=round
func.func @round(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %alpha: f32,
    %i: tensor<?x8xf32>) -> tensor<?x8xbf16> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%alpha : f32) outs(%i : tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = arith.truncf %0 : tensor<?x8xf32> to tensor<?x8xbf16>
  return %1 : tensor<?x8xbf16>
}

// CHECK-LABEL: func.func @round_downward(
// CHECK: arith.truncf
func.func @round_downward(%a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %i: tensor<4x8xf32>)
    -> tensor<4x8xbf16> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = arith.truncf %0 downward : tensor<4x8xf32> to tensor<4x8xbf16>
  return %1 : tensor<4x8xbf16>
}

// A bias and a later widening of a bf16 result; the latter skips a rounding.
// CHECK-LABEL: func.func @bias(
// CHECK-SAME:      %[[B:[^:]+]]: tensor<8xbf16>
// CHECK: fp4q.scaled_matmul
// CHECK-SAME: bias(%[[B]] : tensor<8xbf16>)
// EXACT-SAME: -> tensor<4x8xbf16>
// EXACT: arith.extf
// RELAXED-SAME: -> tensor<4x8xf32>
// RELAXED-NOT: arith.extf
// REMARK: [Passed] absorbed into the product | Category:fp4q-absorb-epilogue | Function=bias
// REMARK: [Missed] not absorbed into the product | Category:fp4q-absorb-epilogue | Function=bias | Reason="its result would no longer be rounded to its type in between, which nothing permits"
func.func @bias(%bias: tensor<8xbf16>, %a: tensor<4x32xi8>,
    %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
    %i: tensor<4x8xf32>, %o: tensor<4x8xbf16>) -> tensor<4x8xf32> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#col, #id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%bias, %0 : tensor<8xbf16>, tensor<4x8xf32>)
      outs(%o : tensor<4x8xbf16>) {
  ^bb0(%n: bf16, %c: f32, %out: bf16):
    %w = arith.extf %n : bf16 to f32
    %s = arith.addf %w, %c : f32
    %r = arith.truncf %s : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<4x8xbf16>
  %2 = arith.extf %1 : tensor<4x8xbf16> to tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// What differs by rows is no bias.
// CHECK-LABEL: func.func @row_addend(
// CHECK: linalg.generic
func.func @row_addend(%bias: tensor<4xf32>, %a: tensor<4x32xi8>,
    %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
    %i: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#row, #id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%bias, %0 : tensor<4xf32>, tensor<4x8xf32>)
      outs(%i : tensor<4x8xf32>) {
  ^bb0(%n: f32, %c: f32, %out: f32):
    %s = arith.addf %c, %n : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// A factor from outside of the body, broadcast, splat or constant.
// CHECK-LABEL: func.func @factors(
// CHECK-SAME:      %[[F:[^:]+]]: f32, %[[T:[^:]+]]: tensor<8xf32>
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%[[F]] : f32)
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%[[T]] : tensor<8xf32>)
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%[[F]] : f32)
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%[[TWO]] : f32)
// CHECK-NOT: arith.mulf
func.func @factors(%f: f32, %t: tensor<8xf32>, %a: tensor<4x32xi8>,
    %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
    %i: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<4x8xf32>) outs(%i : tensor<4x8xf32>) {
  ^bb0(%c: f32, %out: f32):
    %s = arith.mulf %f, %c : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  %2 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = linalg.broadcast ins(%t : tensor<8xf32>) outs(%i : tensor<4x8xf32>)
      dimensions = [0]
  %4 = linalg.mul ins(%2, %3 : tensor<4x8xf32>, tensor<4x8xf32>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %6 = tensor.splat %f : tensor<4x8xf32>
  %7 = arith.mulf %5, %6 : tensor<4x8xf32>
  %8 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %9 = arith.constant dense<2.0> : tensor<4x8xf32>
  %10 = arith.mulf %9, %8 : tensor<4x8xf32>
  return %1, %4, %7, %10
      : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// CHECK-LABEL: func.func @square(
// CHECK: arith.mulf
func.func @square(%a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %i: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = arith.mulf %0, %0 : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// A bias behind a reshape of the rows, which then follows the product.
// CHECK-LABEL: func.func @reshape(
// CHECK: %[[C:.*]] = fp4q.scaled_matmul {{.*}} bias(%{{.*}} : tensor<8xf32>)
// CHECK: %[[E:.*]] = tensor.expand_shape %[[C]] {{.*}} : tensor<4x8xf32> into tensor<2x2x8xf32>
// CHECK-NEXT: return %[[E]]
func.func @reshape(%bias: tensor<8xf32>, %a: tensor<4x32xi8>,
    %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
    %i: tensor<4x8xf32>, %o: tensor<2x2x8xf32>) -> tensor<2x2x8xf32> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [2, 2, 8]
      : tensor<4x8xf32> into tensor<2x2x8xf32>
  %2 = linalg.broadcast ins(%bias : tensor<8xf32>) outs(%o : tensor<2x2x8xf32>)
      dimensions = [0, 1]
  %3 = arith.addf %1, %2 : tensor<2x2x8xf32>
  return %3 : tensor<2x2x8xf32>
}

// CHECK-LABEL: func.func @several_uses(
// CHECK: arith.truncf
// REMARK: Function=several_uses | Reason="its result has several uses"
func.func @several_uses(%a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %i: tensor<4x8xf32>)
    -> (tensor<4x8xbf16>, tensor<4x8xf16>) {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = arith.truncf %0 : tensor<4x8xf32> to tensor<4x8xbf16>
  %2 = arith.truncf %0 : tensor<4x8xf32> to tensor<4x8xf16>
  return %1, %2 : tensor<4x8xbf16>, tensor<4x8xf16>
}

//===----------------------------------------------------------------------===//
// Two steps: one rounding or two
//===----------------------------------------------------------------------===//

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
// CHECK-SAME: {fp4q.relaxed}
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
