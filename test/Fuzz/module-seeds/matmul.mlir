func.func @f(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
             %b: tensor<8x32xi8>, %sb: tensor<1x1x512xf8E8M0FNU>,
             %alpha: f32, %bias: tensor<8xbf16>) -> tensor<?x8xbf16> {
  %zero = arith.constant 0 : index
  %m = tensor.dim %a, %zero : tensor<?x32xi8>
  %c = tensor.empty(%m) : tensor<?x8xbf16>
  %r = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<?x32xi8>,
      tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      alpha(%alpha : f32) bias(%bias : tensor<8xbf16>)
      outs(%c : tensor<?x8xbf16>)
      {b_scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64} -> tensor<?x8xbf16>
  return %r : tensor<?x8xbf16>
}
