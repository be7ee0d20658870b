// A private function with a dynamic result is inlined, since it has no caller
// that could allocate the result.
//
// RUN: %python -c "import numpy as n; n.save(r'%t.x.npy', n.full((3, 64), 2, n.float32))"
// RUN: fp4q-run %s --entry=main --input=%t.x.npy --output=%t.y.npy
// RUN: %python -c "import numpy as n; y = n.load(r'%t.y.npy'); assert y.shape == (3, 64) and (y == 8).all(), y"

func.func private @twice(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x64xf32>
  %t = arith.constant dense<[[2.0, 0.0], [0.0, 2.0]]> : tensor<2x2xf32>
  %init = tensor.empty(%m) : tensor<?x64xf32>
  %y = fp4q.block_transform ins(%x, %t : tensor<?x64xf32>, tensor<2x2xf32>)
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

func.func @main(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = func.call @twice(%x) : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %z = func.call @twice(%y) : (tensor<?x64xf32>) -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}
