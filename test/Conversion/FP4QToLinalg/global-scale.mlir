// RUN: fp4q-opt %s --convert-fp4q-to-linalg | FileCheck %s

// CHECK-DAG: #[[$ELEMENT:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$OUT:.*]] = affine_map<(d0, d1) -> ()>

// The magnitudes are compared as integers, by which NaN is the largest.
// CHECK-LABEL: func.func @global_scale(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[INIT:[^:]+]]: tensor<f32>
func.func @global_scale(%x: tensor<?x64xbf16>, %init: tensor<f32>)
    -> tensor<f32> {
  // CHECK-DAG: %[[LARGEST:.*]] = arith.constant 2.688000e+03 : f32
  // CHECK-DAG: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
  // CHECK-DAG: %[[MASK:.*]] = arith.constant 2147483647 : i32
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i32
  // CHECK: %[[FILL:.*]] = linalg.fill ins(%[[ZERO]] : i32)
  // CHECK: %[[AMAX:.*]] = linalg.generic
  // CHECK-SAME: indexing_maps = [#[[$ELEMENT]], #[[$OUT]]], iterator_types = ["reduction", "reduction"]
  // CHECK-SAME: ins(%[[X]] : tensor<?x64xbf16>) outs(%[[FILL]] : tensor<i32>)
  // CHECK-NEXT: ^bb0(%[[E:.*]]: bf16, %[[MAX:.*]]: i32):
  // CHECK-NEXT:   %[[WIDE:.*]] = arith.extf %[[E]] : bf16 to f32
  // CHECK-NEXT:   %[[BITS:.*]] = arith.bitcast %[[WIDE]] : f32 to i32
  // CHECK-NEXT:   %[[ABS:.*]] = arith.andi %[[BITS]], %[[MASK]] : i32
  // CHECK-NEXT:   arith.maxsi %[[ABS]], %[[MAX]] : i32
  // CHECK: linalg.generic {{.*}} iterator_types = []} ins(%[[AMAX]] : tensor<i32>) outs(%[[INIT]] : tensor<f32>)
  // CHECK-NEXT: ^bb0(%[[A:.*]]: i32, %{{.*}}: f32):
  // CHECK-NEXT:   %[[NONE:.*]] = arith.cmpi eq, %[[A]], %[[ZERO]] : i32
  // CHECK-NEXT:   %[[F:.*]] = arith.bitcast %[[A]] : i32 to f32
  // CHECK-NEXT:   %[[Q:.*]] = arith.divf %[[F]], %[[LARGEST]] : f32
  // CHECK-NEXT:   %[[R:.*]] = arith.select %[[NONE]], %[[ONE]], %[[Q]] : f32
  // CHECK-NEXT:   linalg.yield %[[R]] : f32
  %0 = fp4q.global_scale ins(%x : tensor<?x64xbf16>) outs(%init : tensor<f32>)
      -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func.func @rank0(
func.func @rank0(%x: tensor<f32>, %init: tensor<f32>) -> tensor<f32> {
  // CHECK: linalg.generic {{.*}} iterator_types = []} ins(%{{.*}} : tensor<f32>) outs(%{{.*}} : tensor<i32>)
  // CHECK: linalg.generic {{.*}} iterator_types = []} ins(%{{.*}} : tensor<i32>) outs(%{{.*}} : tensor<f32>)
  %0 = fp4q.global_scale ins(%x : tensor<f32>) outs(%init : tensor<f32>)
      -> tensor<f32>
  return %0 : tensor<f32>
}
