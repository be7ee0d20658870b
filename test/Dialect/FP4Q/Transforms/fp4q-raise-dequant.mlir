// RUN: fp4q-opt %s --fp4q-raise-dequant --canonicalize --split-input-file | FileCheck %s

// test/Python/test_raising.py runs these functions.

// Upstream's operation on unpacked elements, and scales broadcast by hand.

// CHECK-LABEL: @scaling_extf
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<?x64xf4E2M1FN>, %[[S:[a-z0-9]*]]: tensor<?x2xf8E8M0FNU>
// CHECK-DAG: %[[EVEN:.*]] = tensor.extract_slice %[[X]][0, 0] [%{{.*}}, 32] [1, 2]
// CHECK-DAG: %[[ODD:.*]] = tensor.extract_slice %[[X]][0, 1] [%{{.*}}, 32] [1, 2]
// CHECK: %[[C:.*]] = linalg.generic {{.*}} ins(%[[EVEN]], %[[ODD]] :
// CHECK: fp4q.dequant ins(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
// CHECK-NOT: arith.scaling_extf
func.func @scaling_extf(%x: tensor<?x64xf4E2M1FN>, %s: tensor<?x2xf8E8M0FNU>)
    -> tensor<?x64xbf16> {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x64xf4E2M1FN>
  %e = tensor.empty(%m) : tensor<?x2x32xf8E8M0FNU>
  %b = linalg.broadcast ins(%s : tensor<?x2xf8E8M0FNU>)
      outs(%e : tensor<?x2x32xf8E8M0FNU>) dimensions = [2]
  %sb = tensor.collapse_shape %b [[0], [1, 2]]
      : tensor<?x2x32xf8E8M0FNU> into tensor<?x64xf8E8M0FNU>
  %y = arith.scaling_extf %x, %sb
      : tensor<?x64xf4E2M1FN>, tensor<?x64xf8E8M0FNU> to tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

// ONNX: two levels of DequantizeLinear with a zero point of 0, the inner one of
// the scales; the block is a dimension of its own.

// CHECK-LABEL: @onnx_blocked
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<6x4x8xi8>, %[[S:[a-z0-9]*]]: tensor<6x4xf8E4M3FN>, %[[G:[a-z0-9]*]]: tensor<1xf32>
// CHECK-DAG: %[[C:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0], [1, 2]] : tensor<6x4x8xi8> into tensor<6x32xi8>
// CHECK-DAG: %[[GS:.*]] = tensor.collapse_shape %[[G]] [] : tensor<1xf32> into tensor<f32>
// CHECK: %[[D:.*]] = fp4q.dequant ins(%[[C]], %[[S]] : tensor<6x32xi8>, tensor<6x4xf8E4M3FN>) global_scale(%[[GS]] : tensor<f32>)
// CHECK-SAME: -> tensor<6x64xf32>
// CHECK-NEXT: return %[[D]]
func.func @onnx_blocked(%x: tensor<6x4x8xi8>, %s: tensor<6x4xf8E4M3FN>,
                        %g: tensor<1xf32>) -> tensor<6x64xf32> {
  %zero_point = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<6x4xf32>
  %scales = linalg.generic
      {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (0)>,
                        affine_map<(n, c) -> (n, c)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%s, %g : tensor<6x4xf8E4M3FN>, tensor<1xf32>)
      outs(%es : tensor<6x4xf32>) {
    ^bb0(%q: f8E4M3FN, %global: f32, %out: f32):
      %qe = arith.extf %q : f8E4M3FN to f32
      %0 = arith.mulf %qe, %global : f32
      linalg.yield %0 : f32
  } -> tensor<6x4xf32>
  %e4 = tensor.empty() : tensor<6x4x8x2xf4E2M1FN>
  %elements = linalg.generic
      {indexing_maps = [affine_map<(n, c, b, p) -> (n, c, b)>,
                        affine_map<(n, c, b, p) -> (n, c, b, p)>],
       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<6x4x8xi8>) outs(%e4 : tensor<6x4x8x2xf4E2M1FN>) {
    ^bb0(%byte: i8, %out: f4E2M1FN):
      %four = arith.constant 4 : index
      %p = linalg.index 3 : index
      %bits = arith.muli %p, %four : index
      %shift = arith.index_cast %bits : index to i8
      %code = arith.shrui %byte, %shift : i8
      %i4 = arith.trunci %code : i8 to i4
      %f4 = arith.bitcast %i4 : i4 to f4E2M1FN
      linalg.yield %f4 : f4E2M1FN
  } -> tensor<6x4x8x2xf4E2M1FN>
  %rows = tensor.collapse_shape %elements [[0], [1], [2, 3]]
      : tensor<6x4x8x2xf4E2M1FN> into tensor<6x4x16xf4E2M1FN>
  %ey = tensor.empty() : tensor<6x4x16xf32>
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, c, k) -> (n, c, k)>,
                        affine_map<(n, c, k) -> (n, c)>,
                        affine_map<(n, c, k) -> (n, c, k)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%rows, %scales : tensor<6x4x16xf4E2M1FN>, tensor<6x4xf32>)
      outs(%ey : tensor<6x4x16xf32>) {
    ^bb0(%f4: f4E2M1FN, %scale: f32, %out: f32):
      %v = arith.extf %f4 : f4E2M1FN to f32
      %d = arith.subf %v, %zero_point : f32
      %0 = arith.mulf %d, %scale : f32
      linalg.yield %0 : f32
  } -> tensor<6x4x16xf32>
  %r = tensor.collapse_shape %y [[0], [1, 2]]
      : tensor<6x4x16xf32> into tensor<6x64xf32>
  return %r : tensor<6x64xf32>
}

// -----

// torch, as compressed-tensors writes it: both halves of the bytes, stacked and
// flattened; a table of magnitudes, with torch's wrapping of negative indices;
// the sign by a select; scales divided by the global scale, in f32; bf16 last.

// CHECK-LABEL: @torch_stack
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<?x32xi8>, %[[S:[a-z0-9]*]]: tensor<?x4xf8E4M3FN>, %[[G:[a-z0-9]*]]: tensor<f32>
// CHECK: %[[D:.*]] = fp4q.dequant ins(%[[X]], %[[S]] : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>) global_scale(%[[G]] : tensor<f32>)
// CHECK-SAME: {direction = #fp4q.direction<divide>} -> tensor<?x64xbf16>
// CHECK-NEXT: return %[[D]]
func.func @torch_stack(%x: tensor<?x32xi8>, %s: tensor<?x4xf8E4M3FN>,
                       %g: tensor<f32>) -> tensor<?x64xbf16> {
  %c0 = arith.constant 0 : index
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]>
      : tensor<8xf32>
  %m = tensor.dim %x, %c0 : tensor<?x32xi8>
  %flat = tensor.collapse_shape %x [[0, 1]] : tensor<?x32xi8> into tensor<?xi8>
  %n = tensor.dim %flat, %c0 : tensor<?xi8>
  %e8 = tensor.empty(%n) : tensor<?xi8>
  %low = linalg.generic
      {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
       iterator_types = ["parallel"]}
      ins(%flat : tensor<?xi8>) outs(%e8 : tensor<?xi8>) {
    ^bb0(%byte: i8, %out: i8):
      %mask = arith.constant 15 : i8
      %0 = arith.andi %byte, %mask : i8
      linalg.yield %0 : i8
  } -> tensor<?xi8>
  %high = linalg.generic
      {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
       iterator_types = ["parallel"]}
      ins(%flat : tensor<?xi8>) outs(%e8 : tensor<?xi8>) {
    ^bb0(%byte: i8, %out: i8):
      %four = arith.constant 4 : i8
      %0 = arith.shrui %byte, %four : i8
      linalg.yield %0 : i8
  } -> tensor<?xi8>
  %low1 = tensor.expand_shape %low [[0, 1]] output_shape [%n, 1]
      : tensor<?xi8> into tensor<?x1xi8>
  %high1 = tensor.expand_shape %high [[0, 1]] output_shape [%n, 1]
      : tensor<?xi8> into tensor<?x1xi8>
  %stack = tensor.concat dim(1) %low1, %high1
      : (tensor<?x1xi8>, tensor<?x1xi8>) -> tensor<?x2xi8>
  %codes = tensor.collapse_shape %stack [[0, 1]]
      : tensor<?x2xi8> into tensor<?xi8>
  %n2 = tensor.dim %codes, %c0 : tensor<?xi8>
  %ev = tensor.empty(%n2) : tensor<?xf32>
  %values = linalg.generic
      {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
       iterator_types = ["parallel"]}
      ins(%codes : tensor<?xi8>) outs(%ev : tensor<?xf32>) {
    ^bb0(%code: i8, %out: f32):
      %eight = arith.constant 8 : i8
      %seven = arith.constant 7 : i8
      %zero = arith.constant 0 : i8
      %zero64 = arith.constant 0 : i64
      %size = arith.constant 8 : i64
      %one = arith.constant 1.0 : f32
      %minus = arith.constant -1.0 : f32
      %sign = arith.andi %code, %eight : i8
      %negative = arith.cmpi ne, %sign, %zero : i8
      %magnitude = arith.andi %code, %seven : i8
      %long = arith.extui %magnitude : i8 to i64
      %below = arith.cmpi slt, %long, %zero64 : i64
      %wrapped = arith.addi %long, %size : i64
      %position = arith.select %below, %wrapped, %long : i64
      %index = arith.index_cast %position : i64 to index
      %v = tensor.extract %table[%index] : tensor<8xf32>
      %factor = arith.select %negative, %minus, %one : f32
      %0 = arith.mulf %v, %factor : f32
      linalg.yield %0 : f32
  } -> tensor<?xf32>
  %groups = tensor.expand_shape %values [[0, 1, 2]] output_shape [%m, 4, 16]
      : tensor<?xf32> into tensor<?x4x16xf32>
  %es = tensor.empty(%m) : tensor<?x4xf32>
  %scales = linalg.generic
      {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>,
                        affine_map<(i, j) -> (i, j)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%s, %g : tensor<?x4xf8E4M3FN>, tensor<f32>)
      outs(%es : tensor<?x4xf32>) {
    ^bb0(%q: f8E4M3FN, %global: f32, %out: f32):
      %qe = arith.extf %q : f8E4M3FN to f32
      %0 = arith.divf %qe, %global : f32
      linalg.yield %0 : f32
  } -> tensor<?x4xf32>
  %scales1 = tensor.expand_shape %scales [[0], [1, 2]] output_shape [%m, 4, 1]
      : tensor<?x4xf32> into tensor<?x4x1xf32>
  %ep = tensor.empty(%m) : tensor<?x4x16xf32>
  %product = linalg.generic
      {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>,
                        affine_map<(i, j, k) -> (i, j, 0)>,
                        affine_map<(i, j, k) -> (i, j, k)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%groups, %scales1 : tensor<?x4x16xf32>, tensor<?x4x1xf32>)
      outs(%ep : tensor<?x4x16xf32>) {
    ^bb0(%v: f32, %scale: f32, %out: f32):
      %0 = arith.mulf %v, %scale : f32
      linalg.yield %0 : f32
  } -> tensor<?x4x16xf32>
  %eb = tensor.empty(%m) : tensor<?x4x16xbf16>
  %rounded = linalg.generic
      {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>,
                        affine_map<(i, j, k) -> (i, j, k)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%product : tensor<?x4x16xf32>) outs(%eb : tensor<?x4x16xbf16>) {
    ^bb0(%v: f32, %out: bf16):
      %0 = arith.truncf %v : f32 to bf16
      linalg.yield %0 : bf16
  } -> tensor<?x4x16xbf16>
  %r = tensor.collapse_shape %rounded [[0], [1, 2]]
      : tensor<?x4x16xbf16> into tensor<?x64xbf16>
  return %r : tensor<?x64xbf16>
}

// -----

// torch, as gpt-oss' loader writes it: a table of 16 values in bf16, halves
// stored with stride 2, and 2^(byte - 127).

// CHECK-LABEL: @torch_strided
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<10x16xi8>, %[[S:[a-z0-9]*]]: tensor<10xi8>
// CHECK: %[[S1:.*]] = tensor.expand_shape %[[S]]
// CHECK: %[[SF:.*]] = linalg.generic {{.*}} ins(%[[S1]] : tensor<10x1xi8>)
// CHECK: arith.bitcast %{{.*}} : i8 to f8E8M0FNU
// CHECK: %[[D:.*]] = fp4q.dequant ins(%[[X]], %[[SF]] : tensor<10x16xi8>, tensor<10x1xf8E8M0FNU>)
// CHECK-SAME: -> tensor<10x32xbf16>
// CHECK-NEXT: return %[[D]]
func.func @torch_strided(%x: tensor<10x16xi8>, %s: tensor<10xi8>)
    -> tensor<10x32xbf16> {
  %table = arith.constant dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0,
      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]> : tensor<16xbf16>
  %eh = tensor.empty() : tensor<10x16xbf16>
  %low = linalg.generic
      {indexing_maps = [affine_map<(i, j) -> (i, j)>,
                        affine_map<(i, j) -> (i, j)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<10x16xi8>) outs(%eh : tensor<10x16xbf16>) {
    ^bb0(%byte: i8, %out: bf16):
      %mask = arith.constant 15 : i8
      %code = arith.andi %byte, %mask : i8
      %index = arith.index_castui %code : i8 to index
      %0 = tensor.extract %table[%index] : tensor<16xbf16>
      linalg.yield %0 : bf16
  } -> tensor<10x16xbf16>
  %high = linalg.generic
      {indexing_maps = [affine_map<(i, j) -> (i, j)>,
                        affine_map<(i, j) -> (i, j)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<10x16xi8>) outs(%eh : tensor<10x16xbf16>) {
    ^bb0(%byte: i8, %out: bf16):
      %four = arith.constant 4 : i8
      %code = arith.shrui %byte, %four : i8
      %index = arith.index_castui %code : i8 to index
      %0 = tensor.extract %table[%index] : tensor<16xbf16>
      linalg.yield %0 : bf16
  } -> tensor<10x16xbf16>
  %e = tensor.empty() : tensor<10x32xbf16>
  %half = tensor.insert_slice %low into %e[0, 0] [10, 16] [1, 2]
      : tensor<10x16xbf16> into tensor<10x32xbf16>
  %values = tensor.insert_slice %high into %half[0, 1] [10, 16] [1, 2]
      : tensor<10x16xbf16> into tensor<10x32xbf16>
  %y = linalg.generic
      {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
                        affine_map<(i, j) -> (i, j)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%values, %s : tensor<10x32xbf16>, tensor<10xi8>)
      outs(%e : tensor<10x32xbf16>) {
    ^bb0(%v: bf16, %byte: i8, %out: bf16):
      %bias = arith.constant 127 : i32
      %max = arith.constant 255 : i32
      %two = arith.constant 2.0 : f32
      %nan = arith.constant 0x7FC00000 : f32
      %wide = arith.extui %byte : i8 to i32
      %exponent = arith.subi %wide, %bias : i32
      %float = arith.sitofp %exponent : i32 to f32
      %power = math.exp2 %float : f32
      %is_nan = arith.cmpi eq, %wide, %max : i32
      %scale = arith.select %is_nan, %nan, %power : f32
      %short = arith.truncf %scale : f32 to bf16
      %0 = arith.mulf %v, %short : bf16
      linalg.yield %0 : bf16
  } -> tensor<10x32xbf16>
  return %y : tensor<10x32xbf16>
}
