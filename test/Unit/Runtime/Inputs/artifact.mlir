// The artifact of ArtifactTest.cpp.

func.func @quantize(%x: tensor<?x64xbf16>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %zero = arith.constant 0 : index
  %m = tensor.dim %x, %zero : tensor<?x64xbf16>
  %c0 = tensor.empty(%m) : tensor<?x32xi8>
  %s0 = tensor.empty(%m) : tensor<?x2xf8E8M0FNU>
  %codes, %scales = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      outs(%c0, %s0 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %codes, %scales : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

func.func @dequant(%codes: tensor<?x32xi8>, %scales: tensor<?x2xf8E8M0FNU>,
                   %gs: f32) -> tensor<?x64xbf16> {
  %zero = arith.constant 0 : index
  %m = tensor.dim %codes, %zero : tensor<?x32xi8>
  %v0 = tensor.empty(%m) : tensor<?x64xbf16>
  %v = fp4q.dequant
      ins(%codes, %scales : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      global_scale(%gs : f32)
      outs(%v0 : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  return %v : tensor<?x64xbf16>
}

func.func @square(%x: tensor<f32>) -> tensor<f32> {
  %v = tensor.extract %x[] : tensor<f32>
  %squared = arith.mulf %v, %v : f32
  %y = tensor.from_elements %squared : tensor<f32>
  return %y : tensor<f32>
}

func.func @copy(%x: tensor<?x?x?xf64>) -> tensor<?x?x?xf64> {
  return %x : tensor<?x?x?xf64>
}

func.func @copy_floats(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  return %x : tensor<?x?xf32>
}
