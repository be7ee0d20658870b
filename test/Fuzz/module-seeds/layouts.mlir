func.func @f(%x: tensor<200x6xf8E4M3FN>, %y: tensor<16xbf16>)
    -> (tensor<200x6xf8E4M3FN>, tensor<f32>) {
  %b = tensor.empty() : tensor<2x2x512xf8E4M3FN>
  %l = tensor.empty() : tensor<200x6xf8E4M3FN>
  %g = tensor.empty() : tensor<f32>
  %s = fp4q.swizzle_scales ins(%x : tensor<200x6xf8E4M3FN>)
      outs(%b : tensor<2x2x512xf8E4M3FN>) -> tensor<2x2x512xf8E4M3FN>
  %u = fp4q.unswizzle_scales ins(%s : tensor<2x2x512xf8E4M3FN>)
      outs(%l : tensor<200x6xf8E4M3FN>) -> tensor<200x6xf8E4M3FN>
  %gs = fp4q.global_scale ins(%y : tensor<16xbf16>) outs(%g : tensor<f32>)
      -> tensor<f32>
  return %u, %gs : tensor<200x6xf8E4M3FN>, tensor<f32>
}
