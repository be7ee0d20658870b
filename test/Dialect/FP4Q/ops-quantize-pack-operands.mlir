// RUN: fp4q-opt %s --verify-roundtrip | FileCheck %s
// RUN: fp4q-opt %s --emit-bytecode | fp4q-opt | FileCheck %s
// RUN: fp4q-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// The optional operands of fp4q.quantize_pack.

// CHECK-LABEL: func.func @shared_transform(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
// CHECK-SAME:      %[[T:[^:]+]]: tensor<32x32xbf16>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>)
// CHECK-SAME:      transform(%[[T]] : tensor<32x32xbf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
func.func @shared_transform(%x: tensor<?x64xbf16>, %t: tensor<32x32xbf16>,
                            %c: tensor<?x32xi8>, %s: tensor<?x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      transform(%t : tensor<32x32xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return
}

// The blocks of the transform may be smaller than the groups, or larger.
// CHECK-LABEL: func.func @transform_a_block(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
// CHECK-SAME:      %[[T:[^:]+]]: tensor<4x16x16xf32>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>)
// CHECK-SAME:      transform(%[[T]] : tensor<4x16x16xf32>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
func.func @transform_a_block(%x: tensor<?x64xbf16>, %t: tensor<4x16x16xf32>,
                             %c: tensor<?x32xi8>, %s: tensor<?x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      transform(%t : tensor<4x16x16xf32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @transform_larger_than_group(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xf16>
// CHECK-SAME:      %[[T:[^:]+]]: tensor<1x64x64xf16>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xf16>)
// CHECK-SAME:      transform(%[[T]] : tensor<1x64x64xf16>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
func.func @transform_larger_than_group(%x: tensor<?x64xf16>,
                                       %t: tensor<1x64x64xf16>,
                                       %c: tensor<?x32xi8>,
                                       %s: tensor<?x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xf16>)
      transform(%t : tensor<1x64x64xf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @global_scale(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[GS:[^:]+]]: f32
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>)
// CHECK-SAME:      global_scale(%[[GS]] : f32)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
func.func @global_scale(%x: tensor<?x64xbf16>, %gs: f32, %c: tensor<?x32xi8>,
                        %s: tensor<?x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      global_scale(%gs : f32)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @scale_scale_without_global_scale(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[SS:[^:]+]]: tensor<f32>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>)
// CHECK-SAME:      scale_scale(%[[SS]] : tensor<f32>)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
func.func @scale_scale_without_global_scale(%x: tensor<?x64xbf16>,
                                            %ss: tensor<f32>,
                                            %c: tensor<?x32xi8>,
                                            %s: tensor<?x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      scale_scale(%ss : tensor<f32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @all_optional_operands(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
// CHECK-SAME:      %[[T:[^:]+]]: tensor<2x32x32xbf16>
// CHECK-SAME:      %[[GS:[^:]+]]: tensor<f32>, %[[SS:[^:]+]]: f32
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK:         %{{.*}}:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>)
// CHECK-SAME:      transform(%[[T]] : tensor<2x32x32xbf16>)
// CHECK-SAME:      global_scale(%[[GS]] : tensor<f32>)
// CHECK-SAME:      scale_scale(%[[SS]] : f32)
// CHECK-SAME:      outs(%[[C]], %[[S]] : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
// GENERIC-LABEL: sym_name = "all_optional_operands"
// GENERIC: "fp4q.quantize_pack"(%{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}}, %{{[^,)]+}})
// GENERIC-SAME: <{operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 2>
func.func @all_optional_operands(%x: tensor<?x64xbf16>,
                                 %t: tensor<2x32x32xbf16>, %gs: tensor<f32>,
                                 %ss: f32, %c: tensor<?x32xi8>,
                                 %s: tensor<?x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      transform(%t : tensor<2x32x32xbf16>) global_scale(%gs : tensor<f32>)
      scale_scale(%ss : f32)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @given_scales(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>, %[[GS:[^:]+]]: f32
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK:         %{{[^,)]+}} = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>)
// CHECK-SAME:      scales(%[[S]] : tensor<?x2xf8E8M0FNU>)
// CHECK-SAME:      global_scale(%[[GS]] : f32)
// CHECK-SAME:      outs(%[[C]] : tensor<?x32xi8>) -> tensor<?x32xi8>
func.func @given_scales(%x: tensor<?x64xbf16>, %s: tensor<?x2xf8E8M0FNU>,
                        %gs: f32, %c: tensor<?x32xi8>) {
  %0 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      scales(%s : tensor<?x2xf8E8M0FNU>) global_scale(%gs : f32)
      outs(%c : tensor<?x32xi8>) -> tensor<?x32xi8>
  return
}

// CHECK-LABEL: func.func @given_scales_and_transform(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>
// CHECK-SAME:      %[[T:[^:]+]]: tensor<32x32xbf16>
// CHECK-SAME:      %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>
// CHECK-SAME:      %[[C:[^:]+]]: tensor<?x32xi8>
// CHECK:         %{{[^,)]+}} = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>)
// CHECK-SAME:      transform(%[[T]] : tensor<32x32xbf16>)
// CHECK-SAME:      scales(%[[S]] : tensor<?x2xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[C]] : tensor<?x32xi8>) -> tensor<?x32xi8>
func.func @given_scales_and_transform(%x: tensor<?x64xbf16>,
                                      %t: tensor<32x32xbf16>,
                                      %s: tensor<?x2xf8E8M0FNU>,
                                      %c: tensor<?x32xi8>) {
  %0 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      transform(%t : tensor<32x32xbf16>) scales(%s : tensor<?x2xf8E8M0FNU>)
      outs(%c : tensor<?x32xi8>) -> tensor<?x32xi8>
  return
}

// A constant scalar that is finite and positive, however small or large.
// CHECK-LABEL: func.func @positive_constant_scales(
func.func @positive_constant_scales(%x: tensor<?x64xbf16>,
                                    %c: tensor<?x32xi8>,
                                    %s: tensor<?x2xf8E8M0FNU>) {
  // CHECK: %[[GS:.*]] = arith.constant 1.401300e-45 : f32
  // CHECK: %[[SS:.*]] = arith.constant dense<3.40282347E+38> : tensor<f32>
  %gs = arith.constant 0x00000001 : f32
  %ss = arith.constant dense<0x7F7FFFFF> : tensor<f32>
  // CHECK: fp4q.quantize_pack
  // CHECK-SAME: global_scale(%[[GS]] : f32) scale_scale(%[[SS]] : tensor<f32>)
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      global_scale(%gs : f32) scale_scale(%ss : tensor<f32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @strided_memrefs(
// CHECK-SAME:      %[[X:[^:]+]]: memref<8x64xf32, strided<[128, 1], offset: ?>>
// CHECK-SAME:      %[[T:[^:]+]]: memref<64x64xf32>, %[[GS:[^:]+]]: memref<f32>
// CHECK-SAME:      %[[SS:[^:]+]]: f32, %[[C:[^:]+]]: memref<8x32xi8>
// CHECK-SAME:      %[[S:[^:]+]]: memref<8x4xf8E4M3FN, strided<[?, 1]>>
// CHECK:         fp4q.quantize_pack ins(%[[X]] : memref<8x64xf32, strided<[128, 1], offset: ?>>)
// CHECK-SAME:      transform(%[[T]] : memref<64x64xf32>)
// CHECK-SAME:      global_scale(%[[GS]] : memref<f32>)
// CHECK-SAME:      scale_scale(%[[SS]] : f32)
// CHECK-SAME:      outs(%[[C]], %[[S]] : memref<8x32xi8>, memref<8x4xf8E4M3FN, strided<[?, 1]>>){{$}}
func.func @strided_memrefs(%x: memref<8x64xf32, strided<[128, 1], offset: ?>>,
                           %t: memref<64x64xf32>, %gs: memref<f32>, %ss: f32,
                           %c: memref<8x32xi8>,
                           %s: memref<8x4xf8E4M3FN, strided<[?, 1]>>) {
  fp4q.quantize_pack ins(%x : memref<8x64xf32, strided<[128, 1], offset: ?>>)
      transform(%t : memref<64x64xf32>) global_scale(%gs : memref<f32>)
      scale_scale(%ss : f32)
      outs(%c, %s : memref<8x32xi8>, memref<8x4xf8E4M3FN, strided<[?, 1]>>)
  return
}

// CHECK-LABEL: func.func @memref_given_scales(
// CHECK-SAME:      %[[X:[^:]+]]: memref<8x64xbf16>
// CHECK-SAME:      %[[S:[^:]+]]: memref<8x2xf8E8M0FNU>
// CHECK-SAME:      %[[C:[^:]+]]: memref<8x32xi8>
// CHECK:         fp4q.quantize_pack ins(%[[X]] : memref<8x64xbf16>)
// CHECK-SAME:      scales(%[[S]] : memref<8x2xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[C]] : memref<8x32xi8>){{$}}
func.func @memref_given_scales(%x: memref<8x64xbf16>,
                               %s: memref<8x2xf8E8M0FNU>, %c: memref<8x32xi8>) {
  fp4q.quantize_pack ins(%x : memref<8x64xbf16>)
      scales(%s : memref<8x2xf8E8M0FNU>) outs(%c : memref<8x32xi8>)
  return
}
