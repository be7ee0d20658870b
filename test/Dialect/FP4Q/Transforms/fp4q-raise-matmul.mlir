// RUN: fp4q-opt %s --fp4q-raise-matmul --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: @matmul_transpose_b
// CHECK-SAME: (%[[A:.*]]: tensor<?x32xi8>, %[[SA:.*]]: tensor<?x2xf8E8M0FNU>, %[[B:.*]]: tensor<8x32xi8>, %[[SB:.*]]: tensor<8x2xf8E8M0FNU>,
func.func @matmul_transpose_b(
    %a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
    %va: tensor<?x64xf32>, %vb: tensor<8x64xf32>, %m: index)
    -> tensor<?x8xf32> {
  %da = fp4q.dequant ins(%a, %sa : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      outs(%va : tensor<?x64xf32>) -> tensor<?x64xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%vb : tensor<8x64xf32>) -> tensor<8x64xf32>
  // CHECK: %[[C:.*]] = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] :
  // CHECK-NOT: linalg
  // CHECK: return %[[C]]
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%m) : tensor<?x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %c = linalg.matmul
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<?x64xf32>, tensor<8x64xf32>)
      outs(%init : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %c : tensor<?x8xf32>
}

// -----

// The plain form, b transposed after decoding; bf16 holds the values exactly.
// One scale is a host scalar, the other one on the device and divides.

// CHECK-LABEL: @transposed_and_scaled
// CHECK-SAME: %[[A:[a-z0-9]*]]: tensor<4x32xi8>, %{{.*}}, %[[B:[a-z0-9]*]]: tensor<8x32xi8>, %{{.*}}, %[[GA:[a-z0-9]*]]: f32, %[[GB:[a-z0-9]*]]: tensor<f32>
func.func @transposed_and_scaled(
    %a: tensor<4x32xi8>, %sa: tensor<4x4xf8E4M3FN>,
    %b: tensor<8x32xi8>, %sb: tensor<8x4xf8E4M3FN>,
    %ga: f32, %gb: tensor<f32>) -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x64xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>)
      global_scale(%ga : f32) outs(%va : tensor<4x64xf32>) -> tensor<4x64xf32>
  %vb = tensor.empty() : tensor<8x64xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x32xi8>, tensor<8x4xf8E4M3FN>)
      global_scale(%gb : tensor<f32>) outs(%vb : tensor<8x64xf32>)
      {direction = #fp4q.direction<divide>} -> tensor<8x64xf32>
  %vt = tensor.empty() : tensor<64x8xf32>
  %t = linalg.transpose ins(%db : tensor<8x64xf32>)
      outs(%vt : tensor<64x8xf32>) permutation = [1, 0]
  // CHECK: %[[ALPHA:.*]] = linalg.generic {{.*}} ins(%[[GB]] : tensor<f32>)
  // CHECK: ^bb0(%[[G:.*]]: f32, %{{.*}}: f32):
  // CHECK: %[[RCP:.*]] = arith.divf %{{.*}}, %[[G]]
  // CHECK: arith.mulf %[[GA]], %[[RCP]]
  // CHECK: fp4q.scaled_matmul ins(%[[A]], %{{.*}}, %[[B]],
  // CHECK-SAME: alpha(%[[ALPHA]] : tensor<f32>)
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  %c = linalg.matmul ins(%da, %t : tensor<4x64xf32>, tensor<64x8xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// -----

// A batched product, whose sums start from a bias; the columns of b come before
// its batches, so its codes and scales are transposed.

// CHECK-LABEL: @batch_and_bias
// CHECK-SAME: %[[A:[a-z0-9]*]]: tensor<3x?x16xi8>, %{{.*}}, %[[B:[a-z0-9]*]]: tensor<8x3x16xi8>, %[[SB:[a-z0-9]*]]: tensor<8x3x1xf8E8M0FNU>, %[[BIAS:[a-z0-9]*]]: tensor<8xf32>
func.func @batch_and_bias(
    %a: tensor<3x?x16xi8>, %sa: tensor<3x?x1xf8E8M0FNU>,
    %b: tensor<8x3x16xi8>, %sb: tensor<8x3x1xf8E8M0FNU>, %bias: tensor<8xf32>,
    %va: tensor<3x?x32xbf16>, %c0: tensor<3x?x8xf32>) -> tensor<3x?x8xf32> {
  %da = fp4q.dequant ins(%a, %sa : tensor<3x?x16xi8>, tensor<3x?x1xf8E8M0FNU>)
      outs(%va : tensor<3x?x32xbf16>) -> tensor<3x?x32xbf16>
  %vb = tensor.empty() : tensor<8x3x32xbf16>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x3x16xi8>, tensor<8x3x1xf8E8M0FNU>)
      outs(%vb : tensor<8x3x32xbf16>) -> tensor<8x3x32xbf16>
  // CHECK-DAG: %[[BT:.*]] = linalg.transpose ins(%[[B]] : tensor<8x3x16xi8>) {{.*}} permutation = [1, 0, 2]
  // CHECK-DAG: %[[SBT:.*]] = linalg.transpose ins(%[[SB]] : {{.*}} permutation = [1, 0, 2]
  // CHECK: fp4q.scaled_matmul ins(%[[A]], %{{.*}}, %[[BT]], %[[SBT]] :
  // CHECK-SAME: bias(%[[BIAS]] : tensor<8xf32>)
  %init = linalg.broadcast ins(%bias : tensor<8xf32>)
      outs(%c0 : tensor<3x?x8xf32>) dimensions = [0, 1]
  %c = linalg.contract
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>,
                       affine_map<(b, m, n, k) -> (n, b, k)>,
                       affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%da, %db : tensor<3x?x32xbf16>, tensor<8x3x32xbf16>)
      outs(%init : tensor<3x?x8xf32>) -> tensor<3x?x8xf32>
  return %c : tensor<3x?x8xf32>
}

// -----

// b is broadcast over the batches: one b serves all.

// CHECK-LABEL: @shared_b
// CHECK: fp4q.scaled_matmul
// CHECK-SAME: tensor<3x4x16xi8>, tensor<3x4x1xf8E8M0FNU>, tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>
func.func @shared_b(
    %a: tensor<3x4x16xi8>, %sa: tensor<3x4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>) -> tensor<3x4x8xf32> {
  %va = tensor.empty() : tensor<3x4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<3x4x16xi8>, tensor<3x4x1xf8E8M0FNU>)
      outs(%va : tensor<3x4x32xf32>) -> tensor<3x4x32xf32>
  %vb = tensor.empty() : tensor<8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xf32>) -> tensor<8x32xf32>
  %vbb = tensor.empty() : tensor<3x8x32xf32>
  %bb = linalg.broadcast ins(%db : tensor<8x32xf32>)
      outs(%vbb : tensor<3x8x32xf32>) dimensions = [0]
  %init = arith.constant dense<0.0> : tensor<3x4x8xf32>
  %c = linalg.batch_matmul
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>,
                       affine_map<(b, m, n, k) -> (b, n, k)>,
                       affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%da, %bb : tensor<3x4x32xf32>, tensor<3x8x32xf32>)
      outs(%init : tensor<3x4x8xf32>) -> tensor<3x4x8xf32>
  return %c : tensor<3x4x8xf32>
}

// -----

// The second factor has the rows, in a generic with extensions in its body; the
// reshape of what it decodes becomes one of its codes.

// CHECK-LABEL: @swapped_generic
// CHECK-SAME: %[[N:[a-z0-9]*]]: tensor<8x16xi8>, %{{.*}}, %[[M:[a-z0-9]*]]: tensor<?x3x16xi8>,
func.func @swapped_generic(
    %n: tensor<8x16xi8>, %sn: tensor<8x1xf8E8M0FNU>,
    %m: tensor<?x3x16xi8>, %sm: tensor<?x3x1xf8E8M0FNU>,
    %vm: tensor<?x3x32xbf16>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %vn = tensor.empty() : tensor<8x32xf32>
  %dn = fp4q.dequant ins(%n, %sn : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vn : tensor<8x32xf32>) -> tensor<8x32xf32>
  %dm = fp4q.dequant ins(%m, %sm : tensor<?x3x16xi8>, tensor<?x3x1xf8E8M0FNU>)
      outs(%vm : tensor<?x3x32xbf16>) -> tensor<?x3x32xbf16>
  %rows = tensor.collapse_shape %dm [[0, 1], [2]]
      : tensor<?x3x32xbf16> into tensor<?x32xbf16>
  // CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[M]]
  // CHECK-SAME: tensor<?x3x16xi8> into tensor<?x16xi8>
  // CHECK: fp4q.scaled_matmul ins(%[[ROWS]], %{{.*}}, %[[N]],
  %zero = arith.constant -0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%init : tensor<?x8xf32>)
      -> tensor<?x8xf32>
  %c = linalg.generic
      {indexing_maps = [affine_map<(m, n, k) -> (n, k)>,
                        affine_map<(m, n, k) -> (m, k)>,
                        affine_map<(m, n, k) -> (m, n)>],
       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%dn, %rows : tensor<8x32xf32>, tensor<?x32xbf16>)
      outs(%fill : tensor<?x8xf32>) {
    ^bb0(%x: f32, %y: bf16, %acc: f32):
      %ye = arith.extf %y : bf16 to f32
      %sum = math.fma %ye, %x, %acc : f32
      linalg.yield %sum : f32
  } -> tensor<?x8xf32>
  return %c : tensor<?x8xf32>
}

// -----

// Blocked scales stay as they are.

// CHECK-LABEL: @blocked
// CHECK: fp4q.scaled_matmul
// CHECK-SAME: {b_scale_layout = #fp4q.scale_layout<blocked_128x4>, fp4q.relaxed, group_size = 32 : i64}
func.func @blocked(
    %a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<1x1x512xf8E8M0FNU>) -> tensor<4x8xf32> {
  %va = tensor.empty() : tensor<4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xf32>) -> tensor<4x32xf32>
  %vb = tensor.empty() : tensor<8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<1x1x512xf8E8M0FNU>)
      outs(%vb : tensor<8x32xf32>)
      {scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<8x32xf32>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  %c = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf32>, tensor<8x32xf32>)
      outs(%init : tensor<4x8xf32>) {fp4q.relaxed} -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}
