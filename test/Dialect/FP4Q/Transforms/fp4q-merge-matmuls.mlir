// RUN: fp4q-opt %s --fp4q-merge-matmuls --canonicalize | FileCheck %s
// RUN: fp4q-opt %s --fp4q-remarks --fp4q-merge-matmuls -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Weights of 2, 1 and 1 columns; alphas that differ become one a column, and
// none is 1.
// CHECK-LABEL: func.func @merge(
// CHECK-SAME:      %[[A:[^:]+]]: tensor<?x1xi8>, %[[SA:[^:]+]]: tensor<?x1xf8E8M0FNU>
// CHECK-DAG: %[[ALPHA:.*]] = arith.constant dense<[1.000000e+00, 1.000000e+00, 2.000000e+00, 3.000000e+00]> : tensor<4xf32>
// CHECK-DAG: %[[B:.*]] = arith.constant dense<{{\[}}[1], [2], [3], [4]]> : tensor<4x1xi8>
// CHECK-DAG: %[[SB:.*]] = arith.constant dense<{{\[}}[1.000000e+00], [2.000000e+00], [4.000000e+00], [8.000000e+00]]> : tensor<4x1xf8E8M0FNU>
// CHECK: %[[C:.*]] = fp4q.scaled_matmul ins(%[[A]], %[[SA]], %[[B]], %[[SB]] :
// CHECK-SAME: alpha(%[[ALPHA]] : tensor<4xf32>)
// CHECK-SAME: -> tensor<?x4xf32>
// CHECK-NOT: fp4q.scaled_matmul
// CHECK-DAG: %[[C0:.*]] = tensor.extract_slice %[[C]][0, 0] [%{{.*}}, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
// CHECK-DAG: %[[C1:.*]] = tensor.extract_slice %[[C]][0, 2] [%{{.*}}, 1] [1, 1]
// CHECK-DAG: %[[C2:.*]] = tensor.extract_slice %[[C]][0, 3] [%{{.*}}, 1] [1, 1]
// CHECK: return %[[C0]], %[[C1]], %[[C2]]
// REMARK: [Passed] product merged | Category:fp4q-merge-matmuls | Function=merge | columns=4
func.func @merge(%a: tensor<?x1xi8>, %sa: tensor<?x1xf8E8M0FNU>,
    %i0: tensor<?x2xf32>, %i1: tensor<?x1xf32>)
    -> (tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x1xf32>) {
  %b0 = arith.constant dense<[[1], [2]]> : tensor<2x1xi8>
  %s0 = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf8E8M0FNU>
  %b1 = arith.constant dense<[[3]]> : tensor<1x1xi8>
  %s1 = arith.constant dense<[[4.0]]> : tensor<1x1xf8E8M0FNU>
  %b2 = arith.constant dense<[[4]]> : tensor<1x1xi8>
  %s2 = arith.constant dense<[[8.0]]> : tensor<1x1xf8E8M0FNU>
  %two = arith.constant 2.0 : f32
  %three = arith.constant dense<3.0> : tensor<1xf32>
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b0, %s0 : tensor<?x1xi8>, tensor<?x1xf8E8M0FNU>,
          tensor<2x1xi8>, tensor<2x1xf8E8M0FNU>)
      outs(%i0 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %1 = fp4q.scaled_matmul
      ins(%a, %sa, %b1, %s1 : tensor<?x1xi8>, tensor<?x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      alpha(%two : f32) outs(%i1 : tensor<?x1xf32>) -> tensor<?x1xf32>
  %2 = fp4q.scaled_matmul
      ins(%a, %sa, %b2, %s2 : tensor<?x1xi8>, tensor<?x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      alpha(%three : tensor<1xf32>) outs(%i1 : tensor<?x1xf32>)
      -> tensor<?x1xf32>
  return %0, %1, %2 : tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x1xf32>
}

// Resources, biases, and an alpha of the device that both share.
// CHECK-LABEL: func.func @resources(
// CHECK-SAME:      %[[ALPHA:[^:]+]]: tensor<f32>
// CHECK-DAG: %[[B:.*]] = arith.constant dense_resource<b0_merged> : tensor<2x1xi8>
// CHECK-DAG: %[[BIAS:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xbf16>
// CHECK: fp4q.scaled_matmul ins(%{{.*}}, %{{.*}}, %[[B]], %{{[^ ]*}} :
// CHECK-SAME: alpha(%[[ALPHA]] : tensor<f32>) bias(%[[BIAS]] : tensor<2xbf16>)
// CHECK-NOT: fp4q.scaled_matmul
// CHECK: return
func.func @resources(%alpha: tensor<f32>, %a: tensor<4x1xi8>,
    %sa: tensor<4x1xf8E8M0FNU>, %i: tensor<4x1xbf16>)
    -> (tensor<4x1xbf16>, tensor<4x1xbf16>) {
  %b0 = arith.constant dense_resource<b0> : tensor<1x1xi8>
  %b1 = arith.constant dense_resource<b1> : tensor<1x1xi8>
  %s = arith.constant dense<[[4.0]]> : tensor<1x1xf8E8M0FNU>
  %n0 = arith.constant dense<1.0> : tensor<1xbf16>
  %n1 = arith.constant dense<2.0> : tensor<1xbf16>
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b0, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      alpha(%alpha : tensor<f32>) bias(%n0 : tensor<1xbf16>)
      outs(%i : tensor<4x1xbf16>) -> tensor<4x1xbf16>
  %1 = fp4q.scaled_matmul
      ins(%a, %sa, %b1, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      alpha(%alpha : tensor<f32>) bias(%n1 : tensor<1xbf16>)
      outs(%i : tensor<4x1xbf16>) -> tensor<4x1xbf16>
  return %0, %1 : tensor<4x1xbf16>, tensor<4x1xbf16>
}

// A tensor scale of the activation times that of each weight, and a factor for
// one only: alphas that are computed, in front of the product.
// CHECK-LABEL: func.func @computed_alphas(
// CHECK-SAME:      %[[G:[^:]+]]: f32, %[[D:[^:]+]]: tensor<f32>
// CHECK-DAG: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<1xf32>
// CHECK-DAG: %[[P:.*]] = arith.mulf %[[G]], %{{.*}} : f32
// CHECK-DAG: %[[E:.*]] = tensor.empty() : tensor<4xf32>
// CHECK-DAG: %[[SPLAT:.*]] = tensor.splat %[[P]] : tensor<2xf32>
// CHECK: %[[A0:.*]] = tensor.insert_slice %[[SPLAT]] into %[[E]][0] [2] [1]
// CHECK: %[[A1:.*]] = tensor.insert_slice %[[ONE]] into %[[A0]][2] [1] [1]
// CHECK: %[[W:.*]] = linalg.broadcast ins(%[[D]] : tensor<f32>) outs(%{{.*}} : tensor<1xf32>) dimensions = [0]
// CHECK: %[[A2:.*]] = tensor.insert_slice %[[W]] into %[[A1]][3] [1] [1]
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%[[A2]] : tensor<4xf32>)
// CHECK-NOT: fp4q.scaled_matmul
// CHECK: return
func.func @computed_alphas(%g: f32, %d: tensor<f32>, %a: tensor<4x1xi8>,
    %sa: tensor<4x1xf8E8M0FNU>, %i: tensor<4x1xf32>, %j: tensor<4x2xf32>)
    -> (tensor<4x2xf32>, tensor<4x1xf32>, tensor<4x1xf32>) {
  %b = arith.constant dense<[[3]]> : tensor<1x1xi8>
  %s = arith.constant dense<[[4.0]]> : tensor<1x1xf8E8M0FNU>
  %b2 = arith.constant dense<[[3], [4]]> : tensor<2x1xi8>
  %s2 = arith.constant dense<[[4.0], [2.0]]> : tensor<2x1xf8E8M0FNU>
  %w = arith.constant 0.1 : f32
  %f = arith.mulf %g, %w : f32
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b2, %s2 : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<2x1xi8>, tensor<2x1xf8E8M0FNU>)
      alpha(%f : f32) outs(%j : tensor<4x2xf32>) -> tensor<4x2xf32>
  %1 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  %2 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      alpha(%d : tensor<f32>) outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0, %1, %2 : tensor<4x2xf32>, tensor<4x1xf32>, tensor<4x1xf32>
}

// What is computed between the products moves in front of them.
// CHECK-LABEL: func.func @moved_alpha(
// CHECK: arith.mulf
// CHECK: fp4q.scaled_matmul {{.*}} alpha(%{{.*}} : tensor<2xf32>)
// CHECK-NOT: fp4q.scaled_matmul
// CHECK: return
func.func @moved_alpha(%g: f32, %a: tensor<4x1xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %i: tensor<4x1xf32>) -> (tensor<4x1xf32>, tensor<4x1xf32>) {
  %b = arith.constant dense<[[3]]> : tensor<1x1xi8>
  %s = arith.constant dense<[[4.0]]> : tensor<1x1xf8E8M0FNU>
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      alpha(%g : f32) outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  %f = arith.mulf %g, %g : f32
  %1 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      alpha(%f : f32) outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0, %1 : tensor<4x1xf32>, tensor<4x1xf32>
}

// Unless it needs one of them.
// CHECK-LABEL: func.func @dependent_alpha(
// CHECK-COUNT-2: fp4q.scaled_matmul
// REMARK: Function=dependent_alpha | Reason="the alpha of one of the products cannot be computed in front of the first"
func.func @dependent_alpha(%g: f32, %a: tensor<4x1xi8>,
    %sa: tensor<4x1xf8E8M0FNU>, %i: tensor<4x1xf32>)
    -> (tensor<4x1xf32>, tensor<4x1xf32>) {
  %b = arith.constant dense<[[3]]> : tensor<1x1xi8>
  %s = arith.constant dense<[[4.0]]> : tensor<1x1xf8E8M0FNU>
  %zero = arith.constant 0 : index
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      alpha(%g : f32) outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  %f = tensor.extract %0[%zero, %zero] : tensor<4x1xf32>
  %1 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      alpha(%f : f32) outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0, %1 : tensor<4x1xf32>, tensor<4x1xf32>
}

// CHECK-LABEL: func.func @weight_not_constant(
// CHECK-COUNT-2: fp4q.scaled_matmul
// CHECK: return
// REMARK: Function=weight_not_constant | Reason="b is not constant"
func.func @weight_not_constant(%c: tensor<1x1xi8>, %a: tensor<4x1xi8>,
    %sa: tensor<4x1xf8E8M0FNU>, %i: tensor<4x1xf32>)
    -> (tensor<4x1xf32>, tensor<4x1xf32>) {
  %b = arith.constant dense<[[3]]> : tensor<1x1xi8>
  %s = arith.constant dense<[[4.0]]> : tensor<1x1xf8E8M0FNU>
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  %1 = fp4q.scaled_matmul
      ins(%a, %sa, %c, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0, %1 : tensor<4x1xf32>, tensor<4x1xf32>
}

// One bias would have to become zeros for the other, which changes -0.
// CHECK-LABEL: func.func @one_bias(
// CHECK-COUNT-2: fp4q.scaled_matmul
// CHECK: return
func.func @one_bias(%a: tensor<4x1xi8>, %sa: tensor<4x1xf8E8M0FNU>,
    %i: tensor<4x1xf32>) -> (tensor<4x1xf32>, tensor<4x1xf32>) {
  %b = arith.constant dense<[[3]]> : tensor<1x1xi8>
  %s = arith.constant dense<[[4.0]]> : tensor<1x1xf8E8M0FNU>
  %n = arith.constant dense<1.0> : tensor<1xf32>
  %0 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  %1 = fp4q.scaled_matmul
      ins(%a, %sa, %b, %s : tensor<4x1xi8>, tensor<4x1xf8E8M0FNU>,
          tensor<1x1xi8>, tensor<1x1xf8E8M0FNU>)
      bias(%n : tensor<1xf32>) outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0, %1 : tensor<4x1xf32>, tensor<4x1xf32>
}

{-#
  dialect_resources: {
    builtin: {
      b0: "0x0100000005",
      b1: "0x0100000006"
    }
  }
#-}
