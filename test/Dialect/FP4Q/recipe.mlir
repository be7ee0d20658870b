// RUN: fp4q-opt %s --verify-roundtrip | FileCheck %s
// RUN: fp4q-opt %s --emit-bytecode | fp4q-opt | FileCheck %s

// A preset prints as its name, also when its settings were spelled out.
// CHECK-LABEL: @presets
func.func @presets() attributes {
    // CHECK-SAME: a = #fp4q.recipe<"law">
    a = #fp4q.recipe<"law">,
    // CHECK-SAME: b = #fp4q.recipe<"ct-nv">
    b = #fp4q.recipe<"ct-nv">,
    // CHECK-SAME: c = #fp4q.recipe<"torchao-mx-floor">
    c = #fp4q.recipe<scale_formula = amax, e8m0_rounding = never, e8m0_offset = -2, element_operand = x_over_q, global_scale = none>,
    // CHECK-SAME: d = #fp4q.recipe<"law">
    d = #fp4q.recipe<zero_sign = sign_bit>} {
  return
}

// Settings that are not the law's are listed.
// CHECK-LABEL: @settings
func.func @settings() attributes {
    // CHECK-SAME: a = #fp4q.recipe<zero_sign = only_negative>
    a = #fp4q.recipe<"law", zero_sign = only_negative>,
    // CHECK-SAME: b = #fp4q.recipe<scale_formula = amax_over_6_times_g, intermediate = input_type, e4m3_zero = q_zero_to_eighth, element_operand = x_over_q_over_g, global_scale = divide>
    b = #fp4q.recipe<"ct-nv", zero_sign = sign_bit>,
    // CHECK-SAME: c = #fp4q.recipe<e8m0_rounding = from_1_75, e8m0_tiny = by_bits, scale_byte_zero = reciprocal_capped>
    c = #fp4q.recipe<e8m0_rounding = from_1_75, e8m0_tiny = by_bits, scale_byte_zero = reciprocal_capped>,
    // CHECK-SAME: d = #fp4q.recipe<e4m3_floor = pow2_minus_9>
    d = #fp4q.recipe<e4m3_floor = pow2_minus_9>} {
  return
}

// CHECK-LABEL: @quantize
func.func @quantize(%x: tensor<?x64xbf16>, %gs: f32, %c: tensor<?x32xi8>,
                    %s: tensor<?x4xf8E4M3FN>) -> tensor<?x32xi8> {
  // CHECK: fp4q.quantize_pack {{.*}} {recipe = #fp4q.recipe<"te-nv">}
  %codes, %scales = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      global_scale(%gs : f32)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
      {recipe = #fp4q.recipe<"te-nv">}
      -> tensor<?x32xi8>, tensor<?x4xf8E4M3FN>
  return %codes : tensor<?x32xi8>
}
