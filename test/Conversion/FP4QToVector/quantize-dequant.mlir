// RUN: fp4q-opt %s --convert-fp4q-to-vector=chip=cpu:avx512-vnni | FileCheck %s -enable-var-scope

// Constant scales: blocks in range are compared in 16-bit lanes, others go the
// general way, which divides.
// CHECK-LABEL: func.func @constant_scales(
// CHECK: scf.forall
// CHECK: %[[RANGE:.*]] = vector.reduction <and>, %{{.*}} : vector<4xi1> into i1
// CHECK: scf.if %[[RANGE]] {
// CHECK: arith.cmpi sge, %{{.*}} : vector<32xi16>
// CHECK: } else {
// CHECK: arith.divf %{{.*}} : vector<16xf32>
// CHECK-NOT: fp4q.quantize_pack
func.func @constant_scales(%x: memref<?x128xbf16>, %c: memref<?x64xi8>,
                           %s: memref<?x4xf8E8M0FNU>) {
  %gs = arith.constant 0x3EAAAAAB : f32
  %ss = arith.constant 4.0 : f32
  fp4q.quantize_pack ins(%x : memref<?x128xbf16>) global_scale(%gs : f32)
      scale_scale(%ss : f32)
      outs(%c, %s : memref<?x64xi8>, memref<?x4xf8E8M0FNU>)
      {fp4q.backend = #fp4q.backend<"cpu">}
  return
}

// CHECK-LABEL: func.func @unknown_scale(
// CHECK-NOT: vector<32xi16>
// CHECK: return
func.func @unknown_scale(%x: memref<?x128xbf16>, %gs: f32, %c: memref<?x64xi8>,
                         %s: memref<?x4xf8E8M0FNU>) {
  fp4q.quantize_pack ins(%x : memref<?x128xbf16>) global_scale(%gs : f32)
      outs(%c, %s : memref<?x64xi8>, memref<?x4xf8E8M0FNU>)
      {fp4q.backend = #fp4q.backend<"cpu">}
  return
}

// The transform is a chain of fused multiply-adds of eight blocks of a row, whose
// even and odd sums come apart. In range, quotients are products with reciprocals
// and two corrections.
// CHECK-LABEL: func.func @transform(
// CHECK: iter_args
// CHECK-COUNT-4: math.fma %{{.*}} : vector<16xf32>
// CHECK: arith.divf %{{.*}} : vector<4xf32>
// CHECK: scf.if
// CHECK: arith.mulf
// CHECK-COUNT-4: math.fma
// CHECK-NOT: arith.divf
// CHECK: } else {
// CHECK: arith.divf %{{.*}} : vector<16xf32>
func.func @transform(%x: memref<?x64xf16>, %t: memref<32x32xf16>,
                     %c: memref<?x32xi8>, %s: memref<?x4xf8E4M3FN>) {
  fp4q.quantize_pack ins(%x : memref<?x64xf16>)
      transform(%t : memref<32x32xf16>)
      outs(%c, %s : memref<?x32xi8>, memref<?x4xf8E4M3FN>)
      {fp4q.backend = #fp4q.backend<"cpu">}
  return
}

// CHECK-LABEL: func.func @dequant(
// CHECK: memref.expand_shape
// CHECK: vector.store %{{.*}} : memref<1x96xbf16>, vector<32xbf16>
// CHECK-NOT: fp4q.dequant
func.func @dequant(%c: memref<48xi8>, %s: memref<3xf8E8M0FNU>,
                   %v: memref<96xbf16>) {
  fp4q.dequant ins(%c, %s : memref<48xi8>, memref<3xf8E8M0FNU>)
      outs(%v : memref<96xbf16>) {fp4q.backend = #fp4q.backend<"cpu">}
  return
}

// Each block has a T of its own: four rows share it, and rows that are left come
// one at a time.
// CHECK-LABEL: func.func @transform_of_each_block(
// CHECK: memref.alloc() {{.*}} : memref<4x64xf32>
// CHECK: memref.alloc() {{.*}} : memref<8x64xf32>
// CHECK: return
func.func @transform_of_each_block(%x: memref<?x64xf16>,
                                   %t: memref<2x32x32xf32>,
                                   %c: memref<?x32xi8>,
                                   %s: memref<?x4xf8E4M3FN>) {
  fp4q.quantize_pack ins(%x : memref<?x64xf16>)
      transform(%t : memref<2x32x32xf32>)
      outs(%c, %s : memref<?x32xi8>, memref<?x4xf8E4M3FN>)
      {fp4q.backend = #fp4q.backend<"cpu">}
  return
}

// Scales that are given bound no element, so elements are divided.
// CHECK-LABEL: func.func @given_scales(
// CHECK-NOT: math.fma
// CHECK: arith.divf %{{.*}} : vector<16xf32>
// CHECK-NOT: math.fma
// CHECK: return
func.func @given_scales(%x: memref<?x64xf32>, %c: memref<?x32xi8>,
                        %s: memref<?x4xf8E4M3FN>) {
  fp4q.quantize_pack ins(%x : memref<?x64xf32>) scales(%s : memref<?x4xf8E4M3FN>)
      outs(%c : memref<?x32xi8>) {fp4q.backend = #fp4q.backend<"cpu">}
  return
}

// A transform of its own is the same chain, rounded once, in natural order.
// CHECK-LABEL: func.func @transform_alone(
// CHECK-NOT: fp4q.block_transform
// CHECK-COUNT-8: math.fma %{{.*}} : vector<16xf32>
// CHECK: %[[Y:.*]] = arith.truncf %{{.*}} : vector<16xf32> to vector<16xbf16>
// CHECK: vector.store %[[Y]], %{{.*}} : memref<?x64xbf16>, vector<16xbf16>
func.func @transform_alone(%x: memref<?x64xf16>, %t: memref<32x32xf32>,
                           %y: memref<?x64xbf16>) {
  fp4q.block_transform ins(%x, %t : memref<?x64xf16>, memref<32x32xf32>)
      outs(%y : memref<?x64xbf16>) {fp4q.backend = #fp4q.backend<"cpu">}
  return
}

// CHECK-LABEL: func.func @transform_of_reference(
// CHECK: fp4q.block_transform
func.func @transform_of_reference(%x: memref<?x64xf16>, %t: memref<32x32xf32>,
                                  %y: memref<?x64xbf16>) {
  fp4q.block_transform ins(%x, %t : memref<?x64xf16>, memref<32x32xf32>)
      outs(%y : memref<?x64xbf16>) {fp4q.backend = #fp4q.backend<"reference">}
  return
}
