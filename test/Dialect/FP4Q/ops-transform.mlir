// RUN: fp4q-opt %s --verify-roundtrip | FileCheck %s
// RUN: fp4q-opt %s --emit-bytecode | fp4q-opt | FileCheck %s
// RUN: fp4q-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// The forms of fp4q.block_transform and fp4q.global_scale.

//===----------------------------------------------------------------------===//
// block_transform
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @transform_rank1(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<64xbf16>
// CHECK-SAME:      %[[T:[^:]+]]: tensor<32x32xbf16>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<64xf32>
// CHECK:         %{{[^,)]+}} = fp4q.block_transform ins(%[[X]], %[[T]] : tensor<64xbf16>, tensor<32x32xbf16>)
// CHECK-SAME:      outs(%[[I]] : tensor<64xf32>) -> tensor<64xf32>
// GENERIC-LABEL: sym_name = "transform_rank1"
// GENERIC: "fp4q.block_transform"(%{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}) : (tensor<64xbf16>, tensor<32x32xbf16>, tensor<64xf32>) -> tensor<64xf32>
func.func @transform_rank1(%x: tensor<64xbf16>, %t: tensor<32x32xbf16>,
                           %i: tensor<64xf32>) {
  %0 = fp4q.block_transform ins(%x, %t : tensor<64xbf16>, tensor<32x32xbf16>)
      outs(%i : tensor<64xf32>) -> tensor<64xf32>
  return
}

// CHECK-LABEL: func.func @transform_a_block(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
// CHECK-SAME:      %[[T:[^:]+]]: tensor<2x32x32xbf16>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x64xbf16>
// CHECK:         %{{[^,)]+}} = fp4q.block_transform ins(%[[X]], %[[T]] : tensor<?x64xbf16>, tensor<2x32x32xbf16>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x64xbf16>) -> tensor<?x64xbf16>
func.func @transform_a_block(%x: tensor<?x64xbf16>, %t: tensor<2x32x32xbf16>,
                             %i: tensor<?x64xbf16>) {
  %0 = fp4q.block_transform ins(%x, %t : tensor<?x64xbf16>, tensor<2x32x32xbf16>)
      outs(%i : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  return
}

// CHECK-LABEL: func.func @transform_f32_matrix_f16(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<5x64xf16>
// CHECK-SAME:      %[[T:[^:]+]]: tensor<64x64xf32>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<5x64xf16>
// CHECK:         %{{[^,)]+}} = fp4q.block_transform ins(%[[X]], %[[T]] : tensor<5x64xf16>, tensor<64x64xf32>)
// CHECK-SAME:      outs(%[[I]] : tensor<5x64xf16>) -> tensor<5x64xf16>
func.func @transform_f32_matrix_f16(%x: tensor<5x64xf16>,
                                    %t: tensor<64x64xf32>,
                                    %i: tensor<5x64xf16>) {
  %0 = fp4q.block_transform ins(%x, %t : tensor<5x64xf16>, tensor<64x64xf32>)
      outs(%i : tensor<5x64xf16>) -> tensor<5x64xf16>
  return
}

// CHECK-LABEL: func.func @transform_rank3(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<2x?x256xf32>
// CHECK-SAME:      %[[T:[^:]+]]: tensor<2x128x128xf32>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<2x4x256xbf16>
// CHECK:         %{{[^,)]+}} = fp4q.block_transform ins(%[[X]], %[[T]] : tensor<2x?x256xf32>, tensor<2x128x128xf32>)
// CHECK-SAME:      outs(%[[I]] : tensor<2x4x256xbf16>) -> tensor<2x4x256xbf16>
func.func @transform_rank3(%x: tensor<2x?x256xf32>, %t: tensor<2x128x128xf32>,
                           %i: tensor<2x4x256xbf16>) {
  %0 = fp4q.block_transform ins(%x, %t : tensor<2x?x256xf32>, tensor<2x128x128xf32>)
      outs(%i : tensor<2x4x256xbf16>) -> tensor<2x4x256xbf16>
  return
}

// CHECK-LABEL: func.func @transform_rank4_smallest_block(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<2x?x0x6xf32>
// CHECK-SAME:      %[[T:[^:]+]]: tensor<3x2x2xf32>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<2x?x0x6xf32>
// CHECK:         %{{[^,)]+}} = fp4q.block_transform ins(%[[X]], %[[T]] : tensor<2x?x0x6xf32>, tensor<3x2x2xf32>)
// CHECK-SAME:      outs(%[[I]] : tensor<2x?x0x6xf32>) -> tensor<2x?x0x6xf32>
func.func @transform_rank4_smallest_block(%x: tensor<2x?x0x6xf32>,
                                          %t: tensor<3x2x2xf32>,
                                          %i: tensor<2x?x0x6xf32>) {
  %0 = fp4q.block_transform ins(%x, %t : tensor<2x?x0x6xf32>, tensor<3x2x2xf32>)
      outs(%i : tensor<2x?x0x6xf32>) -> tensor<2x?x0x6xf32>
  return
}

// CHECK-LABEL: func.func @transform_memrefs(
// CHECK-SAME:      %[[X:[^:]+]]: memref<?x64xbf16>
// CHECK-SAME:      %[[T:[^:]+]]: memref<32x32xf32>
// CHECK-SAME:      %[[I:[^:]+]]: memref<?x64xf32, strided<[?, 1], offset: ?>>
// CHECK:         fp4q.block_transform ins(%[[X]], %[[T]] : memref<?x64xbf16>, memref<32x32xf32>)
// CHECK-SAME:      outs(%[[I]] : memref<?x64xf32, strided<[?, 1], offset: ?>>){{$}}
func.func @transform_memrefs(%x: memref<?x64xbf16>, %t: memref<32x32xf32>,
                             %i: memref<?x64xf32, strided<[?, 1], offset: ?>>) {
  fp4q.block_transform ins(%x, %t : memref<?x64xbf16>, memref<32x32xf32>)
      outs(%i : memref<?x64xf32, strided<[?, 1], offset: ?>>)
  return
}

//===----------------------------------------------------------------------===//
// global_scale
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @global_scale_rank0(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<f32>, %[[I:[^:]+]]: tensor<f32>
// CHECK:         %{{[^,)]+}} = fp4q.global_scale ins(%[[X]] : tensor<f32>)
// CHECK-SAME:      outs(%[[I]] : tensor<f32>) -> tensor<f32>
// GENERIC-LABEL: sym_name = "global_scale_rank0"
// GENERIC: "fp4q.global_scale"(%{{[^,)]+}}, %{{[^,)]+}}) : (tensor<f32>, tensor<f32>) -> tensor<f32>
func.func @global_scale_rank0(%x: tensor<f32>, %i: tensor<f32>) {
  %0 = fp4q.global_scale ins(%x : tensor<f32>)
      outs(%i : tensor<f32>) -> tensor<f32>
  return
}

// Any sizes: all elements count alike.
// CHECK-LABEL: func.func @global_scale_rank1(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?xbf16>, %[[I:[^:]+]]: tensor<f32>
// CHECK:         %{{[^,)]+}} = fp4q.global_scale ins(%[[X]] : tensor<?xbf16>)
// CHECK-SAME:      outs(%[[I]] : tensor<f32>) -> tensor<f32>
func.func @global_scale_rank1(%x: tensor<?xbf16>, %i: tensor<f32>) {
  %0 = fp4q.global_scale ins(%x : tensor<?xbf16>)
      outs(%i : tensor<f32>) -> tensor<f32>
  return
}

// CHECK-LABEL: func.func @global_scale_rank3(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<2x?x0xf16>, %[[I:[^:]+]]: tensor<f32>
// CHECK:         %{{[^,)]+}} = fp4q.global_scale ins(%[[X]] : tensor<2x?x0xf16>)
// CHECK-SAME:      outs(%[[I]] : tensor<f32>) -> tensor<f32>
func.func @global_scale_rank3(%x: tensor<2x?x0xf16>, %i: tensor<f32>) {
  %0 = fp4q.global_scale ins(%x : tensor<2x?x0xf16>)
      outs(%i : tensor<f32>) -> tensor<f32>
  return
}

// CHECK-LABEL: func.func @global_scale_memrefs(
// CHECK-SAME:      %[[X:[^:]+]]: memref<?x64xbf16, strided<[?, 1]>>
// CHECK-SAME:      %[[I:[^:]+]]: memref<f32>
// CHECK:         fp4q.global_scale ins(%[[X]] : memref<?x64xbf16, strided<[?, 1]>>)
// CHECK-SAME:      outs(%[[I]] : memref<f32>){{$}}
func.func @global_scale_memrefs(%x: memref<?x64xbf16, strided<[?, 1]>>,
                                %i: memref<f32>) {
  fp4q.global_scale ins(%x : memref<?x64xbf16, strided<[?, 1]>>)
      outs(%i : memref<f32>)
  return
}
