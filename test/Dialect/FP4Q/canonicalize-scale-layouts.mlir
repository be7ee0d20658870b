// RUN: fp4q-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @unswizzle_of_swizzle(
// CHECK-SAME:      %[[S:[^:]+]]: tensor<200x6xf8E4M3FN>
func.func @unswizzle_of_swizzle(%s: tensor<200x6xf8E4M3FN>)
    -> tensor<200x6xf8E4M3FN> {
  // CHECK-NEXT: return %[[S]]
  %0 = tensor.empty() : tensor<2x2x512xf8E4M3FN>
  %1 = fp4q.swizzle_scales ins(%s : tensor<200x6xf8E4M3FN>)
      outs(%0 : tensor<2x2x512xf8E4M3FN>) -> tensor<2x2x512xf8E4M3FN>
  %2 = tensor.empty() : tensor<200x6xf8E4M3FN>
  %3 = fp4q.unswizzle_scales ins(%1 : tensor<2x2x512xf8E4M3FN>)
      outs(%2 : tensor<200x6xf8E4M3FN>) -> tensor<200x6xf8E4M3FN>
  return %3 : tensor<200x6xf8E4M3FN>
}

// As many tiles, but fewer rows.
// CHECK-LABEL: func.func @unswizzle_drops_rows(
func.func @unswizzle_drops_rows(%s: tensor<200x6xf8E4M3FN>)
    -> tensor<199x6xf8E4M3FN> {
  // CHECK: fp4q.swizzle_scales
  // CHECK: fp4q.unswizzle_scales
  %0 = tensor.empty() : tensor<2x2x512xf8E4M3FN>
  %1 = fp4q.swizzle_scales ins(%s : tensor<200x6xf8E4M3FN>)
      outs(%0 : tensor<2x2x512xf8E4M3FN>) -> tensor<2x2x512xf8E4M3FN>
  %2 = tensor.empty() : tensor<199x6xf8E4M3FN>
  %3 = fp4q.unswizzle_scales ins(%1 : tensor<2x2x512xf8E4M3FN>)
      outs(%2 : tensor<199x6xf8E4M3FN>) -> tensor<199x6xf8E4M3FN>
  return %3 : tensor<199x6xf8E4M3FN>
}

// Dynamic rows: known to be as many, and not known to be.
// CHECK-LABEL: func.func @unswizzle_dynamic_same(
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x6xf8E4M3FN>
func.func @unswizzle_dynamic_same(%s: tensor<?x6xf8E4M3FN>, %tiles: index)
    -> tensor<?x6xf8E4M3FN> {
  // CHECK-NEXT: return %[[S]]
  %c0 = arith.constant 0 : index
  %m = tensor.dim %s, %c0 : tensor<?x6xf8E4M3FN>
  %0 = tensor.empty(%tiles) : tensor<?x2x512xf8E4M3FN>
  %1 = fp4q.swizzle_scales ins(%s : tensor<?x6xf8E4M3FN>)
      outs(%0 : tensor<?x2x512xf8E4M3FN>) -> tensor<?x2x512xf8E4M3FN>
  %2 = tensor.empty(%m) : tensor<?x6xf8E4M3FN>
  %3 = fp4q.unswizzle_scales ins(%1 : tensor<?x2x512xf8E4M3FN>)
      outs(%2 : tensor<?x6xf8E4M3FN>) -> tensor<?x6xf8E4M3FN>
  return %3 : tensor<?x6xf8E4M3FN>
}

// CHECK-LABEL: func.func @unswizzle_dynamic_unknown(
func.func @unswizzle_dynamic_unknown(%s: tensor<?x6xf8E4M3FN>, %tiles: index,
                                     %m: index) -> tensor<?x6xf8E4M3FN> {
  // CHECK: fp4q.swizzle_scales
  // CHECK: fp4q.unswizzle_scales
  %0 = tensor.empty(%tiles) : tensor<?x2x512xf8E4M3FN>
  %1 = fp4q.swizzle_scales ins(%s : tensor<?x6xf8E4M3FN>)
      outs(%0 : tensor<?x2x512xf8E4M3FN>) -> tensor<?x2x512xf8E4M3FN>
  %2 = tensor.empty(%m) : tensor<?x6xf8E4M3FN>
  %3 = fp4q.unswizzle_scales ins(%1 : tensor<?x2x512xf8E4M3FN>)
      outs(%2 : tensor<?x6xf8E4M3FN>) -> tensor<?x6xf8E4M3FN>
  return %3 : tensor<?x6xf8E4M3FN>
}

// CHECK-LABEL: func.func @swizzle_of_unswizzle_full(
// CHECK-SAME:      %[[Z:[^:]+]]: tensor<2x2x512xf8E4M3FN>
func.func @swizzle_of_unswizzle_full(%z: tensor<2x2x512xf8E4M3FN>)
    -> tensor<2x2x512xf8E4M3FN> {
  // CHECK-NEXT: return %[[Z]]
  %0 = tensor.empty() : tensor<256x8xf8E4M3FN>
  %1 = fp4q.unswizzle_scales ins(%z : tensor<2x2x512xf8E4M3FN>)
      outs(%0 : tensor<256x8xf8E4M3FN>) -> tensor<256x8xf8E4M3FN>
  %2 = tensor.empty() : tensor<2x2x512xf8E4M3FN>
  %3 = fp4q.swizzle_scales ins(%1 : tensor<256x8xf8E4M3FN>)
      outs(%2 : tensor<2x2x512xf8E4M3FN>) -> tensor<2x2x512xf8E4M3FN>
  return %3 : tensor<2x2x512xf8E4M3FN>
}

// The padding of an argument may hold anything; the pair clears it.
// CHECK-LABEL: func.func @swizzle_of_unswizzle_clears(
func.func @swizzle_of_unswizzle_clears(%z: tensor<2x2x512xf8E4M3FN>)
    -> tensor<2x2x512xf8E4M3FN> {
  // CHECK: fp4q.unswizzle_scales
  // CHECK: fp4q.swizzle_scales
  %0 = tensor.empty() : tensor<256x7xf8E4M3FN>
  %1 = fp4q.unswizzle_scales ins(%z : tensor<2x2x512xf8E4M3FN>)
      outs(%0 : tensor<256x7xf8E4M3FN>) -> tensor<256x7xf8E4M3FN>
  %2 = tensor.empty() : tensor<2x2x512xf8E4M3FN>
  %3 = fp4q.swizzle_scales ins(%1 : tensor<256x7xf8E4M3FN>)
      outs(%2 : tensor<2x2x512xf8E4M3FN>) -> tensor<2x2x512xf8E4M3FN>
  return %3 : tensor<2x2x512xf8E4M3FN>
}

// A quantizer has written zeros there.
// CHECK-LABEL: func.func @swizzle_of_unswizzle_quantized(
func.func @swizzle_of_unswizzle_quantized(%x: tensor<8x96xbf16>)
    -> (tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>) {
  // CHECK: %[[Q:.*]]:2 = fp4q.quantize_pack
  // CHECK-NEXT: return %[[Q]]#0, %[[Q]]#1
  %c = tensor.empty() : tensor<8x48xi8>
  %z = tensor.empty() : tensor<1x2x512xf8E4M3FN>
  %q:2 = fp4q.quantize_pack ins(%x : tensor<8x96xbf16>)
      outs(%c, %z : tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>
  %0 = tensor.empty() : tensor<8x6xf8E4M3FN>
  %1 = fp4q.unswizzle_scales ins(%q#1 : tensor<1x2x512xf8E4M3FN>)
      outs(%0 : tensor<8x6xf8E4M3FN>) -> tensor<8x6xf8E4M3FN>
  %2 = fp4q.swizzle_scales ins(%1 : tensor<8x6xf8E4M3FN>)
      outs(%z : tensor<1x2x512xf8E4M3FN>) -> tensor<1x2x512xf8E4M3FN>
  return %q#0, %2 : tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>
}

// The quantizer has written six columns, and the pair clears the sixth.
// CHECK-LABEL: func.func @swizzle_of_unswizzle_drops_columns(
func.func @swizzle_of_unswizzle_drops_columns(%x: tensor<8x96xbf16>)
    -> (tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>) {
  // CHECK: fp4q.unswizzle_scales
  // CHECK: fp4q.swizzle_scales
  %c = tensor.empty() : tensor<8x48xi8>
  %z = tensor.empty() : tensor<1x2x512xf8E4M3FN>
  %q:2 = fp4q.quantize_pack ins(%x : tensor<8x96xbf16>)
      outs(%c, %z : tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>
  %0 = tensor.empty() : tensor<8x5xf8E4M3FN>
  %1 = fp4q.unswizzle_scales ins(%q#1 : tensor<1x2x512xf8E4M3FN>)
      outs(%0 : tensor<8x5xf8E4M3FN>) -> tensor<8x5xf8E4M3FN>
  %2 = fp4q.swizzle_scales ins(%1 : tensor<8x5xf8E4M3FN>)
      outs(%z : tensor<1x2x512xf8E4M3FN>) -> tensor<1x2x512xf8E4M3FN>
  return %q#0, %2 : tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>
}
