// RUN: fp4q-opt %s --fp4q-remarks --fp4q-raise-dequant -split-input-file -verify-diagnostics

// Which codes are e2m1, and which are almost.

// What the others differ from in one thing.
func.func @matches(%x: tensor<4x16xi8>, %s: tensor<4x1xf8E8M0FNU>) -> tensor<4x32xf32> {
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
  // expected-remark @below {{[Passed] dequantization raised | Category:fp4q-raise-dequant | Function=matches | Reason="all codes and scale bytes decode to the same bits"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf32>, tensor<4x1xf8E8M0FNU>)
      outs(%ey : tensor<4x32xf32>) {
    ^bb0(%v: f32, %s0: f8E8M0FNU, %out: f32):
      %q = arith.extf %s0 : f8E8M0FNU to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

// -----

// Any table that is not e2m1's, ...
func.func @other_table(%x: tensor<4x16xi8>, %s: tensor<4x1xf8E8M0FNU>) -> tensor<4x32xf32> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0,
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
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=other_table | Reason="byte 7 decodes to 8 in even elements, and e2m1 to 6"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf32>, tensor<4x1xf8E8M0FNU>)
      outs(%ey : tensor<4x32xf32>) {
    ^bb0(%v: f32, %s0: f8E8M0FNU, %out: f32):
      %q = arith.extf %s0 : f8E8M0FNU to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

// -----

// ... also if only the sign of zero is lost.
func.func @unsigned_zero(%x: tensor<4x16xi8>, %s: tensor<4x1xf8E8M0FNU>) -> tensor<4x32xf32> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xf32>
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
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=unsigned_zero | Reason="byte 8 decodes to 0 in even elements, and e2m1 to -0"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf32>, tensor<4x1xf8E8M0FNU>)
      outs(%ey : tensor<4x32xf32>) {
    ^bb0(%v: f32, %s0: f8E8M0FNU, %out: f32):
      %q = arith.extf %s0 : f8E8M0FNU to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

// -----

// The first of two elements in the high half.
func.func @high_half_first(%x: tensor<4x16xi8>, %s: tensor<4x1xf8E8M0FNU>) -> tensor<4x32xf32> {
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
      %one = arith.constant 1 : index
      %p = linalg.index 2 : index
      %half = arith.subi %one, %p : index
      %shift = arith.muli %half, %four : index
      %wide = arith.index_castui %byte : i8 to index
      %high = arith.shrui %wide, %shift : index
      %code = arith.andi %high, %mask : index
      %v = tensor.extract %table[%code] : tensor<16xf32>
      linalg.yield %v : f32
  } -> tensor<4x16x2xf32>
  %rows = tensor.collapse_shape %values [[0], [1, 2]]
      : tensor<4x16x2xf32> into tensor<4x32xf32>
  %ey = tensor.empty() : tensor<4x32xf32>
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=high_half_first | Reason="byte 1 decodes to 0 in even elements, and e2m1 to 0.5"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf32>, tensor<4x1xf8E8M0FNU>)
      outs(%ey : tensor<4x32xf32>) {
    ^bb0(%v: f32, %s0: f8E8M0FNU, %out: f32):
      %q = arith.extf %s0 : f8E8M0FNU to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

// -----

// A zero point, as of an integer format.
func.func @zero_point(%x: tensor<4x16xi8>, %s: tensor<4x1xf8E8M0FNU>) -> tensor<4x32xf32> {
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
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=zero_point | Reason="byte 0 decodes to -1 in even elements, and e2m1 to 0"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<4x32xf32>, tensor<4x1xf8E8M0FNU>)
      outs(%ey : tensor<4x32xf32>) {
    ^bb0(%v: f32, %s0: f8E8M0FNU, %out: f32):
      %zp = arith.constant 1.0 : f32
      %d = arith.subf %v, %zp : f32
      %q = arith.extf %s0 : f8E8M0FNU to f32
      %0 = arith.mulf %d, %q : f32
      linalg.yield %0 : f32
  } -> tensor<4x32xf32>
  return %y : tensor<4x32xf32>
}

// -----

// Elements in another order than the codes.
func.func @transposed_codes(%x: tensor<16x16xi8>, %s: tensor<16x1xf8E8M0FNU>) -> tensor<16x32xf32> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xf32>
  %ev = tensor.empty() : tensor<16x16x2xf32>
  %values = linalg.generic
      {indexing_maps = [affine_map<(n, b, p) -> (b, n)>,
                        affine_map<(n, b, p) -> (n, b, p)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<16x16xi8>) outs(%ev : tensor<16x16x2xf32>) {
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
  } -> tensor<16x16x2xf32>
  %rows = tensor.collapse_shape %values [[0], [1, 2]]
      : tensor<16x16x2xf32> into tensor<16x32xf32>
  %ey = tensor.empty() : tensor<16x32xf32>
  // expected-remark @below {{[Missed] dequantization not raised | Category:fp4q-raise-dequant | Function=transposed_codes | Reason="codes do not lie in the order of the elements, the first of two in the low half of a byte"}}
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, k) -> (n, k)>,
                        affine_map<(n, k) -> (n, k floordiv 32)>,
                        affine_map<(n, k) -> (n, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %s : tensor<16x32xf32>, tensor<16x1xf8E8M0FNU>)
      outs(%ey : tensor<16x32xf32>) {
    ^bb0(%v: f32, %s0: f8E8M0FNU, %out: f32):
      %q = arith.extf %s0 : f8E8M0FNU to f32
      %0 = arith.mulf %v, %q : f32
      linalg.yield %0 : f32
  } -> tensor<16x32xf32>
  return %y : tensor<16x32xf32>
}
