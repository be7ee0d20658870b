// RUN: fp4q-opt %s --verify-roundtrip | FileCheck %s
// RUN: fp4q-opt %s --emit-bytecode | fp4q-opt | FileCheck %s
// RUN: fp4q-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// The forms of fp4q.dequant.

// CHECK-LABEL: func.func @rank1(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<2xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<64xbf16>
// CHECK:         %{{[^,)]+}} = fp4q.dequant ins(%[[C]], %[[S]] : tensor<32xi8>, tensor<2xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<64xbf16>) -> tensor<64xbf16>
// GENERIC-LABEL: sym_name = "rank1"
// GENERIC: "fp4q.dequant"(%{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}})
// GENERIC-SAME: <{direction = #fp4q.direction<multiply>, scale_layout = #fp4q.scale_layout<linear>}>
// GENERIC-SAME: : (tensor<32xi8>, tensor<2xf8E8M0FNU>, tensor<64xbf16>) -> tensor<64xbf16>
func.func @rank1(%c: tensor<32xi8>, %s: tensor<2xf8E8M0FNU>,
                 %i: tensor<64xbf16>) {
  %0 = fp4q.dequant ins(%c, %s : tensor<32xi8>, tensor<2xf8E8M0FNU>)
      outs(%i : tensor<64xbf16>) -> tensor<64xbf16>
  return
}

// CHECK-LABEL: func.func @rank2_dynamic_f16(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x4xf8E4M3FN>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x64xf16>
// CHECK:         %{{[^,)]+}} = fp4q.dequant ins(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x64xf16>) -> tensor<?x64xf16>
func.func @rank2_dynamic_f16(%c: tensor<?x32xi8>, %s: tensor<?x4xf8E4M3FN>,
                             %i: tensor<?x64xf16>) {
  %0 = fp4q.dequant ins(%c, %s : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
      outs(%i : tensor<?x64xf16>) -> tensor<?x64xf16>
  return
}

// CHECK-LABEL: func.func @rank3_f32(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<2x3x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<2x3x2xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<2x?x64xf32>
// CHECK:         %{{[^,)]+}} = fp4q.dequant ins(%[[C]], %[[S]] : tensor<2x3x32xi8>, tensor<2x3x2xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<2x?x64xf32>) -> tensor<2x?x64xf32>
func.func @rank3_f32(%c: tensor<2x3x32xi8>, %s: tensor<2x3x2xf8E8M0FNU>,
                     %i: tensor<2x?x64xf32>) {
  %0 = fp4q.dequant ins(%c, %s : tensor<2x3x32xi8>, tensor<2x3x2xf8E8M0FNU>)
      outs(%i : tensor<2x?x64xf32>) -> tensor<2x?x64xf32>
  return
}

// CHECK-LABEL: func.func @rank4_no_batch(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x0x3x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x0x3x2xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x0x3x64xf32>
// CHECK:         %{{[^,)]+}} = fp4q.dequant ins(%[[C]], %[[S]] : tensor<?x0x3x32xi8>, tensor<?x0x3x2xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x0x3x64xf32>) -> tensor<?x0x3x64xf32>
func.func @rank4_no_batch(%c: tensor<?x0x3x32xi8>,
                          %s: tensor<?x0x3x2xf8E8M0FNU>,
                          %i: tensor<?x0x3x64xf32>) {
  %0 = fp4q.dequant ins(%c, %s : tensor<?x0x3x32xi8>, tensor<?x0x3x2xf8E8M0FNU>)
      outs(%i : tensor<?x0x3x64xf32>) -> tensor<?x0x3x64xf32>
  return
}

// CHECK-LABEL: func.func @global_scale_divide(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x4xf8E4M3FN>, %[[GS:[^:]+]]: f32
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x64xbf16>
// CHECK:         %{{[^,)]+}} = fp4q.dequant ins(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
// CHECK-SAME:      global_scale(%[[GS]] : f32)
// CHECK-SAME:      outs(%[[I]] : tensor<?x64xbf16>) {direction = #fp4q.direction<divide>} -> tensor<?x64xbf16>
// GENERIC-LABEL: sym_name = "global_scale_divide"
// GENERIC: "fp4q.dequant"(%{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}})
// GENERIC-SAME: <{direction = #fp4q.direction<divide>, scale_layout = #fp4q.scale_layout<linear>}>
func.func @global_scale_divide(%c: tensor<?x32xi8>, %s: tensor<?x4xf8E4M3FN>,
                               %gs: f32, %i: tensor<?x64xbf16>) {
  %0 = fp4q.dequant ins(%c, %s : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
      global_scale(%gs : f32)
      outs(%i : tensor<?x64xbf16>) {direction = #fp4q.direction<divide>}
      -> tensor<?x64xbf16>
  return
}

// CHECK-LABEL: func.func @global_scale_tensor(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x4xf8E4M3FN>
// CHECK-SAME:      %[[GS:[^:]+]]: tensor<f32>, %[[I:[^:]+]]: tensor<?x64xbf16>
// CHECK:         %{{[^,)]+}} = fp4q.dequant ins(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
// CHECK-SAME:      global_scale(%[[GS]] : tensor<f32>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x64xbf16>) -> tensor<?x64xbf16>
func.func @global_scale_tensor(%c: tensor<?x32xi8>, %s: tensor<?x4xf8E4M3FN>,
                               %gs: tensor<f32>, %i: tensor<?x64xbf16>) {
  %0 = fp4q.dequant ins(%c, %s : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
      global_scale(%gs : tensor<f32>) outs(%i : tensor<?x64xbf16>)
      -> tensor<?x64xbf16>
  return
}

// Defaults are not printed.
// CHECK-LABEL: func.func @explicit_defaults(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<8x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<8x4xf8E4M3FN>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<8x64xbf16>
// CHECK:         %{{[^,)]+}} = fp4q.dequant ins(%[[C]], %[[S]] : tensor<8x32xi8>, tensor<8x4xf8E4M3FN>)
// CHECK-SAME:      outs(%[[I]] : tensor<8x64xbf16>) -> tensor<8x64xbf16>
func.func @explicit_defaults(%c: tensor<8x32xi8>, %s: tensor<8x4xf8E4M3FN>,
                             %i: tensor<8x64xbf16>) {
  %0 = fp4q.dequant ins(%c, %s : tensor<8x32xi8>, tensor<8x4xf8E4M3FN>)
      outs(%i : tensor<8x64xbf16>)
      {direction = #fp4q.direction<multiply>, scale_layout = #fp4q.scale_layout<linear>}
      -> tensor<8x64xbf16>
  return
}

// CHECK-LABEL: func.func @blocked_layout(
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x48xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2x512xf8E4M3FN>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x96xbf16>
// CHECK:         %{{[^,)]+}} = fp4q.dequant ins(%[[C]], %[[S]] : tensor<?x48xi8>, tensor<?x2x512xf8E4M3FN>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x96xbf16>)
// CHECK-SAME:      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>} -> tensor<?x96xbf16>
func.func @blocked_layout(%c: tensor<?x48xi8>, %s: tensor<?x2x512xf8E4M3FN>,
                          %i: tensor<?x96xbf16>) {
  %0 = fp4q.dequant ins(%c, %s : tensor<?x48xi8>, tensor<?x2x512xf8E4M3FN>)
      outs(%i : tensor<?x96xbf16>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<?x96xbf16>
  return
}

// Weights are constants, often resources of exactly the bytes of their type.
// CHECK-LABEL: func.func @resource_weights(
func.func @resource_weights(%i: tensor<1x4xf32>) {
  // CHECK: %[[C:.*]] = arith.constant dense_resource<codes> : tensor<1x2xi8>
  // CHECK: %[[S:.*]] = arith.constant dense<2.500000e-01> : tensor<1x2xf8E4M3FN>
  %c = arith.constant dense_resource<codes> : tensor<1x2xi8>
  %s = arith.constant dense<0.25> : tensor<1x2xf8E4M3FN>
  // CHECK: fp4q.dequant ins(%[[C]], %[[S]] : tensor<1x2xi8>, tensor<1x2xf8E4M3FN>)
  %0 = fp4q.dequant ins(%c, %s : tensor<1x2xi8>, tensor<1x2xf8E4M3FN>)
      outs(%i : tensor<1x4xf32>) -> tensor<1x4xf32>
  return
}

// CHECK-LABEL: func.func @memrefs(
// CHECK-SAME:      %[[C:[^:]+]]: memref<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: memref<?x4xf8E4M3FN>
// CHECK-SAME:      %[[GS:[^:]+]]: memref<f32>, %[[I:[^:]+]]: memref<?x64xbf16>
// CHECK:         fp4q.dequant ins(%[[C]], %[[S]] : memref<?x32xi8>, memref<?x4xf8E4M3FN>)
// CHECK-SAME:      global_scale(%[[GS]] : memref<f32>)
// CHECK-SAME:      outs(%[[I]] : memref<?x64xbf16>) {direction = #fp4q.direction<divide>}{{$}}
func.func @memrefs(%c: memref<?x32xi8>, %s: memref<?x4xf8E4M3FN>,
                   %gs: memref<f32>, %i: memref<?x64xbf16>) {
  fp4q.dequant ins(%c, %s : memref<?x32xi8>, memref<?x4xf8E4M3FN>)
      global_scale(%gs : memref<f32>)
      outs(%i : memref<?x64xbf16>) {direction = #fp4q.direction<divide>}
  return
}

// CHECK-LABEL: func.func @memrefs_blocked(
// CHECK-SAME:      %[[C:[^:]+]]: memref<200x48xi8>
// CHECK-SAME:      %[[S:[^:]+]]: memref<2x2x512xf8E4M3FN>, %[[GS:[^:]+]]: f32
// CHECK-SAME:      %[[I:[^:]+]]: memref<200x96xbf16, strided<[?, 1], offset: ?>>
// CHECK:         fp4q.dequant ins(%[[C]], %[[S]] : memref<200x48xi8>, memref<2x2x512xf8E4M3FN>)
// CHECK-SAME:      global_scale(%[[GS]] : f32)
// CHECK-SAME:      outs(%[[I]] : memref<200x96xbf16, strided<[?, 1], offset: ?>>)
// CHECK-SAME:      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}{{$}}
func.func @memrefs_blocked(%c: memref<200x48xi8>, %s: memref<2x2x512xf8E4M3FN>,
                           %gs: f32,
                           %i: memref<200x96xbf16, strided<[?, 1], offset: ?>>) {
  fp4q.dequant ins(%c, %s : memref<200x48xi8>, memref<2x2x512xf8E4M3FN>)
      global_scale(%gs : f32)
      outs(%i : memref<200x96xbf16, strided<[?, 1], offset: ?>>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
  return
}

{-#
  dialect_resources: {
    builtin: {
      // CHECK: codes: "0x040000001032"
      codes: "0x040000001032"
    }
  }
#-}
