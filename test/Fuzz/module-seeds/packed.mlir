func.func @f(%a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>, %b: tensor<20x16xi8>,
             %sb: tensor<20x1xf8E8M0FNU>) -> (tensor<4x20xf32>, tensor<20x16xi8>) {
  %e = tensor.empty() : tensor<2x4x64xi8>
  %l = tensor.empty() : tensor<20x16xi8>
  %y = tensor.empty() : tensor<4x20xf32>
  %p = fp4q.pack_weights ins(%b : tensor<20x16xi8>)
      outs(%e : tensor<2x4x64xi8>) -> tensor<2x4x64xi8>
  %u = fp4q.unpack_weights ins(%p : tensor<2x4x64xi8>)
      outs(%l : tensor<20x16xi8>) -> tensor<20x16xi8>
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %p, %sb : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<2x4x64xi8>, tensor<20x1xf8E8M0FNU>)
      outs(%y : tensor<4x20xf32>) {b_layout = #fp4q.weight_layout<packed_16x8>}
      -> tensor<4x20xf32>
  return %c, %u : tensor<4x20xf32>, tensor<20x16xi8>
}
