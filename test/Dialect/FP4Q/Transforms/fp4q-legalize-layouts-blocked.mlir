// On the table of test/lib/TestBackEnds.h: on cpu:aarch64-dotprod the quantizer
// and dequant of cpu, for bf16, are on blocked scales only.
// RUN: fp4q-test-opt %s --test-fp4q-select-backend=target=cpu:aarch64-dotprod --test-fp4q-legalize-layouts=target=cpu:aarch64-dotprod | FileCheck %s

// Linear scales become blocked, and back. dequant of what was quantized shares
// the blocked form after canonicalization only, so here it has its own.
// CHECK-LABEL: func.func @linear(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<8x96xbf16>, %[[C:[^:]+]]: tensor<8x48xi8>, %[[S:[^:]+]]: tensor<8x3xf8E8M0FNU>
func.func @linear(%x: tensor<8x96xbf16>, %c: tensor<8x48xi8>,
                  %s: tensor<8x3xf8E8M0FNU>)
    -> (tensor<8x3xf8E8M0FNU>, tensor<8x48xi8>, tensor<8x96xbf16>) {
  // CHECK: %[[Z:.*]] = fp4q.swizzle_scales ins(%[[S]] : tensor<8x3xf8E8M0FNU>)
  // CHECK: %[[Q:.*]]:2 = fp4q.quantize_pack {{.*}} outs(%[[C]], %{{.*}} : tensor<8x48xi8>, tensor<1x1x512xf8E8M0FNU>)
  // CHECK: %[[L:.*]] = fp4q.unswizzle_scales ins(%[[Q]]#1 : tensor<1x1x512xf8E8M0FNU>) outs(%[[S]] :
  %0:2 = fp4q.quantize_pack ins(%x : tensor<8x96xbf16>)
      outs(%c, %s : tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>)
      -> tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>
  // CHECK: fp4q.quantize_pack {{.*}} scales(%[[Z]] : tensor<1x1x512xf8E8M0FNU>)
  // CHECK-SAME: group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>
  %1 = fp4q.quantize_pack ins(%x : tensor<8x96xbf16>)
      scales(%s : tensor<8x3xf8E8M0FNU>) outs(%c : tensor<8x48xi8>)
      -> tensor<8x48xi8>
  // CHECK: fp4q.dequant ins(%[[C]], %[[Z]] : tensor<8x48xi8>, tensor<1x1x512xf8E8M0FNU>)
  // CHECK-SAME: group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>
  %2 = fp4q.dequant ins(%c, %s : tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>)
      outs(%x : tensor<8x96xbf16>) -> tensor<8x96xbf16>
  // CHECK: return %[[L]]
  return %0#1, %1, %2 : tensor<8x3xf8E8M0FNU>, tensor<8x48xi8>,
      tensor<8x96xbf16>
}

// The nearest: f32 is for other kernels, a vector has no blocks.
// CHECK-LABEL: func.func @others(
func.func @others(%x: tensor<8x96xf32>, %c: tensor<8x48xi8>,
                  %s: tensor<8x3xf8E8M0FNU>, %v: tensor<96xbf16>,
                  %vc: tensor<48xi8>, %vs: tensor<3xf8E8M0FNU>)
    -> (tensor<8x96xf32>, tensor<96xbf16>) {
  // CHECK-NEXT: fp4q.dequant {{.*}} {fp4q.backend = #fp4q.backend<"reference">}
  %0 = fp4q.dequant ins(%c, %s : tensor<8x48xi8>, tensor<8x3xf8E8M0FNU>)
      outs(%x : tensor<8x96xf32>) -> tensor<8x96xf32>
  // CHECK-NEXT: fp4q.dequant {{.*}} {fp4q.backend = #fp4q.backend<"reference">}
  // CHECK-NEXT: return
  %1 = fp4q.dequant ins(%vc, %vs : tensor<48xi8>, tensor<3xf8E8M0FNU>)
      outs(%v : tensor<96xbf16>) -> tensor<96xbf16>
  return %0, %1 : tensor<8x96xf32>, tensor<96xbf16>
}

// So are memrefs, which nothing can convert: the blocked kernels take blocked
// ones and no others.
// CHECK-LABEL: func.func @memrefs(
func.func @memrefs(%x: memref<8x96xbf16>, %c: memref<8x48xi8>,
                   %s: memref<8x3xf8E8M0FNU>, %z: memref<1x1x512xf8E8M0FNU>) {
  // CHECK: fp4q.dequant {{.*}} {fp4q.backend = #fp4q.backend<"reference">}
  fp4q.dequant ins(%c, %s : memref<8x48xi8>, memref<8x3xf8E8M0FNU>)
      outs(%x : memref<8x96xbf16>)
  // CHECK: fp4q.dequant {{.*}} {fp4q.backend = #fp4q.backend<"cpu">
  fp4q.dequant ins(%c, %z : memref<8x48xi8>, memref<1x1x512xf8E8M0FNU>)
      outs(%x : memref<8x96xbf16>)
      {scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
  return
}
