// RUN: fp4q-opt %s --fp4q-optimize | FileCheck %s

// One activation quantized for three consumers is quantized once, whatever the
// destinations were; a transform in front of it is fused.
// CHECK-LABEL: func.func @quantize_once(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<32x32xf32>
func.func @quantize_once(%x: tensor<?x64xbf16>, %t: tensor<32x32xf32>,
                         %y0: tensor<?x64xf32>, %y1: tensor<?x64xf32>,
                         %c0: tensor<?x32xi8>, %s0: tensor<?x2xf8E8M0FNU>,
                         %c1: tensor<?x32xi8>, %s1: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<?x32xi8>,
        tensor<?x2xf8E8M0FNU>) {
  // CHECK: %[[Q:.*]]:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>)
  // CHECK-SAME: transform(%[[T]] : tensor<32x32xf32>)
  // CHECK-NEXT: return %[[Q]]#0, %[[Q]]#1, %[[Q]]#0, %[[Q]]#1
  %a = fp4q.block_transform ins(%x, %t : tensor<?x64xbf16>, tensor<32x32xf32>)
      outs(%y0 : tensor<?x64xf32>) -> tensor<?x64xf32>
  %b = fp4q.block_transform ins(%x, %t : tensor<?x64xbf16>, tensor<32x32xf32>)
      outs(%y1 : tensor<?x64xf32>) -> tensor<?x64xf32>
  %0:2 = fp4q.quantize_pack ins(%a : tensor<?x64xf32>)
      outs(%c0, %s0 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  %1:2 = fp4q.quantize_pack ins(%b : tensor<?x64xf32>)
      outs(%c1, %s1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %0#0, %0#1, %1#0, %1#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
      tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}
