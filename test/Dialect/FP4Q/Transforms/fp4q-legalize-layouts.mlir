// On the table of test/lib/TestBackEnds.h: on sm_120a the matmul of gpu-native
// reads blocked scales, and its quantizer writes either layout; gpu-portable,
// which makes f32 too, takes linear scales.
// RUN: fp4q-test-opt %s --test-fp4q-select-backend=target=sm_120a --test-fp4q-legalize-layouts=target=sm_120a | FileCheck %s
// RUN: fp4q-test-opt %s --test-fp4q-select-backend=target=sm_120a --test-fp4q-legalize-layouts=target=sm_120a --remark-format=emitRemark --remarks-filter=fp4q-legalize-layouts 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=Function=as_wanted

// The quantizer writes blocked scales itself; those of the weight are converted
// behind their definition, once for both products.
// CHECK-LABEL: func.func @layer(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<8x128xbf16>, %[[B:[^:]+]]: tensor<200x64xi8>, %[[SB:[^:]+]]: tensor<200x4xf8E8M0FNU>
// REMARK-DAG: [[@LINE+21]]:8: remark: [Passed] scale layout converted | Category:fp4q-legalize-layouts | Function=layer | BackEnd=gpu-native, To=blocked_128x4, Value=a_scales{{$}}
// REMARK-DAG: [[@LINE+20]]:8: remark: [Passed] scale layout converted | Category:fp4q-legalize-layouts | Function=layer | BackEnd=gpu-native, To=blocked_128x4, Value=b_scales{{$}}
// REMARK-DAG: [[@LINE+23]]:8: remark: {{.*}} Value=a_scales{{$}}
// REMARK-DAG: [[@LINE+22]]:8: remark: {{.*}} Value=b_scales{{$}}
// REMARK-DAG: [[@LINE+14]]:13: remark: [Passed] blocked scales written directly | Category:fp4q-legalize-layouts | Function=layer | BackEnd=gpu-native{{$}}
func.func @layer(%x: tensor<8x128xbf16>, %b: tensor<200x64xi8>,
                 %sb: tensor<200x4xf8E8M0FNU>, %ca: tensor<8x64xi8>,
                 %cs: tensor<8x4xf8E8M0FNU>, %y: tensor<8x200xbf16>)
    -> (tensor<8x200xbf16>, tensor<8x200xbf16>) {
  // CHECK: %[[ZB:.*]] = fp4q.swizzle_scales ins(%[[SB]] : tensor<200x4xf8E8M0FNU>)
  // CHECK-SAME: fp4q.backend = #fp4q.backend<"gpu-portable">
  // CHECK-NOT: swizzle_scales
  // CHECK: %[[Q:.*]]:2 = fp4q.quantize_pack ins(%[[X]] : tensor<8x128xbf16>)
  // CHECK-SAME: -> tensor<8x64xi8>, tensor<1x1x512xf8E8M0FNU>
  // CHECK-NOT: swizzle_scales
  // CHECK: fp4q.scaled_matmul ins(%[[Q]]#0, %[[Q]]#1, %[[B]], %[[ZB]] :
  // CHECK-SAME: {a_scale_layout = #fp4q.scale_layout<blocked_128x4>, b_scale_layout = #fp4q.scale_layout<blocked_128x4>, fp4q.backend = #fp4q.backend<"gpu-native">, group_size = 32 : i64}
  // CHECK: fp4q.scaled_matmul ins(%[[Q]]#0, %[[Q]]#1, %[[B]], %[[ZB]] :
  %a, %sa = fp4q.quantize_pack ins(%x : tensor<8x128xbf16>)
      outs(%ca, %cs : tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>)
      -> tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>,
          tensor<200x64xi8>, tensor<200x4xf8E8M0FNU>)
      outs(%y : tensor<8x200xbf16>) -> tensor<8x200xbf16>
  %d = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>,
          tensor<200x64xi8>, tensor<200x4xf8E8M0FNU>)
      outs(%y : tensor<8x200xbf16>) -> tensor<8x200xbf16>
  return %c, %d : tensor<8x200xbf16>, tensor<8x200xbf16>
}

// The nearest: the linear scales are a result too, so the quantizer keeps them;
// and another quantizer writes no others.
// CHECK-LABEL: func.func @linear_scales_used(
// REMARK-DAG: remark: [Missed] blocked scales not written directly | Category:fp4q-legalize-layouts | Function=linear_scales_used | BackEnd=gpu-native, Reason="the linear scales have other uses"{{$}}
// REMARK-DAG: remark: [Missed] blocked scales not written directly | {{.*}} | BackEnd=gpu-portable, Reason="the kernels write linear scales only"{{$}}
func.func @linear_scales_used(%x: tensor<8x128xbf16>, %w: tensor<8x128xf32>,
    %ca: tensor<8x64xi8>, %cs: tensor<8x4xf8E8M0FNU>, %y: tensor<8x8xbf16>)
    -> (tensor<8x8xbf16>, tensor<8x4xf8E8M0FNU>) {
  // CHECK: %[[A:.*]]:2 = fp4q.quantize_pack {{.*}} tensor<8x4xf8E8M0FNU>
  // CHECK: %[[ZA:.*]] = fp4q.swizzle_scales ins(%[[A]]#1
  // CHECK: %[[B:.*]]:2 = fp4q.quantize_pack {{.*}} tensor<8x4xf8E8M0FNU>
  // CHECK: %[[ZB:.*]] = fp4q.swizzle_scales ins(%[[B]]#1
  // CHECK: fp4q.scaled_matmul ins(%[[A]]#0, %[[ZA]], %[[B]]#0, %[[ZB]] :
  // CHECK: return %{{.*}}, %[[A]]#1
  %a, %sa = fp4q.quantize_pack ins(%x : tensor<8x128xbf16>)
      outs(%ca, %cs : tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>)
      -> tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>
  %b, %sb = fp4q.quantize_pack ins(%w : tensor<8x128xf32>)
      outs(%ca, %cs : tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>)
      -> tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>,
          tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>)
      outs(%y : tensor<8x8xbf16>) -> tensor<8x8xbf16>
  return %c, %sa : tensor<8x8xbf16>, tensor<8x4xf8E8M0FNU>
}

// Nothing to do: the portable matmul reads linear scales, the native one those
// that are blocked already.
// CHECK-LABEL: func.func @as_wanted(
// CHECK-NOT: swizzle_scales
// CHECK: return
func.func @as_wanted(%a: tensor<8x64xi8>, %sa: tensor<8x4xf8E8M0FNU>,
    %b: tensor<200x64xi8>, %sb: tensor<200x4xf8E8M0FNU>,
    %za: tensor<1x1x512xf8E8M0FNU>, %zb: tensor<2x1x512xf8E8M0FNU>,
    %y: tensor<8x200xf32>, %h: tensor<8x200xf16>)
    -> (tensor<8x200xf32>, tensor<8x200xf16>) {
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>,
          tensor<200x64xi8>, tensor<200x4xf8E8M0FNU>)
      outs(%y : tensor<8x200xf32>) -> tensor<8x200xf32>
  %d = fp4q.scaled_matmul
      ins(%a, %za, %b, %zb : tensor<8x64xi8>, tensor<1x1x512xf8E8M0FNU>,
          tensor<200x64xi8>, tensor<2x1x512xf8E8M0FNU>)
      outs(%h : tensor<8x200xf16>)
      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       b_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       group_size = 32 : i64} -> tensor<8x200xf16>
  return %c, %d : tensor<8x200xf32>, tensor<8x200xf16>
}

// Blocked scales for kernels that take linear ones. The rows come from the
// codes, so the conversion stands behind both, in front of the loop.
// CHECK-LABEL: func.func @to_linear(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x64xi8>, %[[ZA:[^:]+]]: tensor<?x1x512xf8E8M0FNU>
// REMARK-DAG: remark: [Passed] scale layout converted | Category:fp4q-legalize-layouts | Function=to_linear | BackEnd=gpu-portable, To=linear, Value=a_scales{{$}}
func.func @to_linear(%a: tensor<?x64xi8>, %za: tensor<?x1x512xf8E8M0FNU>,
    %b: tensor<200x64xi8>, %sb: tensor<200x4xf8E8M0FNU>,
    %y: tensor<?x200xf32>, %n: index) -> tensor<?x200xf32> {
  // CHECK: %[[M:.*]] = tensor.dim %[[A]], %c0
  // CHECK: %[[E:.*]] = tensor.empty(%[[M]]) : tensor<?x4xf8E8M0FNU>
  // CHECK: %[[S:.*]] = fp4q.unswizzle_scales ins(%[[ZA]] : {{.*}}) outs(%[[E]] :
  // CHECK: scf.for
  // CHECK-NEXT: fp4q.scaled_matmul ins(%[[A]], %[[S]], %{{.*}}) outs({{.*}}) {fp4q.backend = #fp4q.backend<"gpu-portable">}
  %i0 = arith.constant 0 : index
  %i1 = arith.constant 1 : index
  %r = scf.for %i = %i0 to %n step %i1 iter_args(%t = %y)
      -> tensor<?x200xf32> {
    %c = fp4q.scaled_matmul
        ins(%a, %za, %b, %sb : tensor<?x64xi8>, tensor<?x1x512xf8E8M0FNU>,
            tensor<200x64xi8>, tensor<200x4xf8E8M0FNU>)
        outs(%t : tensor<?x200xf32>)
        {a_scale_layout = #fp4q.scale_layout<blocked_128x4>,
         group_size = 32 : i64} -> tensor<?x200xf32>
    scf.yield %c : tensor<?x200xf32>
  }
  return %r : tensor<?x200xf32>
}

// Quantizers and dequant; the last one, of bf16, writes the layout that is there.
// CHECK-LABEL: func.func @row_wise(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<8x96xf32>, %[[H:[^:]+]]: tensor<8x96xbf16>, %[[C:[^:]+]]: tensor<8x48xi8>, %[[Z:[^:]+]]: tensor<1x1x512xf8E8M0FNU>
func.func @row_wise(%x: tensor<8x96xf32>, %h: tensor<8x96xbf16>,
                    %c: tensor<8x48xi8>, %z: tensor<1x1x512xf8E8M0FNU>)
    -> (tensor<8x48xi8>, tensor<1x1x512xf8E8M0FNU>, tensor<8x48xi8>,
        tensor<8x96xf32>, tensor<1x1x512xf8E8M0FNU>) {
  // CHECK: %[[S:.*]] = fp4q.unswizzle_scales ins(%[[Z]] :
  // CHECK-NOT: unswizzle_scales
  // CHECK: %[[Q:.*]]:2 = fp4q.quantize_pack ins(%[[X]] : tensor<8x96xf32>) outs(%[[C]], %{{.*}} : tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>) {fp4q.backend = #fp4q.backend<"gpu-portable">}
  // CHECK: %[[QZ:.*]] = fp4q.swizzle_scales ins(%[[Q]]#1 : tensor<8x3xf8E8M0FNU>) outs(%[[Z]] :
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x96xf32>)
      outs(%c, %z : tensor<8x48xi8>, tensor<1x1x512xf8E8M0FNU>)
      {scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<8x48xi8>, tensor<1x1x512xf8E8M0FNU>
  // CHECK: %[[G:.*]] = fp4q.quantize_pack ins(%[[X]] : tensor<8x96xf32>) scales(%[[S]] : tensor<8x3xf8E8M0FNU>)
  %1 = fp4q.quantize_pack ins(%x : tensor<8x96xf32>)
      scales(%z : tensor<1x1x512xf8E8M0FNU>) outs(%c : tensor<8x48xi8>)
      {scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<8x48xi8>
  // CHECK: %[[D:.*]] = fp4q.dequant ins(%[[C]], %[[S]] : tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>)
  %2 = fp4q.dequant
      ins(%c, %z : tensor<8x48xi8>, tensor<1x1x512xf8E8M0FNU>)
      outs(%x : tensor<8x96xf32>)
      {scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<8x96xf32>
  // CHECK: %[[N:.*]]:2 = fp4q.quantize_pack ins(%[[H]] : tensor<8x96xbf16>) outs(%[[C]], %[[Z]] :
  %3:2 = fp4q.quantize_pack ins(%h : tensor<8x96xbf16>)
      outs(%c, %z : tensor<8x48xi8>, tensor<1x1x512xf8E8M0FNU>)
      {scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<8x48xi8>, tensor<1x1x512xf8E8M0FNU>
  // CHECK: return %[[Q]]#0, %[[QZ]], %[[G]], %[[D]], %[[N]]#1
  return %0#0, %0#1, %1, %2, %3#1 : tensor<8x48xi8>,
      tensor<1x1x512xf8E8M0FNU>, tensor<8x48xi8>, tensor<8x96xf32>,
      tensor<1x1x512xf8E8M0FNU>
}
