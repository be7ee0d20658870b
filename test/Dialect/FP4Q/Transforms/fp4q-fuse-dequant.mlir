// RUN: fp4q-opt %s --fp4q-fuse-dequant='rows=64 columns=32 depth=128' --canonicalize --cse | FileCheck %s
// RUN: fp4q-opt %s --fp4q-remarks --fp4q-fuse-dequant='rows=64 columns=32 depth=128' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>

// A weight-only linear: 32 rows of the weight and 128 of its columns are decoded
// at a time. The summed loop is within the tile, so sums keep their order; then
// columns are innermost, which vectorizes.
// CHECK-DAG: #[[$MK:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$KN:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$MN:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func.func @linear(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x256xf32>, %[[W:[^:]+]]: tensor<64x128xi8>, %[[S:[^:]+]]: tensor<64x8xf8E8M0FNU>
// CHECK-NOT: tensor<64x256xf32>
// CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) = (0, 0) to (%{{.*}}, 64) step (64, 32)
// CHECK:   linalg.fill {{.*}} outs(%{{.*}} : tensor<?x32xf32>)
// CHECK:   scf.for %[[K:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[SUM:.*]] = %{{.*}})
// CHECK:     %[[TW:.*]] = tensor.extract_slice %{{.*}}[0, %{{.*}}] [32, 64]
// CHECK:     %[[TS:.*]] = tensor.extract_slice %{{.*}}[0, %{{.*}}] [32, 4]
// CHECK:     %[[D:.*]] = fp4q.dequant ins(%[[TW]], %[[TS]] :
// CHECK-SAME:    -> tensor<32x128xf32>
// CHECK:     %[[DT:.*]] = linalg.transpose ins(%[[D]] :
// CHECK-NOT: linalg.fill
// CHECK:     %[[PART:.*]] = tensor.extract_slice %[[SUM]]
// CHECK:     linalg.generic {indexing_maps = [#[[$MK]], #[[$KN]], #[[$MN]]], iterator_types = ["parallel", "reduction", "parallel"]}
// CHECK-SAME:    ins(%{{.*}}, %[[DT]] : tensor<?x128xf32>, tensor<128x32xf32>) outs(%[[PART]] :
// CHECK-NOT: tensor<64x256xf32>
// CHECK: return
// REMARK: [Passed] dequant fused into the product | Category:fp4q-fuse-dequant | Function=linear | Reason="a tile of the operand is decoded where it is used, and no sum changes its order"
func.func @linear(%x: tensor<?x256xf32>, %w: tensor<64x128xi8>,
    %s: tensor<64x8xf8E8M0FNU>, %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %e = tensor.empty() : tensor<64x256xf32>
  %d = fp4q.dequant ins(%w, %s : tensor<64x128xi8>, tensor<64x8xf8E8M0FNU>)
      outs(%e : tensor<64x256xf32>) -> tensor<64x256xf32>
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%init : tensor<?x64xf32>)
      -> tensor<?x64xf32>
  %0 = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      ins(%x, %d : tensor<?x256xf32>, tensor<64x256xf32>)
      outs(%fill : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// A transpose and a rounding behind the dequant go along; what is computed of
// the activation does not, since it would be computed again for each tile.
// CHECK-LABEL: func.func @transposed(
// CHECK: %[[A:.*]] = linalg.exp
// CHECK: scf.forall
// CHECK:   scf.for
// CHECK:     fp4q.dequant {{.*}} -> tensor<32x128xf32>
// CHECK:     linalg.transpose {{.*}} outs(%{{.*}} : tensor<128x32xf32>)
// CHECK:     linalg.generic
// CHECK:       arith.truncf
// CHECK:     linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<16x128xbf16>, tensor<128x32xbf16>)
func.func @transposed(%x: tensor<16x256xbf16>, %w: tensor<64x128xi8>,
    %s: tensor<64x8xf8E8M0FNU>, %init: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %e = tensor.empty() : tensor<64x256xf32>
  %d = fp4q.dequant ins(%w, %s : tensor<64x128xi8>, tensor<64x8xf8E8M0FNU>)
      outs(%e : tensor<64x256xf32>) -> tensor<64x256xf32>
  %te = tensor.empty() : tensor<256x64xf32>
  %t = linalg.transpose ins(%d : tensor<64x256xf32>)
      outs(%te : tensor<256x64xf32>) permutation = [1, 0]
  %re = tensor.empty() : tensor<256x64xbf16>
  %r = linalg.generic
      {indexing_maps = [affine_map<(i, j) -> (i, j)>,
                        affine_map<(i, j) -> (i, j)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%t : tensor<256x64xf32>) outs(%re : tensor<256x64xbf16>) {
  ^bb0(%in: f32, %out: bf16):
    %b = arith.truncf %in : f32 to bf16
    linalg.yield %b : bf16
  } -> tensor<256x64xbf16>
  %ae = tensor.empty() : tensor<16x256xbf16>
  %a = linalg.exp ins(%x : tensor<16x256xbf16>)
      outs(%ae : tensor<16x256xbf16>) -> tensor<16x256xbf16>
  %0 = linalg.matmul ins(%a, %r : tensor<16x256xbf16>, tensor<256x64xbf16>)
      outs(%init : tensor<16x64xf32>) -> tensor<16x64xf32>
  return %0 : tensor<16x64xf32>
}

// A matrix of the batch at a time; groups that lie along the columns stay whole.
// CHECK-LABEL: func.func @batch(
// CHECK: scf.forall (%{{.*}}, %{{.*}}) = (0, 0) to (3, 96) step (1, 32)
// CHECK:   scf.for
// CHECK:     fp4q.dequant {{.*}} -> tensor<1x128x32xf32>
// CHECK:     linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<1x5x128xf32>, tensor<1x128x32xf32>)
func.func @batch(%x: tensor<3x5x256xf32>, %w: tensor<3x256x48xi8>,
    %s: tensor<3x256x3xf8E8M0FNU>, %init: tensor<3x5x96xf32>)
    -> tensor<3x5x96xf32> {
  %e = tensor.empty() : tensor<3x256x96xf32>
  %d = fp4q.dequant
      ins(%w, %s : tensor<3x256x48xi8>, tensor<3x256x3xf8E8M0FNU>)
      outs(%e : tensor<3x256x96xf32>) -> tensor<3x256x96xf32>
  %0 = linalg.batch_matmul
      ins(%x, %d : tensor<3x5x256xf32>, tensor<3x256x96xf32>)
      outs(%init : tensor<3x5x96xf32>) -> tensor<3x5x96xf32>
  return %0 : tensor<3x5x96xf32>
}

// Two summed loops: a loop around the inner one would change the order.
// CHECK-LABEL: func.func @two_sums(
// CHECK: scf.forall
// CHECK-NOT: scf.for %
// CHECK:   fp4q.dequant {{.*}} -> tensor<32x2x256xf32>
// CHECK:   linalg.generic
func.func @two_sums(%x: tensor<16x2x256xf32>, %w: tensor<64x2x128xi8>,
    %s: tensor<64x2x8xf8E8M0FNU>, %init: tensor<16x64xf32>)
    -> tensor<16x64xf32> {
  %e = tensor.empty() : tensor<64x2x256xf32>
  %d = fp4q.dequant ins(%w, %s : tensor<64x2x128xi8>, tensor<64x2x8xf8E8M0FNU>)
      outs(%e : tensor<64x2x256xf32>) -> tensor<64x2x256xf32>
  %0 = linalg.generic
      {indexing_maps = [affine_map<(m, n, j, k) -> (m, j, k)>,
                        affine_map<(m, n, j, k) -> (n, j, k)>,
                        affine_map<(m, n, j, k) -> (m, n)>],
       iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %d : tensor<16x2x256xf32>, tensor<64x2x256xf32>)
      outs(%init : tensor<16x64xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %c, %p : f32
    linalg.yield %q : f32
  } -> tensor<16x64xf32>
  return %0 : tensor<16x64xf32>
}

// CHECK-LABEL: func.func @fits(
// CHECK-NOT: scf.
// CHECK: fp4q.dequant {{.*}} -> tensor<32x128xf32>
// REMARK: [Missed] dequant not fused into the product | Category:fp4q-fuse-dequant | Function=fits | Reason="the decoded operand is no larger than a tile"
func.func @fits(%x: tensor<16x128xf32>, %w: tensor<32x64xi8>,
    %s: tensor<32x4xf8E8M0FNU>, %init: tensor<16x32xf32>) -> tensor<16x32xf32> {
  %e = tensor.empty() : tensor<32x128xf32>
  %d = fp4q.dequant ins(%w, %s : tensor<32x64xi8>, tensor<32x4xf8E8M0FNU>)
      outs(%e : tensor<32x128xf32>) -> tensor<32x128xf32>
  %0 = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      ins(%x, %d : tensor<16x128xf32>, tensor<32x128xf32>)
      outs(%init : tensor<16x32xf32>) -> tensor<16x32xf32>
  return %0 : tensor<16x32xf32>
}

// CHECK-LABEL: func.func @no_rows(
// CHECK-NOT: scf.
// CHECK: fp4q.dequant
// REMARK: Function=no_rows | Reason="a dimension of the product is empty"
func.func @no_rows(%x: tensor<0x256xf32>, %w: tensor<64x128xi8>,
    %s: tensor<64x8xf8E8M0FNU>, %init: tensor<0x64xf32>) -> tensor<0x64xf32> {
  %e = tensor.empty() : tensor<64x256xf32>
  %d = fp4q.dequant ins(%w, %s : tensor<64x128xi8>, tensor<64x8xf8E8M0FNU>)
      outs(%e : tensor<64x256xf32>) -> tensor<64x256xf32>
  %0 = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      ins(%x, %d : tensor<0x256xf32>, tensor<64x256xf32>)
      outs(%init : tensor<0x64xf32>) -> tensor<0x64xf32>
  return %0 : tensor<0x64xf32>
}

// Nothing decoded, and no product.
// CHECK-LABEL: func.func @others(
// CHECK-NOT: scf.
// CHECK: return
func.func @others(%x: tensor<16x256xf32>, %y: tensor<64x256xf32>,
    %w: tensor<16x128xi8>, %s: tensor<16x8xf8E8M0FNU>, %init: tensor<16x64xf32>)
    -> (tensor<16x64xf32>, tensor<16x256xf32>) {
  %0 = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      ins(%x, %y : tensor<16x256xf32>, tensor<64x256xf32>)
      outs(%init : tensor<16x64xf32>) -> tensor<16x64xf32>
  %d = fp4q.dequant ins(%w, %s : tensor<16x128xi8>, tensor<16x8xf8E8M0FNU>)
      outs(%x : tensor<16x256xf32>) -> tensor<16x256xf32>
  %1 = linalg.mul ins(%x, %d : tensor<16x256xf32>, tensor<16x256xf32>)
      outs(%x : tensor<16x256xf32>) -> tensor<16x256xf32>
  return %0, %1 : tensor<16x64xf32>, tensor<16x256xf32>
}
