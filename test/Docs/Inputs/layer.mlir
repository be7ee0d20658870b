func.func @layer(%x: tensor<64x64xbf16>, %w: tensor<64x32xi8>,
                 %ws: tensor<64x2xf8E8M0FNU>) -> tensor<64x64xbf16> {
  %six = arith.constant 6.0 : f32
  %c = tensor.empty() : tensor<64x32xi8>
  %s = tensor.empty() : tensor<64x2xf8E8M0FNU>
  %codes, %scales = fp4q.quantize_pack ins(%x : tensor<64x64xbf16>)
      scale_scale(%six : f32)
      outs(%c, %s : tensor<64x32xi8>, tensor<64x2xf8E8M0FNU>)
      -> tensor<64x32xi8>, tensor<64x2xf8E8M0FNU>
  %init = tensor.empty() : tensor<64x64xbf16>
  %y = fp4q.scaled_matmul
      ins(%codes, %scales, %w, %ws : tensor<64x32xi8>, tensor<64x2xf8E8M0FNU>,
          tensor<64x32xi8>, tensor<64x2xf8E8M0FNU>)
      outs(%init : tensor<64x64xbf16>) -> tensor<64x64xbf16>
  return %y : tensor<64x64xbf16>
}
