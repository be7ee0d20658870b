// RUN: fp4q-opt %s --fp4q-remarks --fp4q-raise-dequant -split-input-file -verify-diagnostics

// Which groups are those of fp4q, and which are almost.

// Groups of 16 ...
func.func @groups(%x: tensor<4x16xi8>, %s: tensor<4x2xf8E8M0FNU>) -> tensor<4x32xf32> {
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
  // expected-remark @below {{[Passed] dequantization raised | Category:fp4q-raise-dequant | Function=groups | Reason="all codes and scale bytes decode to the same bits"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 16)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf32>, tensor<4x2xf8E8M0FNU>)
      outs(%ey : tensor<4x32xf32>) {
    ^bb0(%v: f32, %s0: f8E8M0FNU, %out: f32):
      %q = arith.extf %s0 : f8E8M0FNU to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

// -----

// ... but not of 24 ...
func.func @odd_group(%x: tensor<4x24xi8>, %s: tensor<4x2xf8E8M0FNU>) -> tensor<4x48xf32> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xf32>
  %ev = tensor.empty() : tensor<4x24x2xf32>
  %values = linalg.generic
      {indexing_maps = [affine_map<(n, b, p) -> (n, b)>,
                        affine_map<(n, b, p) -> (n, b, p)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x24xi8>) outs(%ev : tensor<4x24x2xf32>) {
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
  } -> tensor<4x24x2xf32>
  %rows = tensor.collapse_shape %values [[0], [1, 2]]
      : tensor<4x24x2xf32> into tensor<4x48xf32>
  %ey = tensor.empty() : tensor<4x48xf32>
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=odd_group | Reason="scales are not one a group of 2 to 128 elements of the last dimension"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 24)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x48xf32>, tensor<4x2xf8E8M0FNU>)
      outs(%ey : tensor<4x48xf32>) {
    ^bb0(%v: f32, %s0: f8E8M0FNU, %out: f32):
      %q = arith.extf %s0 : f8E8M0FNU to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x48xf32>
  return %y : tensor<4x48xf32>
}

// -----

// ... nor of 256.
func.func @long_group(%x: tensor<4x128xi8>, %s: tensor<4x1xf8E8M0FNU>) -> tensor<4x256xf32> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xf32>
  %ev = tensor.empty() : tensor<4x128x2xf32>
  %values = linalg.generic
      {indexing_maps = [affine_map<(n, b, p) -> (n, b)>,
                        affine_map<(n, b, p) -> (n, b, p)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x128xi8>) outs(%ev : tensor<4x128x2xf32>) {
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
  } -> tensor<4x128x2xf32>
  %rows = tensor.collapse_shape %values [[0], [1, 2]]
      : tensor<4x128x2xf32> into tensor<4x256xf32>
  %ey = tensor.empty() : tensor<4x256xf32>
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=long_group | Reason="scales are not one a group of 2 to 128 elements of the last dimension"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 256)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x256xf32>, tensor<4x1xf8E8M0FNU>)
      outs(%ey : tensor<4x256xf32>) {
    ^bb0(%v: f32, %s0: f8E8M0FNU, %out: f32):
      %q = arith.extf %s0 : f8E8M0FNU to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x256xf32>
  return %y : tensor<4x256xf32>
}

// -----

// Scales that belong to columns.
func.func @wrong_axis(%x: tensor<4x16xi8>, %s: tensor<1x32xf8E8M0FNU>) -> tensor<4x32xf32> {
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
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=wrong_axis | Reason="scales are not one a group of 2 to 128 elements of the last dimension"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n floordiv 32, k)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf32>, tensor<1x32xf8E8M0FNU>)
      outs(%ey : tensor<4x32xf32>) {
    ^bb0(%v: f32, %s0: f8E8M0FNU, %out: f32):
      %q = arith.extf %s0 : f8E8M0FNU to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

// -----

// Scales shared by the rows.
func.func @shared_rows(%x: tensor<4x16xi8>, %s: tensor<1xf8E8M0FNU>) -> tensor<4x32xf32> {
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
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=shared_rows | Reason="scales are not one a group of 2 to 128 elements of the last dimension"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf32>, tensor<1xf8E8M0FNU>)
      outs(%ey : tensor<4x32xf32>) {
    ^bb0(%v: f32, %s0: f8E8M0FNU, %out: f32):
      %q = arith.extf %s0 : f8E8M0FNU to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}
