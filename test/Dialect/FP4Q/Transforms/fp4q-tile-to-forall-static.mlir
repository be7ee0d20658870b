// RUN: fp4q-opt %s --fp4q-decompose-matmul --fp4q-tile-to-forall | FileCheck %s
// RUN: fp4q-opt %s --fp4q-decompose-matmul --fp4q-tile-to-forall=depth=1 | FileCheck %s --check-prefix=DEPTH

// A depth below a group of the largest size is taken as one.
// DEPTH: %[[STEP:.*]] = arith.constant 128 : index
// DEPTH: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %[[STEP]] iter_args
// DEPTH: linalg.generic {{.*}} ins({{.*}} : tensor<4x128xf32>, tensor<128x128xf32>)

// With few static rows only columns are tiled. Every tile decodes other rows of
// b, so b is decoded in the tiles.
// CHECK-LABEL: @static_rows
// CHECK-SAME: %[[A:[^:]*]]: tensor<4x256xi8>
// CHECK-SAME: %[[B:[^:]*]]: tensor<512x256xi8>
// CHECK-NOT: fp4q.dequant ins(%[[B]]
// CHECK: scf.forall (%[[N:.*]]) = (0) to (512) step (128)
// CHECK: %[[TILE:.*]] = tensor.extract_slice %[[B]][%[[N]], {{.*}}
// CHECK: fp4q.dequant
func.func @static_rows(%a: tensor<4x256xi8>, %sa: tensor<4x16xf8E8M0FNU>,
                       %b: tensor<512x256xi8>, %sb: tensor<512x16xf8E8M0FNU>)
    -> tensor<4x512xf32> {
  %init = tensor.empty() : tensor<4x512xf32>
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x256xi8>, tensor<4x16xf8E8M0FNU>,
          tensor<512x256xi8>, tensor<512x16xf8E8M0FNU>)
      outs(%init : tensor<4x512xf32>) -> tensor<4x512xf32>
  return %c : tensor<4x512xf32>
}

// Nothing is tiled where there are no rows (upstream would divide by 0).
// CHECK-LABEL: @no_rows
// CHECK-NOT: scf.forall
// CHECK: return
func.func @no_rows(%a: tensor<2x0x32xf32>, %b: tensor<2x6x32xf32>,
                   %init: tensor<2x0x6xf32>, %out: tensor<2x0x6xbf16>)
    -> tensor<2x0x6xbf16> {
  %c = linalg.generic
      {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>,
                        affine_map<(b, m, n, k) -> (b, n, k)>,
                        affine_map<(b, m, n, k) -> (b, m, n)>],
       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<2x0x32xf32>, tensor<2x6x32xf32>)
      outs(%init : tensor<2x0x6xf32>) {
    ^bb0(%x: f32, %y: f32, %acc: f32):
      %p = arith.mulf %x, %y : f32
      %s = arith.addf %acc, %p : f32
      linalg.yield %s : f32
  } -> tensor<2x0x6xf32>
  %r = linalg.generic
      {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>,
                        affine_map<(b, m, n) -> (b, m, n)>],
       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%c : tensor<2x0x6xf32>) outs(%out : tensor<2x0x6xbf16>) {
    ^bb0(%x: f32, %y: bf16):
      %t = arith.truncf %x : f32 to bf16
      linalg.yield %t : bf16
  } -> tensor<2x0x6xbf16>
  return %r : tensor<2x0x6xbf16>
}
