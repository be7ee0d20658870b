// RUN: fp4q-opt %s --fp4q-to-gpu=chip=sm_90a | FileCheck %s --implicit-check-not='tensor<' --implicit-check-not=linalg.
// RUN: fp4q-opt %s --fp4q-to-gpu="chip=sm_90a optimize=false" | FileCheck %s --implicit-check-not='tensor<' --implicit-check-not=linalg.

// arith and math on tensors becomes kernels, too: what programs say, ...
// CHECK-LABEL: llvm.func @residual(
func.func @residual(%a: tensor<?x1x128xi8>, %sa: tensor<?x1x16xf8E4M3FN>,
    %b: tensor<8x128xi8>, %sb: tensor<8x16xf8E4M3FN>, %r: tensor<?x1x8xf32>)
    -> tensor<?x1x8xf32> {
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x1x128xi8>, tensor<?x1x16xf8E4M3FN>,
          tensor<8x128xi8>, tensor<8x16xf8E4M3FN>)
      outs(%r : tensor<?x1x8xf32>) -> tensor<?x1x8xf32>
  %y = arith.addf %c, %r : tensor<?x1x8xf32>
  return %y : tensor<?x1x8xf32>
}

// ... and what absorbing an epilogue makes: factors and biases in f32, ...
#id = affine_map<(m, n) -> (m, n)>
#column = affine_map<(m, n) -> (n)>
#none = affine_map<(m, n) -> ()>
// CHECK-LABEL: llvm.func @epilogue(
func.func @epilogue(%a: tensor<4x32xi8>, %sa: tensor<4x4xf8E4M3FN>,
    %b: tensor<8x32xi8>, %sb: tensor<8x4xf8E4M3FN>, %g: tensor<8xf16>)
    -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>,
          tensor<8x32xi8>, tensor<8x4xf8E4M3FN>)
      outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #column, #column, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%c, %g, %g : tensor<4x8xf32>, tensor<8xf16>, tensor<8xf16>)
      outs(%e : tensor<4x8xf32>) {
  ^bb0(%v: f32, %n: f16, %m: f16, %o: f32):
    %factor = arith.extf %n : f16 to f32
    %bias = arith.extf %m : f16 to f32
    %w = math.fma %factor, %v, %bias : f32
    linalg.yield %w : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// ... and products of factors.
// CHECK-LABEL: llvm.func @factors(
func.func @factors(%a: tensor<4x32xi8>, %sa: tensor<4x4xf8E4M3FN>,
    %b: tensor<8x32xi8>, %sb: tensor<8x4xf8E4M3FN>, %alpha: tensor<f32>,
    %g: tensor<f32>) -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>,
          tensor<8x32xi8>, tensor<8x4xf8E4M3FN>)
      alpha(%alpha : tensor<f32>)
      outs(%e : tensor<4x8xf32>) {fp4q.relaxed} -> tensor<4x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #none, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%c, %g : tensor<4x8xf32>, tensor<f32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%v: f32, %n: f32, %o: f32):
    %w = arith.mulf %v, %n : f32
    linalg.yield %w : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
