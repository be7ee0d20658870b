// RUN: fp4q-opt %s --convert-fp4q-to-linalg | FileCheck %s

// The structure of the result; test/Unit/CodeGen checks the arithmetic.

// CHECK-DAG: #[[$ELEMENT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$OF:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$GROUP:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$SCALAR:.*]] = affine_map<(d0, d1) -> ()>

// amax of each group, its scale byte, the factor of that byte, the codes.
// CHECK-LABEL: func.func @quantize_pack(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[GS:[^:]+]]: tensor<f32>, %[[SS:[^:]+]]: f32, %[[C:[^:]+]]: tensor<?x32xi8>, %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>
func.func @quantize_pack(%x: tensor<?x64xbf16>, %gs: tensor<f32>, %ss: f32,
                         %c: tensor<?x32xi8>, %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i32
  // CHECK-DAG: %[[FOUR:.*]] = arith.constant 4 : i32
  // CHECK: %[[GROUPS:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2]] {{.*}} into tensor<?x2x32xbf16>
  // CHECK: %[[FILL:.*]] = linalg.fill ins(%[[ZERO]] : i32)
  // CHECK: %[[AMAX:.*]] = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$ELEMENT]], #[[$OF]]], iterator_types = ["parallel", "parallel", "reduction"]
  // CHECK-SAME: ins(%[[GROUPS]] : tensor<?x2x32xbf16>) outs(%[[FILL]] : tensor<?x2xi32>)
  // CHECK-NEXT: ^bb0(%[[E:.*]]: bf16, %[[LARGEST:.*]]: i32):
  // CHECK:        arith.maxsi %{{.*}}, %[[LARGEST]] : i32
  // CHECK: %[[SCALES:.*]] = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$GROUP]], #[[$SCALAR]], #[[$GROUP]]], iterator_types = ["parallel", "parallel"]
  // CHECK-SAME: ins(%[[AMAX]], %[[GS]] : tensor<?x2xi32>, tensor<f32>) outs(%[[S]] : tensor<?x2xf8E8M0FNU>)
  // CHECK-NEXT: ^bb0(%[[BITS:.*]]: i32, %[[G:.*]]: f32, %{{.*}}: f8E8M0FNU):
  // CHECK-NEXT:   %[[A:.*]] = arith.bitcast %[[BITS]] : i32 to f32
  // CHECK-NEXT:   %[[D:.*]] = arith.mulf %[[SS]], %[[G]] : f32
  // CHECK-NEXT:   arith.divf %[[A]], %[[D]] : f32
  // CHECK:        %[[BYTE:.*]] = arith.trunci %{{.*}} : i32 to i8
  // CHECK-NEXT:   %[[F8:.*]] = arith.bitcast %[[BYTE]] : i8 to f8E8M0FNU
  // CHECK-NEXT:   linalg.yield %[[F8]]
  // CHECK: %[[FACTORS:.*]] = linalg.generic {{.*}} ins(%[[SCALES]], %[[GS]] : {{.*}}) outs(%{{.*}} : tensor<?x2xf32>)
  // CHECK:        arith.mulf
  // CHECK-DAG: %[[EVEN:.*]] = tensor.extract_slice %[[X]][0, 0] [%{{.*}}, 32] [1, 2]
  // CHECK-DAG: %[[ODD:.*]] = tensor.extract_slice %[[X]][0, 1] [%{{.*}}, 32] [1, 2]
  // CHECK: %[[EACH:.*]] = linalg.broadcast ins(%[[FACTORS]] : tensor<?x2xf32>) outs(%{{.*}} : tensor<?x2x16xf32>) dimensions = [2]
  // CHECK: %[[BYTES:.*]] = tensor.collapse_shape %[[EACH]]
  // CHECK: %[[CODES:.*]] = linalg.generic {{.*}} ins(%[[EVEN]], %[[ODD]], %[[BYTES]] : {{.*}}) outs(%[[C]] : tensor<?x32xi8>)
  // CHECK-NEXT: ^bb0(%[[LOW:.*]]: bf16, %[[HIGH:.*]]: bf16, %[[FACTOR:.*]]: f32, %{{.*}}: i8):
  // CHECK-NEXT:   %[[XL:.*]] = arith.extf %[[LOW]] : bf16 to f32
  // CHECK-NEXT:   arith.divf %[[XL]], %[[FACTOR]] : f32
  // CHECK:        %[[CL:.*]] = arith.ori
  // CHECK:        %[[XH:.*]] = arith.extf %[[HIGH]] : bf16 to f32
  // CHECK-NEXT:   arith.divf %[[XH]], %[[FACTOR]] : f32
  // CHECK:        %[[CH:.*]] = arith.ori
  // CHECK-NEXT:   %[[UP:.*]] = arith.shli %[[CH]], %[[FOUR]] : i32
  // CHECK-NEXT:   %[[PAIR:.*]] = arith.ori %[[CL]], %[[UP]] : i32
  // CHECK-NEXT:   %[[PACKED:.*]] = arith.trunci %[[PAIR]] : i32 to i8
  // CHECK-NEXT:   linalg.yield %[[PACKED]] : i8
  // CHECK: return %[[CODES]], %[[SCALES]]
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      global_scale(%gs : tensor<f32>) scale_scale(%ss : f32)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %0#0, %0#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// With given scales there is no reduction, and nothing but the codes.
// CHECK-LABEL: func.func @given_scales(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<8x64xf32>, %[[S:[^:]+]]: tensor<8x4xf8E4M3FN>
func.func @given_scales(%x: tensor<8x64xf32>, %s: tensor<8x4xf8E4M3FN>,
                        %c: tensor<8x32xi8>) -> tensor<8x32xi8> {
  // CHECK-NOT: reduction
  // CHECK: linalg.generic {{.*}} ins(%[[S]] : tensor<8x4xf8E4M3FN>)
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<8x32xi8>)
  // CHECK-NOT: linalg.generic
  // CHECK: return
  %0 = fp4q.quantize_pack ins(%x : tensor<8x64xf32>)
      scales(%s : tensor<8x4xf8E4M3FN>) outs(%c : tensor<8x32xi8>)
      -> tensor<8x32xi8>
  return %0 : tensor<8x32xi8>
}

// The transformed values are quantized as f32, not rounded to the input's type.
// CHECK-LABEL: func.func @transform(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<8x64xbf16>, %[[T:[^:]+]]: tensor<2x32x32xf32>
func.func @transform(%x: tensor<8x64xbf16>, %t: tensor<2x32x32xf32>,
                     %c: tensor<8x32xi8>, %s: tensor<8x2xf8E8M0FNU>)
    -> (tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) {
  // CHECK: linalg.transpose ins(%[[T]] :
  // CHECK: %[[Y:.*]] = linalg.generic {{.*}}"reduction"{{.*}} outs(%{{.*}} : tensor<8x2x32xf32>)
  // CHECK:   math.fma
  // CHECK-NOT: arith.truncf
  // CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[Y]] {{\[\[}}0], [1, 2]] : tensor<8x2x32xf32> into tensor<8x64xf32>
  // CHECK: tensor.expand_shape %[[ROWS]]
  // CHECK: tensor.extract_slice %[[ROWS]][0, 0] [8, 32] [1, 2]
  // CHECK: tensor.extract_slice %[[ROWS]][0, 1] [8, 32] [1, 2]
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      transform(%t : tensor<2x32x32xf32>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return %0#0, %0#1 : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
}

// The recipe decides the arithmetic: x times the reciprocal of q.
// CHECK-LABEL: func.func @recipe(
func.func @recipe(%x: tensor<8x64xf32>, %c: tensor<8x32xi8>,
                  %s: tensor<8x2xf8E8M0FNU>)
    -> (tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>) {
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<8x2xf32>)
  // CHECK:   arith.divf %{{.*}} : f32
  // CHECK: linalg.broadcast
  // CHECK: linalg.generic
  // CHECK: ^bb0(%[[LOW:.*]]: f32, %{{.*}}: f32, %[[FACTOR:.*]]: f32, %{{.*}}: i8):
  // CHECK-NEXT:   arith.mulf %[[LOW]], %[[FACTOR]] : f32
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xf32>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      {recipe = #fp4q.recipe<scale_formula = amax, element_operand = x_times_rcp_q>}
      -> tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
  return %0#0, %0#1 : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>
}

// CHECK-LABEL: func.func @blocked_scales(
// CHECK-SAME:      %[[Z:[^:]+]]: tensor<1x1x512xf8E8M0FNU>
func.func @blocked_scales(%z: tensor<1x1x512xf8E8M0FNU>, %x: tensor<8x64xf32>,
                          %c: tensor<8x32xi8>)
    -> (tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>) {
  // CHECK: %[[S:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<8x2xf8E8M0FNU>)
  // CHECK: tensor.pad
  // CHECK: tensor.expand_shape %[[Z]]
  // CHECK-NOT: fp4q.
  // CHECK: return
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xf32>)
      outs(%c, %z : tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>
  return %0#0, %0#1 : tensor<8x32xi8>, tensor<1x1x512xf8E8M0FNU>
}
