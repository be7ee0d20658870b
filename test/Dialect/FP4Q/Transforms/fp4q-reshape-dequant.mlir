// RUN: fp4q-opt %s --fp4q-raise-matmul --canonicalize --split-input-file | FileCheck %s

// Groups of one row become groups of a longer row.

// CHECK-LABEL: @join_rows
// CHECK-DAG: %[[C:.*]] = tensor.collapse_shape %{{.*}} tensor<?x4x16xi8> into tensor<?x64xi8>
// CHECK-DAG: %[[S:.*]] = tensor.collapse_shape %{{.*}} tensor<?x4x1xf8E8M0FNU> into tensor<?x4xf8E8M0FNU>
// CHECK: %[[D:.*]] = fp4q.dequant ins(%[[C]], %[[S]] :
// CHECK-NEXT: return %[[D]] : tensor<?x128xbf16>
func.func @join_rows(%c: tensor<?x4x16xi8>, %s: tensor<?x4x1xf8E8M0FNU>,
                     %init: tensor<?x4x32xbf16>) -> tensor<?x128xbf16> {
  %d = fp4q.dequant ins(%c, %s : tensor<?x4x16xi8>, tensor<?x4x1xf8E8M0FNU>)
      outs(%init : tensor<?x4x32xbf16>) -> tensor<?x4x32xbf16>
  %r = tensor.collapse_shape %d [[0], [1, 2]]
      : tensor<?x4x32xbf16> into tensor<?x128xbf16>
  return %r : tensor<?x128xbf16>
}

// -----

// CHECK-LABEL: @split_rows
// CHECK: %[[D:.*]] = fp4q.dequant ins(%{{.*}}, %{{.*}} : tensor<?x3x2x32xi8>, tensor<?x3x2x2xf8E8M0FNU>)
// CHECK-NEXT: return %[[D]] : tensor<?x3x2x64xf32>
func.func @split_rows(%c: tensor<?x64xi8>, %s: tensor<?x4xf8E8M0FNU>,
                      %init: tensor<?x128xf32>, %m: index)
    -> tensor<?x3x2x64xf32> {
  %d = fp4q.dequant ins(%c, %s : tensor<?x64xi8>, tensor<?x4xf8E8M0FNU>)
      outs(%init : tensor<?x128xf32>) -> tensor<?x128xf32>
  %r = tensor.expand_shape %d [[0, 1], [2, 3]] output_shape [%m, 3, 2, 64]
      : tensor<?x128xf32> into tensor<?x3x2x64xf32>
  return %r : tensor<?x3x2x64xf32>
}

// -----

// A row of 16 would end within a group of 32.

// CHECK-LABEL: @not_within_a_group
// CHECK: fp4q.dequant
// CHECK-NEXT: tensor.expand_shape
func.func @not_within_a_group(%c: tensor<4x64xi8>, %s: tensor<4x4xf8E8M0FNU>)
    -> tensor<4x8x16xf32> {
  %init = tensor.empty() : tensor<4x128xf32>
  %d = fp4q.dequant ins(%c, %s : tensor<4x64xi8>, tensor<4x4xf8E8M0FNU>)
      outs(%init : tensor<4x128xf32>) -> tensor<4x128xf32>
  %r = tensor.expand_shape %d [[0], [1, 2]] output_shape [4, 8, 16]
      : tensor<4x128xf32> into tensor<4x8x16xf32>
  return %r : tensor<4x8x16xf32>
}

// -----

// The unshaped values are needed as well.

// CHECK-LABEL: @not_used_twice
// CHECK: fp4q.dequant
// CHECK-NEXT: tensor.collapse_shape
func.func @not_used_twice(%c: tensor<2x4x16xi8>, %s: tensor<2x4x1xf8E8M0FNU>)
    -> (tensor<2x128xf32>, tensor<2x4x32xf32>) {
  %init = tensor.empty() : tensor<2x4x32xf32>
  %d = fp4q.dequant ins(%c, %s : tensor<2x4x16xi8>, tensor<2x4x1xf8E8M0FNU>)
      outs(%init : tensor<2x4x32xf32>) -> tensor<2x4x32xf32>
  %r = tensor.collapse_shape %d [[0], [1, 2]]
      : tensor<2x4x32xf32> into tensor<2x128xf32>
  return %r, %d : tensor<2x128xf32>, tensor<2x4x32xf32>
}

// -----

// CHECK-LABEL: @not_blocked
// CHECK: fp4q.dequant
// CHECK-NEXT: tensor.collapse_shape
func.func @not_blocked(%c: tensor<2x4x16xi8>, %s: tensor<2x1x1x512xf8E8M0FNU>)
    -> tensor<2x128xf32> {
  %init = tensor.empty() : tensor<2x4x32xf32>
  %d = fp4q.dequant
      ins(%c, %s : tensor<2x4x16xi8>, tensor<2x1x1x512xf8E8M0FNU>)
      outs(%init : tensor<2x4x32xf32>)
      {scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<2x4x32xf32>
  %r = tensor.collapse_shape %d [[0], [1, 2]]
      : tensor<2x4x32xf32> into tensor<2x128xf32>
  return %r : tensor<2x128xf32>
}
