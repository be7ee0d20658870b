// RUN: fp4q-opt %s --fp4q-materialize-scale-layouts | FileCheck %s

// Results: swizzle_scales behind. The init of the scales is that of the new
// operation.
// CHECK-LABEL: func.func @quantize_pack(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x96xbf16>, %[[T:[^:]+]]: tensor<32x32xbf16>, %[[GS:[^:]+]]: f32, %[[SS:[^:]+]]: f32
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x48xi8>, %[[Z:[^:]+]]: tensor<?x2x512xf8E4M3FN>
func.func @quantize_pack(%x: tensor<?x96xbf16>, %t: tensor<32x32xbf16>,
                         %gs: f32, %ss: f32, %c: tensor<?x48xi8>,
                         %z: tensor<?x2x512xf8E4M3FN>)
    -> (tensor<?x48xi8>, tensor<?x2x512xf8E4M3FN>) {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[C]], %{{.*}}
  // CHECK: %[[S:.*]] = tensor.empty(%[[ROWS]]) : tensor<?x6xf8E4M3FN>
  // CHECK: %[[Q:.*]]:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x96xbf16>)
  // CHECK-SAME: transform(%[[T]] : tensor<32x32xbf16>)
  // CHECK-SAME: global_scale(%[[GS]] : f32) scale_scale(%[[SS]] : f32)
  // CHECK-SAME: outs(%[[C]], %[[S]] : tensor<?x48xi8>, tensor<?x6xf8E4M3FN>) ->
  // CHECK: %[[R:.*]] = fp4q.swizzle_scales ins(%[[Q]]#1 : tensor<?x6xf8E4M3FN>)
  // CHECK-SAME: outs(%[[Z]] : tensor<?x2x512xf8E4M3FN>)
  // CHECK: return %[[Q]]#0, %[[R]]
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x96xbf16>)
      transform(%t : tensor<32x32xbf16>)
      global_scale(%gs : f32) scale_scale(%ss : f32)
      outs(%c, %z : tensor<?x48xi8>, tensor<?x2x512xf8E4M3FN>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<?x48xi8>, tensor<?x2x512xf8E4M3FN>
  return %0#0, %0#1 : tensor<?x48xi8>, tensor<?x2x512xf8E4M3FN>
}

// The recipe stays, and so do attributes of others.
// CHECK-LABEL: func.func @quantize_pack_recipe(
func.func @quantize_pack_recipe(%x: tensor<8x96xbf16>, %c: tensor<8x48xi8>,
                                %z: tensor<1x2x512xf8E4M3FN>)
    -> (tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>) {
  // CHECK: fp4q.quantize_pack
  // CHECK-SAME: outs(%{{.*}}, %{{.*}} : tensor<8x48xi8>, tensor<8x6xf8E4M3FN>) {fp4q.backend = #fp4q.backend<"cpu">, recipe = #fp4q.recipe<zero_sign = only_negative>} ->
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x96xbf16>)
      outs(%c, %z : tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>)
      {fp4q.backend = #fp4q.backend<"cpu">, group_size = 16 : i64,
       recipe = #fp4q.recipe<zero_sign = only_negative>,
       scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>
  return %0#0, %0#1 : tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>
}

// Inputs: unswizzle_scales in front.
// CHECK-LABEL: func.func @quantize_pack_given_scales(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<8x96xbf16>, %[[Z:[^:]+]]: tensor<1x2x512xf8E4M3FN>, %[[C:[^:]+]]: tensor<8x48xi8>
func.func @quantize_pack_given_scales(%x: tensor<8x96xbf16>,
                                      %z: tensor<1x2x512xf8E4M3FN>,
                                      %c: tensor<8x48xi8>) -> tensor<8x48xi8> {
  // CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<8x6xf8E4M3FN>
  // CHECK: %[[S:.*]] = fp4q.unswizzle_scales ins(%[[Z]] : tensor<1x2x512xf8E4M3FN>) outs(%[[EMPTY]] :
  // CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<8x96xbf16>) scales(%[[S]] : tensor<8x6xf8E4M3FN>) outs(%[[C]] : tensor<8x48xi8>) ->
  %0 = fp4q.quantize_pack ins(%x : tensor<8x96xbf16>)
      scales(%z : tensor<1x2x512xf8E4M3FN>) outs(%c : tensor<8x48xi8>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x48xi8>
  return %0 : tensor<8x48xi8>
}

// CHECK-LABEL: func.func @dequant_batch(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<3x?x48xi8>, %[[Z:[^:]+]]: tensor<3x?x2x512xf8E4M3FN>, %[[GS:[^:]+]]: f32, %[[INIT:[^:]+]]: tensor<3x?x96xf32>
func.func @dequant_batch(%c: tensor<3x?x48xi8>,
                         %z: tensor<3x?x2x512xf8E4M3FN>, %gs: f32,
                         %init: tensor<3x?x96xf32>) -> tensor<3x?x96xf32> {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[C]], %{{.*}}
  // CHECK: %[[EMPTY:.*]] = tensor.empty(%[[ROWS]]) : tensor<3x?x6xf8E4M3FN>
  // CHECK: %[[S:.*]] = fp4q.unswizzle_scales ins(%[[Z]] : tensor<3x?x2x512xf8E4M3FN>) outs(%[[EMPTY]] :
  // CHECK: fp4q.dequant ins(%[[C]], %[[S]] : tensor<3x?x48xi8>, tensor<3x?x6xf8E4M3FN>) global_scale(%[[GS]] : f32)
  // CHECK-SAME: outs(%[[INIT]] : tensor<3x?x96xf32>) {direction = #fp4q.direction<divide>} ->
  %0 = fp4q.dequant
      ins(%c, %z : tensor<3x?x48xi8>, tensor<3x?x2x512xf8E4M3FN>)
      global_scale(%gs : f32) outs(%init : tensor<3x?x96xf32>)
      {direction = #fp4q.direction<divide>, group_size = 16 : i64,
       scale_layout = #fp4q.scale_layout<blocked_128x4>} -> tensor<3x?x96xf32>
  return %0 : tensor<3x?x96xf32>
}

// Only the operand whose scales are blocked.
// CHECK-LABEL: func.func @scaled_matmul_b_blocked(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<4x32xi8>, %[[SA:[^:]+]]: tensor<4x2xf8E8M0FNU>, %[[B:[^:]+]]: tensor<136x32xi8>, %[[ZB:[^:]+]]: tensor<2x1x512xf8E8M0FNU>
func.func @scaled_matmul_b_blocked(
    %a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<136x32xi8>,
    %zb: tensor<2x1x512xf8E8M0FNU>, %init: tensor<4x136xf32>)
    -> tensor<4x136xf32> {
  // CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<136x2xf8E8M0FNU>
  // CHECK: %[[SB:.*]] = fp4q.unswizzle_scales ins(%[[ZB]] : tensor<2x1x512xf8E8M0FNU>) outs(%[[EMPTY]] :
  // CHECK-NOT: unswizzle_scales
  // CHECK: fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] :
  // CHECK-SAME: outs(%{{.*}} : tensor<4x136xf32>) ->
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %zb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<136x32xi8>, tensor<2x1x512xf8E8M0FNU>)
      outs(%init : tensor<4x136xf32>)
      {b_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       group_size = 32 : i64} -> tensor<4x136xf32>
  return %0 : tensor<4x136xf32>
}

// CHECK-LABEL: func.func @scaled_matmul_both_blocked(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<4x32xi8>, %[[ZA:[^:]+]]: tensor<1x1x512xf8E8M0FNU>, %[[B:[^:]+]]: tensor<136x32xi8>, %[[ZB:[^:]+]]: tensor<2x1x512xf8E8M0FNU>
func.func @scaled_matmul_both_blocked(
    %a: tensor<4x32xi8>, %za: tensor<1x1x512xf8E8M0FNU>, %b: tensor<136x32xi8>,
    %zb: tensor<2x1x512xf8E8M0FNU>, %init: tensor<4x136xf32>)
    -> tensor<4x136xf32> {
  // CHECK: %[[SA:.*]] = fp4q.unswizzle_scales ins(%[[ZA]] :
  // CHECK: %[[SB:.*]] = fp4q.unswizzle_scales ins(%[[ZB]] :
  // CHECK: fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>, tensor<136x32xi8>, tensor<136x2xf8E8M0FNU>)
  %0 = fp4q.scaled_matmul
      ins(%a, %za, %b, %zb : tensor<4x32xi8>, tensor<1x1x512xf8E8M0FNU>,
          tensor<136x32xi8>, tensor<2x1x512xf8E8M0FNU>)
      outs(%init : tensor<4x136xf32>)
      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       b_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       group_size = 32 : i64} -> tensor<4x136xf32>
  return %0 : tensor<4x136xf32>
}

// CHECK-LABEL: func.func @linear_scales(
func.func @linear_scales(%c: tensor<8x48xi8>, %s: tensor<8x6xf8E4M3FN>,
                         %init: tensor<8x96xf32>) -> tensor<8x96xf32> {
  // CHECK-NEXT: fp4q.dequant
  // CHECK-NEXT: return
  %0 = fp4q.dequant ins(%c, %s : tensor<8x48xi8>, tensor<8x6xf8E4M3FN>)
      outs(%init : tensor<8x96xf32>) -> tensor<8x96xf32>
  return %0 : tensor<8x96xf32>
}

// CHECK-LABEL: func.func @memrefs(
func.func @memrefs(%c: memref<8x48xi8>, %z: memref<1x2x512xf8E4M3FN>,
                   %init: memref<8x96xf32>) {
  // CHECK-NEXT: fp4q.dequant
  // CHECK-SAME: {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
  // CHECK-NEXT: return
  fp4q.dequant ins(%c, %z : memref<8x48xi8>, memref<1x2x512xf8E4M3FN>)
      outs(%init : memref<8x96xf32>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
  return
}
