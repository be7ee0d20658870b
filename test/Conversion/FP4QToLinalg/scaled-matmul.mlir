// RUN: fp4q-opt %s --convert-fp4q-to-linalg | FileCheck %s

// The product is fp4q-decompose-matmul's, whose test shows it in full; here its
// dequantizations are lowered too.
// CHECK-LABEL: func.func @scaled_matmul(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>, %[[SA:[^:]+]]: tensor<?x2xf8E8M0FNU>, %[[B:[^:]+]]: tensor<8x32xi8>, %[[SB:[^:]+]]: tensor<8x2xf8E8M0FNU>, %[[ALPHA:[^:]+]]: f32
func.func @scaled_matmul(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                         %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
                         %alpha: f32, %init: tensor<?x8xbf16>)
    -> tensor<?x8xbf16> {
  // CHECK-NOT: fp4q.
  // CHECK: linalg.generic {{.*}} ins(%[[SA]] : tensor<?x2xf8E8M0FNU>)
  // CHECK: linalg.generic {{.*}} ins(%[[A]], %{{.*}} outs(%{{.*}} : tensor<?x32x2xf32>)
  // CHECK: linalg.generic {{.*}} ins(%[[SB]] : tensor<8x2xf8E8M0FNU>)
  // CHECK: linalg.generic {{.*}} ins(%[[B]], %{{.*}} outs(%{{.*}} : tensor<8x32x2xf32>)
  // CHECK: linalg.transpose
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "parallel"]
  // CHECK:   math.fma
  // CHECK: linalg.generic
  // CHECK:   arith.mulf %[[ALPHA]], %{{.*}} : f32
  // CHECK-NOT: fp4q.
  // CHECK: return
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%alpha : f32) outs(%init : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return %0 : tensor<?x8xbf16>
}

// CHECK-LABEL: func.func @blocked_scales(
// CHECK-SAME:      %[[ZA:[^:]+]]: tensor<1x1x512xf8E4M3FN>, %[[ZB:[^:]+]]: tensor<1x1x512xf8E4M3FN>
func.func @blocked_scales(
    %za: tensor<1x1x512xf8E4M3FN>, %zb: tensor<1x1x512xf8E4M3FN>,
    %a: tensor<4x32xi8>, %b: tensor<8x32xi8>, %init: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  // CHECK: tensor.expand_shape %[[ZA]]
  // CHECK: tensor.expand_shape %[[ZB]]
  // CHECK-NOT: fp4q.
  // CHECK: return
  %0 = fp4q.scaled_matmul
      ins(%a, %za, %b, %zb : tensor<4x32xi8>, tensor<1x1x512xf8E4M3FN>,
          tensor<8x32xi8>, tensor<1x1x512xf8E4M3FN>)
      outs(%init : tensor<4x8xf32>)
      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       b_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       group_size = 16 : i64} -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
