// RUN: fp4q-opt %s --fp4q-absorb-epilogue | FileCheck %s --check-prefixes=CHECK,EXACT
// RUN: fp4q-opt %s --fp4q-absorb-epilogue=relaxed=true | FileCheck %s --check-prefixes=CHECK,RELAXED
// RUN: fp4q-opt %s --fp4q-remarks --fp4q-absorb-epilogue -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

#id = affine_map<(d0, d1) -> (d0, d1)>
#col = affine_map<(d0, d1) -> (d1)>
#row = affine_map<(d0, d1) -> (d0)>
#none = affine_map<(d0, d1) -> ()>

// One step; fp4q-absorb-epilogue-roundings.mlir has more.

// Rounding is the last thing that the product does anyway.
// CHECK-LABEL: func.func @round(
// CHECK: %[[C:.*]] = fp4q.scaled_matmul
// CHECK-SAME: alpha(
// CHECK-SAME: outs(%{{.*}} : tensor<?x8xbf16>) -> tensor<?x8xbf16>
// CHECK-NEXT: return %[[C]]
// REMARK: [Passed] absorbed into the product | Category:fp4q-absorb-epilogue | Function=round | Reason="it is rounded as before, so no bit changes"
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
// EXACT-SAME: bias(%[[B]] : tensor<8xbf16>)
// RELAXED-SAME: bias(%{{.*}} : tensor<8xf32>)
// EXACT-SAME: -> tensor<4x8xbf16>
// EXACT: arith.extf
// RELAXED-SAME: -> tensor<4x8xf32>
// RELAXED-NOT: arith.extf
// REMARK: [Passed] absorbed into the product | Category:fp4q-absorb-epilogue | Function=bias | Reason="it is rounded as before, so no bit changes"
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
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%[[F]] : f32)
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%[[T]] : tensor<8xf32>)
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%[[F]] : f32)
// CHECK: %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
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

// A bias of columns whose number is static only in the product.
// CHECK-LABEL: func.func @dynamic_columns(
// CHECK-SAME:      %[[B:[^:]+]]: tensor<?xf32>
// CHECK: %[[S:.*]] = tensor.cast %[[B]] : tensor<?xf32> to tensor<8xf32>
// CHECK: fp4q.scaled_matmul {{.*}} bias(%[[S]] : tensor<8xf32>)
// CHECK-NOT: linalg.generic
func.func @dynamic_columns(%bias: tensor<?xf32>, %a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %i: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #col, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<4x8xf32>, tensor<?xf32>)
      outs(%i : tensor<4x8xf32>) {
  ^bb0(%c: f32, %n: f32, %out: f32):
    %s = arith.addf %c, %n : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// Types that results of products do not have.
// CHECK-LABEL: func.func @other_types(
// CHECK: arith.truncf {{.*}} to tensor<4x8xf8E4M3FN>
// CHECK: arith.extf {{.*}} to tensor<4x8xf64>
func.func @other_types(%a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %i: tensor<4x8xf32>)
    -> (tensor<4x8xf8E4M3FN>, tensor<4x8xf64>) {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = arith.truncf %0 : tensor<4x8xf32> to tensor<4x8xf8E4M3FN>
  %2 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = arith.extf %2 : tensor<4x8xf32> to tensor<4x8xf64>
  return %1, %3 : tensor<4x8xf8E4M3FN>, tensor<4x8xf64>
}

// One value on the device would have to be read first; as a factor it need not.
// CHECK-LABEL: func.func @device_scalar(
// CHECK-SAME:      %[[D:[^:]+]]: tensor<f32>
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%[[D]] : tensor<f32>)
// CHECK-NOT: arith.mulf
// CHECK: arith.addf
// REMARK: Function=device_scalar | Reason="the addend is one value in a tensor"
func.func @device_scalar(%d: tensor<f32>, %a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %i: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = linalg.broadcast ins(%d : tensor<f32>) outs(%i : tensor<4x8xf32>)
      dimensions = [0, 1]
  %1 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = arith.mulf %1, %0 : tensor<4x8xf32>
  %3 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = arith.addf %3, %0 : tensor<4x8xf32>
  return %2, %4 : tensor<4x8xf32>, tensor<4x8xf32>
}

// In a loop it would run more often.
// CHECK-LABEL: func.func @other_block(
// CHECK: fp4q.scaled_matmul
// CHECK: scf.if
// CHECK: arith.truncf
func.func @other_block(%cond: i1, %o: tensor<4x8xbf16>, %a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %i: tensor<4x8xf32>)
    -> tensor<4x8xbf16> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = scf.if %cond -> tensor<4x8xbf16> {
    %2 = arith.truncf %0 : tensor<4x8xf32> to tensor<4x8xbf16>
    scf.yield %2 : tensor<4x8xbf16>
  } else {
    scf.yield %o : tensor<4x8xbf16>
  }
  return %1 : tensor<4x8xbf16>
}
