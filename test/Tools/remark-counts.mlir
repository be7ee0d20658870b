// How often each decision is reported: once for what it is about, whatever order
// patterns are tried in. Every remark of docs/remarks.md is here.
// RUN: fp4q-test-opt %s --remark-format=emitRemark --remarks-filter=fp4q-.* --fp4q-raise-dequant --fp4q-raise-matmul --fp4q-fuse-transform --fp4q-absorb-epilogue --fp4q-fold-constants=max-dequant-elements=1 --fp4q-merge-matmuls --fp4q-fuse-dequant --test-fp4q-select-backend=target=sm_120a --test-fp4q-legalize-layouts=target=sm_120a --fp4q-materialize-scale-layouts -o /dev/null 2> %t
// RUN: fp4q-opt %S/Inputs/remark-pack-weights.mlir --remark-format=emitRemark --remarks-filter=fp4q-.* --fp4q-pack-weights -o /dev/null 2>> %t
// RUN: sed -n 's/.*remark: \(.*\) . Category:\([^ ]*\).*/\2 \1/p' %t | env LC_ALL=C sort | uniq -c | FileCheck %s --match-full-lines

// CHECK: 1 fp4q-absorb-epilogue [Missed] not absorbed into the product
// CHECK-NEXT: 3 fp4q-absorb-epilogue [Passed] absorbed into the product
// CHECK-NEXT: 1 fp4q-fold-constants [Missed] constant not folded
// CHECK-NEXT: 1 fp4q-fold-constants [Passed] constant folded
// CHECK-NEXT: 1 fp4q-fuse-dequant [Missed] dequant not fused into the product
// CHECK-NEXT: 2 fp4q-fuse-dequant [Passed] dequant fused into the product
// CHECK-NEXT: 1 fp4q-fuse-transform [Missed] identity transform kept
// CHECK-NEXT: 1 fp4q-fuse-transform [Missed] transform not fused
// CHECK-NEXT: 1 fp4q-fuse-transform [Missed] widening of x not absorbed
// CHECK-NEXT: 1 fp4q-fuse-transform [Passed] identity transform dropped
// CHECK-NEXT: 1 fp4q-fuse-transform [Passed] transform fused
// CHECK-NEXT: 1 fp4q-fuse-transform [Passed] widening of x absorbed
// CHECK-NEXT: 1 fp4q-legalize-layouts [Missed] blocked scales not written directly
// CHECK-NEXT: 3 fp4q-legalize-layouts [Passed] K padded
// CHECK-NEXT: 1 fp4q-legalize-layouts [Passed] blocked scales written directly
// CHECK-NEXT: 6 fp4q-legalize-layouts [Passed] scale layout converted
// CHECK-NEXT: 4 fp4q-materialize-scale-layouts [Passed] blocked scales made linear
// CHECK-NEXT: 1 fp4q-merge-matmuls [Missed] product not merged
// CHECK-NEXT: 2 fp4q-merge-matmuls [Passed] product merged
// CHECK-NEXT: 1 fp4q-pack-weights [Missed] weights not packed
// CHECK-NEXT: 1 fp4q-pack-weights [Passed] weights packed
// CHECK-NEXT: 1 fp4q-raise-dequant [Missed] dequantization not raised
// CHECK-NEXT: 1 fp4q-raise-dequant [Passed] dequantization raised
// CHECK-NEXT: 2 fp4q-raise-matmul [Analysis] product is weight-only
// CHECK-NEXT: 1 fp4q-raise-matmul [Missed] product not raised
// CHECK-NEXT: 1 fp4q-raise-matmul [Passed] product raised
// CHECK-NEXT: 1 fp4q-select-backend [Failure] back end not as requested
// CHECK-NEXT: 22 fp4q-select-backend [Passed] back end chosen
// CHECK-NOT: {{.+}}

// fp4q-fuse-transform.
func.func @fused(%x: tensor<4x32xbf16>, %t: tensor<32x32xbf16>,
                 %c: tensor<4x16xi8>, %s: tensor<4x1xf8E8M0FNU>)
    -> tensor<4x16xi8> {
  %e = tensor.empty() : tensor<4x32xf32>
  %y = fp4q.block_transform
      ins(%x, %t : tensor<4x32xbf16>, tensor<32x32xbf16>)
      outs(%e : tensor<4x32xf32>) -> tensor<4x32xf32>
  %0:2 = fp4q.quantize_pack ins(%y : tensor<4x32xf32>)
      outs(%c, %s : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      -> tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>
  return %0#0 : tensor<4x16xi8>
}
func.func @not_fused(%x: tensor<4x32xbf16>, %t: tensor<32x32xbf16>,
                     %c: tensor<4x16xi8>, %s: tensor<4x1xf8E8M0FNU>)
    -> tensor<4x16xi8> {
  %e = tensor.empty() : tensor<4x32xbf16>
  %y = fp4q.block_transform
      ins(%x, %t : tensor<4x32xbf16>, tensor<32x32xbf16>)
      outs(%e : tensor<4x32xbf16>) -> tensor<4x32xbf16>
  %0:2 = fp4q.quantize_pack ins(%y : tensor<4x32xbf16>)
      outs(%c, %s : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      -> tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>
  return %0#0 : tensor<4x16xi8>
}
func.func @widened(%x: tensor<4x32xbf16>, %c: tensor<4x16xi8>,
                   %s: tensor<4x2xf8E4M3FN>) -> (tensor<4x16xi8>, tensor<4x16xi8>) {
  %w = arith.extf %x : tensor<4x32xbf16> to tensor<4x32xf32>
  %0:2 = fp4q.quantize_pack ins(%w : tensor<4x32xf32>)
      outs(%c, %s : tensor<4x16xi8>, tensor<4x2xf8E4M3FN>)
      -> tensor<4x16xi8>, tensor<4x2xf8E4M3FN>
  %1:2 = fp4q.quantize_pack ins(%w : tensor<4x32xf32>)
      outs(%c, %s : tensor<4x16xi8>, tensor<4x2xf8E4M3FN>)
      {recipe = #fp4q.recipe<"ct-nv">}
      -> tensor<4x16xi8>, tensor<4x2xf8E4M3FN>
  return %0#0, %1#0 : tensor<4x16xi8>, tensor<4x16xi8>
}
func.func @identities(%i: tensor<4x2xi8>, %x: tensor<4x2xf32>)
    -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %t = arith.constant dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %f = arith.sitofp %i : tensor<4x2xi8> to tensor<4x2xf32>
  %e = tensor.empty() : tensor<4x2xf32>
  %0 = fp4q.block_transform ins(%f, %t : tensor<4x2xf32>, tensor<2x2xf32>)
      outs(%e : tensor<4x2xf32>) -> tensor<4x2xf32>
  %1 = fp4q.block_transform ins(%x, %t : tensor<4x2xf32>, tensor<2x2xf32>)
      outs(%e : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %0, %1 : tensor<4x2xf32>, tensor<4x2xf32>
}

// fp4q-raise-dequant; the second one multiplies by what is no scale.
func.func @raised(%x: tensor<4x32xf4E2M1FN>, %s: tensor<4x32xf8E8M0FNU>,
                  %r: tensor<4x1xf8E8M0FNU>)
    -> (tensor<4x32xbf16>, tensor<4x32xbf16>) {
  %e = tensor.empty() : tensor<4x1x32xf8E8M0FNU>
  %b = linalg.broadcast ins(%r : tensor<4x1xf8E8M0FNU>)
      outs(%e : tensor<4x1x32xf8E8M0FNU>) dimensions = [2]
  %sb = tensor.collapse_shape %b [[0], [1, 2]]
      : tensor<4x1x32xf8E8M0FNU> into tensor<4x32xf8E8M0FNU>
  %0 = arith.scaling_extf %x, %sb
      : tensor<4x32xf4E2M1FN>, tensor<4x32xf8E8M0FNU> to tensor<4x32xbf16>
  %1 = arith.scaling_extf %x, %s
      : tensor<4x32xf4E2M1FN>, tensor<4x32xf8E8M0FNU> to tensor<4x32xbf16>
  return %0, %1 : tensor<4x32xbf16>, tensor<4x32xbf16>
}

// fp4q-raise-matmul: raised, weight-only (which fp4q-fuse-dequant declines: so
// little of b is not worth it), and of different scale types.
func.func @products(%a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %sb: tensor<8x1xf8E8M0FNU>,
    %st: tensor<8x2xf8E4M3FN>, %x: tensor<4x32xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %va = tensor.empty() : tensor<4x32xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%va : tensor<4x32xf32>) -> tensor<4x32xf32>
  %vb = tensor.empty() : tensor<8x32xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%vb : tensor<8x32xf32>) -> tensor<8x32xf32>
  %dt = fp4q.dequant ins(%b, %st : tensor<8x16xi8>, tensor<8x2xf8E4M3FN>)
      outs(%vb : tensor<8x32xf32>) -> tensor<8x32xf32>
  %init = arith.constant dense<0.0> : tensor<4x8xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %db : tensor<4x32xf32>, tensor<8x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %db : tensor<4x32xf32>, tensor<8x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%da, %dt : tensor<4x32xf32>, tensor<8x32xf32>)
      outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0, %1, %2 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// fp4q-fold-constants: the first dequant decodes more than one element.
func.func @constants(%y: tensor<1x32xf32>, %c: tensor<1x16xi8>,
                     %s: tensor<1x1xf8E8M0FNU>) -> (tensor<1x32xf32>, tensor<1x16xi8>) {
  %codes = arith.constant dense<1> : tensor<1x16xi8>
  %scales = arith.constant dense<1.0> : tensor<1x1xf8E8M0FNU>
  %x = arith.constant dense<1.0> : tensor<1x32xf32>
  %0 = fp4q.dequant ins(%codes, %scales : tensor<1x16xi8>, tensor<1x1xf8E8M0FNU>)
      outs(%y : tensor<1x32xf32>) -> tensor<1x32xf32>
  %1:2 = fp4q.quantize_pack ins(%x : tensor<1x32xf32>)
      outs(%c, %s : tensor<1x16xi8>, tensor<1x1xf8E8M0FNU>)
      -> tensor<1x16xi8>, tensor<1x1xf8E8M0FNU>
  return %0, %1#0 : tensor<1x32xf32>, tensor<1x16xi8>
}

// fp4q-absorb-epilogue and fp4q-merge-matmuls: the third product has a weight of
// run time, and the widening behind the second one stays.
func.func @merged(%a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<8x16xi8>, %i: tensor<4x8xf32>)
    -> (tensor<4x8xbf16>, tensor<4x8xf32>, tensor<4x8xbf16>) {
  %b0 = arith.constant dense<1> : tensor<8x16xi8>
  %b1 = arith.constant dense<2> : tensor<8x16xi8>
  %sb = arith.constant dense<1.0> : tensor<8x1xf8E8M0FNU>
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b0, %sb : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = fp4q.scaled_matmul
      ins(%a, %sa, %b1, %sb : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<8x16xi8>, tensor<8x1xf8E8M0FNU>)
      outs(%i : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r0 = arith.truncf %0 : tensor<4x8xf32> to tensor<4x8xbf16>
  %r1 = arith.truncf %1 : tensor<4x8xf32> to tensor<4x8xbf16>
  %r2 = arith.truncf %2 : tensor<4x8xf32> to tensor<4x8xbf16>
  %w1 = arith.extf %r1 : tensor<4x8xbf16> to tensor<4x8xf32>
  return %r0, %w1, %r2 : tensor<4x8xbf16>, tensor<4x8xf32>, tensor<4x8xbf16>
}

// fp4q-fuse-dequant, of a weight that is worth it.
func.func @weight_only(%x: tensor<4x512xf32>, %c: tensor<512x64xi8>,
                       %s: tensor<512x8xf8E4M3FN>, %y: tensor<4x128xf32>)
    -> tensor<4x128xf32> {
  %e = tensor.empty() : tensor<512x128xf32>
  %0 = fp4q.dequant ins(%c, %s : tensor<512x64xi8>, tensor<512x8xf8E4M3FN>)
      outs(%e : tensor<512x128xf32>) -> tensor<512x128xf32>
  %1 = linalg.matmul ins(%x, %0 : tensor<4x512xf32>, tensor<512x128xf32>)
      outs(%y : tensor<4x128xf32>) -> tensor<4x128xf32>
  return %1 : tensor<4x128xf32>
}

// fp4q-select-backend, fp4q-legalize-layouts, fp4q-materialize-scale-layouts.
func.func @layer(%x: tensor<4x96xbf16>, %h: tensor<8x96xf16>,
    %c: tensor<4x48xi8>, %s: tensor<4x3xf8E8M0FNU>, %d: tensor<8x48xi8>,
    %t: tensor<8x3xf8E8M0FNU>, %y: tensor<4x8xf16>) -> tensor<4x8xf16> {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<4x96xbf16>)
      outs(%c, %s : tensor<4x48xi8>, tensor<4x3xf8E8M0FNU>)
      -> tensor<4x48xi8>, tensor<4x3xf8E8M0FNU>
  %1:2 = fp4q.quantize_pack ins(%h : tensor<8x96xf16>)
      outs(%d, %t : tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>)
      {fp4q.backend = #fp4q.backend<"gpu-native">}
      -> tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>
  %2 = fp4q.scaled_matmul
      ins(%0#0, %0#1, %1#0, %1#1 : tensor<4x48xi8>, tensor<4x3xf8E8M0FNU>,
          tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>)
      outs(%y : tensor<4x8xf16>) -> tensor<4x8xf16>
  return %2 : tensor<4x8xf16>
}
