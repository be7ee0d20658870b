// RUN: fp4q-opt %s --fp4q-remarks --fp4q-raise-dequant -split-input-file -verify-diagnostics

// Which products are rounded as by the definition.

// bf16 holds every product of code and scale ...
func.func @product_bf16(%x: tensor<4x16xi8>, %s: tensor<4x1xf8E8M0FNU>) -> tensor<4x32xbf16> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xbf16>
  %ev = tensor.empty() : tensor<4x16x2xbf16>
  %values = linalg.generic
      {indexing_maps = [affine_map<(n, b, p) -> (n, b)>,
                        affine_map<(n, b, p) -> (n, b, p)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x16xi8>) outs(%ev : tensor<4x16x2xbf16>) {
    ^bb0(%byte: i8, %out: bf16):
      %four = arith.constant 4 : index
      %mask = arith.constant 15 : index
      %p = linalg.index 2 : index
      %shift = arith.muli %p, %four : index
      %wide = arith.index_castui %byte : i8 to index
      %high = arith.shrui %wide, %shift : index
      %code = arith.andi %high, %mask : index
      %v = tensor.extract %table[%code] : tensor<16xbf16>
      linalg.yield %v : bf16
  } -> tensor<4x16x2xbf16>
  %rows = tensor.collapse_shape %values [[0], [1, 2]]
      : tensor<4x16x2xbf16> into tensor<4x32xbf16>
  %ey = tensor.empty() : tensor<4x32xbf16>
  // expected-remark @below {{[Passed] dequantization raised | Category:fp4q-raise-dequant | Function=product_bf16 | Reason="all codes and scale bytes decode to the same bits"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xbf16>, tensor<4x1xf8E8M0FNU>)
      outs(%ey : tensor<4x32xbf16>) {
    ^bb0(%v: bf16, %s0: f8E8M0FNU, %out: bf16):
      %q = arith.extf %s0 : f8E8M0FNU to bf16
      %0 = arith.mulf %v, %q : bf16
      linalg.yield %0 : bf16
  } -> tensor<4x32xbf16>
  return %y : tensor<4x32xbf16>
}

// -----

// ... and f16 those with e4m3 ...
func.func @product_f16_e4m3(%x: tensor<4x16xi8>, %s: tensor<4x1xf8E4M3FN>) -> tensor<4x32xf16> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xf16>
  %ev = tensor.empty() : tensor<4x16x2xf16>
  %values = linalg.generic
      {indexing_maps = [affine_map<(n, b, p) -> (n, b)>,
                        affine_map<(n, b, p) -> (n, b, p)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x16xi8>) outs(%ev : tensor<4x16x2xf16>) {
    ^bb0(%byte: i8, %out: f16):
      %four = arith.constant 4 : index
      %mask = arith.constant 15 : index
      %p = linalg.index 2 : index
      %shift = arith.muli %p, %four : index
      %wide = arith.index_castui %byte : i8 to index
      %high = arith.shrui %wide, %shift : index
      %code = arith.andi %high, %mask : index
      %v = tensor.extract %table[%code] : tensor<16xf16>
      linalg.yield %v : f16
  } -> tensor<4x16x2xf16>
  %rows = tensor.collapse_shape %values [[0], [1, 2]]
      : tensor<4x16x2xf16> into tensor<4x32xf16>
  %ey = tensor.empty() : tensor<4x32xf16>
  // expected-remark @below {{[Passed] dequantization raised | Category:fp4q-raise-dequant | Function=product_f16_e4m3 | Reason="all codes and scale bytes decode to the same bits"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf16>, tensor<4x1xf8E4M3FN>)
      outs(%ey : tensor<4x32xf16>) {
    ^bb0(%v: f16, %s0: f8E4M3FN, %out: f16):
      %q = arith.extf %s0 : f8E4M3FN to f16
      %0 = arith.mulf %v, %q : f16
      linalg.yield %0 : f16
  } -> tensor<4x32xf16>
  return %y : tensor<4x32xf16>
}

// -----

// ... but not with e8m0, for which f16 is too narrow.
func.func @product_f16_e8m0(%x: tensor<4x16xi8>, %s: tensor<4x1xf8E8M0FNU>) -> tensor<4x32xf16> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xf16>
  %ev = tensor.empty() : tensor<4x16x2xf16>
  %values = linalg.generic
      {indexing_maps = [affine_map<(n, b, p) -> (n, b)>,
                        affine_map<(n, b, p) -> (n, b, p)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x16xi8>) outs(%ev : tensor<4x16x2xf16>) {
    ^bb0(%byte: i8, %out: f16):
      %four = arith.constant 4 : index
      %mask = arith.constant 15 : index
      %p = linalg.index 2 : index
      %shift = arith.muli %p, %four : index
      %wide = arith.index_castui %byte : i8 to index
      %high = arith.shrui %wide, %shift : index
      %code = arith.andi %high, %mask : index
      %v = tensor.extract %table[%code] : tensor<16xf16>
      linalg.yield %v : f16
  } -> tensor<4x16x2xf16>
  %rows = tensor.collapse_shape %values [[0], [1, 2]]
      : tensor<4x16x2xf16> into tensor<4x32xf16>
  %ey = tensor.empty() : tensor<4x32xf16>
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=product_f16_e8m0 | Reason="scale bytes decode as neither e8m0 nor e4m3"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf16>, tensor<4x1xf8E8M0FNU>)
      outs(%ey : tensor<4x32xf16>) {
    ^bb0(%v: f16, %s0: f8E8M0FNU, %out: f16):
      %q = arith.extf %s0 : f8E8M0FNU to f16
      %0 = arith.mulf %v, %q : f16
      linalg.yield %0 : f16
  } -> tensor<4x32xf16>
  return %y : tensor<4x32xf16>
}

// -----

// With a global scale the product does not fit into bf16 ...
func.func @global_bf16(%x: tensor<4x16xi8>, %s: tensor<4x1xf8E8M0FNU>,
    %g: tensor<bf16>) -> tensor<4x32xbf16> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xbf16>
  %ev = tensor.empty() : tensor<4x16x2xbf16>
  %values = linalg.generic
      {indexing_maps = [affine_map<(n, b, p) -> (n, b)>,
                        affine_map<(n, b, p) -> (n, b, p)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x16xi8>) outs(%ev : tensor<4x16x2xbf16>) {
    ^bb0(%byte: i8, %out: bf16):
      %four = arith.constant 4 : index
      %mask = arith.constant 15 : index
      %p = linalg.index 2 : index
      %shift = arith.muli %p, %four : index
      %wide = arith.index_castui %byte : i8 to index
      %high = arith.shrui %wide, %shift : index
      %code = arith.andi %high, %mask : index
      %v = tensor.extract %table[%code] : tensor<16xbf16>
      linalg.yield %v : bf16
  } -> tensor<4x16x2xbf16>
  %rows = tensor.collapse_shape %values [[0], [1, 2]]
      : tensor<4x16x2xbf16> into tensor<4x32xbf16>
  %ey = tensor.empty() : tensor<4x32xbf16>
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=global_bf16 | Reason="the scale is no f8 scale, alone or with one global scale"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>, affine_map<(n, k) -> ()>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s, %g : tensor<4x32xbf16>, tensor<4x1xf8E8M0FNU>, tensor<bf16>)
      outs(%ey : tensor<4x32xbf16>) {
    ^bb0(%v: bf16, %s0: f8E8M0FNU, %g0: bf16, %out: bf16):
      %q = arith.extf %s0 : f8E8M0FNU to bf16
      %d = arith.mulf %g0, %q : bf16
      %0 = arith.mulf %d, %v : bf16
      linalg.yield %0 : bf16
  } -> tensor<4x32xbf16>
  return %y : tensor<4x32xbf16>
}

// -----

// upstream's operation, with scales that it rounds first.
func.func @scaling_extf_f32(%x: tensor<4x32xf4E2M1FN>, %s: tensor<4x32xf32>)
    -> tensor<4x32xf32> {
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=scaling_extf_f32 | Reason="arith.scaling_extf rounds these scales to f8E8M0FNU"}}
  %y = arith.scaling_extf %x, %s
      : tensor<4x32xf4E2M1FN>, tensor<4x32xf32> to tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

// -----

// 8-bit quantization is not looked at: no remark.
func.func @int8(%x: tensor<4x32xi8>, %s: tensor<4xf32>) -> tensor<4x32xf32> {
  %e = tensor.empty() : tensor<4x32xf32>
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>, affine_map<(n, k) -> (n)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<4x32xi8>, tensor<4xf32>)
      outs(%e : tensor<4x32xf32>) {
    ^bb0(%v: i8, %scale: f32, %out: f32):
      %f = arith.sitofp %v : i8 to f32
      %0 = arith.mulf %f, %scale : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}
