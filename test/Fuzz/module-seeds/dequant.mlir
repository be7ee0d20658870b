func.func @f(%c: tensor<2x?x32xi8>, %s: tensor<2x?x4xf8E4M3FN>, %gs: f32)
    -> tensor<2x?x64xf16> {
  %one = arith.constant 1 : index
  %m = tensor.dim %c, %one : tensor<2x?x32xi8>
  %v = tensor.empty(%m) : tensor<2x?x64xf16>
  %r = fp4q.dequant ins(%c, %s : tensor<2x?x32xi8>, tensor<2x?x4xf8E4M3FN>)
      global_scale(%gs : f32) outs(%v : tensor<2x?x64xf16>)
      {direction = #fp4q.direction<divide>} -> tensor<2x?x64xf16>
  return %r : tensor<2x?x64xf16>
}
