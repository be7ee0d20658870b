// For remark-counts.mlir: two products of one constant weight, of which the
// kernels of one want it packed.
func.func @weights(%a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
                   %sb: tensor<8x1xf8E8M0FNU>, %y: tensor<4x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %b = arith.constant dense<7> : tensor<8x16xi8>
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%y : tensor<4x8xf32>) {fp4q.backend = #fp4q.backend<"cpu">}
      -> tensor<4x8xf32>
  %1 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%y : tensor<4x8xf32>) {fp4q.backend = #fp4q.backend<"reference">}
      -> tensor<4x8xf32>
  return %0, %1 : tensor<4x8xf32>, tensor<4x8xf32>
}
