// RUN: fp4q-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize | FileCheck %s

// Sizes of results are computed from those of the inputs, so that a question
// for a size does not keep the operation alive.

// CHECK: #[[$CEIL128:.*]] = affine_map<()[s0] -> (s0 ceildiv 128)>

// CHECK-LABEL: func.func @block_transform(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x?x64xbf16>
func.func @block_transform(%x: tensor<?x?x64xbf16>, %t: tensor<32x32xbf16>,
                           %init: tensor<?x?x64xf32>) -> (index, index) {
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG: %[[D0:.*]] = tensor.dim %[[X]], %[[C0]]
  // CHECK-DAG: %[[D1:.*]] = tensor.dim %[[X]], %[[C1]]
  // CHECK-NOT: fp4q
  // CHECK: return %[[D0]], %[[D1]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x?x64xbf16>, tensor<32x32xbf16>)
      outs(%init : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %d0 = tensor.dim %0, %c0 : tensor<?x?x64xf32>
  %d1 = tensor.dim %0, %c1 : tensor<?x?x64xf32>
  return %d0, %d1 : index, index
}

// CHECK-LABEL: func.func @quantize_pack(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
func.func @quantize_pack(%x: tensor<?x64xbf16>, %c: tensor<?x32xi8>,
                         %s: tensor<?x2xf8E8M0FNU>) -> (index, index) {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[X]]
  // CHECK-NOT: fp4q
  // CHECK: return %[[ROWS]], %[[ROWS]]
  %c0 = arith.constant 0 : index
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  %d0 = tensor.dim %0#0, %c0 : tensor<?x32xi8>
  %d1 = tensor.dim %0#1, %c0 : tensor<?x2xf8E8M0FNU>
  return %d0, %d1 : index, index
}

// Blocked scales have a tile for each 128 rows.
// CHECK-LABEL: func.func @quantize_pack_blocked(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
func.func @quantize_pack_blocked(%x: tensor<?x64xbf16>, %c: tensor<?x32xi8>,
                                 %s: tensor<?x1x512xf8E8M0FNU>) -> index {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[X]]
  // CHECK: %[[TILES:.*]] = affine.apply #[[$CEIL128]]()[%[[ROWS]]]
  // CHECK-NOT: fp4q
  // CHECK: return %[[TILES]]
  %c0 = arith.constant 0 : index
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>
  %d = tensor.dim %0#1, %c0 : tensor<?x1x512xf8E8M0FNU>
  return %d : index
}

// CHECK-LABEL: func.func @quantize_pack_given_scales(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
func.func @quantize_pack_given_scales(%x: tensor<?x64xbf16>,
                                      %s: tensor<?x2xf8E8M0FNU>,
                                      %c: tensor<?x32xi8>) -> index {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[X]]
  // CHECK-NOT: fp4q
  // CHECK: return %[[ROWS]]
  %c0 = arith.constant 0 : index
  %0 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      scales(%s : tensor<?x2xf8E8M0FNU>) outs(%c : tensor<?x32xi8>)
      -> tensor<?x32xi8>
  %d = tensor.dim %0, %c0 : tensor<?x32xi8>
  return %d : index
}

// CHECK-LABEL: func.func @dequant(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
func.func @dequant(%c: tensor<?x32xi8>, %s: tensor<?x2xf8E8M0FNU>,
                   %init: tensor<?x64xf32>) -> index {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[C]]
  // CHECK-NOT: fp4q
  // CHECK: return %[[ROWS]]
  %c0 = arith.constant 0 : index
  %0 = fp4q.dequant ins(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
  %d = tensor.dim %0, %c0 : tensor<?x64xf32>
  return %d : index
}

// CHECK-LABEL: func.func @scaled_matmul(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>
func.func @scaled_matmul(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                         %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
                         %init: tensor<?x?xf32>) -> (index, index) {
  // CHECK-DAG: %[[N:.*]] = arith.constant 8 : index
  // CHECK-DAG: %[[ROWS:.*]] = tensor.dim %[[A]]
  // CHECK-NOT: fp4q
  // CHECK: return %[[ROWS]], %[[N]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%init : tensor<?x?xf32>) -> tensor<?x?xf32>
  %d0 = tensor.dim %0, %c0 : tensor<?x?xf32>
  %d1 = tensor.dim %0, %c1 : tensor<?x?xf32>
  return %d0, %d1 : index, index
}

// CHECK-LABEL: func.func @swizzle_scales(
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x5xf8E8M0FNU>
func.func @swizzle_scales(%s: tensor<?x5xf8E8M0FNU>,
                          %init: tensor<?x?x512xf8E8M0FNU>) -> (index, index) {
  // CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
  // CHECK-DAG: %[[ROWS:.*]] = tensor.dim %[[S]]
  // CHECK-DAG: %[[TILES:.*]] = affine.apply #[[$CEIL128]]()[%[[ROWS]]]
  // CHECK-NOT: fp4q
  // CHECK: return %[[TILES]], %[[C2]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = fp4q.swizzle_scales ins(%s : tensor<?x5xf8E8M0FNU>)
      outs(%init : tensor<?x?x512xf8E8M0FNU>) -> tensor<?x?x512xf8E8M0FNU>
  %d0 = tensor.dim %0, %c0 : tensor<?x?x512xf8E8M0FNU>
  %d1 = tensor.dim %0, %c1 : tensor<?x?x512xf8E8M0FNU>
  return %d0, %d1 : index, index
}

// CHECK-LABEL: func.func @unswizzle_scales(
// CHECK-SAME:      %[[Z:[^:]+]]: tensor<?x2x512xf8E8M0FNU>, %[[INIT:[^:]+]]: tensor<?x5xf8E8M0FNU>
func.func @unswizzle_scales(%z: tensor<?x2x512xf8E8M0FNU>,
                            %init: tensor<?x5xf8E8M0FNU>) -> index {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[INIT]]
  // CHECK-NOT: fp4q
  // CHECK: return %[[ROWS]]
  %c0 = arith.constant 0 : index
  %0 = fp4q.unswizzle_scales ins(%z : tensor<?x2x512xf8E8M0FNU>)
      outs(%init : tensor<?x5xf8E8M0FNU>) -> tensor<?x5xf8E8M0FNU>
  %d = tensor.dim %0, %c0 : tensor<?x5xf8E8M0FNU>
  return %d : index
}
