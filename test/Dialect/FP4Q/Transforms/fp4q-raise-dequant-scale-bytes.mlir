// RUN: fp4q-opt %s --fp4q-remarks --fp4q-raise-dequant -split-input-file -verify-diagnostics

// Which scale bytes are those of fp4q, and which are almost.

// Scales of a wider type.
func.func @wide_scales(%x: tensor<4x16xi8>, %s: tensor<4x1xbf16>) -> tensor<4x32xf32> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xf32>
  %ev = tensor.empty() : tensor<4x16x2xf32>
  %values = linalg.generic
      {indexing_maps = [affine_map<(n, b, p) -> (n, b)>,
                        affine_map<(n, b, p) -> (n, b, p)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x16xi8>) outs(%ev : tensor<4x16x2xf32>) {
    ^bb0(%byte: i8, %out: f32):
      %four = arith.constant 4 : index
      %mask = arith.constant 15 : index
      %p = linalg.index 2 : index
      %shift = arith.muli %p, %four : index
      %wide = arith.index_castui %byte : i8 to index
      %high = arith.shrui %wide, %shift : index
      %code = arith.andi %high, %mask : index
      %v = tensor.extract %table[%code] : tensor<16xf32>
      linalg.yield %v : f32
  } -> tensor<4x16x2xf32>
  %rows = tensor.collapse_shape %values [[0], [1, 2]]
      : tensor<4x16x2xf32> into tensor<4x32xf32>
  %ey = tensor.empty() : tensor<4x32xf32>
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=wide_scales | Reason="scales are bf16, not f8E8M0FNU or f8E4M3FN"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf32>, tensor<4x1xbf16>)
      outs(%ey : tensor<4x32xf32>) {
    ^bb0(%v: f32, %s0: bf16, %out: f32):
      %q = arith.extf %s0 : bf16 to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

// -----

// Bytes shifted into an exponent: right, but for 0 and 255.
func.func @shifted_exponent(%x: tensor<4x16xi8>, %s: tensor<4x1xi8>) -> tensor<4x32xf32> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xf32>
  %ev = tensor.empty() : tensor<4x16x2xf32>
  %values = linalg.generic
      {indexing_maps = [affine_map<(n, b, p) -> (n, b)>,
                        affine_map<(n, b, p) -> (n, b, p)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x16xi8>) outs(%ev : tensor<4x16x2xf32>) {
    ^bb0(%byte: i8, %out: f32):
      %four = arith.constant 4 : index
      %mask = arith.constant 15 : index
      %p = linalg.index 2 : index
      %shift = arith.muli %p, %four : index
      %wide = arith.index_castui %byte : i8 to index
      %high = arith.shrui %wide, %shift : index
      %code = arith.andi %high, %mask : index
      %v = tensor.extract %table[%code] : tensor<16xf32>
      linalg.yield %v : f32
  } -> tensor<4x16x2xf32>
  %rows = tensor.collapse_shape %values [[0], [1, 2]]
      : tensor<4x16x2xf32> into tensor<4x32xf32>
  %ey = tensor.empty() : tensor<4x32xf32>
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=shifted_exponent | Reason="scale byte 0 decodes to 0, and e8m0 to 5.87747E-39"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf32>, tensor<4x1xi8>)
      outs(%ey : tensor<4x32xf32>) {
    ^bb0(%v: f32, %s0: i8, %out: f32):
      %w = arith.extui %s0 : i8 to i32
      %c23 = arith.constant 23 : i32
      %bits = arith.shli %w, %c23 : i32
      %q = arith.bitcast %bits : i32 to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

// -----

// Integer scales.
func.func @integer_scales(%x: tensor<4x16xi8>, %s: tensor<4x1xi8>) -> tensor<4x32xf32> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xf32>
  %ev = tensor.empty() : tensor<4x16x2xf32>
  %values = linalg.generic
      {indexing_maps = [affine_map<(n, b, p) -> (n, b)>,
                        affine_map<(n, b, p) -> (n, b, p)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x16xi8>) outs(%ev : tensor<4x16x2xf32>) {
    ^bb0(%byte: i8, %out: f32):
      %four = arith.constant 4 : index
      %mask = arith.constant 15 : index
      %p = linalg.index 2 : index
      %shift = arith.muli %p, %four : index
      %wide = arith.index_castui %byte : i8 to index
      %high = arith.shrui %wide, %shift : index
      %code = arith.andi %high, %mask : index
      %v = tensor.extract %table[%code] : tensor<16xf32>
      linalg.yield %v : f32
  } -> tensor<4x16x2xf32>
  %rows = tensor.collapse_shape %values [[0], [1, 2]]
      : tensor<4x16x2xf32> into tensor<4x32xf32>
  %ey = tensor.empty() : tensor<4x32xf32>
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=integer_scales | Reason="scale bytes decode as neither e8m0 nor e4m3"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf32>, tensor<4x1xi8>)
      outs(%ey : tensor<4x32xf32>) {
    ^bb0(%v: f32, %s0: i8, %out: f32):
      %q = arith.uitofp %s0 : i8 to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}
