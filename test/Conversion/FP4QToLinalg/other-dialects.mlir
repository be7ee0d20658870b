// RUN: fp4q-opt %s --convert-fp4q-to-linalg | FileCheck %s

// Nothing but level-1 operations of fp4q is rewritten or folded.
// CHECK-LABEL: func.func @other_dialects(
func.func @other_dialects(%n: index, %x: tensor<4x32xi8>,
                          %s: tensor<4x2xf8E8M0FNU>, %i: tensor<4x64xf32>)
    -> (index, tensor<4x64xf32>) {
  // CHECK: %[[ONE:.*]] = arith.constant 1 : index
  // CHECK: %[[TWO:.*]] = arith.addi %[[ONE]], %[[ONE]] : index
  // CHECK: fp4q.parallel_for @body(%{{.*}}) grain(1)
  // CHECK: linalg.generic
  // CHECK: return %[[TWO]]
  %one = arith.constant 1 : index
  %two = arith.addi %one, %one : index
  fp4q.parallel_for @body(%n) grain(1)
  %0 = fp4q.dequant ins(%x, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      outs(%i : tensor<4x64xf32>) -> tensor<4x64xf32>
  return %two, %0 : index, tensor<4x64xf32>
}
func.func private @body(index, index)
