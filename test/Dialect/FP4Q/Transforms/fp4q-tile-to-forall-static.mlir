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
