// RUN: not fp4q-opt %s -split-input-file --transform-interpreter 2>&1 | FileCheck %s

// What cannot be tiled. Upstream adds errors of its own.

module attributes {transform.with_named_sequence} {
  func.func @blocked_layout(%c: tensor<8x64xi8>, %s: tensor<1x1x512xf8E8M0FNU>,
                            %init: tensor<8x128xf32>) -> tensor<8x128xf32> {
    // CHECK: error: 'fp4q.dequant' op cannot be tiled with a blocked scale layout
    %0 = fp4q.dequant ins(%c, %s : tensor<8x64xi8>, tensor<1x1x512xf8E8M0FNU>)
        outs(%init : tensor<8x128xf32>)
        {group_size = 32 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
        -> tensor<8x128xf32>
    return %0 : tensor<8x128xf32>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.dequant"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [4]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

module attributes {transform.with_named_sequence} {
  func.func @uneven_k(%c: tensor<8x64xi8>, %s: tensor<8x4xf8E8M0FNU>,
                            %init: tensor<8x128xf32>) -> tensor<8x128xf32> {
    // CHECK: error: 'fp4q.dequant' op can be tiled along its last dimension only by sizes that divide it
    %0 = fp4q.dequant ins(%c, %s : tensor<8x64xi8>, tensor<8x4xf8E8M0FNU>)
        outs(%init : tensor<8x128xf32>)
        -> tensor<8x128xf32>
    return %0 : tensor<8x128xf32>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.dequant"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [0, 3]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

module attributes {transform.with_named_sequence} {
  func.func @packed_weights(%a: tensor<4x32xi8>, %sa: tensor<4x2xf8E8M0FNU>,
                            %b: tensor<1x8x64xi8>, %sb: tensor<16x2xf8E8M0FNU>,
                            %init: tensor<4x16xf32>) -> tensor<4x16xf32> {
    // CHECK: error: 'fp4q.scaled_matmul' op cannot be tiled with packed weights
    %0 = fp4q.scaled_matmul
        ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
            tensor<1x8x64xi8>, tensor<16x2xf8E8M0FNU>)
        outs(%init : tensor<4x16xf32>)
        {b_layout = #fp4q.weight_layout<packed_16x8>} -> tensor<4x16xf32>
    return %0 : tensor<4x16xf32>
  }
  transform.named_sequence @__transform_main(
      %root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["fp4q.scaled_matmul"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op
        tile_sizes [2]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
