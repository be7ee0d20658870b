// RUN: fp4q-opt %s --verify-roundtrip | FileCheck %s
// RUN: fp4q-opt %s --emit-bytecode | fp4q-opt | FileCheck %s
// RUN: fp4q-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=GENERIC

// The forms of fp4q.swizzle_scales and fp4q.unswizzle_scales.

//===----------------------------------------------------------------------===//
// swizzle_scales
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @swizzle(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<200x6xf8E4M3FN>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<2x2x512xf8E4M3FN>
// CHECK:         %{{[^,)]+}} = fp4q.swizzle_scales ins(%[[X]] : tensor<200x6xf8E4M3FN>)
// CHECK-SAME:      outs(%[[I]] : tensor<2x2x512xf8E4M3FN>) -> tensor<2x2x512xf8E4M3FN>
// GENERIC-LABEL: sym_name = "swizzle"
// GENERIC: "fp4q.swizzle_scales"(%{{[^,)]+}}, %{{[^,)]+}}) : (tensor<200x6xf8E4M3FN>, tensor<2x2x512xf8E4M3FN>) -> tensor<2x2x512xf8E4M3FN>
func.func @swizzle(%x: tensor<200x6xf8E4M3FN>, %i: tensor<2x2x512xf8E4M3FN>) {
  %0 = fp4q.swizzle_scales ins(%x : tensor<200x6xf8E4M3FN>)
      outs(%i : tensor<2x2x512xf8E4M3FN>) -> tensor<2x2x512xf8E4M3FN>
  return
}

// CHECK-LABEL: func.func @swizzle_one_scale(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<1x1xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<1x1x512xf8E8M0FNU>
// CHECK:         %{{[^,)]+}} = fp4q.swizzle_scales ins(%[[X]] : tensor<1x1xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<1x1x512xf8E8M0FNU>) -> tensor<1x1x512xf8E8M0FNU>
func.func @swizzle_one_scale(%x: tensor<1x1xf8E8M0FNU>,
                             %i: tensor<1x1x512xf8E8M0FNU>) {
  %0 = fp4q.swizzle_scales ins(%x : tensor<1x1xf8E8M0FNU>)
      outs(%i : tensor<1x1x512xf8E8M0FNU>) -> tensor<1x1x512xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @swizzle_no_rows(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<0x4xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<0x1x512xf8E8M0FNU>
// CHECK:         %{{[^,)]+}} = fp4q.swizzle_scales ins(%[[X]] : tensor<0x4xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<0x1x512xf8E8M0FNU>) -> tensor<0x1x512xf8E8M0FNU>
func.func @swizzle_no_rows(%x: tensor<0x4xf8E8M0FNU>,
                           %i: tensor<0x1x512xf8E8M0FNU>) {
  %0 = fp4q.swizzle_scales ins(%x : tensor<0x4xf8E8M0FNU>)
      outs(%i : tensor<0x1x512xf8E8M0FNU>) -> tensor<0x1x512xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @swizzle_dynamic_rows(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x4xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x1x512xf8E8M0FNU>
// CHECK:         %{{[^,)]+}} = fp4q.swizzle_scales ins(%[[X]] : tensor<?x4xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x1x512xf8E8M0FNU>) -> tensor<?x1x512xf8E8M0FNU>
func.func @swizzle_dynamic_rows(%x: tensor<?x4xf8E8M0FNU>,
                                %i: tensor<?x1x512xf8E8M0FNU>) {
  %0 = fp4q.swizzle_scales ins(%x : tensor<?x4xf8E8M0FNU>)
      outs(%i : tensor<?x1x512xf8E8M0FNU>) -> tensor<?x1x512xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @swizzle_batch(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<2x?x129x5xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<2x?x2x2x512xf8E8M0FNU>
// CHECK:         %{{[^,)]+}} = fp4q.swizzle_scales ins(%[[X]] : tensor<2x?x129x5xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<2x?x2x2x512xf8E8M0FNU>) -> tensor<2x?x2x2x512xf8E8M0FNU>
func.func @swizzle_batch(%x: tensor<2x?x129x5xf8E8M0FNU>,
                         %i: tensor<2x?x2x2x512xf8E8M0FNU>) {
  %0 = fp4q.swizzle_scales ins(%x : tensor<2x?x129x5xf8E8M0FNU>)
      outs(%i : tensor<2x?x2x2x512xf8E8M0FNU>) -> tensor<2x?x2x2x512xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @swizzle_memrefs(
// CHECK-SAME:      %[[X:[^:]+]]: memref<?x6xf8E4M3FN>
// CHECK-SAME:      %[[I:[^:]+]]: memref<?x2x512xf8E4M3FN>
// CHECK:         fp4q.swizzle_scales ins(%[[X]] : memref<?x6xf8E4M3FN>)
// CHECK-SAME:      outs(%[[I]] : memref<?x2x512xf8E4M3FN>){{$}}
func.func @swizzle_memrefs(%x: memref<?x6xf8E4M3FN>,
                           %i: memref<?x2x512xf8E4M3FN>) {
  fp4q.swizzle_scales ins(%x : memref<?x6xf8E4M3FN>)
      outs(%i : memref<?x2x512xf8E4M3FN>)
  return
}

//===----------------------------------------------------------------------===//
// unswizzle_scales
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func.func @unswizzle(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<2x2x512xf8E4M3FN>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<200x6xf8E4M3FN>
// CHECK:         %{{[^,)]+}} = fp4q.unswizzle_scales ins(%[[X]] : tensor<2x2x512xf8E4M3FN>)
// CHECK-SAME:      outs(%[[I]] : tensor<200x6xf8E4M3FN>) -> tensor<200x6xf8E4M3FN>
// GENERIC-LABEL: sym_name = "unswizzle"
// GENERIC: "fp4q.unswizzle_scales"(%{{[^,)]+}}, %{{[^,)]+}}) : (tensor<2x2x512xf8E4M3FN>, tensor<200x6xf8E4M3FN>) -> tensor<200x6xf8E4M3FN>
func.func @unswizzle(%x: tensor<2x2x512xf8E4M3FN>, %i: tensor<200x6xf8E4M3FN>) {
  %0 = fp4q.unswizzle_scales ins(%x : tensor<2x2x512xf8E4M3FN>)
      outs(%i : tensor<200x6xf8E4M3FN>) -> tensor<200x6xf8E4M3FN>
  return
}

// CHECK-LABEL: func.func @unswizzle_dynamic_rows(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<2x1x512xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<?x4xf8E8M0FNU>
// CHECK:         %{{[^,)]+}} = fp4q.unswizzle_scales ins(%[[X]] : tensor<2x1x512xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<?x4xf8E8M0FNU>) -> tensor<?x4xf8E8M0FNU>
func.func @unswizzle_dynamic_rows(%x: tensor<2x1x512xf8E8M0FNU>,
                                  %i: tensor<?x4xf8E8M0FNU>) {
  %0 = fp4q.unswizzle_scales ins(%x : tensor<2x1x512xf8E8M0FNU>)
      outs(%i : tensor<?x4xf8E8M0FNU>) -> tensor<?x4xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @unswizzle_batch(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<2x?x2x2x512xf8E8M0FNU>
// CHECK-SAME:      %[[I:[^:]+]]: tensor<2x?x129x5xf8E8M0FNU>
// CHECK:         %{{[^,)]+}} = fp4q.unswizzle_scales ins(%[[X]] : tensor<2x?x2x2x512xf8E8M0FNU>)
// CHECK-SAME:      outs(%[[I]] : tensor<2x?x129x5xf8E8M0FNU>) -> tensor<2x?x129x5xf8E8M0FNU>
func.func @unswizzle_batch(%x: tensor<2x?x2x2x512xf8E8M0FNU>,
                           %i: tensor<2x?x129x5xf8E8M0FNU>) {
  %0 = fp4q.unswizzle_scales ins(%x : tensor<2x?x2x2x512xf8E8M0FNU>)
      outs(%i : tensor<2x?x129x5xf8E8M0FNU>) -> tensor<2x?x129x5xf8E8M0FNU>
  return
}

// CHECK-LABEL: func.func @unswizzle_memrefs(
// CHECK-SAME:      %[[X:[^:]+]]: memref<?x2x512xf8E4M3FN>
// CHECK-SAME:      %[[I:[^:]+]]: memref<?x6xf8E4M3FN>
// CHECK:         fp4q.unswizzle_scales ins(%[[X]] : memref<?x2x512xf8E4M3FN>)
// CHECK-SAME:      outs(%[[I]] : memref<?x6xf8E4M3FN>){{$}}
func.func @unswizzle_memrefs(%x: memref<?x2x512xf8E4M3FN>,
                             %i: memref<?x6xf8E4M3FN>) {
  fp4q.unswizzle_scales ins(%x : memref<?x2x512xf8E4M3FN>)
      outs(%i : memref<?x6xf8E4M3FN>)
  return
}
