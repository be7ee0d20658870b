// RUN: fp4q-opt %s -split-input-file --transform-interpreter --canonicalize --cse | FileCheck %s

// The loops of the tiling interface, by upstream's tiling. Loops run over rows
// and over units of K: the larger of a group and a block of the transform.

// CHECK-DAG: #[[$MUL2:.*]] = affine_map<(d0) -> (d0 * 2)>
// CHECK-DAG: #[[$MUL4:.*]] = affine_map<(d0) -> (d0 * 4)>
// CHECK-DAG: #[[$MUL64:.*]] = affine_map<(d0) -> (d0 * 64)>
// CHECK-DAG: #[[$MUL128:.*]] = affine_map<(d0) -> (d0 * 128)>
module attributes {transform.with_named_sequence} {
  // Loops run over rows and over units of K; a unit is the larger of group and
  // block, and a matrix of T goes with its block.
  // CHECK-LABEL: func.func @quantize_pack(
  // CHECK-SAME:      %[[X:[^:]+]]: tensor<?x256xbf16>, %[[T:[^:]+]]: tensor<4x64x64xbf16>, %[[GS:[^:]+]]: f32
  // CHECK-SAME:      %[[C:[^:]+]]: tensor<?x128xi8>, %[[S:[^:]+]]: tensor<?x8xf8E8M0FNU>
  func.func @quantize_pack(%x: tensor<?x256xbf16>, %t: tensor<4x64x64xbf16>,
                           %gs: f32, %c: tensor<?x128xi8>,
                           %s: tensor<?x8xf8E8M0FNU>)
      -> (tensor<?x128xi8>, tensor<?x8xf8E8M0FNU>) {
    // CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) in (%{{.*}}, 2) shared_outs(%[[CO:.*]] = %[[C]], %[[SO:.*]] = %[[S]])
    // CHECK-DAG: %[[ROW:.*]] = affine.apply #[[$MUL4]](%[[I]])
    // CHECK-DAG: %[[BLOCK:.*]] = affine.apply #[[$MUL2]](%[[J]])
    // CHECK-DAG: %[[ELEMENT:.*]] = affine.apply #[[$MUL128]](%[[J]])
    // CHECK-DAG: %[[BYTE:.*]] = affine.apply #[[$MUL64]](%[[J]])
    // CHECK-DAG: %[[GROUP:.*]] = affine.apply #[[$MUL4]](%[[J]])
    // CHECK-DAG: %[[ROWS:.*]] = affine.min
    // CHECK-DAG: %[[TX:.*]] = tensor.extract_slice %[[X]][%[[ROW]], %[[ELEMENT]]] [%[[ROWS]], 128]
    // CHECK-DAG: %[[TT:.*]] = tensor.extract_slice %[[T]][%[[BLOCK]], 0, 0] [2, 64, 64]
    // CHECK-DAG: %[[TC:.*]] = tensor.extract_slice %[[CO]][%[[ROW]], %[[BYTE]]] [%[[ROWS]], 64]
    // CHECK-DAG: %[[TS:.*]] = tensor.extract_slice %[[SO]][%[[ROW]], %[[GROUP]]] [%[[ROWS]], 4]
    // CHECK: %[[R:.*]]:2 = fp4q.quantize_pack ins(%[[TX]] : {{.*}}) transform(%[[TT]] : {{.*}}) global_scale(%[[GS]] : f32) outs(%[[TC]], %[[TS]] :
    // CHECK: tensor.parallel_insert_slice %[[R]]#0 into %[[CO]][%[[ROW]], %[[BYTE]]] [%[[ROWS]], 64]
    // CHECK: tensor.parallel_insert_slice %[[R]]#1 into %[[SO]][%[[ROW]], %[[GROUP]]] [%[[ROWS]], 4]
    %0:2 = fp4q.quantize_pack ins(%x : tensor<?x256xbf16>)
        transform(%t : tensor<4x64x64xbf16>) global_scale(%gs : f32)
        outs(%c, %s : tensor<?x128xi8>, tensor<?x8xf8E8M0FNU>)
        -> tensor<?x128xi8>, tensor<?x8xf8E8M0FNU>
    return %0#0, %0#1 : tensor<?x128xi8>, tensor<?x8xf8E8M0FNU>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.quantize_pack"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [4, 2]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

module attributes {transform.with_named_sequence} {
  // A shared T is not cut, even if a unit is a group of several blocks.
  // CHECK-LABEL: func.func @quantize_pack_given_scales(
  // CHECK-SAME:      %[[X:[^:]+]]: tensor<8x256xbf16>, %[[T:[^:]+]]: tensor<16x16xf32>, %[[S:[^:]+]]: tensor<8x4xf8E8M0FNU>
  func.func @quantize_pack_given_scales(
      %x: tensor<8x256xbf16>, %t: tensor<16x16xf32>, %s: tensor<8x4xf8E8M0FNU>,
      %c: tensor<8x128xi8>) -> tensor<8x128xi8> {
    // CHECK: scf.forall (%[[J:.*]]) in (4)
    // CHECK-DAG: %[[TX:.*]] = tensor.extract_slice %[[X]][0, %{{.*}}] [8, 64]
    // CHECK-DAG: %[[TS:.*]] = tensor.extract_slice %[[S]][0, %[[J]]] [8, 1]
    // CHECK-DAG: %[[TC:.*]] = tensor.extract_slice %{{.*}}[0, %{{.*}}] [8, 32]
    // CHECK: fp4q.quantize_pack ins(%[[TX]] : {{.*}}) transform(%[[T]] : tensor<16x16xf32>) scales(%[[TS]] : {{.*}}) outs(%[[TC]] :
    %0 = fp4q.quantize_pack ins(%x : tensor<8x256xbf16>)
        transform(%t : tensor<16x16xf32>) scales(%s : tensor<8x4xf8E8M0FNU>)
        outs(%c : tensor<8x128xi8>) -> tensor<8x128xi8>
    return %0 : tensor<8x128xi8>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.quantize_pack"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [0, 1]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-DAG: #[[$MUL8:.*]] = affine_map<(d0) -> (d0 * 8)>
module attributes {transform.with_named_sequence} {
  // CHECK-LABEL: func.func @quantize_pack_small_blocks(
  // CHECK-SAME:      %[[X:[^:]+]]: tensor<8x256xbf16>, %[[T:[^:]+]]: tensor<16x16x16xf32>
  func.func @quantize_pack_small_blocks(
      %x: tensor<8x256xbf16>, %t: tensor<16x16x16xf32>, %c: tensor<8x128xi8>,
      %s: tensor<8x4xf8E8M0FNU>) -> (tensor<8x128xi8>, tensor<8x4xf8E8M0FNU>) {
    // CHECK: scf.forall (%[[J:.*]]) in (2)
    // CHECK: %[[BLOCK:.*]] = affine.apply #[[$MUL8]](%[[J]])
    // CHECK: %[[TT:.*]] = tensor.extract_slice %[[T]][%[[BLOCK]], 0, 0] [8, 16, 16]
    // CHECK: fp4q.quantize_pack ins(%{{.*}} : tensor<8x128xbf16>) transform(%[[TT]] : tensor<8x16x16xf32>)
    %0:2 = fp4q.quantize_pack ins(%x : tensor<8x256xbf16>)
        transform(%t : tensor<16x16x16xf32>)
        outs(%c, %s : tensor<8x128xi8>, tensor<8x4xf8E8M0FNU>)
        -> tensor<8x128xi8>, tensor<8x4xf8E8M0FNU>
    return %0#0, %0#1 : tensor<8x128xi8>, tensor<8x4xf8E8M0FNU>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.quantize_pack"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [0, 2]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-DAG: #[[$MUL2:.*]] = affine_map<(d0) -> (d0 * 2)>
// CHECK-DAG: #[[$MUL16:.*]] = affine_map<(d0) -> (d0 * 16)>
// CHECK-DAG: #[[$MUL64:.*]] = affine_map<(d0) -> (d0 * 64)>
module attributes {transform.with_named_sequence} {
  // CHECK-LABEL: func.func @block_transform(
  // CHECK-SAME:      %[[X:[^:]+]]: tensor<2x?x128xbf16>, %[[T:[^:]+]]: tensor<4x32x32xbf16>, %[[INIT:[^:]+]]: tensor<2x?x128xf32>
  func.func @block_transform(%x: tensor<2x?x128xbf16>, %t: tensor<4x32x32xbf16>,
                             %init: tensor<2x?x128xf32>)
      -> tensor<2x?x128xf32> {
    // CHECK: scf.forall (%[[I:.*]], %[[J:.*]], %[[K:.*]]) in (2, %{{.*}}, 2) shared_outs(%[[OUT:.*]] = %[[INIT]])
    // CHECK-DAG: %[[ROW:.*]] = affine.apply #[[$MUL16]](%[[J]])
    // CHECK-DAG: %[[BLOCK:.*]] = affine.apply #[[$MUL2]](%[[K]])
    // CHECK-DAG: %[[ELEMENT:.*]] = affine.apply #[[$MUL64]](%[[K]])
    // CHECK-DAG: %[[TX:.*]] = tensor.extract_slice %[[X]][%[[I]], %[[ROW]], %[[ELEMENT]]] [1, %{{.*}}, 64]
    // CHECK-DAG: %[[TT:.*]] = tensor.extract_slice %[[T]][%[[BLOCK]], 0, 0] [2, 32, 32]
    // CHECK-DAG: %[[TY:.*]] = tensor.extract_slice %[[OUT]][%[[I]], %[[ROW]], %[[ELEMENT]]] [1, %{{.*}}, 64]
    // CHECK: %[[Y:.*]] = fp4q.block_transform ins(%[[TX]], %[[TT]] : {{.*}}) outs(%[[TY]] :
    // CHECK: tensor.parallel_insert_slice %[[Y]] into %[[OUT]][%[[I]], %[[ROW]], %[[ELEMENT]]]
    %0 = fp4q.block_transform
        ins(%x, %t : tensor<2x?x128xbf16>, tensor<4x32x32xbf16>)
        outs(%init : tensor<2x?x128xf32>) -> tensor<2x?x128xf32>
    return %0 : tensor<2x?x128xf32>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.block_transform"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [1, 16, 2]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-DAG: #[[$MUL4:.*]] = affine_map<(d0) -> (d0 * 4)>
// CHECK-DAG: #[[$MUL32:.*]] = affine_map<(d0) -> (d0 * 32)>
// CHECK-DAG: #[[$MUL64:.*]] = affine_map<(d0) -> (d0 * 64)>
module attributes {transform.with_named_sequence} {
  // CHECK-LABEL: func.func @dequant(
  // CHECK-SAME:      %[[C:[^:]+]]: tensor<?x64xi8>, %[[S:[^:]+]]: tensor<?x8xf8E4M3FN>, %[[GS:[^:]+]]: tensor<f32>
  func.func @dequant(%c: tensor<?x64xi8>, %s: tensor<?x8xf8E4M3FN>,
                     %gs: tensor<f32>, %init: tensor<?x128xbf16>)
      -> tensor<?x128xbf16> {
    // CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) in (%{{.*}}, 2)
    // CHECK-DAG: %[[GROUP:.*]] = affine.apply #[[$MUL4]](%[[J]])
    // CHECK-DAG: %[[BYTE:.*]] = affine.apply #[[$MUL32]](%[[J]])
    // CHECK-DAG: %[[ELEMENT:.*]] = affine.apply #[[$MUL64]](%[[J]])
    // CHECK-DAG: %[[TC:.*]] = tensor.extract_slice %[[C]][%{{.*}}, %[[BYTE]]] [%{{.*}}, 32]
    // CHECK-DAG: %[[TS:.*]] = tensor.extract_slice %[[S]][%{{.*}}, %[[GROUP]]] [%{{.*}}, 4]
    // CHECK-DAG: %[[TV:.*]] = tensor.extract_slice %{{.*}}[%{{.*}}, %[[ELEMENT]]] [%{{.*}}, 64]
    // CHECK: fp4q.dequant ins(%[[TC]], %[[TS]] : {{.*}}) global_scale(%[[GS]] : tensor<f32>) outs(%[[TV]] : {{.*}}) {direction = #fp4q.direction<divide>}
    %0 = fp4q.dequant ins(%c, %s : tensor<?x64xi8>, tensor<?x8xf8E4M3FN>)
        global_scale(%gs : tensor<f32>) outs(%init : tensor<?x128xbf16>)
        {direction = #fp4q.direction<divide>} -> tensor<?x128xbf16>
    return %0 : tensor<?x128xbf16>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.dequant"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [16, 4]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-DAG: #[[$MUL16:.*]] = affine_map<(d0) -> (d0 * 16)>
// CHECK-DAG: #[[$MUL32:.*]] = affine_map<(d0) -> (d0 * 32)>
module attributes {transform.with_named_sequence} {
  // CHECK-LABEL: func.func @scaled_matmul(
  // CHECK-SAME:      %[[A:[^:]+]]: tensor<?x32xi8>, %[[SA:[^:]+]]: tensor<?x2xf8E8M0FNU>
  // CHECK-SAME:      %[[B:[^:]+]]: tensor<64x32xi8>, %[[SB:[^:]+]]: tensor<64x2xf8E8M0FNU>
  // CHECK-SAME:      %[[ALPHA:[^:]+]]: tensor<64xf32>, %[[BIAS:[^:]+]]: tensor<64xf32>
  func.func @scaled_matmul(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                           %b: tensor<64x32xi8>, %sb: tensor<64x2xf8E8M0FNU>,
                           %alpha: tensor<64xf32>, %bias: tensor<64xf32>,
                           %init: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
    // CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) in (%{{.*}}, 2)
    // CHECK-DAG: %[[ROW:.*]] = affine.apply #[[$MUL16]](%[[I]])
    // CHECK-DAG: %[[COL:.*]] = affine.apply #[[$MUL32]](%[[J]])
    // CHECK-DAG: %[[TA:.*]] = tensor.extract_slice %[[A]][%[[ROW]], 0] [%{{.*}}, 32]
    // CHECK-DAG: %[[TSA:.*]] = tensor.extract_slice %[[SA]][%[[ROW]], 0] [%{{.*}}, 2]
    // CHECK-DAG: %[[TB:.*]] = tensor.extract_slice %[[B]][%[[COL]], 0] [32, 32]
    // CHECK-DAG: %[[TSB:.*]] = tensor.extract_slice %[[SB]][%[[COL]], 0] [32, 2]
    // CHECK-DAG: %[[TALPHA:.*]] = tensor.extract_slice %[[ALPHA]][%[[COL]]] [32]
    // CHECK-DAG: %[[TBIAS:.*]] = tensor.extract_slice %[[BIAS]][%[[COL]]] [32]
    // CHECK: fp4q.scaled_matmul ins(%[[TA]], %[[TSA]], %[[TB]], %[[TSB]] : {{.*}}) alpha(%[[TALPHA]] : tensor<32xf32>) bias(%[[TBIAS]] : tensor<32xf32>)
    %0 = fp4q.scaled_matmul
        ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
            tensor<64x32xi8>, tensor<64x2xf8E8M0FNU>)
        alpha(%alpha : tensor<64xf32>) bias(%bias : tensor<64xf32>)
        outs(%init : tensor<?x64xbf16>) -> tensor<?x64xbf16>
    return %0 : tensor<?x64xbf16>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.scaled_matmul"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [16, 32]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-DAG: #[[$MUL32:.*]] = affine_map<(d0) -> (d0 * 32)>
module attributes {transform.with_named_sequence} {
  // CHECK-LABEL: func.func @scaled_matmul_batch_of_b(
  // CHECK-SAME:      %[[A:[^:]+]]: tensor<3x8x32xi8>, %{{[^:]+}}: tensor<3x8x2xf8E8M0FNU>, %[[B:[^:]+]]: tensor<3x64x32xi8>
  func.func @scaled_matmul_batch_of_b(
      %a: tensor<3x8x32xi8>, %sa: tensor<3x8x2xf8E8M0FNU>,
      %b: tensor<3x64x32xi8>, %sb: tensor<3x64x2xf8E8M0FNU>, %alpha: f32,
      %init: tensor<3x8x64xbf16>) -> tensor<3x8x64xbf16> {
    // CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) in (3, 2)
    // CHECK-DAG: %[[COL:.*]] = affine.apply #[[$MUL32]](%[[J]])
    // CHECK-DAG: %[[TA:.*]] = tensor.extract_slice %[[A]][%[[I]], 0, 0] [1, 8, 32]
    // CHECK-DAG: %[[TB:.*]] = tensor.extract_slice %[[B]][%[[I]], %[[COL]], 0] [1, 32, 32]
    // CHECK: fp4q.scaled_matmul ins(%[[TA]], %{{.*}}, %[[TB]], %{{.*}} :
    %0 = fp4q.scaled_matmul
        ins(%a, %sa, %b, %sb : tensor<3x8x32xi8>, tensor<3x8x2xf8E8M0FNU>,
            tensor<3x64x32xi8>, tensor<3x64x2xf8E8M0FNU>) alpha(%alpha : f32)
        outs(%init : tensor<3x8x64xbf16>) -> tensor<3x8x64xbf16>
    return %0 : tensor<3x8x64xbf16>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.scaled_matmul"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [1, 0, 32]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

module attributes {transform.with_named_sequence} {
  // CHECK-LABEL: func.func @swizzle_scales(
  // CHECK-SAME:      %[[S:[^:]+]]: tensor<4x200x6xf8E4M3FN>, %[[INIT:[^:]+]]: tensor<4x2x2x512xf8E4M3FN>
  func.func @swizzle_scales(%s: tensor<4x200x6xf8E4M3FN>,
                            %init: tensor<4x2x2x512xf8E4M3FN>)
      -> tensor<4x2x2x512xf8E4M3FN> {
    // CHECK: scf.forall (%[[I:.*]]) in (4) shared_outs(%[[OUT:.*]] = %[[INIT]])
    // CHECK-DAG: %[[TS:.*]] = tensor.extract_slice %[[S]][%[[I]], 0, 0] [1, 200, 6]
    // CHECK-DAG: %[[TZ:.*]] = tensor.extract_slice %[[OUT]][%[[I]], 0, 0, 0] [1, 2, 2, 512]
    // CHECK: fp4q.swizzle_scales ins(%[[TS]] : {{.*}}) outs(%[[TZ]] :
    %0 = fp4q.swizzle_scales ins(%s : tensor<4x200x6xf8E4M3FN>)
        outs(%init : tensor<4x2x2x512xf8E4M3FN>) -> tensor<4x2x2x512xf8E4M3FN>
    return %0 : tensor<4x2x2x512xf8E4M3FN>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.swizzle_scales"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [1]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-DAG: #[[$MUL2:.*]] = affine_map<(d0) -> (d0 * 2)>
module attributes {transform.with_named_sequence} {
  // CHECK-LABEL: func.func @unswizzle_scales(
  // CHECK-SAME:      %[[Z:[^:]+]]: tensor<4x2x2x512xf8E4M3FN>, %[[INIT:[^:]+]]: tensor<4x200x6xf8E4M3FN>
  func.func @unswizzle_scales(%z: tensor<4x2x2x512xf8E4M3FN>,
                              %init: tensor<4x200x6xf8E4M3FN>)
      -> tensor<4x200x6xf8E4M3FN> {
    // CHECK: scf.forall (%[[I:.*]]) in (2) shared_outs(%[[OUT:.*]] = %[[INIT]])
    // CHECK: %[[BATCH:.*]] = affine.apply #[[$MUL2]](%[[I]])
    // CHECK-DAG: %[[TZ:.*]] = tensor.extract_slice %[[Z]][%[[BATCH]], 0, 0, 0] [2, 2, 2, 512]
    // CHECK-DAG: %[[TS:.*]] = tensor.extract_slice %[[OUT]][%[[BATCH]], 0, 0] [2, 200, 6]
    // CHECK: fp4q.unswizzle_scales ins(%[[TZ]] : {{.*}}) outs(%[[TS]] :
    %0 = fp4q.unswizzle_scales ins(%z : tensor<4x2x2x512xf8E4M3FN>)
        outs(%init : tensor<4x200x6xf8E4M3FN>) -> tensor<4x200x6xf8E4M3FN>
    return %0 : tensor<4x200x6xf8E4M3FN>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.unswizzle_scales"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [2]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

module attributes {transform.with_named_sequence} {
  // A producer whose units fit into the tile is computed there.
  // CHECK-LABEL: func.func @fuse_dequant(
  // CHECK-SAME:      %[[C:[^:]+]]: tensor<8x64xi8>, %[[S:[^:]+]]: tensor<8x4xf8E8M0FNU>
  func.func @fuse_dequant(%c: tensor<8x64xi8>, %s: tensor<8x4xf8E8M0FNU>,
      %t: tensor<64x64xf32>, %init: tensor<8x128xf32>) -> tensor<8x128xf32> {
    // CHECK-NOT: fp4q.dequant
    // CHECK: scf.forall
    // CHECK-DAG: %[[TC:.*]] = tensor.extract_slice %[[C]][%[[ROW:.*]], %{{.*}}] [4, 32]
    // CHECK-DAG: %[[TS:.*]] = tensor.extract_slice %[[S]][%{{.*}}, %{{.*}}] [4, 2]
    // CHECK: %[[V:.*]] = fp4q.dequant ins(%[[TC]], %[[TS]] : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
    // CHECK: fp4q.block_transform ins(%[[V]], %{{.*}} : tensor<4x64xf32>, tensor<64x64xf32>)
    %empty = tensor.empty() : tensor<8x128xf32>
    %v = fp4q.dequant ins(%c, %s : tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>)
        outs(%empty : tensor<8x128xf32>) -> tensor<8x128xf32>
    %0 = fp4q.block_transform
        ins(%v, %t : tensor<8x128xf32>, tensor<64x64xf32>)
        outs(%init : tensor<8x128xf32>) -> tensor<8x128xf32>
    return %0 : tensor<8x128xf32>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.block_transform"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [4, 1]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %producer = transform.structured.match ops{["fp4q.dequant"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.fuse_into_containing_op %producer into %loop
        : (!transform.any_op, !transform.any_op)
        -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

module attributes {transform.with_named_sequence} {
  // A tile that is no whole number of groups: all of the producer is
  // cloned into the loop.
  // CHECK-LABEL: func.func @no_fuse_part_of_a_group(
  func.func @no_fuse_part_of_a_group(%c: tensor<8x64xi8>, %s: tensor<8x4xf8E8M0FNU>,
      %t: tensor<16x16xf32>, %init: tensor<8x128xf32>) -> tensor<8x128xf32> {
    // CHECK: scf.forall
    // CHECK: %[[V:.*]] = fp4q.dequant ins(%{{.*}}, %{{.*}} : tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>)
    // CHECK: %[[PART:.*]] = tensor.extract_slice %[[V]][%{{.*}}, %{{.*}}] [4, 16]
    // CHECK: fp4q.block_transform ins(%[[PART]], %{{.*}} : tensor<4x16xf32>, tensor<16x16xf32>)
    %empty = tensor.empty() : tensor<8x128xf32>
    %v = fp4q.dequant ins(%c, %s : tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>)
        outs(%empty : tensor<8x128xf32>) -> tensor<8x128xf32>
    %0 = fp4q.block_transform
        ins(%v, %t : tensor<8x128xf32>, tensor<16x16xf32>)
        outs(%init : tensor<8x128xf32>) -> tensor<8x128xf32>
    return %0 : tensor<8x128xf32>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.block_transform"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [4, 1]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %producer = transform.structured.match ops{["fp4q.dequant"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.fuse_into_containing_op %producer into %loop
        : (!transform.any_op, !transform.any_op)
        -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

module attributes {transform.with_named_sequence} {
  // CHECK-LABEL: func.func @pack_weights(
  // CHECK-SAME:      %[[W:[^:]+]]: tensor<4x17x33xi8>, %[[INIT:[^:]+]]: tensor<4x2x9x64xi8>
  func.func @pack_weights(%w: tensor<4x17x33xi8>, %init: tensor<4x2x9x64xi8>,
                          %back: tensor<4x17x33xi8>)
      -> (tensor<4x2x9x64xi8>, tensor<4x17x33xi8>) {
    // CHECK: scf.forall (%[[I:.*]]) in (4) shared_outs(%[[OUT:.*]] = %[[INIT]])
    // CHECK-DAG: %[[TW:.*]] = tensor.extract_slice %[[W]][%[[I]], 0, 0] [1, 17, 33]
    // CHECK-DAG: %[[TP:.*]] = tensor.extract_slice %[[OUT]][%[[I]], 0, 0, 0] [1, 2, 9, 64]
    // CHECK: fp4q.pack_weights ins(%[[TW]] : {{.*}}) outs(%[[TP]] :
    %0 = fp4q.pack_weights ins(%w : tensor<4x17x33xi8>)
        outs(%init : tensor<4x2x9x64xi8>) -> tensor<4x2x9x64xi8>
    // CHECK: scf.forall (%[[J:.*]]) in (4)
    // CHECK: tensor.extract_slice %{{.*}}[%[[J]], 0, 0, 0] [1, 2, 9, 64]
    // CHECK: fp4q.unpack_weights ins({{.*}} : tensor<1x2x9x64xi8>) outs({{.*}} : tensor<1x17x33xi8>)
    %1 = fp4q.unpack_weights ins(%0 : tensor<4x2x9x64xi8>)
        outs(%back : tensor<4x17x33xi8>) -> tensor<4x17x33xi8>
    return %0, %1 : tensor<4x2x9x64xi8>, tensor<4x17x33xi8>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %pack = transform.structured.match ops{["fp4q.pack_weights"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %pack tile_sizes [1]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %unpack = transform.structured.match ops{["fp4q.unpack_weights"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled2, %loop2 = transform.structured.tile_using_forall %unpack tile_sizes [1]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
