// RUN: fp4q-opt %s --convert-fp4q-to-linalg | FileCheck %s

// The structure of the result; test/Unit/CodeGen checks the arithmetic.

// CHECK-DAG: #[[$GROUP:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$BYTE:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$ELEMENT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

// Scales are decoded once a group, repeated for each byte of codes, and
// multiplied with both elements of a byte.
// CHECK-LABEL: func.func @dequant(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>, %[[S:[^:]+]]: tensor<?x4xf8E4M3FN>, %[[GS:[^:]+]]: f32, %[[INIT:[^:]+]]: tensor<?x64xbf16>
func.func @dequant(%c: tensor<?x32xi8>, %s: tensor<?x4xf8E4M3FN>, %gs: f32,
                   %init: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  // CHECK-DAG: %[[C2:.*]] = arith.constant 2 : i32
  // CHECK: %[[SCALES:.*]] = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$GROUP]], #[[$GROUP]]], iterator_types = ["parallel", "parallel"]
  // CHECK-SAME: ins(%[[S]] : tensor<?x4xf8E4M3FN>) outs(%{{.*}} : tensor<?x4xf32>)
  // CHECK-NEXT: ^bb0(%[[F8:.*]]: f8E4M3FN, %{{.*}}: f32):
  // CHECK-NEXT:   %[[BITS:.*]] = arith.bitcast %[[F8]] : f8E4M3FN to i8
  // CHECK-NEXT:   arith.extui %[[BITS]] : i8 to i32
  // CHECK:        %[[FACTOR:.*]] = arith.mulf %{{.*}}, %[[GS]] : f32
  // CHECK-NEXT:   linalg.yield %[[FACTOR]] : f32
  // CHECK: %[[EACH:.*]] = linalg.broadcast ins(%[[SCALES]] : tensor<?x4xf32>) outs(%{{.*}} : tensor<?x4x8xf32>) dimensions = [2]
  // CHECK: %[[BYTES:.*]] = tensor.collapse_shape %[[EACH]] {{\[\[}}0], [1, 2]] : tensor<?x4x8xf32> into tensor<?x32xf32>
  // CHECK: %[[PAIRS:.*]] = tensor.expand_shape %[[INIT]] {{\[\[}}0], [1, 2]]
  // CHECK: %[[V:.*]] = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$BYTE]], #[[$BYTE]], #[[$ELEMENT]]], iterator_types = ["parallel", "parallel", "parallel"]
  // CHECK-SAME: ins(%[[C]], %[[BYTES]] : {{.*}}) outs(%[[PAIRS]] : tensor<?x32x2xbf16>)
  // CHECK-NEXT: ^bb0(%[[PAIR:.*]]: i8, %[[SCALE:.*]]: f32, %{{.*}}: bf16):
  // CHECK-NEXT:   %[[NIBBLE:.*]] = linalg.index 2 : index
  // CHECK-NEXT:   %[[I:.*]] = arith.index_castui %[[NIBBLE]] : index to i32
  // CHECK-NEXT:   %[[SHIFT:.*]] = arith.shli %[[I]], %[[C2]] : i32
  // CHECK-NEXT:   %[[WIDE:.*]] = arith.extui %[[PAIR]] : i8 to i32
  // CHECK-NEXT:   arith.shrui %[[WIDE]], %[[SHIFT]] : i32
  // CHECK:        %[[R:.*]] = arith.mulf %{{.*}}, %[[SCALE]] : f32
  // CHECK-NEXT:   %[[ROUNDED:.*]] = arith.truncf %[[R]] : f32 to bf16
  // CHECK-NEXT:   linalg.yield %[[ROUNDED]] : bf16
  // CHECK: %[[OUT:.*]] = tensor.collapse_shape %[[V]] {{\[\[}}0], [1, 2]]
  // CHECK: return %[[OUT]]
  %0 = fp4q.dequant ins(%c, %s : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
      global_scale(%gs : f32) outs(%init : tensor<?x64xbf16>)
      -> tensor<?x64xbf16>
  return %0 : tensor<?x64xbf16>
}

// A scalar in a tensor is read by each iteration, not by the host.
// CHECK-LABEL: func.func @divide_by_tensor(
// CHECK-SAME:      %[[S:[^:]+]]: tensor<8x2xf8E8M0FNU>, %[[GS:[^:]+]]: tensor<f32>
func.func @divide_by_tensor(%s: tensor<8x2xf8E8M0FNU>, %gs: tensor<f32>,
                            %c: tensor<8x32xi8>, %init: tensor<8x64xf32>)
    -> tensor<8x64xf32> {
  // CHECK-NOT: tensor.extract
  // CHECK: linalg.generic {{.*}} ins(%[[S]], %[[GS]] : tensor<8x2xf8E8M0FNU>, tensor<f32>)
  // CHECK-NEXT: ^bb0(%{{.*}}: f8E8M0FNU, %[[G:.*]]: f32, %{{.*}}: f32):
  // CHECK:        arith.divf %{{.*}}, %[[G]] : f32
  // CHECK: linalg.generic
  // CHECK-NOT: arith.truncf
  // CHECK: return
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      global_scale(%gs : tensor<f32>) outs(%init : tensor<8x64xf32>)
      {direction = #fp4q.direction<divide>} -> tensor<8x64xf32>
  return %0 : tensor<8x64xf32>
}

// CHECK-LABEL: func.func @no_global_scale_vector(
func.func @no_global_scale_vector(%s: tensor<2xf8E8M0FNU>, %c: tensor<32xi8>,
                                  %init: tensor<64xf16>) -> tensor<64xf16> {
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel"]
  // CHECK-NOT: arith.mulf
  // CHECK: linalg.broadcast ins(%{{.*}} : tensor<2xf32>) outs(%{{.*}} : tensor<2x16xf32>) dimensions = [1]
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
  // CHECK:   arith.mulf
  // CHECK:   arith.truncf %{{.*}} : f32 to f16
  %0 = fp4q.dequant ins(%c, %s : tensor<32xi8>, tensor<2xf8E8M0FNU>)
      outs(%init : tensor<64xf16>) -> tensor<64xf16>
  return %0 : tensor<64xf16>
}

// Blocked scales are brought into rows first.
// CHECK-LABEL: func.func @blocked_scales(
// CHECK-SAME:      %[[Z:[^:]+]]: tensor<1x1x512xf8E8M0FNU>
func.func @blocked_scales(%z: tensor<1x1x512xf8E8M0FNU>, %c: tensor<8x32xi8>,
                          %init: tensor<8x64xf32>) -> tensor<8x64xf32> {
  // CHECK: tensor.expand_shape %[[Z]]
  // CHECK: %[[S:.*]] = tensor.extract_slice %{{.*}}[0, 0] [8, 2] [1, 1] : tensor<128x4xf8E8M0FNU> to tensor<8x2xf8E8M0FNU>
  // CHECK: linalg.generic {{.*}} ins(%[[S]] : tensor<8x2xf8E8M0FNU>)
  // CHECK-NOT: fp4q.
  // CHECK: return
  %0 = fp4q.dequant ins(%c, %z : tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      outs(%init : tensor<8x64xf32>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x64xf32>
  return %0 : tensor<8x64xf32>
}
