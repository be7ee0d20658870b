// RUN: fp4q-opt %s --fp4q-to-linalg | FileCheck %s --implicit-check-not='tensor<1024x4096xf32>' --implicit-check-not='tensor<?x4096xf32>'

// The transform of a fused quantizer is computed in the tile of rows that is
// quantized: there is no tensor of the whole transformed x, static or not.
// CHECK-LABEL: func.func @quantize(
// CHECK: scf.forall
// CHECK: tensor<8x4096xf32>
// CHECK: scf.forall.in_parallel
func.func @quantize(%x: tensor<1024x4096xbf16>, %t: tensor<128x32x32xbf16>)
    -> (tensor<1024x2048xi8>, tensor<1024x128xf8E8M0FNU>) {
  %y0 = tensor.empty() : tensor<1024x4096xf32>
  %c0 = tensor.empty() : tensor<1024x2048xi8>
  %s0 = tensor.empty() : tensor<1024x128xf8E8M0FNU>
  %y = fp4q.block_transform
      ins(%x, %t : tensor<1024x4096xbf16>, tensor<128x32x32xbf16>)
      outs(%y0 : tensor<1024x4096xf32>) -> tensor<1024x4096xf32>
  %c, %s = fp4q.quantize_pack ins(%y : tensor<1024x4096xf32>)
      outs(%c0, %s0 : tensor<1024x2048xi8>, tensor<1024x128xf8E8M0FNU>)
      -> tensor<1024x2048xi8>, tensor<1024x128xf8E8M0FNU>
  return %c, %s : tensor<1024x2048xi8>, tensor<1024x128xf8E8M0FNU>
}
