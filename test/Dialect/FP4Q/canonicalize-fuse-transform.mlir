// RUN: fp4q-opt %s -split-input-file --canonicalize | FileCheck %s

// CHECK-LABEL: @fuse_f32
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xbf16>, %[[T:.*]]: tensor<2x32x32xbf16>, %[[G:.*]]: f32)
func.func @fuse_f32(%x: tensor<?x64xbf16>, %t: tensor<2x32x32xbf16>, %g: f32)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x64xbf16>
  %y0 = tensor.empty(%m) : tensor<?x64xf32>
  %c = tensor.empty(%m) : tensor<?x32xi8>
  %s = tensor.empty(%m) : tensor<?x2xf8E8M0FNU>
  // CHECK-NOT: fp4q.block_transform
  // CHECK: %[[R:.*]]:2 = fp4q.quantize_pack ins(%[[X]] : tensor<?x64xbf16>) transform(%[[T]] : tensor<2x32x32xbf16>) global_scale(%[[G]] : f32)
  %y = fp4q.block_transform ins(%x, %t : tensor<?x64xbf16>, tensor<2x32x32xbf16>)
      outs(%y0 : tensor<?x64xf32>) -> tensor<?x64xf32>
  %r:2 = fp4q.quantize_pack ins(%y : tensor<?x64xf32>) global_scale(%g : f32)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  // CHECK: return %[[R]]#0, %[[R]]#1
  return %r#0, %r#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}

// -----

// CHECK-LABEL: @fuse_given_scales
// CHECK-SAME: (%[[X:.*]]: tensor<4x64xf32>, %[[T:.*]]: tensor<16x16xf32>, %[[S:.*]]: tensor<4x2xf8E8M0FNU>)
func.func @fuse_given_scales(%x: tensor<4x64xf32>, %t: tensor<16x16xf32>,
                             %s: tensor<4x2xf8E8M0FNU>) -> tensor<4x32xi8> {
  %y0 = tensor.empty() : tensor<4x64xf32>
  %c = tensor.empty() : tensor<4x32xi8>
  // CHECK-NOT: fp4q.block_transform
  // CHECK: fp4q.quantize_pack ins(%[[X]] : tensor<4x64xf32>) transform(%[[T]] : tensor<16x16xf32>) scales(%[[S]] : tensor<4x2xf8E8M0FNU>)
  %y = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<16x16xf32>)
      outs(%y0 : tensor<4x64xf32>) -> tensor<4x64xf32>
  %r = fp4q.quantize_pack ins(%y : tensor<4x64xf32>) scales(%s : tensor<4x2xf8E8M0FNU>)
      outs(%c : tensor<4x32xi8>) -> tensor<4x32xi8>
  return %r : tensor<4x32xi8>
}

// -----

// The unfused form rounds to bf16 in between.
// CHECK-LABEL: @no_fuse_bf16
func.func @no_fuse_bf16(%x: tensor<4x64xbf16>, %t: tensor<32x32xbf16>)
    -> (tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>) {
  %y0 = tensor.empty() : tensor<4x64xbf16>
  %c = tensor.empty() : tensor<4x32xi8>
  %s = tensor.empty() : tensor<4x2xf8E8M0FNU>
  // CHECK: %[[Y:.*]] = fp4q.block_transform
  // CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<4x64xbf16>) outs
  %y = fp4q.block_transform ins(%x, %t : tensor<4x64xbf16>, tensor<32x32xbf16>)
      outs(%y0 : tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %r:2 = fp4q.quantize_pack ins(%y : tensor<4x64xbf16>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %r#0, %r#1 : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
}

// -----

// CHECK-LABEL: @no_fuse_two_uses
func.func @no_fuse_two_uses(%x: tensor<4x64xf32>, %t: tensor<32x32xf32>)
    -> (tensor<4x32xi8>, tensor<4x64xf32>) {
  %y0 = tensor.empty() : tensor<4x64xf32>
  %c = tensor.empty() : tensor<4x32xi8>
  %s = tensor.empty() : tensor<4x2xf8E8M0FNU>
  // CHECK: %[[Y:.*]] = fp4q.block_transform
  // CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<4x64xf32>) outs
  %y = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y0 : tensor<4x64xf32>) -> tensor<4x64xf32>
  %r:2 = fp4q.quantize_pack ins(%y : tensor<4x64xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %r#0, %y : tensor<4x32xi8>, tensor<4x64xf32>
}

// -----

// CHECK-LABEL: @no_fuse_second_transform
func.func @no_fuse_second_transform(%x: tensor<4x64xf32>, %t: tensor<32x32xf32>)
    -> tensor<4x32xi8> {
  %y0 = tensor.empty() : tensor<4x64xf32>
  %c = tensor.empty() : tensor<4x32xi8>
  %s = tensor.empty() : tensor<4x2xf8E8M0FNU>
  // CHECK: %[[Y:.*]] = fp4q.block_transform
  // CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<4x64xf32>) transform
  %y = fp4q.block_transform ins(%x, %t : tensor<4x64xf32>, tensor<32x32xf32>)
      outs(%y0 : tensor<4x64xf32>) -> tensor<4x64xf32>
  %r:2 = fp4q.quantize_pack ins(%y : tensor<4x64xf32>) transform(%t : tensor<32x32xf32>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %r#0 : tensor<4x32xi8>
}

// -----

// The recipe rounds to the type of the tensor that it quantizes: f32 before
// fusion, bf16 after it.
// CHECK-LABEL: @no_fuse_input_type
func.func @no_fuse_input_type(%x: tensor<4x64xbf16>, %t: tensor<32x32xbf16>, %g: f32)
    -> tensor<4x32xi8> {
  %y0 = tensor.empty() : tensor<4x64xf32>
  %c = tensor.empty() : tensor<4x32xi8>
  %s = tensor.empty() : tensor<4x4xf8E4M3FN>
  // CHECK: %[[Y:.*]] = fp4q.block_transform
  // CHECK: fp4q.quantize_pack ins(%[[Y]] : tensor<4x64xf32>) global_scale
  %y = fp4q.block_transform ins(%x, %t : tensor<4x64xbf16>, tensor<32x32xbf16>)
      outs(%y0 : tensor<4x64xf32>) -> tensor<4x64xf32>
  %r:2 = fp4q.quantize_pack ins(%y : tensor<4x64xf32>) global_scale(%g : f32)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x4xf8E4M3FN>)
      {recipe = #fp4q.recipe<"ct-nv">}
      -> tensor<4x32xi8>, tensor<4x4xf8E4M3FN>
  return %r#0 : tensor<4x32xi8>
}
