// RUN: fp4q-opt %s --convert-fp4q-to-linalg | FileCheck %s

// Without elements there is nothing to compute, and no slice that MLIR rejects.
// CHECK-LABEL: func.func @no_rows(
// CHECK-SAME:      %{{[^:]+}}: tensor<0x64xbf16>, %{{[^:]+}}: tensor<2x32x32xbf16>, %[[C:[^:]+]]: tensor<0x32xi8>, %[[S:[^:]+]]: tensor<0x2xf8E8M0FNU>, %[[V:[^:]+]]: tensor<0x64xf32>, %[[Y:[^:]+]]: tensor<0x8xf32>
// CHECK-NOT: linalg
// CHECK: return %[[C]], %[[S]], %[[V]], %[[Y]]
func.func @no_rows(%x: tensor<0x64xbf16>, %t: tensor<2x32x32xbf16>,
                   %c0: tensor<0x32xi8>, %s0: tensor<0x2xf8E8M0FNU>,
                   %v0: tensor<0x64xf32>, %y0: tensor<0x8xf32>,
                   %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>)
    -> (tensor<0x32xi8>, tensor<0x2xf8E8M0FNU>, tensor<0x64xf32>,
        tensor<0x8xf32>) {
  %c, %s = fp4q.quantize_pack ins(%x : tensor<0x64xbf16>)
      transform(%t : tensor<2x32x32xbf16>)
      outs(%c0, %s0 : tensor<0x32xi8>, tensor<0x2xf8E8M0FNU>)
      -> tensor<0x32xi8>, tensor<0x2xf8E8M0FNU>
  %v = fp4q.dequant ins(%c, %s : tensor<0x32xi8>, tensor<0x2xf8E8M0FNU>)
      outs(%v0 : tensor<0x64xf32>) -> tensor<0x64xf32>
  %y = fp4q.scaled_matmul ins(%c, %s, %b, %sb : tensor<0x32xi8>,
      tensor<0x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%y0 : tensor<0x8xf32>) -> tensor<0x8xf32>
  return %c, %s, %v, %y : tensor<0x32xi8>, tensor<0x2xf8E8M0FNU>,
      tensor<0x64xf32>, tensor<0x8xf32>
}

// A result may have elements although an operand has none.
// CHECK-LABEL: func.func @global_scale_of_nothing(
// CHECK: linalg.
// CHECK: return
func.func @global_scale_of_nothing(%x: tensor<0x64xbf16>, %g0: tensor<f32>)
    -> tensor<f32> {
  %g = fp4q.global_scale ins(%x : tensor<0x64xbf16>) outs(%g0 : tensor<f32>)
      -> tensor<f32>
  return %g : tensor<f32>
}
