// RUN: fp4q-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @unpack_of_pack(
// CHECK-SAME:      %[[W:[^:]+]]: tensor<17x33xi8>
func.func @unpack_of_pack(%w: tensor<17x33xi8>) -> tensor<17x33xi8> {
  // CHECK-NEXT: return %[[W]]
  %0 = tensor.empty() : tensor<2x9x64xi8>
  %1 = fp4q.pack_weights ins(%w : tensor<17x33xi8>)
      outs(%0 : tensor<2x9x64xi8>) -> tensor<2x9x64xi8>
  %2 = tensor.empty() : tensor<17x33xi8>
  %3 = fp4q.unpack_weights ins(%1 : tensor<2x9x64xi8>)
      outs(%2 : tensor<17x33xi8>) -> tensor<17x33xi8>
  return %3 : tensor<17x33xi8>
}

// As many tiles, but fewer rows.
// CHECK-LABEL: func.func @unpack_drops_rows(
func.func @unpack_drops_rows(%w: tensor<17x33xi8>) -> tensor<18x33xi8> {
  // CHECK: fp4q.pack_weights
  // CHECK: fp4q.unpack_weights
  %0 = tensor.empty() : tensor<2x9x64xi8>
  %1 = fp4q.pack_weights ins(%w : tensor<17x33xi8>)
      outs(%0 : tensor<2x9x64xi8>) -> tensor<2x9x64xi8>
  %2 = tensor.empty() : tensor<18x33xi8>
  %3 = fp4q.unpack_weights ins(%1 : tensor<2x9x64xi8>)
      outs(%2 : tensor<18x33xi8>) -> tensor<18x33xi8>
  return %3 : tensor<18x33xi8>
}

// CHECK-LABEL: func.func @pack_of_unpack_full(
// CHECK-SAME:      %[[P:[^:]+]]: tensor<2x9x64xi8>
func.func @pack_of_unpack_full(%p: tensor<2x9x64xi8>) -> tensor<2x9x64xi8> {
  // CHECK-NEXT: return %[[P]]
  %0 = tensor.empty() : tensor<32x36xi8>
  %1 = fp4q.unpack_weights ins(%p : tensor<2x9x64xi8>)
      outs(%0 : tensor<32x36xi8>) -> tensor<32x36xi8>
  %2 = tensor.empty() : tensor<2x9x64xi8>
  %3 = fp4q.pack_weights ins(%1 : tensor<32x36xi8>)
      outs(%2 : tensor<2x9x64xi8>) -> tensor<2x9x64xi8>
  return %3 : tensor<2x9x64xi8>
}

// The padding of rows, or of K, may hold anything and becomes 0.
// CHECK-LABEL: func.func @pack_of_unpack_padded(
func.func @pack_of_unpack_padded(%p: tensor<2x9x64xi8>)
    -> (tensor<2x9x64xi8>, tensor<2x9x64xi8>) {
  // CHECK: fp4q.pack_weights
  // CHECK: fp4q.pack_weights
  %0 = tensor.empty() : tensor<31x36xi8>
  %1 = fp4q.unpack_weights ins(%p : tensor<2x9x64xi8>)
      outs(%0 : tensor<31x36xi8>) -> tensor<31x36xi8>
  %2 = tensor.empty() : tensor<2x9x64xi8>
  %3 = fp4q.pack_weights ins(%1 : tensor<31x36xi8>)
      outs(%2 : tensor<2x9x64xi8>) -> tensor<2x9x64xi8>
  %4 = tensor.empty() : tensor<32x35xi8>
  %5 = fp4q.unpack_weights ins(%p : tensor<2x9x64xi8>)
      outs(%4 : tensor<32x35xi8>) -> tensor<32x35xi8>
  %6 = fp4q.pack_weights ins(%5 : tensor<32x35xi8>)
      outs(%2 : tensor<2x9x64xi8>) -> tensor<2x9x64xi8>
  return %3, %6 : tensor<2x9x64xi8>, tensor<2x9x64xi8>
}

// Unread inits become tensor.empty.
// CHECK-LABEL: func.func @init(
// CHECK-SAME:      %[[W:[^:]+]]: tensor<17x33xi8>
func.func @init(%w: tensor<17x33xi8>, %i: tensor<2x9x64xi8>)
    -> tensor<2x9x64xi8> {
  // CHECK: %[[E:.*]] = tensor.empty() : tensor<2x9x64xi8>
  // CHECK: fp4q.pack_weights ins(%[[W]] : tensor<17x33xi8>) outs(%[[E]] :
  %0 = fp4q.pack_weights ins(%w : tensor<17x33xi8>)
      outs(%i : tensor<2x9x64xi8>) -> tensor<2x9x64xi8>
  return %0 : tensor<2x9x64xi8>
}
