func.func @f(%x: tensor<4x32xf32>, %g: tensor<f32>)
    -> (tensor<4x16xi8>, tensor<4x2xf8E4M3FN>) {
  %c = tensor.empty() : tensor<4x16xi8>
  %s = tensor.empty() : tensor<4x2xf8E4M3FN>
  %q:2 = fp4q.quantize_pack ins(%x : tensor<4x32xf32>)
      global_scale(%g : tensor<f32>)
      outs(%c, %s : tensor<4x16xi8>, tensor<4x2xf8E4M3FN>)
      {recipe = #fp4q.recipe<"ct-nv", zero_sign = only_negative>}
      -> tensor<4x16xi8>, tensor<4x2xf8E4M3FN>
  return %q#0, %q#1 : tensor<4x16xi8>, tensor<4x2xf8E4M3FN>
}
