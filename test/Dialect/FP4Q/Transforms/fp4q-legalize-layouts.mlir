// On the table of test/lib/TestBackEnds.h: on sm_120a the matmul of gpu-native
// reads blocked scales and wants K in steps of 64; its quantizer writes either
// layout; gpu-portable is for linear scales and K in steps of 32.
// RUN: fp4q-test-opt %s --test-fp4q-select-backend=target=sm_120a --test-fp4q-legalize-layouts=target=sm_120a | FileCheck %s

// The quantizer writes blocked scales itself; three columns are padded to the
// four of a tile by the layout, so only the codes need padding.
// CHECK-LABEL: func.func @layer(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<8x96xbf16>, %[[B:[^:]+]]: tensor<200x48xi8>, %[[SB:[^:]+]]: tensor<200x3xf8E8M0FNU>
func.func @layer(%x: tensor<8x96xbf16>, %b: tensor<200x48xi8>,
                 %sb: tensor<200x3xf8E8M0FNU>, %ca: tensor<8x48xi8>,
                 %cs: tensor<8x3xf8E8M0FNU>, %y: tensor<8x200xbf16>)
    -> tensor<8x200xbf16> {
  // CHECK-DAG: %[[ZB:.*]] = fp4q.swizzle_scales ins(%[[SB]] : tensor<200x3xf8E8M0FNU>)
  // CHECK-DAG: %[[PB:.*]] = tensor.pad %[[B]] low[0, 0] high[0, 16]
  // CHECK: %[[Q:.*]]:2 = fp4q.quantize_pack ins(%[[X]] : tensor<8x96xbf16>)
  // CHECK-SAME: -> tensor<8x48xi8>, tensor<1x1x512xf8E8M0FNU>
  // CHECK: %[[PA:.*]] = tensor.pad %[[Q]]#0 low[0, 0] high[0, 16]
  // CHECK: fp4q.scaled_matmul ins(%[[PA]], %[[Q]]#1, %[[PB]], %[[ZB]] :
  // CHECK-SAME: a_scale_layout = #fp4q.scale_layout<blocked_128x4>, b_scale_layout = #fp4q.scale_layout<blocked_128x4>
  %a, %sa = fp4q.quantize_pack ins(%x : tensor<8x96xbf16>)
      outs(%ca, %cs : tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>)
      -> tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>,
          tensor<200x48xi8>, tensor<200x3xf8E8M0FNU>)
      outs(%y : tensor<8x200xbf16>) -> tensor<8x200xbf16>
  return %c : tensor<8x200xbf16>
}

// Nothing to do for the portable kernels, which 96 and linear scales suit.
// CHECK-LABEL: func.func @layer_portable(
func.func @layer_portable(%a: tensor<8x48xi8>, %sa: tensor<8x3xf8E8M0FNU>,
                          %b: tensor<200x48xi8>, %sb: tensor<200x3xf8E8M0FNU>,
                          %y: tensor<8x200xf32>) -> tensor<8x200xf32> {
  // CHECK-NOT: tensor.pad
  // CHECK-NOT: swizzle_scales
  // CHECK: fp4q.scaled_matmul
  // CHECK-NOT: scale_layout
  // CHECK: return
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>,
          tensor<200x48xi8>, tensor<200x3xf8E8M0FNU>)
      outs(%y : tensor<8x200xf32>) -> tensor<8x200xf32>
  return %c : tensor<8x200xf32>
}
