// RUN: fp4q-opt %s --fp4q-decompose-matmul | FileCheck %s

// CHECK-DAG: #[[$MK:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$KN:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$MN:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$ELEMENT:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[$SCALAR:.*]] = affine_map<(d0, d1) -> ()>
// CHECK-DAG: #[[$BMK:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[$BKN:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
// CHECK-DAG: #[[$SHARED:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>

// CHECK-LABEL: func.func @alpha_a_column_and_bias(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>, %[[SA:[^:]+]]: tensor<?x2xf8E8M0FNU>, %[[B:[^:]+]]: tensor<8x32xi8>, %[[SB:[^:]+]]: tensor<8x2xf8E8M0FNU>
// CHECK-SAME:      %[[ALPHA:[^:]+]]: tensor<8xf32>, %[[BIAS:[^:]+]]: tensor<8xbf16>, %[[INIT:[^:]+]]: tensor<?x8xbf16>
func.func @alpha_a_column_and_bias(
    %a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>, %b: tensor<8x32xi8>,
    %sb: tensor<8x2xf8E8M0FNU>, %alpha: tensor<8xf32>, %bias: tensor<8xbf16>,
    %init: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  // CHECK: %[[DA:.*]] = fp4q.dequant ins(%[[A]], %[[SA]] : {{.*}}) outs(%{{.*}} : tensor<?x64xf32>) ->
  // CHECK: %[[DB:.*]] = fp4q.dequant ins(%[[B]], %[[SB]] : {{.*}}) outs(%{{.*}} : tensor<8x64xf32>) ->
  // CHECK: %[[BT:.*]] = linalg.transpose ins(%[[DB]] : tensor<8x64xf32>) outs(%{{.*}} : tensor<64x8xf32>) permutation = [1, 0]
  // CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK: %[[ACC0:.*]] = linalg.fill ins(%[[ZERO]] : f32) outs(%{{.*}} : tensor<?x8xf32>)
  // CHECK: %[[ACC:.*]] = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$MK]], #[[$KN]], #[[$MN]]], iterator_types = ["parallel", "reduction", "parallel"]
  // CHECK-SAME: ins(%[[DA]], %[[BT]] : {{.*}}) outs(%[[ACC0]] :
  // CHECK-NEXT: ^bb0(%[[E:.*]]: f32, %[[F:.*]]: f32, %[[SUM:.*]]: f32):
  // CHECK-NEXT:   %[[NEXT:.*]] = math.fma %[[E]], %[[F]], %[[SUM]] : f32
  // CHECK-NEXT:   linalg.yield %[[NEXT]]
  // CHECK: linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$ELEMENT]], #[[$COLUMN]], #[[$COLUMN]], #[[$ELEMENT]]], iterator_types = ["parallel", "parallel"]
  // CHECK-SAME: ins(%[[ACC]], %[[ALPHA]], %[[BIAS]] : {{.*}}) outs(%[[INIT]] :
  // CHECK-NEXT: ^bb0(%[[V:.*]]: f32, %[[AL:.*]]: f32, %[[BI:.*]]: bf16, %{{.*}}: bf16):
  // CHECK-NEXT:   %[[WIDE:.*]] = arith.extf %[[BI]] : bf16 to f32
  // CHECK-NEXT:   %[[R:.*]] = math.fma %[[AL]], %[[V]], %[[WIDE]] : f32
  // CHECK-NEXT:   %[[ROUNDED:.*]] = arith.truncf %[[R]] : f32 to bf16
  // CHECK-NEXT:   linalg.yield %[[ROUNDED]]
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%alpha : tensor<8xf32>) bias(%bias : tensor<8xbf16>)
      outs(%init : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return %0 : tensor<?x8xbf16>
}

// A scalar alpha is used in the body, without a bias it multiplies.
// CHECK-LABEL: func.func @scalar_alpha(
// CHECK-SAME:      %[[ALPHA:[^:]+]]: f32
func.func @scalar_alpha(%alpha: f32, %a: tensor<4x32xi8>,
                        %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>,
                        %sb: tensor<8x2xf8E8M0FNU>, %init: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  // CHECK: linalg.generic
  // CHECK: linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$ELEMENT]], #[[$ELEMENT]]]
  // CHECK-NEXT: ^bb0(%[[V:.*]]: f32, %{{.*}}: f32):
  // CHECK-NEXT:   %[[R:.*]] = arith.mulf %[[ALPHA]], %[[V]] : f32
  // CHECK-NEXT:   linalg.yield %[[R]]
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%alpha : f32) outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @tensor_alpha_f32_bias(
// CHECK-SAME:      %[[ALPHA:[^:]+]]: tensor<f32>, %[[BIAS:[^:]+]]: tensor<8xf32>
func.func @tensor_alpha_f32_bias(
    %alpha: tensor<f32>, %bias: tensor<8xf32>, %a: tensor<4x32xi8>,
    %sa: tensor<4x2xf8E8M0FNU>, %b: tensor<8x32xi8>,
    %sb: tensor<8x2xf8E8M0FNU>, %init: tensor<4x8xf16>) -> tensor<4x8xf16> {
  // CHECK: linalg.generic
  // CHECK: linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$ELEMENT]], #[[$SCALAR]], #[[$COLUMN]], #[[$ELEMENT]]]
  // CHECK-SAME: ins(%{{.*}}, %[[ALPHA]], %[[BIAS]] :
  // CHECK-NEXT: ^bb0(%[[V:.*]]: f32, %[[AL:.*]]: f32, %[[BI:.*]]: f32, %{{.*}}: f16):
  // CHECK-NEXT:   %[[R:.*]] = math.fma %[[AL]], %[[V]], %[[BI]] : f32
  // CHECK-NEXT:   arith.truncf %[[R]] : f32 to f16
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%alpha : tensor<f32>) bias(%bias : tensor<8xf32>)
      outs(%init : tensor<4x8xf16>) -> tensor<4x8xf16>
  return %0 : tensor<4x8xf16>
}

// fma(1, acc, bias) is acc + bias.
// CHECK-LABEL: func.func @bias_without_alpha(
func.func @bias_without_alpha(
    %bias: tensor<8xf32>, %a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %init: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  // CHECK: linalg.generic
  // CHECK: linalg.generic
  // CHECK-NEXT: ^bb0(%[[V:.*]]: f32, %[[BI:.*]]: f32, %{{.*}}: f32):
  // CHECK-NEXT:   arith.addf %[[V]], %[[BI]] : f32
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      bias(%bias : tensor<8xf32>) outs(%init : tensor<4x8xf32>)
      -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @batch_of_b(
func.func @batch_of_b(%a: tensor<3x4x32xi8>, %sa: tensor<3x4x2xf8E8M0FNU>,
                      %b: tensor<3x8x32xi8>, %sb: tensor<3x8x2xf8E8M0FNU>,
                      %init: tensor<3x4x8xf32>) -> tensor<3x4x8xf32> {
  // CHECK: linalg.transpose {{.*}} permutation = [0, 2, 1]
  // CHECK: linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$BMK]], #[[$BKN]], #{{.*}}], iterator_types = ["parallel", "parallel", "reduction", "parallel"]
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<3x4x32xi8>, tensor<3x4x2xf8E8M0FNU>,
          tensor<3x8x32xi8>, tensor<3x8x2xf8E8M0FNU>)
      outs(%init : tensor<3x4x8xf32>) -> tensor<3x4x8xf32>
  return %0 : tensor<3x4x8xf32>
}

// CHECK-LABEL: func.func @batch_with_shared_b(
func.func @batch_with_shared_b(
    %a: tensor<3x4x32xi8>, %sa: tensor<3x4x2xf8E8M0FNU>, %b: tensor<8x32xi8>,
    %sb: tensor<8x2xf8E8M0FNU>, %init: tensor<3x4x8xf32>) -> tensor<3x4x8xf32> {
  // CHECK: linalg.transpose {{.*}} permutation = [1, 0]
  // CHECK: linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$BMK]], #[[$SHARED]], #{{.*}}], iterator_types = ["parallel", "parallel", "reduction", "parallel"]
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<3x4x32xi8>, tensor<3x4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%init : tensor<3x4x8xf32>) -> tensor<3x4x8xf32>
  return %0 : tensor<3x4x8xf32>
}

// CHECK-LABEL: func.func @no_decompose_blocked_scales(
func.func @no_decompose_blocked_scales(
    %a: tensor<4x32xi8>, %za: tensor<1x1x512xf8E8M0FNU>, %b: tensor<8x32xi8>,
    %sb: tensor<8x2xf8E8M0FNU>, %init: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK-NEXT: fp4q.scaled_matmul
  // CHECK-NEXT: return
  %0 = fp4q.scaled_matmul
      ins(%a, %za, %b, %sb : tensor<4x32xi8>, tensor<1x1x512xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%init : tensor<4x8xf32>)
      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       group_size = 32 : i64} -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @no_decompose_memrefs(
func.func @no_decompose_memrefs(
    %a: memref<4x32xi8>, %sa: memref<4x2xf8E8M0FNU>, %b: memref<8x32xi8>,
    %sb: memref<8x2xf8E8M0FNU>, %init: memref<4x8xf32>) {
  // CHECK-NEXT: fp4q.scaled_matmul
  // CHECK-NEXT: return
  fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : memref<4x32xi8>, memref<4x2xf8E8M0FNU>,
          memref<8x32xi8>, memref<8x2xf8E8M0FNU>)
      outs(%init : memref<4x8xf32>)
  return
}
