func.func @f(%x: tensor<?x64xbf16>, %t: tensor<32x32xbf16>, %gs: f32)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %zero = arith.constant 0 : index
  %m = tensor.dim %x, %zero : tensor<?x64xbf16>
  %c = tensor.empty(%m) : tensor<?x32xi8>
  %s = tensor.empty(%m) : tensor<?x2xf8E8M0FNU>
  %y = tensor.empty(%m) : tensor<?x64xbf16>
  %r = fp4q.block_transform ins(%x, %t : tensor<?x64xbf16>, tensor<32x32xbf16>)
      outs(%y : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  %q:2 = fp4q.quantize_pack ins(%r : tensor<?x64xbf16>)
      global_scale(%gs : f32)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %q#0, %q#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}
