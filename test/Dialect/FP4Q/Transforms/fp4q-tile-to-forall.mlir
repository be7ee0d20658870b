// RUN: fp4q-opt %s --fp4q-tile-to-forall='elements=1024 rows=64 columns=32 depth=128' --canonicalize --cse | FileCheck %s

//===----------------------------------------------------------------------===//
// Row-wise operations
//===----------------------------------------------------------------------===//

// As many rows a tile as make 1024 elements.
// CHECK-LABEL: func.func @quantize_pack(
// CHECK-SAME:      %[[X:[^:]+]]: tensor<?x64xbf16>, %[[T:[^:]+]]: tensor<2x32x32xf32>, %[[C:[^:]+]]: tensor<?x32xi8>, %[[S:[^:]+]]: tensor<?x2xf8E8M0FNU>
func.func @quantize_pack(%x: tensor<?x64xbf16>, %t: tensor<2x32x32xf32>,
                         %c: tensor<?x32xi8>, %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  // CHECK: %[[M:.*]] = tensor.dim %[[X]], %{{.*}}
  // CHECK: %[[R:.*]]:2 = scf.forall (%[[I:.*]]) = (0) to (%[[M]]) step (16) shared_outs(%[[CO:.*]] = %[[C]], %[[SO:.*]] = %[[S]])
  // CHECK:   %[[ROWS:.*]] = affine.min
  // CHECK:   %[[TX:.*]] = tensor.extract_slice %[[X]][%[[I]], 0] [%[[ROWS]], 64]
  // CHECK:   fp4q.quantize_pack ins(%[[TX]] : {{.*}}) transform(%[[T]] :
  // CHECK:   tensor.parallel_insert_slice %{{.*}}#0 into %[[CO]][%[[I]], 0] [%[[ROWS]], 32]
  // CHECK:   tensor.parallel_insert_slice %{{.*}}#1 into %[[SO]][%[[I]], 0] [%[[ROWS]], 2]
  // CHECK: return %[[R]]#0, %[[R]]#1
  %0:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      transform(%t : tensor<2x32x32xf32>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %0#0, %0#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// One batch matrix at a time.
// CHECK-LABEL: func.func @block_transform_batch(
func.func @block_transform_batch(%x: tensor<3x40x64xbf16>,
                                 %t: tensor<32x32xf32>,
                                 %init: tensor<3x40x64xf32>)
    -> tensor<3x40x64xf32> {
  // CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) = (0, 0) to (3, 40) step (1, 16)
  // CHECK: fp4q.block_transform ins(%{{.*}}, %{{.*}} : tensor<1x?x64xbf16>, tensor<32x32xf32>)
  %0 = fp4q.block_transform
      ins(%x, %t : tensor<3x40x64xbf16>, tensor<32x32xf32>)
      outs(%init : tensor<3x40x64xf32>) -> tensor<3x40x64xf32>
  return %0 : tensor<3x40x64xf32>
}

// A row longer than a tile is a tile of its own.
// CHECK-LABEL: func.func @dequant_long_rows(
func.func @dequant_long_rows(%c: tensor<8x1024xi8>, %s: tensor<8x128xf8E4M3FN>,
                             %init: tensor<8x2048xf32>) -> tensor<8x2048xf32> {
  // CHECK: scf.forall (%{{.*}}) in (8)
  // CHECK: fp4q.dequant ins(%{{.*}}, %{{.*}} : tensor<1x1024xi8>, tensor<1x128xf8E4M3FN>)
  %0 = fp4q.dequant ins(%c, %s : tensor<8x1024xi8>, tensor<8x128xf8E4M3FN>)
      outs(%init : tensor<8x2048xf32>) -> tensor<8x2048xf32>
  return %0 : tensor<8x2048xf32>
}

// CHECK-LABEL: func.func @no_tile_fits_in_one(
func.func @no_tile_fits_in_one(%c: tensor<16x32xi8>, %s: tensor<16x4xf8E4M3FN>,
                               %init: tensor<16x64xf32>) -> tensor<16x64xf32> {
  // CHECK-NOT: scf.forall
  // CHECK: fp4q.dequant
  %0 = fp4q.dequant ins(%c, %s : tensor<16x32xi8>, tensor<16x4xf8E4M3FN>)
      outs(%init : tensor<16x64xf32>) -> tensor<16x64xf32>
  return %0 : tensor<16x64xf32>
}

// CHECK-LABEL: func.func @no_tile_vector(
func.func @no_tile_vector(%c: tensor<2048xi8>, %s: tensor<128xf8E8M0FNU>,
                          %init: tensor<4096xf32>) -> tensor<4096xf32> {
  // CHECK-NOT: scf.forall
  // CHECK: fp4q.dequant
  %0 = fp4q.dequant ins(%c, %s : tensor<2048xi8>, tensor<128xf8E8M0FNU>)
      outs(%init : tensor<4096xf32>) -> tensor<4096xf32>
  return %0 : tensor<4096xf32>
}

// CHECK-LABEL: func.func @no_tile_blocked_scales(
func.func @no_tile_blocked_scales(%c: tensor<4096x32xi8>,
                                  %z: tensor<32x1x512xf8E8M0FNU>,
                                  %init: tensor<4096x64xf32>)
    -> tensor<4096x64xf32> {
  // CHECK-NOT: scf.forall
  // CHECK: fp4q.dequant
  %0 = fp4q.dequant ins(%c, %z : tensor<4096x32xi8>, tensor<32x1x512xf8E8M0FNU>)
      outs(%init : tensor<4096x64xf32>)
      {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<4096x64xf32>
  return %0 : tensor<4096x64xf32>
}

// CHECK-LABEL: func.func @no_tile_memrefs(
func.func @no_tile_memrefs(%c: memref<?x32xi8>, %s: memref<?x4xf8E4M3FN>,
                           %init: memref<?x64xf32>) {
  // CHECK-NOT: scf.forall
  // CHECK: fp4q.dequant
  fp4q.dequant ins(%c, %s : memref<?x32xi8>, memref<?x4xf8E4M3FN>)
      outs(%init : memref<?x64xf32>)
  return
}

// Other operations with a tiling interface are none of this pass's business.
// CHECK-LABEL: func.func @no_tile_pad(
func.func @no_tile_pad(%x: tensor<400x64xf32>) -> tensor<512x64xf32> {
  // CHECK: tensor.pad
  // CHECK-NOT: scf.forall
  %zero = arith.constant 0.0 : f32
  %0 = tensor.pad %x low[0, 0] high[112, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<400x64xf32> to tensor<512x64xf32>
  return %0 : tensor<512x64xf32>
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

#mk = affine_map<(m, k, n) -> (m, k)>
#kn = affine_map<(m, k, n) -> (k, n)>
#mn = affine_map<(m, k, n) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

// Rows, columns, and within them parts of K. The b operand is decoded where it
// is used, since 64 rows use each element; the a operand once, by itself.
// CHECK-LABEL: func.func @contraction(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<128x128xi8>, %[[SA:[^:]+]]: tensor<128x8xf8E8M0FNU>, %[[B:[^:]+]]: tensor<64x128xi8>, %[[SB:[^:]+]]: tensor<64x8xf8E8M0FNU>
func.func @contraction(%a: tensor<128x128xi8>, %sa: tensor<128x8xf8E8M0FNU>,
                       %b: tensor<64x128xi8>, %sb: tensor<64x8xf8E8M0FNU>,
                       %init: tensor<128x64xbf16>) -> tensor<128x64xbf16> {
  // CHECK: %[[DA:.*]] = scf.forall (%[[R:.*]]) = (0) to (128) step (4)
  // CHECK:   fp4q.dequant ins(%{{.*}}, %{{.*}} : tensor<4x128xi8>, tensor<4x8xf8E8M0FNU>)
  // CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) = (0, 0) to (128, 64) step (64, 32)
  // CHECK:   %[[TA:.*]] = tensor.extract_slice %[[DA]][%[[I]], 0] [64, 256]
  // CHECK:   %[[TB:.*]] = tensor.extract_slice %[[B]][%[[J]], 0] [32, 128]
  // CHECK:   %[[TSB:.*]] = tensor.extract_slice %[[SB]][%[[J]], 0] [32, 8]
  // CHECK:   %[[ACC:.*]] = scf.for %[[K:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (tensor<64x32xf32>)
  // CHECK-DAG: tensor.extract_slice %[[TA]][0, %[[K]]] [64, 128]
  // CHECK:     fp4q.dequant ins(%{{.*}}, %{{.*}} : tensor<32x64xi8>, tensor<32x4xf8E8M0FNU>)
  // CHECK:     linalg.transpose
  // CHECK:     linalg.generic {{.*}} outs(%[[SUM]] :
  // CHECK:       math.fma
  // CHECK:   linalg.generic {{.*}} ins(%[[ACC]] :
  // CHECK:     arith.truncf
  %ea = tensor.empty() : tensor<128x256xf32>
  %da = fp4q.dequant ins(%a, %sa : tensor<128x128xi8>, tensor<128x8xf8E8M0FNU>)
      outs(%ea : tensor<128x256xf32>) -> tensor<128x256xf32>
  %eb = tensor.empty() : tensor<64x256xf32>
  %db = fp4q.dequant ins(%b, %sb : tensor<64x128xi8>, tensor<64x8xf8E8M0FNU>)
      outs(%eb : tensor<64x256xf32>) -> tensor<64x256xf32>
  %et = tensor.empty() : tensor<256x64xf32>
  %bt = linalg.transpose ins(%db : tensor<64x256xf32>)
      outs(%et : tensor<256x64xf32>) permutation = [1, 0]
  %zero = arith.constant 0.0 : f32
  %ec = tensor.empty() : tensor<128x64xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%ec : tensor<128x64xf32>)
      -> tensor<128x64xf32>
  %acc = linalg.generic
      {indexing_maps = [#mk, #kn, #mn],
       iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%da, %bt : tensor<128x256xf32>, tensor<256x64xf32>)
      outs(%fill : tensor<128x64xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %next = math.fma %x, %y, %sum : f32
    linalg.yield %next : f32
  } -> tensor<128x64xf32>
  %0 = linalg.generic
      {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%acc : tensor<128x64xf32>) outs(%init : tensor<128x64xbf16>) {
  ^bb0(%x: f32, %old: bf16):
    %r = arith.truncf %x : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<128x64xbf16>
  return %0 : tensor<128x64xbf16>
}

// An elementwise operation that finishes no contraction.
// CHECK-LABEL: func.func @no_tile_elementwise(
func.func @no_tile_elementwise(%x: tensor<4096x64xf32>,
                               %init: tensor<4096x64xbf16>)
    -> tensor<4096x64xbf16> {
  // CHECK-NOT: scf.forall
  // CHECK: linalg.generic
  %0 = linalg.generic
      {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4096x64xf32>) outs(%init : tensor<4096x64xbf16>) {
  ^bb0(%e: f32, %old: bf16):
    %r = arith.truncf %e : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<4096x64xbf16>
  return %0 : tensor<4096x64xbf16>
}
