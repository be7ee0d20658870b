// RUN: fp4q-opt %s --verify-roundtrip | FileCheck %s
// RUN: fp4q-opt %s --emit-bytecode | fp4q-opt | FileCheck %s
// RUN: fp4q-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// The forms of fp4q.pack_weights, fp4q.unpack_weights, and of products of packed
// weights.

// CHECK-LABEL: func.func @pack(
// CHECK-SAME:      %[[W:[^:]+]]: tensor<40x33xi8>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<3x9x64xi8>
// CHECK:         %{{[^,)]+}} = fp4q.pack_weights ins(%[[W]] : tensor<40x33xi8>)
// CHECK-SAME:      outs(%[[I]] : tensor<3x9x64xi8>) -> tensor<3x9x64xi8>
// GENERIC-LABEL: sym_name = "pack"
// GENERIC: "fp4q.pack_weights"(%{{[^,)]+}}, %{{[^,)]+}}) : (tensor<40x33xi8>, tensor<3x9x64xi8>) -> tensor<3x9x64xi8>
func.func @pack(%w: tensor<40x33xi8>, %i: tensor<3x9x64xi8>) {
  %0 = fp4q.pack_weights ins(%w : tensor<40x33xi8>)
      outs(%i : tensor<3x9x64xi8>) -> tensor<3x9x64xi8>
  return
}

// CHECK-LABEL: func.func @pack_batch(
// CHECK:         fp4q.pack_weights ins(%{{.*}} : tensor<2x?x1x1xi8>)
// CHECK-SAME:      outs(%{{.*}} : tensor<2x?x1x1x64xi8>) -> tensor<2x?x1x1x64xi8>
func.func @pack_batch(%w: tensor<2x?x1x1xi8>, %i: tensor<2x?x1x1x64xi8>) {
  %0 = fp4q.pack_weights ins(%w : tensor<2x?x1x1xi8>)
      outs(%i : tensor<2x?x1x1x64xi8>) -> tensor<2x?x1x1x64xi8>
  return
}

// CHECK-LABEL: func.func @memrefs(
// CHECK-SAME:      %[[W:[^:]+]]: memref<?x32xi8>
// CHECK-SAME:      %[[P:[^:]+]]: memref<?x8x64xi8>
// CHECK:         fp4q.pack_weights ins(%[[W]] : memref<?x32xi8>) outs(%[[P]] : memref<?x8x64xi8>){{$}}
// CHECK:         fp4q.unpack_weights ins(%[[P]] : memref<?x8x64xi8>) outs(%[[W]] : memref<?x32xi8>){{$}}
func.func @memrefs(%w: memref<?x32xi8>, %p: memref<?x8x64xi8>) {
  fp4q.pack_weights ins(%w : memref<?x32xi8>) outs(%p : memref<?x8x64xi8>)
  fp4q.unpack_weights ins(%p : memref<?x8x64xi8>) outs(%w : memref<?x32xi8>)
  return
}

// CHECK-LABEL: func.func @unpack(
// CHECK-SAME:      %[[P:[^:]+]]: tensor<3x9x64xi8>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x33xi8>
// CHECK:         %{{[^,)]+}} = fp4q.unpack_weights ins(%[[P]] : tensor<3x9x64xi8>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x33xi8>) -> tensor<?x33xi8>
func.func @unpack(%p: tensor<3x9x64xi8>, %i: tensor<?x33xi8>) {
  %0 = fp4q.unpack_weights ins(%p : tensor<3x9x64xi8>)
      outs(%i : tensor<?x33xi8>) -> tensor<?x33xi8>
  return
}

// CHECK-LABEL: func.func @matmul(
// CHECK:         fp4q.scaled_matmul
// CHECK-SAME:      tensor<2x9x64xi8>, tensor<17x17xf8E4M3FN>
// CHECK-SAME:      {b_layout = #fp4q.weight_layout<packed_16x8>} -> tensor<?x17xbf16>
func.func @matmul(%a: tensor<?x34xi8>, %sa: tensor<?x17xf8E4M3FN>,
                  %b: tensor<2x9x64xi8>, %sb: tensor<17x17xf8E4M3FN>,
                  %i: tensor<?x17xbf16>) {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x34xi8>, tensor<?x17xf8E4M3FN>,
          tensor<2x9x64xi8>, tensor<17x17xf8E4M3FN>)
      outs(%i : tensor<?x17xbf16>)
      {b_layout = #fp4q.weight_layout<packed_16x8>} -> tensor<?x17xbf16>
  return
}

// The default is not printed.
// CHECK-LABEL: func.func @matmul_linear(
// CHECK:         fp4q.scaled_matmul {{.*}} outs(%{{[^ ]+}} : tensor<4x16xf32>) -> tensor<4x16xf32>
func.func @matmul_linear(%a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
                         %b: tensor<16x32xi8>, %sb: tensor<16x2xf8E8M0FNU>,
                         %i: tensor<4x16xf32>) {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<16x32xi8>, tensor<16x2xf8E8M0FNU>)
      outs(%i : tensor<4x16xf32>)
      {b_layout = #fp4q.weight_layout<linear>} -> tensor<4x16xf32>
  return
}

// A batch has weights of its own, or shares those of all.
// CHECK-LABEL: func.func @matmul_batch(
// CHECK-COUNT-2: fp4q.scaled_matmul {{.*}} {b_layout = #fp4q.weight_layout<packed_16x8>}
func.func @matmul_batch(%a: tensor<3x?x32xi8>, %sa: tensor<3x?x2xf8E8M0FNU>,
                        %b: tensor<3x1x8x64xi8>, %sb: tensor<3x16x2xf8E8M0FNU>,
                        %c: tensor<1x8x64xi8>, %sc: tensor<16x2xf8E8M0FNU>,
                        %i: tensor<3x?x16xf32>) {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<3x?x32xi8>, tensor<3x?x2xf8E8M0FNU>,
          tensor<3x1x8x64xi8>, tensor<3x16x2xf8E8M0FNU>)
      outs(%i : tensor<3x?x16xf32>)
      {b_layout = #fp4q.weight_layout<packed_16x8>} -> tensor<3x?x16xf32>
  %1 = fp4q.scaled_matmul
      ins(%a, %sa, %c, %sc : tensor<3x?x32xi8>, tensor<3x?x2xf8E8M0FNU>,
          tensor<1x8x64xi8>, tensor<16x2xf8E8M0FNU>)
      outs(%i : tensor<3x?x16xf32>)
      {b_layout = #fp4q.weight_layout<packed_16x8>} -> tensor<3x?x16xf32>
  return
}
