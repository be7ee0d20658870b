// RUN: fp4q-opt %s --one-shot-bufferize='bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map' | FileCheck %s

// Results are computed in the buffers of their inits, without copies; scalars,
// attributes and optional operands stay.

// CHECK-LABEL: func.func @block_transform(
// CHECK-SAME:      %[[X:[^:]+]]: memref<?x64xbf16>, %[[T:[^:]+]]: memref<2x32x32xbf16>, %[[Y:[^:]+]]: memref<?x64xf32>)
func.func @block_transform(%x: tensor<?x64xbf16>, %t: tensor<2x32x32xbf16>,
                           %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: fp4q.block_transform ins(%[[X]], %[[T]] : memref<?x64xbf16>, memref<2x32x32xbf16>) outs(%[[Y]] : memref<?x64xf32>){{$}}
  // CHECK-NEXT: return %[[Y]]
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<?x64xbf16>, tensor<2x32x32xbf16>)
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @quantize_pack(
// CHECK-SAME:      %[[X:[^:]+]]: memref<?x64xbf16>, %[[T:[^:]+]]: memref<32x32xbf16>
// CHECK-SAME:      %[[GS:[^:]+]]: memref<f32>, %[[SS:[^:]+]]: f32
// CHECK-SAME:      %[[C:[^:]+]]: memref<?x32xi8>, %[[S:[^:]+]]: memref<?x1x512xf8E8M0FNU>)
func.func @quantize_pack(%x: tensor<?x64xbf16>, %t: tensor<32x32xbf16>,
                         %gs: tensor<f32>, %ss: f32, %c: tensor<?x32xi8>,
                         %s: tensor<?x1x512xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>) {
  // CHECK-NEXT: fp4q.quantize_pack ins(%[[X]] : memref<?x64xbf16>)
  // CHECK-SAME: transform(%[[T]] : memref<32x32xbf16>)
  // CHECK-SAME: global_scale(%[[GS]] : memref<f32>) scale_scale(%[[SS]] : f32)
  // CHECK-SAME: outs(%[[C]], %[[S]] : memref<?x32xi8>, memref<?x1x512xf8E8M0FNU>) {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}{{$}}
  // CHECK-NEXT: return %[[C]], %[[S]]
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      transform(%t : tensor<32x32xbf16>) global_scale(%gs : tensor<f32>)
      scale_scale(%ss : f32)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>
  return %0#0, %0#1 : tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>
}

// CHECK-LABEL: func.func @quantize_pack_given_scales(
// CHECK-SAME:      %[[X:[^:]+]]: memref<8x64xbf16>, %[[S:[^:]+]]: memref<8x2xf8E8M0FNU>, %[[C:[^:]+]]: memref<8x32xi8>)
func.func @quantize_pack_given_scales(%x: tensor<8x64xbf16>,
                                      %s: tensor<8x2xf8E8M0FNU>,
                                      %c: tensor<8x32xi8>) -> tensor<8x32xi8> {
  // CHECK-NEXT: fp4q.quantize_pack ins(%[[X]] : memref<8x64xbf16>) scales(%[[S]] : memref<8x2xf8E8M0FNU>) outs(%[[C]] : memref<8x32xi8>){{$}}
  // CHECK-NEXT: return %[[C]]
  %0 = fp4q.quantize_pack ins(%x : tensor<8x64xbf16>)
      scales(%s : tensor<8x2xf8E8M0FNU>) outs(%c : tensor<8x32xi8>)
      -> tensor<8x32xi8>
  return %0 : tensor<8x32xi8>
}

// CHECK-LABEL: func.func @global_scale(
// CHECK-SAME:      %[[X:[^:]+]]: memref<8x64xf32>
func.func @global_scale(%x: tensor<8x64xf32>) -> f32 {
  // CHECK-NEXT: %[[G:.*]] = memref.alloc() {{.*}} : memref<f32>
  // CHECK-NEXT: fp4q.global_scale ins(%[[X]] : memref<8x64xf32>) outs(%[[G]] : memref<f32>){{$}}
  // CHECK-NEXT: memref.load %[[G]][]
  %init = tensor.empty() : tensor<f32>
  %0 = fp4q.global_scale ins(%x : tensor<8x64xf32>) outs(%init : tensor<f32>)
      -> tensor<f32>
  %1 = tensor.extract %0[] : tensor<f32>
  return %1 : f32
}

// Into a part of a larger buffer, also in place.
// CHECK-LABEL: func.func @dequant_into_slice(
// CHECK-SAME:      %[[C:[^:]+]]: memref<4x32xi8>, %[[S:[^:]+]]: memref<4x4xf8E4M3FN>
// CHECK-SAME:      %[[GS:[^:]+]]: f32, %[[OUT:[^:]+]]: memref<8x64xbf16>)
func.func @dequant_into_slice(%c: tensor<4x32xi8>, %s: tensor<4x4xf8E4M3FN>,
                              %gs: f32, %out: tensor<8x64xbf16>)
    -> tensor<8x64xbf16> {
  // CHECK-NOT: alloc
  // CHECK: %[[PART:.*]] = memref.subview %[[OUT]][4, 0] [4, 64] [1, 1]
  // CHECK: fp4q.dequant ins(%[[C]], %[[S]] : memref<4x32xi8>, memref<4x4xf8E4M3FN>) global_scale(%[[GS]] : f32)
  // CHECK-SAME: outs(%[[PART]] : memref<4x64xbf16, strided<[64, 1], offset: 256>>) {direction = #fp4q.direction<divide>}{{$}}
  // CHECK: return %[[OUT]]
  %part = tensor.extract_slice %out[4, 0] [4, 64] [1, 1]
      : tensor<8x64xbf16> to tensor<4x64xbf16>
  %0 = fp4q.dequant ins(%c, %s : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>)
      global_scale(%gs : f32) outs(%part : tensor<4x64xbf16>)
      {direction = #fp4q.direction<divide>} -> tensor<4x64xbf16>
  %1 = tensor.insert_slice %0 into %out[4, 0] [4, 64] [1, 1]
      : tensor<4x64xbf16> into tensor<8x64xbf16>
  return %1 : tensor<8x64xbf16>
}

// CHECK-LABEL: func.func @scaled_matmul(
// CHECK-SAME:      %[[A:[^:]+]]: memref<?x32xi8>, %[[SA:[^:]+]]: memref<?x2xf8E8M0FNU>
// CHECK-SAME:      %[[B:[^:]+]]: memref<8x32xi8>, %[[SB:[^:]+]]: memref<8x2xf8E8M0FNU>
// CHECK-SAME:      %[[BIAS:[^:]+]]: memref<8xf32>, %[[OUT:[^:]+]]: memref<?x8xbf16>)
func.func @scaled_matmul(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                         %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
                         %bias: tensor<8xf32>, %init: tensor<?x8xbf16>)
    -> tensor<?x8xbf16> {
  // CHECK-NEXT: fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] : memref<?x32xi8>, memref<?x2xf8E8M0FNU>, memref<8x32xi8>, memref<8x2xf8E8M0FNU>)
  // CHECK-SAME: bias(%[[BIAS]] : memref<8xf32>) outs(%[[OUT]] : memref<?x8xbf16>){{$}}
  // CHECK-NEXT: return %[[OUT]]
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      bias(%bias : tensor<8xf32>) outs(%init : tensor<?x8xbf16>)
      -> tensor<?x8xbf16>
  return %0 : tensor<?x8xbf16>
}

// CHECK-LABEL: func.func @scale_layouts(
// CHECK-SAME:      %[[S:[^:]+]]: memref<8x2xf8E8M0FNU>, %[[Z:[^:]+]]: memref<1x1x512xf8E8M0FNU>, %[[OUT:[^:]+]]: memref<8x2xf8E8M0FNU>)
func.func @scale_layouts(%s: tensor<8x2xf8E8M0FNU>,
                         %z: tensor<1x1x512xf8E8M0FNU>,
                         %init: tensor<8x2xf8E8M0FNU>)
    -> tensor<8x2xf8E8M0FNU> {
  // CHECK-NEXT: fp4q.swizzle_scales ins(%[[S]] : memref<8x2xf8E8M0FNU>) outs(%[[Z]] : memref<1x1x512xf8E8M0FNU>){{$}}
  // CHECK-NEXT: fp4q.unswizzle_scales ins(%[[Z]] : memref<1x1x512xf8E8M0FNU>) outs(%[[OUT]] : memref<8x2xf8E8M0FNU>){{$}}
  // CHECK-NEXT: return %[[OUT]]
  %0 = fp4q.swizzle_scales ins(%s : tensor<8x2xf8E8M0FNU>)
      outs(%z : tensor<1x1x512xf8E8M0FNU>) -> tensor<1x1x512xf8E8M0FNU>
  %1 = fp4q.unswizzle_scales ins(%0 : tensor<1x1x512xf8E8M0FNU>)
      outs(%init : tensor<8x2xf8E8M0FNU>) -> tensor<8x2xf8E8M0FNU>
  return %1 : tensor<8x2xf8E8M0FNU>
}

// The init may not be the buffer of an input that is still to be read, but the
// new buffer is not filled from it: inits are not read.
// CHECK-LABEL: func.func @init_is_input(
// CHECK-SAME:      %[[X:[^:]+]]: memref<4x64xf32>
func.func @init_is_input(%x: tensor<4x64xf32>, %t: tensor<64x64xf32>)
    -> tensor<4x64xf32> {
  // CHECK-NEXT: %[[Y:.*]] = memref.alloc()
  // CHECK-NEXT: fp4q.block_transform ins(%[[X]], %{{.*}}) outs(%[[Y]] :
  // CHECK-NEXT: return %[[Y]]
  %0 = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<64x64xf32>)
      outs(%x : tensor<4x64xf32>) -> tensor<4x64xf32>
  return %0 : tensor<4x64xf32>
}

// Memrefs are left alone.
// CHECK-LABEL: func.func @memrefs(
func.func @memrefs(%x: memref<8x64xf32>, %g: memref<f32>) {
  // CHECK-NEXT: fp4q.global_scale ins(%{{.*}} : memref<8x64xf32>) outs(%{{.*}} : memref<f32>){{$}}
  // CHECK-NEXT: return
  fp4q.global_scale ins(%x : memref<8x64xf32>) outs(%g : memref<f32>)
  return
}

// CHECK-LABEL: func.func @weight_layouts(
// CHECK-SAME:      %[[W:[^:]+]]: memref<17x33xi8>, %[[P:[^:]+]]: memref<2x9x64xi8>, %[[OUT:[^:]+]]: memref<17x33xi8>
func.func @weight_layouts(%w: tensor<17x33xi8>, %p: tensor<2x9x64xi8>,
                          %init: tensor<17x33xi8>) -> tensor<17x33xi8> {
  // CHECK-NEXT: fp4q.pack_weights ins(%[[W]] : memref<17x33xi8>) outs(%[[P]] : memref<2x9x64xi8>){{$}}
  // CHECK-NEXT: fp4q.unpack_weights ins(%[[P]] : memref<2x9x64xi8>) outs(%[[OUT]] : memref<17x33xi8>){{$}}
  // CHECK-NEXT: return %[[OUT]]
  %0 = fp4q.pack_weights ins(%w : tensor<17x33xi8>)
      outs(%p : tensor<2x9x64xi8>) -> tensor<2x9x64xi8>
  %1 = fp4q.unpack_weights ins(%0 : tensor<2x9x64xi8>)
      outs(%init : tensor<17x33xi8>) -> tensor<17x33xi8>
  return %1 : tensor<17x33xi8>
}
