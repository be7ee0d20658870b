// RUN: fp4q-opt %s --fp4q-select-backend --fp4q-legalize-layouts --fp4q-fold-constants --fp4q-pack-weights | FileCheck %s
// RUN: fp4q-opt %s --fp4q-select-backend --fp4q-legalize-layouts --fp4q-fold-constants --fp4q-pack-weights --remark-format=emitRemark --remarks-filter=fp4q-pack-weights 2>&1 | FileCheck %s --check-prefix=REMARK
// Then nothing is packed at run time.
// RUN: fp4q-opt %s --fp4q-select-backend --fp4q-legalize-layouts --fp4q-fold-constants --fp4q-pack-weights --fp4q-fold-constants | FileCheck %s --check-prefix=FOLDED
// RUN: fp4q-opt %s --fp4q-select-backend --fp4q-legalize-layouts --fp4q-fold-constants --fp4q-pack-weights=max-elements=64 --remark-format=emitRemark --remarks-filter=fp4q-pack-weights 2>&1 | FileCheck %s --check-prefix=LIMIT
// RUN: not fp4q-opt %s --fp4q-pack-weights=max-elements=-1 2>&1 | FileCheck %s --check-prefix=NEGATIVE

// NEGATIVE: error: fp4q-pack-weights expects max-elements to be at least 0

// A weight of two products is packed once.
// CHECK-LABEL: func.func @constant(
// CHECK: %[[W:.*]] = arith.constant dense<{{.*}}> : tensor<20x16xi8>
// CHECK-COUNT-1: %[[P:.*]] = fp4q.pack_weights ins(%[[W]] : tensor<20x16xi8>) outs(%{{.*}} : tensor<2x4x64xi8>) {fp4q.backend = #fp4q.backend<"reference">}
// CHECK-NOT: fp4q.pack_weights
// CHECK: fp4q.scaled_matmul ins(%{{[^,]+}}, %{{[^,]+}}, %[[P]], {{.*}} {b_layout = #fp4q.weight_layout<packed_16x8>, fp4q.backend = #fp4q.backend<"cpu">}
// CHECK: fp4q.scaled_matmul ins(%{{[^,]+}}, %{{[^,]+}}, %[[P]], {{.*}} {b_layout = #fp4q.weight_layout<packed_16x8>, fp4q.backend = #fp4q.backend<"cpu">}
// FOLDED-LABEL: func.func @constant(
// FOLDED: arith.constant dense<{{.*}}> : tensor<2x4x64xi8>
// FOLDED-NOT: fp4q.pack_weights
// FOLDED-COUNT-2: fp4q.scaled_matmul {{.*}} tensor<2x4x64xi8>
// REMARK: [[@LINE+9]]:8: remark: [Passed] weights packed | Category:fp4q-pack-weights | Function=constant
// REMARK: [[@LINE+12]]:8: remark: [Passed] weights packed | Category:fp4q-pack-weights | Function=constant
// LIMIT: [[@LINE+7]]:8: remark: [Missed] weights not packed | Category:fp4q-pack-weights | Function=constant | Reason="320 bytes of codes are more than the option max-elements permits: 64"
func.func @constant(%a: tensor<?x16xi8>, %sa: tensor<?x1xf8E8M0FNU>,
                    %c: tensor<4x16xi8>, %sc: tensor<4x1xf8E8M0FNU>,
                    %sb: tensor<20x1xf8E8M0FNU>, %x: tensor<?x20xf32>,
                    %y: tensor<4x20xf32>)
    -> (tensor<?x20xf32>, tensor<4x20xf32>) {
  %w = arith.constant dense<7> : tensor<20x16xi8>
  %p = fp4q.scaled_matmul
      ins(%a, %sa, %w, %sb : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>,
          tensor<20x16xi8>, tensor<20x1xf8E8M0FNU>)
      outs(%x : tensor<?x20xf32>) -> tensor<?x20xf32>
  %q = fp4q.scaled_matmul
      ins(%c, %sc, %w, %sb : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<20x16xi8>, tensor<20x1xf8E8M0FNU>)
      outs(%y : tensor<4x20xf32>) -> tensor<4x20xf32>
  return %p, %q : tensor<?x20xf32>, tensor<4x20xf32>
}

// K is padded first, in the constant.
// FOLDED-LABEL: func.func @padded(
// FOLDED-NOT: fp4q.pack_weights
// FOLDED: fp4q.scaled_matmul {{.*}} tensor<?x32xi8>, tensor<?x4xf8E4M3FN>, tensor<1x8x64xi8>, tensor<8x4xf8E4M3FN>)
func.func @padded(%a: tensor<?x24xi8>, %sa: tensor<?x3xf8E4M3FN>,
                  %sb: tensor<8x3xf8E4M3FN>, %y: tensor<?x8xbf16>)
    -> tensor<?x8xbf16> {
  %b = arith.constant dense<5> : tensor<8x24xi8>
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x24xi8>, tensor<?x3xf8E4M3FN>,
          tensor<8x24xi8>, tensor<8x3xf8E4M3FN>)
      outs(%y : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return %c : tensor<?x8xbf16>
}

// Weights that are packed already are padded along K in whole tiles.
// CHECK-LABEL: func.func @padded_argument(
// CHECK: tensor.pad %{{.*}} low[0, 0, 0] high[0, 2, 0]
// CHECK: fp4q.scaled_matmul {{.*}} tensor<1x8x64xi8>
func.func @padded_argument(%a: tensor<?x24xi8>, %sa: tensor<?x3xf8E4M3FN>,
    %b: tensor<1x6x64xi8>, %sb: tensor<8x3xf8E4M3FN>, %y: tensor<?x8xbf16>)
    -> tensor<?x8xbf16> {
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x24xi8>, tensor<?x3xf8E4M3FN>,
          tensor<1x6x64xi8>, tensor<8x3xf8E4M3FN>)
      outs(%y : tensor<?x8xbf16>) {b_layout = #fp4q.weight_layout<packed_16x8>}
      -> tensor<?x8xbf16>
  return %c : tensor<?x8xbf16>
}

// The nearest: an argument would be packed in every call, and the reference
// path unpacks.
// CHECK-LABEL: func.func @argument(
// CHECK-NOT: fp4q.pack_weights
// CHECK-NOT: b_layout
// REMARK: [[@LINE+4]]:8: remark: [Missed] weights not packed | Category:fp4q-pack-weights | Function=argument | Reason="b is not constant, and would be packed in every call"
func.func @argument(%a: tensor<4x16xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %b: tensor<20x16xi8>, %sb: tensor<20x1xf8E8M0FNU>, %y: tensor<4x20xf32>)
    -> tensor<4x20xf32> {
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<20x16xi8>, tensor<20x1xf8E8M0FNU>)
      outs(%y : tensor<4x20xf32>) -> tensor<4x20xf32>
  return %c : tensor<4x20xf32>
}

// CHECK-LABEL: func.func @reference(
// CHECK-NOT: fp4q.pack_weights
// CHECK-NOT: b_layout
// REMARK: [[@LINE+5]]:8: remark: [Missed] weights not packed | Category:fp4q-pack-weights | Function=reference | Reason="only the kernels of the back end cpu are faster with packed weights"
func.func @reference(%a: tensor<4x8xi8>, %sa: tensor<4x2xf8E8M0FNU>,
    %sb: tensor<20x2xf8E8M0FNU>, %y: tensor<4x20xf32>)
    -> tensor<4x20xf32> {
  %b = arith.constant dense<7> : tensor<20x8xi8>
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x8xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<20x8xi8>, tensor<20x2xf8E8M0FNU>)
      outs(%y : tensor<4x20xf32>) -> tensor<4x20xf32>
  return %c : tensor<4x20xf32>
}
