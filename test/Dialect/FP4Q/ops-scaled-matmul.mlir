// RUN: fp4q-opt %s --verify-roundtrip | FileCheck %s
// RUN: fp4q-opt %s --emit-bytecode | fp4q-opt | FileCheck %s
// RUN: fp4q-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// The forms of fp4q.scaled_matmul.

//===----------------------------------------------------------------------===//
// Ranks and element types
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @plain(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<8x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<8x2xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x8xbf16>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x8xbf16>) -> tensor<?x8xbf16>
// GENERIC-LABEL: sym_name = "plain"
// GENERIC: "fp4q.scaled_matmul"(%{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}})
// GENERIC-SAME: <{a_scale_layout = #fp4q.scale_layout<linear>, b_layout = #fp4q.weight_layout<linear>, b_scale_layout = #fp4q.scale_layout<linear>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 1>}>
// GENERIC-SAME: : (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>, tensor<?x8xbf16>) -> tensor<?x8xbf16>
func.func @plain(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                 %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
                 %i: tensor<?x8xbf16>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return
}

// CHECK-LABEL: func.func @static_e4m3_f16(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<4x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<4x4xf8E4M3FN>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<1x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<1x4xf8E4M3FN>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<4x1xf16>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>, tensor<1x32xi8>, tensor<1x4xf8E4M3FN>)
// CHECK-SAME:      outs(%[[I]] : tensor<4x1xf16>) -> tensor<4x1xf16>
func.func @static_e4m3_f16(%a: tensor<4x32xi8>, %sa: tensor<4x4xf8E4M3FN>,
                           %b: tensor<1x32xi8>, %sb: tensor<1x4xf8E4M3FN>,
                           %i: tensor<4x1xf16>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>, tensor<1x32xi8>, tensor<1x4xf8E4M3FN>)
      outs(%i : tensor<4x1xf16>) -> tensor<4x1xf16>
  return
}

// CHECK-LABEL: func.func @no_rows(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<0x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<0x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<8x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<8x2xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<0x8xf32>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<0x32xi8>, tensor<0x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<0x8xf32>) -> tensor<0x8xf32>
func.func @no_rows(%a: tensor<0x32xi8>, %sa: tensor<0x2xf8E8M0FNU>,
                   %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
                   %i: tensor<0x8xf32>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<0x32xi8>, tensor<0x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<0x8xf32>) -> tensor<0x8xf32>
  return
}

// CHECK-LABEL: func.func @batch_shared_b(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<3x?x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<3x?x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<8x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<8x2xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<3x?x8xf32>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<3x?x32xi8>, tensor<3x?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<3x?x8xf32>) -> tensor<3x?x8xf32>
func.func @batch_shared_b(%a: tensor<3x?x32xi8>, %sa: tensor<3x?x2xf8E8M0FNU>,
                          %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
                          %i: tensor<3x?x8xf32>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<3x?x32xi8>, tensor<3x?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%i : tensor<3x?x8xf32>) -> tensor<3x?x8xf32>
  return
}

// CHECK-LABEL: func.func @batch_of_b(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x5x4x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<?x5x4x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<?x5x8x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<2x5x8x2xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<2x5x4x8xf32>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<?x5x4x32xi8>, tensor<?x5x4x2xf8E8M0FNU>, tensor<?x5x8x32xi8>, tensor<2x5x8x2xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<2x5x4x8xf32>) -> tensor<2x5x4x8xf32>
func.func @batch_of_b(%a: tensor<?x5x4x32xi8>, %sa: tensor<?x5x4x2xf8E8M0FNU>,
                      %b: tensor<?x5x8x32xi8>, %sb: tensor<2x5x8x2xf8E8M0FNU>,
                      %i: tensor<2x5x4x8xf32>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<?x5x4x32xi8>, tensor<?x5x4x2xf8E8M0FNU>, tensor<?x5x8x32xi8>, tensor<2x5x8x2xf8E8M0FNU>)
      outs(%i : tensor<2x5x4x8xf32>) -> tensor<2x5x4x8xf32>
  return
}

//===----------------------------------------------------------------------===//
// alpha and bias
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @alpha(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<8x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<8x2xf8E8M0FNU>, %[[AL:[^:]+]]: f32
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x8xbf16>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
// CHECK-SAME:      alpha(%[[AL]] : f32)
// CHECK-SAME:      outs(%[[I]] : tensor<?x8xbf16>) -> tensor<?x8xbf16>
func.func @alpha(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                 %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %al: f32,
                 %i: tensor<?x8xbf16>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%al : f32) outs(%i : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return
}

// CHECK-LABEL: func.func @alpha_tensor_bias_f32(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<8x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<8x2xf8E8M0FNU>
// CHECK-SAME:      %[[AL:[^:]+]]: tensor<f32>, %[[BI:[^:]+]]: tensor<8xf32>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x8xbf16>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
// CHECK-SAME:      alpha(%[[AL]] : tensor<f32>)
// CHECK-SAME:      bias(%[[BI]] : tensor<8xf32>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x8xbf16>) -> tensor<?x8xbf16>
// GENERIC-LABEL: sym_name = "alpha_tensor_bias_f32"
// GENERIC: "fp4q.scaled_matmul"(%{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}})
// GENERIC-SAME: operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 1>
func.func @alpha_tensor_bias_f32(%a: tensor<?x32xi8>,
                                 %sa: tensor<?x2xf8E8M0FNU>,
                                 %b: tensor<8x32xi8>,
                                 %sb: tensor<8x2xf8E8M0FNU>, %al: tensor<f32>,
                                 %bi: tensor<8xf32>, %i: tensor<?x8xbf16>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%al : tensor<f32>) bias(%bi : tensor<8xf32>)
      outs(%i : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return
}

// CHECK-LABEL: func.func @alpha_a_column_bias_of_result(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<8x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<8x2xf8E8M0FNU>
// CHECK-SAME:      %[[AL:[^:]+]]: tensor<8xf32>, %[[BI:[^:]+]]: tensor<8xbf16>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x8xbf16>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
// CHECK-SAME:      alpha(%[[AL]] : tensor<8xf32>)
// CHECK-SAME:      bias(%[[BI]] : tensor<8xbf16>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x8xbf16>) -> tensor<?x8xbf16>
func.func @alpha_a_column_bias_of_result(%a: tensor<?x32xi8>,
                                         %sa: tensor<?x2xf8E8M0FNU>,
                                         %b: tensor<8x32xi8>,
                                         %sb: tensor<8x2xf8E8M0FNU>,
                                         %al: tensor<8xf32>,
                                         %bi: tensor<8xbf16>,
                                         %i: tensor<?x8xbf16>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      alpha(%al : tensor<8xf32>) bias(%bi : tensor<8xbf16>)
      outs(%i : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return
}

// CHECK-LABEL: func.func @bias_without_alpha(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<8x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<8x2xf8E8M0FNU>
// CHECK-SAME:      %[[BI:[^:]+]]: tensor<?xf32>, %[[I:[^:]+]]: tensor<?x8xf16>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
// CHECK-SAME:      bias(%[[BI]] : tensor<?xf32>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x8xf16>) -> tensor<?x8xf16>
func.func @bias_without_alpha(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                              %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
                              %bi: tensor<?xf32>, %i: tensor<?x8xf16>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      bias(%bi : tensor<?xf32>) outs(%i : tensor<?x8xf16>) -> tensor<?x8xf16>
  return
}

//===----------------------------------------------------------------------===//
// Scale layouts
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @both_blocked(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<?x1x512xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<136x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<2x1x512xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x136xf32>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>, tensor<136x32xi8>, tensor<2x1x512xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x136xf32>)
// CHECK-SAME:      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>, b_scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64} -> tensor<?x136xf32>
func.func @both_blocked(%a: tensor<?x32xi8>, %sa: tensor<?x1x512xf8E8M0FNU>,
                        %b: tensor<136x32xi8>, %sb: tensor<2x1x512xf8E8M0FNU>,
                        %i: tensor<?x136xf32>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>, tensor<136x32xi8>, tensor<2x1x512xf8E8M0FNU>)
      outs(%i : tensor<?x136xf32>)
      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>, b_scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<?x136xf32>
  return
}

// CHECK-LABEL: func.func @a_blocked(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<?x1x512xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<136x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<136x2xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x136xf32>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>, tensor<136x32xi8>, tensor<136x2xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x136xf32>)
// CHECK-SAME:      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64} -> tensor<?x136xf32>
func.func @a_blocked(%a: tensor<?x32xi8>, %sa: tensor<?x1x512xf8E8M0FNU>,
                     %b: tensor<136x32xi8>, %sb: tensor<136x2xf8E8M0FNU>,
                     %i: tensor<?x136xf32>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>, tensor<136x32xi8>, tensor<136x2xf8E8M0FNU>)
      outs(%i : tensor<?x136xf32>)
      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<?x136xf32>
  return
}

// CHECK-LABEL: func.func @b_blocked(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: tensor<136x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: tensor<2x1x512xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x136xf32>
// CHECK:         %{{[^,)]+}} = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<136x32xi8>, tensor<2x1x512xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x136xf32>)
// CHECK-SAME:      {b_scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64} -> tensor<?x136xf32>
func.func @b_blocked(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                     %b: tensor<136x32xi8>, %sb: tensor<2x1x512xf8E8M0FNU>,
                     %i: tensor<?x136xf32>) {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>, tensor<136x32xi8>, tensor<2x1x512xf8E8M0FNU>)
      outs(%i : tensor<?x136xf32>)
      {b_scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<?x136xf32>
  return
}

//===----------------------------------------------------------------------===//
// Memrefs
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @memrefs(
// CHECK-SAME:      %[[A:[^:]+]]: memref<?x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: memref<?x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: memref<8x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: memref<8x2xf8E8M0FNU>, %[[AL:[^:]+]]: f32
// CHECK-SAME:      %[[BI:[^:]+]]: memref<8xf32>, %[[I:[^:]+]]: memref<?x8xbf16>
// CHECK:         fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : memref<?x32xi8>, memref<?x2xf8E8M0FNU>, memref<8x32xi8>, memref<8x2xf8E8M0FNU>)
// CHECK-SAME:      alpha(%[[AL]] : f32)
// CHECK-SAME:      bias(%[[BI]] : memref<8xf32>)
// CHECK-SAME:      outs(%[[I]] : memref<?x8xbf16>){{$}}
func.func @memrefs(%a: memref<?x32xi8>, %sa: memref<?x2xf8E8M0FNU>,
                   %b: memref<8x32xi8>, %sb: memref<8x2xf8E8M0FNU>, %al: f32,
                   %bi: memref<8xf32>, %i: memref<?x8xbf16>) {
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<?x32xi8>, memref<?x2xf8E8M0FNU>, memref<8x32xi8>, memref<8x2xf8E8M0FNU>)
      alpha(%al : f32) bias(%bi : memref<8xf32>) outs(%i : memref<?x8xbf16>)
  return
}

// CHECK-LABEL: func.func @memref_alpha_a_column(
// CHECK-SAME:      %[[A:[^:]+]]: memref<?x32xi8>
// CHECK-SAME:      %[[SA:[^:]+]]: memref<?x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: memref<8x32xi8>
// CHECK-SAME:      %[[SB:[^:]+]]: memref<8x2xf8E8M0FNU>
// CHECK-SAME:      %[[AL:[^:]+]]: memref<8xf32>
// CHECK-SAME:      %[[I:[^:]+]]: memref<?x8xbf16, strided<[?, 1]>>
// CHECK:         fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : memref<?x32xi8>, memref<?x2xf8E8M0FNU>, memref<8x32xi8>, memref<8x2xf8E8M0FNU>)
// CHECK-SAME:      alpha(%[[AL]] : memref<8xf32>)
// CHECK-SAME:      outs(%[[I]] : memref<?x8xbf16, strided<[?, 1]>>){{$}}
func.func @memref_alpha_a_column(%a: memref<?x32xi8>,
                                 %sa: memref<?x2xf8E8M0FNU>,
                                 %b: memref<8x32xi8>,
                                 %sb: memref<8x2xf8E8M0FNU>,
                                 %al: memref<8xf32>,
                                 %i: memref<?x8xbf16, strided<[?, 1]>>) {
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<?x32xi8>, memref<?x2xf8E8M0FNU>, memref<8x32xi8>, memref<8x2xf8E8M0FNU>)
      alpha(%al : memref<8xf32>) outs(%i : memref<?x8xbf16, strided<[?, 1]>>)
  return
}
