// RUN: fp4q-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize | FileCheck %s

// Sizes of results are computed from those of the inputs, so that a question
// for a size does not keep the operation alive.

// CHECK-DAG: #[[$CEIL128:.*]] = affine_map<()[s0] -> (s0 ceildiv 128)>
// CHECK-DAG: #[[$CEIL16:.*]] = affine_map<()[s0] -> (s0 ceildiv 16)>

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

// CHECK-LABEL: func.func @pack_weights(
// CHECK-SAME:      %[[W:[^:]+]]: tensor<?x33xi8>
func.func @pack_weights(%w: tensor<?x33xi8>, %init: tensor<?x?x64xi8>)
    -> (index, index) {
  // CHECK-DAG: %[[C9:.*]] = arith.constant 9 : index
  // CHECK-DAG: %[[ROWS:.*]] = tensor.dim %[[W]]
  // CHECK-DAG: %[[TILES:.*]] = affine.apply #[[$CEIL16]]()[%[[ROWS]]]
  // CHECK-NOT: fp4q
  // CHECK: return %[[TILES]], %[[C9]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = fp4q.pack_weights ins(%w : tensor<?x33xi8>)
      outs(%init : tensor<?x?x64xi8>) -> tensor<?x?x64xi8>
  %d0 = tensor.dim %0, %c0 : tensor<?x?x64xi8>
  %d1 = tensor.dim %0, %c1 : tensor<?x?x64xi8>
  return %d0, %d1 : index, index
}

// CHECK-LABEL: func.func @unpack_weights(
// CHECK-SAME:      %[[P:[^:]+]]: tensor<?x9x64xi8>, %[[INIT:[^:]+]]: tensor<?x33xi8>
func.func @unpack_weights(%p: tensor<?x9x64xi8>, %init: tensor<?x33xi8>)
    -> index {
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[INIT]]
  // CHECK-NOT: fp4q
  // CHECK: return %[[ROWS]]
  %c0 = arith.constant 0 : index
  %0 = fp4q.unpack_weights ins(%p : tensor<?x9x64xi8>)
      outs(%init : tensor<?x33xi8>) -> tensor<?x33xi8>
  %d = tensor.dim %0, %c0 : tensor<?x33xi8>
  return %d : index
}

// With packed weights, the result's type tells N.
// CHECK-LABEL: func.func @matmul_of_packed_weights(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>
func.func @matmul_of_packed_weights(
    %a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>, %b: tensor<2x8x64xi8>,
    %sb: tensor<17x2xf8E8M0FNU>, %init: tensor<?x17xf32>) -> (index, index) {
  // CHECK-DAG: %[[C17:.*]] = arith.constant 17 : index
  // CHECK-DAG: %[[M:.*]] = tensor.dim %[[A]]
  // CHECK-NOT: fp4q
  // CHECK: return %[[M]], %[[C17]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<2x8x64xi8>, tensor<17x2xf8E8M0FNU>)
      outs(%init : tensor<?x17xf32>)
      {b_layout = #fp4q.weight_layout<packed_16x8>} -> tensor<?x17xf32>
  %d0 = tensor.dim %0, %c0 : tensor<?x17xf32>
  %d1 = tensor.dim %0, %c1 : tensor<?x17xf32>
  return %d0, %d1 : index, index
}
