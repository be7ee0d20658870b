// RUN: fp4q-opt %s --fp4q-to-cpu | FileCheck %s --implicit-check-not='tensor<' --implicit-check-not=linalg.
// RUN: fp4q-opt %s --fp4q-to-cpu=optimize=false | FileCheck %s --implicit-check-not='tensor<' --implicit-check-not=linalg.

// What the optimizer leaves of arith and math on tensors: a sum that differs by
// rows, behind a product.
// CHECK-LABEL: llvm.func @residual(
// CHECK-DAG: llvm.fadd
// CHECK-DAG: llvm.intr.fma
func.func @residual(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
    %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>, %h: tensor<?x8xf32>)
    -> tensor<?x8xf32> {
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%h : tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = arith.addf %0, %h : tensor<?x8xf32>
  %2 = math.fma %1, %h, %h : tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}
