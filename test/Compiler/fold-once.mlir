// RUN: fp4q-opt %s --fp4q-remarks --fp4q-to-linalg -o /dev/null 2>&1 | FileCheck %s
// RUN: fp4q-opt %s --fp4q-remarks --fp4q-to-cpu -o /dev/null 2>&1 | FileCheck %s

// A pipeline says once that a constant is too large to be decoded.
// CHECK: constant not folded
// CHECK-NOT: constant not folded
func.func @large() -> tensor<128x64xf32> {
  %c = arith.constant dense<34> : tensor<128x32xi8>
  %s = arith.constant dense<1.0> : tensor<128x2xf8E8M0FNU>
  %y = tensor.empty() : tensor<128x64xf32>
  %d = fp4q.dequant ins(%c, %s : tensor<128x32xi8>, tensor<128x2xf8E8M0FNU>)
      outs(%y : tensor<128x64xf32>) -> tensor<128x64xf32>
  return %d : tensor<128x64xf32>
}
