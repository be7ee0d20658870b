// RUN: fp4q-opt %s --fp4q-fold-constants | FileCheck %s
// RUN: fp4q-opt %s --fp4q-fold-constants="max-elements=3 max-dequant-elements=3" | FileCheck %s --check-prefix=LIMIT
// RUN: fp4q-opt %s --fp4q-remarks --fp4q-fold-constants="max-elements=7 max-dequant-elements=3" -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: fp4q-opt %s --fp4q-fold-constants=layouts-only | FileCheck %s --check-prefix=LAYOUTS
// RUN: not fp4q-opt %s --fp4q-fold-constants=max-elements=-1 2>&1 | FileCheck %s --check-prefix=NEGATIVE --implicit-check-not=error:
// RUN: not fp4q-opt %s --fp4q-fold-constants=max-elements=many 2>&1 | FileCheck %s --check-prefix=MALFORMED

// NEGATIVE: error: fp4q-fold-constants expects max-elements and max-dequant-elements to be at least 0
// MALFORMED: 'many' value invalid for long argument!

// The values are worked out by hand; test_optimizer.py compares random ones
// with the oracle and with the same functions at run time.

// e8m0: 3 rounds up to 4, so t is 0.25 -> 0 and -0.75 -> -1.
// CHECK-LABEL: func.func @quantize(
// CHECK-DAG: %[[C:.*]] = arith.constant dense<-96> : tensor<1x1xi8>
// CHECK-DAG: %[[S:.*]] = arith.constant dense<4.000000e+00> : tensor<1x1xf8E8M0FNU>
// CHECK-NOT: fp4q.
// CHECK: return %[[C]], %[[S]]
// LAYOUTS-LABEL: func.func @quantize(
// LAYOUTS: fp4q.quantize_pack
// LIMIT-LABEL: func.func @quantize(
// LIMIT-NOT: fp4q.
// LIMIT: return
func.func @quantize() -> (tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>) {
  %x = arith.constant dense<[[1.0, -3.0]]> : tensor<1x2xf32>
  %c = tensor.empty() : tensor<1x1xi8>
  %s = tensor.empty() : tensor<1x1xf8E8M0FNU>
  %0:2 = fp4q.quantize_pack ins(%x : tensor<1x2xf32>)
      outs(%c, %s : tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      -> tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>
  return %0#0, %0#1 : tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>
}

// A resource through transpose and widening, with its own global scale: all of
// it leaves the module, and the results are resources named after it.
// CHECK-LABEL: func.func @resource(
// CHECK-DAG: %[[G:.*]] = arith.constant dense<0.00111607148> : tensor<f32>
// CHECK-DAG: %[[C:.*]] = arith.constant dense_resource<w_codes> : tensor<2x1xi8>
// CHECK-DAG: %[[S:.*]] = arith.constant dense_resource<w_scales> : tensor<2x1xf8E4M3FN>
// CHECK-NEXT: return %[[C]], %[[S]], %[[G]]
// LIMIT-LABEL: func.func @resource(
// LIMIT: dense_resource<w>
// LIMIT: fp4q.global_scale
// LIMIT: fp4q.quantize_pack
// REMARK: [Passed] constant folded | Category:fp4q-fold-constants | Function=resource | elements=4
func.func @resource()
    -> (tensor<2x1xi8>, tensor<2x1xf8E4M3FN>, tensor<f32>) {
  %w = arith.constant dense_resource<w> : tensor<2x2xbf16>
  %t = arith.constant dense<[[1.0, 1.0], [1.0, -1.0]]> : tensor<2x2xf32>
  %e = tensor.empty() : tensor<2x2xbf16>
  %x = linalg.transpose ins(%w : tensor<2x2xbf16>)
      outs(%e : tensor<2x2xbf16>) permutation = [1, 0]
  %f = arith.extf %x : tensor<2x2xbf16> to tensor<2x2xf32>
  %c = tensor.empty() : tensor<2x1xi8>
  %s = tensor.empty() : tensor<2x1xf8E4M3FN>
  %i = tensor.empty() : tensor<f32>
  %g = fp4q.global_scale ins(%f : tensor<2x2xf32>) outs(%i : tensor<f32>)
      -> tensor<f32>
  // [[1, 3], [2, -1]] transformed is [[4, -2], [1, 3]]; both scales saturate at
  // 448, so t is x / 0.5.
  %0:2 = fp4q.quantize_pack ins(%f : tensor<2x2xf32>)
      transform(%t : tensor<2x2xf32>) global_scale(%g : tensor<f32>)
      outs(%c, %s : tensor<2x1xi8>, tensor<2x1xf8E4M3FN>)
      -> tensor<2x1xi8>, tensor<2x1xf8E4M3FN>
  return %0#0, %0#1, %g : tensor<2x1xi8>, tensor<2x1xf8E4M3FN>, tensor<f32>
}

// What else uses the weight keeps it.
// CHECK-LABEL: func.func @kept_weight(
// CHECK-DAG: %[[X:.*]] = arith.constant dense<{{.*}}> : tensor<1x2xf32>
// CHECK-DAG: arith.constant dense<-96> : tensor<1x1xi8>
// CHECK: return %{{.*}}, %[[X]]
func.func @kept_weight() -> (tensor<1x1xi8>, tensor<1x2xf32>) {
  %x = arith.constant dense<[[1.0, -3.0]]> : tensor<1x2xf32>
  %c = tensor.empty() : tensor<1x1xi8>
  %s = tensor.empty() : tensor<1x1xf8E8M0FNU>
  %0:2 = fp4q.quantize_pack ins(%x : tensor<1x2xf32>)
      outs(%c, %s : tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      -> tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>
  return %0#0, %x : tensor<1x1xi8>, tensor<1x2xf32>
}

// CHECK-LABEL: func.func @transform_not_constant(
// CHECK: fp4q.quantize_pack
func.func @transform_not_constant(%t: tensor<2x2xf32>) -> tensor<1x1xi8> {
  %x = arith.constant dense<[[1.0, -3.0]]> : tensor<1x2xf32>
  %c = tensor.empty() : tensor<1x1xi8>
  %s = tensor.empty() : tensor<1x1xf8E8M0FNU>
  %0:2 = fp4q.quantize_pack ins(%x : tensor<1x2xf32>)
      transform(%t : tensor<2x2xf32>)
      outs(%c, %s : tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      -> tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>
  return %0#0 : tensor<1x1xi8>
}

// CHECK-LABEL: func.func @transform(
// CHECK: %[[Y:.*]] = arith.constant dense<{{\[}}[-2.000000e+00, 4.000000e+00]]> : tensor<1x2xbf16>
// CHECK: return %[[Y]]
func.func @transform() -> tensor<1x2xbf16> {
  %x = arith.constant dense<[[1.0, -3.0]]> : tensor<1x2xf32>
  %t = arith.constant dense<[[1.0, 1.0], [1.0, -1.0]]> : tensor<2x2xf32>
  %i = tensor.empty() : tensor<1x2xbf16>
  %0 = fp4q.block_transform ins(%x, %t : tensor<1x2xf32>, tensor<2x2xf32>)
      outs(%i : tensor<1x2xbf16>) -> tensor<1x2xbf16>
  return %0 : tensor<1x2xbf16>
}

// Given scales; a splat; a cast hides the static shape of the result.
// CHECK-LABEL: func.func @given_scales(
// CHECK: %[[C:.*]] = arith.constant dense<119> : tensor<2x1xi8>
// CHECK: tensor.cast %[[C]] : tensor<2x1xi8> to tensor<?x1xi8>
// CHECK-NOT: fp4q.
func.func @given_scales(%n: index) -> tensor<?x1xi8> {
  %x = arith.constant dense<3.0> : tensor<2x2xf16>
  %s = arith.constant dense<[[0.5], [0.25]]> : tensor<2x1xf8E4M3FN>
  %c = tensor.empty(%n) : tensor<?x1xi8>
  %0 = fp4q.quantize_pack ins(%x : tensor<2x2xf16>)
      scales(%s : tensor<2x1xf8E4M3FN>) outs(%c : tensor<?x1xi8>)
      -> tensor<?x1xi8>
  return %0 : tensor<?x1xi8>
}

// The bytes 0x90 and 0x26 are 0, -0.5 and 4, 1.
// CHECK-LABEL: func.func @dequant(
// CHECK: arith.constant dense<{{\[}}[0.000000e+00, -1.000000e+00], [2.000000e+00, 5.000000e-01]]> : tensor<2x2xbf16>
// CHECK-NOT: fp4q.
// LIMIT-LABEL: func.func @dequant(
// LIMIT: fp4q.dequant
// REMARK: [Missed] constant not folded | Category:fp4q-fold-constants | Function=dequant | Reason="4 elements are more than the option max-dequant-elements permits: 3"
func.func @dequant() -> tensor<2x2xbf16> {
  %c = arith.constant dense<[[0x90], [0x26]]> : tensor<2x1xi8>
  %s = arith.constant dense<[[4.0], [1.0]]> : tensor<2x1xf8E8M0FNU>
  %g = arith.constant 2.0 : f32
  %i = tensor.empty() : tensor<2x2xbf16>
  %0 = fp4q.dequant ins(%c, %s : tensor<2x1xi8>, tensor<2x1xf8E8M0FNU>)
      global_scale(%g : f32) outs(%i : tensor<2x2xbf16>)
      {direction = #fp4q.direction<divide>} -> tensor<2x2xbf16>
  return %0 : tensor<2x2xbf16>
}

// CHECK-LABEL: func.func @global_scale_not_constant(
// CHECK: fp4q.dequant
func.func @global_scale_not_constant(%g: f32) -> tensor<1x2xbf16> {
  %c = arith.constant dense<[[0x90]]> : tensor<1x1xi8>
  %s = arith.constant dense<[[4.0]]> : tensor<1x1xf8E8M0FNU>
  %i = tensor.empty() : tensor<1x2xbf16>
  %0 = fp4q.dequant ins(%c, %s : tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      global_scale(%g : f32) outs(%i : tensor<1x2xbf16>) -> tensor<1x2xbf16>
  return %0 : tensor<1x2xbf16>
}

// As a run-time value NaN is legal, as a constant global_scale it is not.
// CHECK-LABEL: func.func @nan_global_scale(
// CHECK: fp4q.global_scale
// CHECK: fp4q.quantize_pack
func.func @nan_global_scale() -> tensor<1x1xi8> {
  %x = arith.constant dense<[[1.0, 0x7FC00000]]> : tensor<1x2xf32>
  %i = tensor.empty() : tensor<f32>
  %g = fp4q.global_scale ins(%x : tensor<1x2xf32>) outs(%i : tensor<f32>)
      -> tensor<f32>
  %c = tensor.empty() : tensor<1x1xi8>
  %s = tensor.empty() : tensor<1x1xf8E8M0FNU>
  %0:2 = fp4q.quantize_pack ins(%x : tensor<1x2xf32>)
      global_scale(%g : tensor<f32>)
      outs(%c, %s : tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      -> tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>
  return %0#0 : tensor<1x1xi8>
}

// There and back, in two batches.
// CHECK-LABEL: func.func @layouts(
// LAYOUTS-LABEL: func.func @layouts(
// LAYOUTS-NOT: swizzle
// LAYOUTS: fp4q.global_scale
// LIMIT-LABEL: func.func @layouts(
// LIMIT: fp4q.swizzle_scales
// LIMIT: fp4q.unswizzle_scales
func.func @layouts() -> (tensor<2x2x1xf8E8M0FNU>, tensor<f32>) {
  %s = arith.constant dense<[[[1.0], [2.0]], [[4.0], [8.0]]]>
      : tensor<2x2x1xf8E8M0FNU>
  // CHECK-DAG: %[[S:.*]] = arith.constant dense<{{\[}}{{\[}}[1.000000e+00], [2.000000e+00]], {{\[}}[4.000000e+00], [8.000000e+00]]]>
  %b = tensor.empty() : tensor<2x1x1x512xf8E8M0FNU>
  %i = tensor.empty() : tensor<2x2x1xf8E8M0FNU>
  %0 = fp4q.swizzle_scales ins(%s : tensor<2x2x1xf8E8M0FNU>)
      outs(%b : tensor<2x1x1x512xf8E8M0FNU>) -> tensor<2x1x1x512xf8E8M0FNU>
  %1 = fp4q.unswizzle_scales ins(%0 : tensor<2x1x1x512xf8E8M0FNU>)
      outs(%i : tensor<2x2x1xf8E8M0FNU>) -> tensor<2x2x1xf8E8M0FNU>
  // CHECK-DAG: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<f32>
  // CHECK: return %[[S]], %[[ONE]]
  %z = arith.constant dense<0.0> : tensor<4xf32>
  %f = tensor.empty() : tensor<f32>
  %2 = fp4q.global_scale ins(%z : tensor<4xf32>) outs(%f : tensor<f32>)
      -> tensor<f32>
  return %1, %2 : tensor<2x2x1xf8E8M0FNU>, tensor<f32>
}

// Bytes that stand for no code are 0.
// CHECK-LABEL: func.func @weight_layouts(
// LIMIT-LABEL: func.func @weight_layouts(
// LIMIT: fp4q.pack_weights
// LIMIT: fp4q.unpack_weights
func.func @weight_layouts() -> (tensor<1x1x64xi8>, tensor<2x3xi8>) {
  // CHECK-DAG: %[[P:.*]] = arith.constant dense<{{\[}}{{\[}}[1, 2, 3, 0, 4, 5, 6, {{(0, )+}}0]]]> : tensor<1x1x64xi8>
  // CHECK-DAG: %[[W:.*]] = arith.constant dense<{{\[}}[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  // CHECK: return %[[P]], %[[W]]
  %w = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  %p = tensor.empty() : tensor<1x1x64xi8>
  %i = tensor.empty() : tensor<2x3xi8>
  %0 = fp4q.pack_weights ins(%w : tensor<2x3xi8>)
      outs(%p : tensor<1x1x64xi8>) -> tensor<1x1x64xi8>
  %1 = fp4q.unpack_weights ins(%0 : tensor<1x1x64xi8>)
      outs(%i : tensor<2x3xi8>) -> tensor<2x3xi8>
  return %0, %1 : tensor<1x1x64xi8>, tensor<2x3xi8>
}

// An init of a size that is not known gives the result none either.
// CHECK-LABEL: func.func @unswizzle_unknown_rows(
// CHECK: fp4q.unswizzle_scales
func.func @unswizzle_unknown_rows(%i: tensor<?x1xf8E8M0FNU>)
    -> tensor<?x1xf8E8M0FNU> {
  %b = arith.constant dense<1.0> : tensor<1x1x512xf8E8M0FNU>
  %0 = fp4q.unswizzle_scales ins(%b : tensor<1x1x512xf8E8M0FNU>)
      outs(%i : tensor<?x1xf8E8M0FNU>) -> tensor<?x1xf8E8M0FNU>
  return %0 : tensor<?x1xf8E8M0FNU>
}

// A scalar in a resource; the lowerings of the quantizer extract it.
// CHECK-LABEL: func.func @scalar_resource(
// CHECK: %[[G:.*]] = arith.constant dense<1.000000e+00> : tensor<f32>
// CHECK: fp4q.quantize_pack
// CHECK-SAME: global_scale(%[[G]] : tensor<f32>)
func.func @scalar_resource(%x: tensor<1x2xf32>) -> tensor<1x1xi8> {
  %g = arith.constant dense_resource<g> : tensor<f32>
  %c = tensor.empty() : tensor<1x1xi8>
  %s = tensor.empty() : tensor<1x1xf8E8M0FNU>
  %0:2 = fp4q.quantize_pack ins(%x : tensor<1x2xf32>)
      global_scale(%g : tensor<f32>)
      outs(%c, %s : tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      -> tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>
  return %0#0 : tensor<1x1xi8>
}

// Only what is referred to is printed.
// CHECK: builtin: {
// CHECK-NEXT: w_codes: "0x40000000E774",
// CHECK-NEXT: w_scales: "0x400000007E7E"
// CHECK-NEXT: }
{-#
  dialect_resources: {
    builtin: {
      g: "0x040000000000803F",
      w: "0x02000000803F0040404080BF"
    }
  }
#-}
