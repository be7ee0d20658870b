func.func @dequantize(%codes: tensor<?x16xi8>, %scales: tensor<?x1xf8E8M0FNU>)
    -> tensor<?x32xf32> {
  %zero = arith.constant 0 : index
  %rows = tensor.dim %codes, %zero : tensor<?x16xi8>
  %init = tensor.empty(%rows) : tensor<?x32xf32>
  %values = fp4q.dequant
      ins(%codes, %scales : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>)
      outs(%init : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %values : tensor<?x32xf32>
}
