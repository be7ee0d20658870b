// RUN: fp4q-opt %s --verify-roundtrip | FileCheck %s
// RUN: fp4q-opt %s --emit-bytecode | fp4q-opt | FileCheck %s
// RUN: fp4q-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// The forms of fp4q.quantize_pack: ranks, types, optional operands, layouts.

//===----------------------------------------------------------------------===//
// Ranks, sizes and element types
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @rank1(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<64xbf16>, %[[C:[^:]+]]: tensor<32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<64xbf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<32xi8>, tensor<2xf8E8M0FNU>) -> tensor<32xi8>, tensor<2xf8E8M0FNU>
// GENERIC-LABEL: sym_name = "rank1"
// GENERIC: "fp4q.quantize_pack"(%{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}})
// GENERIC-SAME: <{operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 2>, scale_layout = #fp4q.scale_layout<linear>}>
// GENERIC-SAME: : (tensor<64xbf16>, tensor<32xi8>, tensor<2xf8E8M0FNU>) -> (tensor<32xi8>, tensor<2xf8E8M0FNU>)
func.func @rank1(%x: tensor<64xbf16>, %c: tensor<32xi8>,
                 %s: tensor<2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<64xbf16>)
      outs(%c, %s : tensor<32xi8>, tensor<2xf8E8M0FNU>)
      -> tensor<32xi8>, tensor<2xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @rank2_f16_e4m3(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<8x64xf16>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<8x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<8x4xf8E4M3FN>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<8x64xf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<8x32xi8>, tensor<8x4xf8E4M3FN>) -> tensor<8x32xi8>, tensor<8x4xf8E4M3FN>
func.func @rank2_f16_e4m3(%x: tensor<8x64xf16>, %c: tensor<8x32xi8>,
                          %s: tensor<8x4xf8E4M3FN>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x64xf16>)
      outs(%c, %s : tensor<8x32xi8>, tensor<8x4xf8E4M3FN>)
      -> tensor<8x32xi8>, tensor<8x4xf8E4M3FN>
  return
}

// CHECK-LABEL: func.func @rank2_dynamic(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xf32>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xf32>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
func.func @rank2_dynamic(%x: tensor<?x64xf32>, %c: tensor<?x32xi8>,
                         %s: tensor<?x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xf32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @rank3(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<2x?x64xbf16>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<2x?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<2x?x2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<2x?x64xbf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<2x?x32xi8>, tensor<2x?x2xf8E8M0FNU>) -> tensor<2x?x32xi8>, tensor<2x?x2xf8E8M0FNU>
func.func @rank3(%x: tensor<2x?x64xbf16>, %c: tensor<2x?x32xi8>,
                 %s: tensor<2x?x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<2x?x64xbf16>)
      outs(%c, %s : tensor<2x?x32xi8>, tensor<2x?x2xf8E8M0FNU>)
      -> tensor<2x?x32xi8>, tensor<2x?x2xf8E8M0FNU>
  return
}

// Sizes need to agree only where both are known.
// CHECK-LABEL: func.func @rank4_mixed_sizes(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<2x?x5x64xbf16>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x3x5x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<2x3x?x2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<2x?x5x64xbf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<?x3x5x32xi8>, tensor<2x3x?x2xf8E8M0FNU>) -> tensor<?x3x5x32xi8>, tensor<2x3x?x2xf8E8M0FNU>
func.func @rank4_mixed_sizes(%x: tensor<2x?x5x64xbf16>,
                             %c: tensor<?x3x5x32xi8>,
                             %s: tensor<2x3x?x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<2x?x5x64xbf16>)
      outs(%c, %s : tensor<?x3x5x32xi8>, tensor<2x3x?x2xf8E8M0FNU>)
      -> tensor<?x3x5x32xi8>, tensor<2x3x?x2xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @no_rows(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<0x64xbf16>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<0x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<0x2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<0x64xbf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<0x32xi8>, tensor<0x2xf8E8M0FNU>) -> tensor<0x32xi8>, tensor<0x2xf8E8M0FNU>
func.func @no_rows(%x: tensor<0x64xbf16>, %c: tensor<0x32xi8>,
                   %s: tensor<0x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<0x64xbf16>)
      outs(%c, %s : tensor<0x32xi8>, tensor<0x2xf8E8M0FNU>)
      -> tensor<0x32xi8>, tensor<0x2xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @smallest_group(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<8x6xbf16>, %[[C:[^:]+]]: tensor<8x3xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<8x3xf8E4M3FN>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<8x6xbf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<8x3xi8>, tensor<8x3xf8E4M3FN>) -> tensor<8x3xi8>, tensor<8x3xf8E4M3FN>
func.func @smallest_group(%x: tensor<8x6xbf16>, %c: tensor<8x3xi8>,
                          %s: tensor<8x3xf8E4M3FN>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x6xbf16>)
      outs(%c, %s : tensor<8x3xi8>, tensor<8x3xf8E4M3FN>)
      -> tensor<8x3xi8>, tensor<8x3xf8E4M3FN>
  return
}

// CHECK-LABEL: func.func @largest_group(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<8x384xbf16>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<8x192xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<8x3xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<8x384xbf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<8x192xi8>, tensor<8x3xf8E8M0FNU>) -> tensor<8x192xi8>, tensor<8x3xf8E8M0FNU>
func.func @largest_group(%x: tensor<8x384xbf16>, %c: tensor<8x192xi8>,
                         %s: tensor<8x3xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x384xbf16>)
      outs(%c, %s : tensor<8x192xi8>, tensor<8x3xf8E8M0FNU>)
      -> tensor<8x192xi8>, tensor<8x3xf8E8M0FNU>
  return
}

//===----------------------------------------------------------------------===//
// Scale layouts, memrefs
//===----------------------------------------------------------------------===//

// The default is not printed.
// CHECK-LABEL: func.func @explicit_linear_layout(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
func.func @explicit_linear_layout(%x: tensor<?x64xbf16>, %c: tensor<?x32xi8>,
                                  %s: tensor<?x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      {scale_layout = #fp4q.scale_layout<linear>}
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @blocked_layout(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<200x96xbf16>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<200x48xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<2x2x512xf8E4M3FN>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<200x96xbf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<200x48xi8>, tensor<2x2x512xf8E4M3FN>)
// CHECK-SAME:      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>} -> tensor<200x48xi8>, tensor<2x2x512xf8E4M3FN>
// GENERIC-LABEL: sym_name = "blocked_layout"
// GENERIC: "fp4q.quantize_pack"(%{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}})
// GENERIC-SAME: <{group_size = 16 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 2>, scale_layout = #fp4q.scale_layout<blocked_128x4>}>
func.func @blocked_layout(%x: tensor<200x96xbf16>, %c: tensor<200x48xi8>,
                          %s: tensor<2x2x512xf8E4M3FN>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<200x96xbf16>)
      outs(%c, %s : tensor<200x48xi8>, tensor<2x2x512xf8E4M3FN>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<200x48xi8>, tensor<2x2x512xf8E4M3FN>
  return
}

// CHECK-LABEL: func.func @blocked_layout_batch(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x?x96xbf16>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x?x48xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x?x2x512xf8E4M3FN>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x?x96xbf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<?x?x48xi8>, tensor<?x?x2x512xf8E4M3FN>)
// CHECK-SAME:      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>} -> tensor<?x?x48xi8>, tensor<?x?x2x512xf8E4M3FN>
func.func @blocked_layout_batch(%x: tensor<?x?x96xbf16>, %c: tensor<?x?x48xi8>,
                                %s: tensor<?x?x2x512xf8E4M3FN>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x?x96xbf16>)
      outs(%c, %s : tensor<?x?x48xi8>, tensor<?x?x2x512xf8E4M3FN>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<?x?x48xi8>, tensor<?x?x2x512xf8E4M3FN>
  return
}

// CHECK-LABEL: func.func @blocked_given_scales(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x96xbf16>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2x512xf8E4M3FN>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x48xi8>
// CHECK:         %{{[^,)]+}} = fp4q.quantize_pack ins(%[[X]] : tensor<?x96xbf16>)
// CHECK-SAME:      scales(%[[S]] : tensor<?x2x512xf8E4M3FN>)
// CHECK-SAME:      outs(%[[C]] : tensor<?x48xi8>)
// CHECK-SAME:      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>} -> tensor<?x48xi8>
func.func @blocked_given_scales(%x: tensor<?x96xbf16>,
                                %s: tensor<?x2x512xf8E4M3FN>,
                                %c: tensor<?x48xi8>) {
  %0 = fp4q.quantize_pack ins(%x : tensor<?x96xbf16>)
      scales(%s : tensor<?x2x512xf8E4M3FN>) outs(%c : tensor<?x48xi8>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<?x48xi8>
  return
}

// CHECK-LABEL: func.func @memrefs(
// CHECK-SAME:      %[[X:[^:]+]]: memref<?x64xbf16>
// CHECK-SAME:      %[[C:[^:]+]]: memref<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: memref<?x2xf8E8M0FNU>
// CHECK:         fp4q.quantize_pack ins(%[[X]] : memref<?x64xbf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : memref<?x32xi8>, memref<?x2xf8E8M0FNU>){{$}}
// GENERIC-LABEL: sym_name = "memrefs"
// GENERIC: "fp4q.quantize_pack"(%{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}})
// GENERIC-SAME: (memref<?x64xbf16>, memref<?x32xi8>, memref<?x2xf8E8M0FNU>) -> ()
func.func @memrefs(%x: memref<?x64xbf16>, %c: memref<?x32xi8>,
                   %s: memref<?x2xf8E8M0FNU>) {
  fp4q.quantize_pack ins(%x : memref<?x64xbf16>)
      outs(%c, %s : memref<?x32xi8>, memref<?x2xf8E8M0FNU>)
  return
}
