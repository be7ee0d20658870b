// RUN: fp4q-opt %s --fp4q-fuse-transform | FileCheck %s --check-prefixes=CHECK,EXACT
// RUN: fp4q-opt %s --fp4q-fuse-transform=relaxed=true | FileCheck %s --check-prefixes=CHECK,RELAXED
// RUN: fp4q-opt %s --fp4q-remarks --fp4q-fuse-transform -verify-diagnostics -o /dev/null

// Rewrites that change bits need leave: of the operation, or by the option.

//===----------------------------------------------------------------------===//
// Roundings between transform and quantizer
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @bf16_result(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<4x64xbf16>
// EXACT: %[[Y:.*]] = fp4q.block_transform
// EXACT: fp4q.quantize_pack ins(%[[Y]] : tensor<4x64xbf16>) outs
// RELAXED-NOT: fp4q.block_transform
// RELAXED: fp4q.quantize_pack ins(%[[X]] : tensor<4x64xbf16>) transform
func.func @bf16_result(%x: tensor<4x64xbf16>, %t: tensor<32x32xf32>,
    %y: tensor<4x64xbf16>, %c: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>)
    -> tensor<4x32xi8> {
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xbf16>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xbf16>) -> tensor<4x64xbf16>
  // expected-remark @below {{[Missed] transform not fused | Category:fp4q-fuse-transform | Function=bf16_result | Reason="fusion would skip the rounding of fp4q.block_transform to bf16, which neither fp4q.relaxed nor the option relaxed permits"}}
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<4x64xbf16>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %1#0 : tensor<4x32xi8>
}

// CHECK-LABEL: func.func @bf16_result_permitted(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<4x64xbf16>
// CHECK-NOT: fp4q.block_transform
// CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<4x64xbf16>) transform
func.func @bf16_result_permitted(%x: tensor<4x64xbf16>, %t: tensor<32x32xf32>,
    %y: tensor<4x64xbf16>, %c: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>)
    -> tensor<4x32xi8> {
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xbf16>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xbf16>) {fp4q.relaxed} -> tensor<4x64xbf16>
  // expected-remark @below {{[Passed] transform fused | Category:fp4q-fuse-transform | Function=bf16_result_permitted | Reason="its result is not rounded, as permitted"}}
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<4x64xbf16>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %1#0 : tensor<4x32xi8>
}

// A rounding of its own, widened again.
// CHECK-LABEL: func.func @truncf(
// EXACT: fp4q.block_transform
// EXACT: %[[Y:.*]] = arith.truncf
// EXACT: fp4q.quantize_pack ins(%[[Y]] : tensor<4x64xf16>) outs
// RELAXED-NOT: arith.truncf
// RELAXED: fp4q.quantize_pack ins(%{{.*}} : tensor<4x64xf32>) transform
func.func @truncf(%x: tensor<4x64xf32>, %t: tensor<32x32xf32>,
    %y: tensor<4x64xf32>, %c: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>)
    -> tensor<4x32xi8> {
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  %1 = arith.truncf %0 : tensor<4x64xf32> to tensor<4x64xf16>
  %2 = arith.extf %1 : tensor<4x64xf16> to tensor<4x64xf32>
  // expected-remark @below {{[Missed] transform not fused | Category:fp4q-fuse-transform | Function=truncf | Reason="fusion would skip the rounding of arith.truncf to f16, which neither fp4q.relaxed nor the option relaxed permits"}}
  // expected-remark @below {{[Passed] widening of x absorbed | Category:fp4q-fuse-transform | Function=truncf | Reason="x is widened to f32 exactly in any case"}}
  %3:2 = fp4q.quantize_pack ins(%2 : tensor<4x64xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %3#0 : tensor<4x32xi8>
}

// fastmath<contract> on the cast is leave, as it is for arith's own folds; also
// in the body of a linalg operation.
// CHECK-LABEL: func.func @truncf_contract(
// CHECK-NOT: fp4q.block_transform
// CHECK: fp4q.quantize_pack ins(%{{.*}} : tensor<4x64xf32>) transform
#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @truncf_contract(%x: tensor<4x64xf32>, %t: tensor<32x32xf32>,
    %y: tensor<4x64xf32>, %z: tensor<4x64xbf16>, %c: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>) -> tensor<4x32xi8> {
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<4x64xf32>) outs(%z : tensor<4x64xbf16>) {
  ^bb0(%e: f32, %o: bf16):
    %w = arith.truncf %e fastmath<contract> : f32 to bf16
    linalg.yield %w : bf16
  } -> tensor<4x64xbf16>
  // expected-remark @below {{[Passed] transform fused | Category:fp4q-fuse-transform | Function=truncf_contract | Reason="its result is not rounded, as permitted"}}
  %3:2 = fp4q.quantize_pack ins(%1 : tensor<4x64xbf16>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %3#0 : tensor<4x32xi8>
}

// No leave makes up for a rounding in another direction.
// CHECK-LABEL: func.func @truncf_downward(
// CHECK: fp4q.block_transform
// CHECK: %[[Y:.*]] = arith.truncf
// CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<4x64xf16>) outs
func.func @truncf_downward(%x: tensor<4x64xf32>, %t: tensor<32x32xf32>,
    %y: tensor<4x64xf32>, %c: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>)
    -> tensor<4x32xi8> {
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  %1 = arith.truncf %0 downward : tensor<4x64xf32> to tensor<4x64xf16>
  %2:2 = fp4q.quantize_pack ins(%1 : tensor<4x64xf16>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %2#0 : tensor<4x32xi8>
}

//===----------------------------------------------------------------------===//
// Identity transforms
//===----------------------------------------------------------------------===//

// 0 * Inf is NaN, and +0 + -0 is +0.
// CHECK-LABEL: func.func @identity(
// EXACT: transform(
// RELAXED-NOT: transform(
func.func @identity(%x: tensor<4x64xbf16>, %c: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>) -> tensor<4x32xi8> {
  %t = arith.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  // expected-remark @below {{[Missed] identity transform kept | Category:fp4q-fuse-transform | Function=identity | Reason="x may hold Inf, NaN or -0, which it changes, and neither fp4q.relaxed nor the option relaxed permits that"}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      transform(%t : tensor<2x2xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %0#0 : tensor<4x32xi8>
}

// CHECK-LABEL: func.func @identity_permitted(
// CHECK-NOT: transform(
// CHECK: return
func.func @identity_permitted(%x: tensor<4x64xbf16>, %c: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>) -> tensor<4x32xi8> {
  %t = arith.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  // expected-remark @below {{[Passed] identity transform dropped | Category:fp4q-fuse-transform | Function=identity_permitted | Reason="permitted: Inf, NaN and -0 of x stay what they are"}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      transform(%t : tensor<2x2xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>) {fp4q.relaxed}
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %0#0 : tensor<4x32xi8>
}

// Integers are finite, and there is no -0.
// CHECK-LABEL: func.func @identity_of_integers(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<4x64xi8>
// CHECK: %[[F:.*]] = arith.sitofp %[[X]]
// CHECK-NOT: block_transform
// CHECK: %[[W:.*]] = arith.extf %[[F]] : tensor<4x64xf16> to tensor<4x64xf32>
// CHECK: %[[R:.*]] = arith.truncf %[[W]] : tensor<4x64xf32> to tensor<4x64xbf16>
// CHECK: return %[[R]]
func.func @identity_of_integers(%x: tensor<4x64xi8>, %y: tensor<4x64xbf16>)
    -> tensor<4x64xbf16> {
  %t = arith.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %0 = arith.sitofp %x : tensor<4x64xi8> to tensor<4x64xf16>
  // expected-remark @below {{[Passed] identity transform dropped | Category:fp4q-fuse-transform | Function=identity_of_integers | Reason="x holds integers, so no bit changes"}}
  %1 = fp4q.block_transform ins(%0, %t : tensor<4x64xf16>, tensor<2x2xf32>)
      outs(%y : tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return %1 : tensor<4x64xbf16>
}

// 65535 is Inf in f16.
// CHECK-LABEL: func.func @identity_of_large_integers(
// EXACT: transform(
func.func @identity_of_large_integers(%x: tensor<4x64xi16>,
    %c: tensor<4x32xi8>, %s: tensor<4x2xf8E8M0FNU>) -> tensor<4x32xi8> {
  %t = arith.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %0 = arith.uitofp %x : tensor<4x64xi16> to tensor<4x64xf16>
  // expected-remark @below {{[Missed] identity transform kept}}
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<4x64xf16>)
      transform(%t : tensor<2x2xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %1#0 : tensor<4x32xi8>
}

// CHECK-LABEL: func.func @no_identity(
// CHECK: transform(
func.func @no_identity(%x: tensor<4x64xbf16>, %c: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>) -> tensor<4x32xi8> {
  %t = arith.constant dense<[[1.0, -0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %0:2 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      transform(%t : tensor<2x2xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>) {fp4q.relaxed}
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %0#0 : tensor<4x32xi8>
}

//===----------------------------------------------------------------------===//
// Remarks of exact rewrites, and of others that are declined
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @remarks(
func.func @remarks(%x: tensor<4x64xf32>, %b: tensor<4x64xbf16>,
    %t: tensor<32x32xf32>, %gs: f32, %y: tensor<4x64xf32>, %c: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>, %n: tensor<4x4xf8E4M3FN>)
    -> (tensor<4x32xi8>, tensor<4x32xi8>, tensor<4x32xi8>, tensor<4x32xi8>) {
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  // expected-remark @below {{[Passed] transform fused | Category:fp4q-fuse-transform | Function=remarks | Reason="its result is f32, so no bit changes"}}
  %1:2 = fp4q.quantize_pack ins(%0 : tensor<4x64xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  %2 = fp4q.block_transform ins(%b, %t : tensor<4x64xbf16>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  // expected-remark @below {{Reason="the recipe rounds to the type of x, which fusion would change"}}
  %3:2 = fp4q.quantize_pack ins(%2 : tensor<4x64xf32>) global_scale(%gs : f32)
      outs(%c, %n : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>)
      {recipe = #fp4q.recipe<"ct-nv">} -> tensor<4x32xi8>, tensor<4x4xf8E4M3FN>
  // expected-remark @below {{Reason="the transform's result has other uses, for which it would be computed again; the option multi-use permits it"}}
  %4:2 = fp4q.quantize_pack ins(%2 : tensor<4x64xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  %5 = arith.extf %b : tensor<4x64xbf16> to tensor<4x64xf32>
  // expected-remark @below {{[Missed] widening of x not absorbed | Category:fp4q-fuse-transform | Function=remarks | Reason="the recipe rounds to the type of x"}}
  %6:2 = fp4q.quantize_pack ins(%5 : tensor<4x64xf32>) global_scale(%gs : f32)
      outs(%c, %n : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>)
      {recipe = #fp4q.recipe<"ct-nv">} -> tensor<4x32xi8>, tensor<4x4xf8E4M3FN>
  %7 = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y : tensor<4x64xf32>) -> tensor<4x64xf32>
  // expected-remark @below {{Reason="the quantizer has a transform already"}}
  %8:2 = fp4q.quantize_pack ins(%7 : tensor<4x64xf32>)
      transform(%t : tensor<32x32xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %1#0, %3#0, %6#0, %8#0 : tensor<4x32xi8>, tensor<4x32xi8>,
      tensor<4x32xi8>, tensor<4x32xi8>
}
