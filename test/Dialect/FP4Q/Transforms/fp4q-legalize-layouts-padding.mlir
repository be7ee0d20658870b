// The kernels of the back end cpu multiply K in steps of 32, of linear scales.
// RUN: fp4q-opt %s --fp4q-select-backend --fp4q-legalize-layouts | FileCheck %s --check-prefixes=CHECK,LINEAR
// RUN: fp4q-opt %s --fp4q-select-backend --fp4q-legalize-layouts --remark-format=emitRemark --remarks-filter=fp4q-legalize-layouts 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=Function=multiple
// Constants are padded and laid out at compile time.
// RUN: fp4q-opt %s --fp4q-select-backend --fp4q-legalize-layouts --fp4q-fold-constants | FileCheck %s --check-prefix=FOLDED

// On the table of test/lib/TestBackEnds.h: those of gpu-native on sm_120a in
// steps of 128, of blocked scales.
// RUN: fp4q-test-opt %s --test-fp4q-select-backend=target=sm_120a --test-fp4q-legalize-layouts=target=sm_120a | FileCheck %s --check-prefix=BLOCKED

// Codes and scales, of both operands, with the byte 0; tiles with room for four
// columns are there for the one more group, but not for the five that step 128
// needs.
// CHECK-LABEL: func.func @padded(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x24xi8>, %[[SA:[^:]+]]: tensor<?x3xf8E4M3FN>, %[[B:[^:]+]]: tensor<8x24xi8>, %[[SB:[^:]+]]: tensor<8x3xf8E4M3FN>
// REMARK: [[@LINE+17]]:8: remark: [Passed] K padded | Category:fp4q-legalize-layouts | Function=padded | BackEnd=cpu, From=48, To=64{{$}}
// BLOCKED-LABEL: func.func @padded(
func.func @padded(%a: tensor<?x24xi8>, %sa: tensor<?x3xf8E4M3FN>,
                  %b: tensor<8x24xi8>, %sb: tensor<8x3xf8E4M3FN>,
                  %y: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  // LINEAR-DAG: %[[PA:.*]] = tensor.pad %[[A]] low[0, 0] high[0, 8] {
  // LINEAR-DAG: %[[PSA:.*]] = tensor.pad %[[SA]] low[0, 0] high[0, 1] {
  // LINEAR-DAG: %[[PB:.*]] = tensor.pad %[[B]] low[0, 0] high[0, 8] {
  // LINEAR-DAG: %[[PSB:.*]] = tensor.pad %[[SB]] low[0, 0] high[0, 1] {
  // LINEAR-DAG: arith.constant 0 : i8
  // LINEAR-DAG: arith.constant 0.000000e+00 : f8E4M3FN
  // LINEAR: fp4q.scaled_matmul ins(%[[PA]], %[[PSA]], %[[PB]], %[[PSB]] : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>, tensor<8x32xi8>, tensor<8x4xf8E4M3FN>)
  // BLOCKED-DAG: } : tensor<?x24xi8> to tensor<?x64xi8>
  // BLOCKED-DAG: } : tensor<8x24xi8> to tensor<8x64xi8>
  // BLOCKED-DAG: } : tensor<?x1x512xf8E4M3FN> to tensor<?x2x512xf8E4M3FN>
  // BLOCKED-DAG: } : tensor<1x1x512xf8E4M3FN> to tensor<1x2x512xf8E4M3FN>
  // BLOCKED: fp4q.scaled_matmul {{.*}} : tensor<?x64xi8>, tensor<?x2x512xf8E4M3FN>, tensor<8x64xi8>, tensor<1x2x512xf8E4M3FN>)
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x24xi8>, tensor<?x3xf8E4M3FN>,
          tensor<8x24xi8>, tensor<8x3xf8E4M3FN>)
      outs(%y : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return %c : tensor<?x8xbf16>
}

// The nearest: a multiple needs none.
// CHECK-LABEL: func.func @multiple(
// CHECK-NOT: tensor.pad
// CHECK: fp4q.scaled_matmul
func.func @multiple(%a: tensor<4x32xi8>, %sa: tensor<4x4xf8E4M3FN>,
                    %b: tensor<8x32xi8>, %sb: tensor<8x4xf8E4M3FN>,
                    %y: tensor<4x8xbf16>) -> tensor<4x8xbf16> {
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>,
          tensor<8x32xi8>, tensor<8x4xf8E4M3FN>)
      outs(%y : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return %c : tensor<4x8xbf16>
}

// Nor do the kernels of the reference path, which take any K.
// CHECK-LABEL: func.func @other_kernels(
// CHECK-NOT: tensor.pad
// CHECK: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"reference">}
func.func @other_kernels(%a: tensor<4x24xi8>, %sa: tensor<4x3xf8E4M3FN>,
    %b: tensor<8x24xi8>, %sb: tensor<8x3xf8E4M3FN>, %y: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x24xi8>, tensor<4x3xf8E4M3FN>,
          tensor<8x24xi8>, tensor<8x3xf8E4M3FN>)
      outs(%y : tensor<4x8xf32>)
      {fp4q.backend = #fp4q.backend<"reference">} -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// Bytes of a tile that stood for no scale do so after padding. Those of an
// argument can hold anything, so they are cleared; those that a quantizer has
// written are zero.
// BLOCKED-LABEL: func.func @cleared(
// BLOCKED-SAME:      %[[X:[^:]+]]: tensor<8x48xbf16>, %[[ZB:[^:]+]]: tensor<1x1x512xf8E4M3FN>
func.func @cleared(%x: tensor<8x48xbf16>, %zb: tensor<1x1x512xf8E4M3FN>,
                   %b: tensor<8x24xi8>, %y: tensor<8x8xf16>)
    -> tensor<8x8xf16> {
  // BLOCKED: %[[L:.*]] = fp4q.unswizzle_scales ins(%[[ZB]] : tensor<1x1x512xf8E4M3FN>) outs({{.*}} : tensor<8x3xf8E4M3FN>)
  // BLOCKED: %[[C:.*]] = fp4q.swizzle_scales ins(%[[L]] : tensor<8x3xf8E4M3FN>)
  // BLOCKED: tensor.pad %[[C]]
  // BLOCKED: %[[Q:.*]]:2 = fp4q.quantize_pack ins(%[[X]] : tensor<8x48xbf16>)
  // BLOCKED: tensor.pad %[[Q]]#{{[01]}}
  // BLOCKED: tensor.pad %[[Q]]#{{[01]}}
  // BLOCKED-NOT: swizzle_scales
  // BLOCKED: fp4q.scaled_matmul
  %a = tensor.empty() : tensor<8x24xi8>
  %z = tensor.empty() : tensor<1x1x512xf8E4M3FN>
  %q:2 = fp4q.quantize_pack ins(%x : tensor<8x48xbf16>)
      outs(%a, %z : tensor<8x24xi8>, tensor<1x1x512xf8E4M3FN>)
      {scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 16 : i64}
      -> tensor<8x24xi8>, tensor<1x1x512xf8E4M3FN>
  %c = fp4q.scaled_matmul
      ins(%q#0, %q#1, %b, %zb : tensor<8x24xi8>, tensor<1x1x512xf8E4M3FN>,
          tensor<8x24xi8>, tensor<1x1x512xf8E4M3FN>)
      outs(%y : tensor<8x8xf16>)
      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       b_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       group_size = 16 : i64} -> tensor<8x8xf16>
  return %c : tensor<8x8xf16>
}

// Zero for the four columns that were written, but K has three of them.
// BLOCKED-LABEL: func.func @written_wider(
func.func @written_wider(%a: tensor<8x24xi8>, %s: tensor<8x4xf8E4M3FN>,
                         %y: tensor<8x8xf16>) -> tensor<8x8xf16> {
  // BLOCKED: %[[Z:.*]] = fp4q.swizzle_scales ins(%{{.*}} : tensor<8x4xf8E4M3FN>)
  // BLOCKED: %[[L:.*]] = fp4q.unswizzle_scales ins(%[[Z]] : {{.*}}) outs({{.*}} : tensor<8x3xf8E4M3FN>)
  // BLOCKED: fp4q.swizzle_scales ins(%[[L]] :
  // BLOCKED: fp4q.scaled_matmul
  %0 = tensor.empty() : tensor<1x1x512xf8E4M3FN>
  %z = fp4q.swizzle_scales ins(%s : tensor<8x4xf8E4M3FN>)
      outs(%0 : tensor<1x1x512xf8E4M3FN>) -> tensor<1x1x512xf8E4M3FN>
  %c = fp4q.scaled_matmul
      ins(%a, %z, %a, %z : tensor<8x24xi8>, tensor<1x1x512xf8E4M3FN>,
          tensor<8x24xi8>, tensor<1x1x512xf8E4M3FN>)
      outs(%y : tensor<8x8xf16>)
      {a_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       b_scale_layout = #fp4q.scale_layout<blocked_128x4>,
       group_size = 16 : i64} -> tensor<8x8xf16>
  return %c : tensor<8x8xf16>
}

// FOLDED-LABEL: func.func @weight(
// FOLDED-SAME:      %[[A:[^:]+]]: tensor<4x8xi8>, %[[SA:[^:]+]]: tensor<4x1xf8E4M3FN>
func.func @weight(%a: tensor<4x8xi8>, %sa: tensor<4x1xf8E4M3FN>,
                  %y: tensor<4x2xf32>) -> tensor<4x2xf32> {
  // FOLDED-DAG: %[[B:.*]] = arith.constant dense<{{\[}}[1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0], [9, 10, 11, 12, 13, 14, 15, 16, 0, 0, 0, 0, 0, 0, 0, 0]]> : tensor<2x16xi8>
  // FOLDED-DAG: %[[SB:.*]] = arith.constant dense<{{\[}}[1.000000e+00, 0.000000e+00], [2.000000e+00, 0.000000e+00]]> : tensor<2x2xf8E4M3FN>
  // FOLDED-DAG: %[[PA:.*]] = tensor.pad %[[A]]
  // FOLDED-DAG: %[[PSA:.*]] = tensor.pad %[[SA]]
  // FOLDED-NOT: tensor.pad
  // FOLDED: fp4q.scaled_matmul ins(%[[PA]], %[[PSA]], %[[B]], %[[SB]] :
  %b = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8],
                             [9, 10, 11, 12, 13, 14, 15, 16]]> : tensor<2x8xi8>
  %sb = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf8E4M3FN>
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x8xi8>, tensor<4x1xf8E4M3FN>,
          tensor<2x8xi8>, tensor<2x1xf8E4M3FN>)
      outs(%y : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %c : tensor<4x2xf32>
}
