// RUN: fp4q-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @fold_decode()
// CHECK-DAG: %[[INTERLEAVED:.*]] = arith.constant dense<[5.000000e-01, 1.000000e+00, -6.000000e+00, 0.000000e+00]> : vector<4xf32>
// CHECK-DAG: %[[SPLIT:.*]] = arith.constant dense<[5.000000e-01, -6.000000e+00, 1.000000e+00, 0.000000e+00]> : vector<4xbf16>
// CHECK-DAG: %[[SIGNED:.*]] = arith.constant dense<[1, 2, -12, 0]> : vector<4xi8>
// CHECK-DAG: %[[UNSIGNED:.*]] = arith.constant dense<[13, 0, 14, 12]> : vector<4xi8>
// CHECK: return %[[INTERLEAVED]], %[[SPLIT]], %[[SIGNED]], %[[UNSIGNED]]
func.func @fold_decode() -> (vector<4xf32>, vector<4xbf16>, vector<4xi8>,
                             vector<4xi8>) {
  %c = arith.constant dense<[0x21, 0x0F]> : vector<2xi8>
  %0 = fp4q.decode %c : vector<2xi8> -> vector<4xf32>
  %1 = fp4q.decode %c order<split> : vector<2xi8> -> vector<4xbf16>
  %2 = fp4q.decode %c : vector<2xi8> -> vector<4xi8>
  %3 = fp4q.decode %c order<split> bias(12) : vector<2xi8> -> vector<4xi8>
  return %0, %1, %2, %3 : vector<4xf32>, vector<4xbf16>, vector<4xi8>,
                          vector<4xi8>
}

// Scales of 4 and of -0.5; 6 * 2^14 is too large for f16; a scale that is NaN
// makes everything NaN; the byte 0 is 2^-127.
// CHECK-LABEL: func.func @fold_decode_scaled()
// CHECK-DAG: %[[E8M0:.*]] = arith.constant dense<[0x7C00, 8.192000e+03, 0x7E00, 0x7E00]> : vector<4xf16>
// CHECK-DAG: %[[E4M3:.*]] = arith.constant dense<[2.400000e+01, 2.000000e+00, -2.500000e-01, 3.000000e+00]> : vector<4xf32>
// CHECK-DAG: %[[TINY:.*]] = arith.constant dense<[3.526480e-38, 2.938740e-39]> : vector<2xbf16>
// CHECK: return %[[E8M0]], %[[E4M3]], %[[TINY]]
func.func @fold_decode_scaled() -> (vector<4xf16>, vector<4xf32>,
                                    vector<2xbf16>) {
  %c = arith.constant dense<[0x17, 0xF1]> : vector<2xi8>
  %e8m0_bits = arith.constant dense<[141, 255]> : vector<2xi8>
  %e8m0 = arith.bitcast %e8m0_bits : vector<2xi8> to vector<2xf8E8M0FNU>
  %e4m3 = arith.constant dense<[4.0, -0.5]> : vector<2xf8E4M3FN>
  %byte = arith.constant dense<0x17> : vector<1xi8>
  %zero_bits = arith.constant dense<0> : vector<1xi8>
  %zero = arith.bitcast %zero_bits : vector<1xi8> to vector<1xf8E8M0FNU>
  %0 = fp4q.decode %c scales(%e8m0 : vector<2xf8E8M0FNU>)
      : vector<2xi8> -> vector<4xf16>
  %1 = fp4q.decode %c scales(%e4m3 : vector<2xf8E4M3FN>)
      : vector<2xi8> -> vector<4xf32>
  %2 = fp4q.decode %byte scales(%zero : vector<1xf8E8M0FNU>)
      : vector<1xi8> -> vector<2xbf16>
  return %0, %1, %2 : vector<4xf16>, vector<4xf32>, vector<2xbf16>
}

// CHECK-LABEL: func.func @no_fold_decode(
// CHECK: fp4q.decode %{{.*}} scales
func.func @no_fold_decode(%s: vector<1xf8E4M3FN>) -> vector<4xf32> {
  %c = arith.constant dense<[0x17, 0xF1]> : vector<2xi8>
  %0 = fp4q.decode %c scales(%s : vector<1xf8E4M3FN>)
      : vector<2xi8> -> vector<4xf32>
  return %0 : vector<4xf32>
}

// -0.25 is a tie and goes to the even code, 8; NaN gives 7, -Inf 15, -0 code 8,
// or 0 where only negative numbers keep their sign.
// CHECK-LABEL: func.func @fold_encode()
// CHECK-DAG: %[[BYTES:.*]] = arith.constant dense<[120, -120, -11]> : vector<3xi8>
// CHECK-DAG: %[[SPLIT:.*]] = arith.constant dense<[8, 87, -16]> : vector<3xi8>
// CHECK: return %[[BYTES]], %[[SPLIT]]
func.func @fold_encode() -> (vector<3xi8>, vector<3xi8>) {
  %t = arith.constant dense<[-0.25, 0x7FC00000, -0.0, -0.0, 3.25, 0xFF800000]>
      : vector<6xf32>
  %0 = fp4q.encode %t : vector<6xf32> -> vector<3xi8>
  %1 = fp4q.encode %t order<split> sign_of_zero<only_negative>
      : vector<6xf32> -> vector<3xi8>
  return %0, %1 : vector<3xi8>, vector<3xi8>
}

// CHECK-LABEL: func.func @no_fold_encode(
// CHECK: fp4q.encode
func.func @no_fold_encode(%t: vector<2xf32>) -> vector<1xi8> {
  %0 = fp4q.encode %t : vector<2xf32> -> vector<1xi8>
  return %0 : vector<1xi8>
}

// 255 * -128 four times is far from where 16 bits end; sums wrap around.
// CHECK-LABEL: func.func @fold_group_dot()
// CHECK: %[[D:.*]] = arith.constant dense<[-130559, 2147483638]> : vector<2xi32>
// CHECK: return %[[D]]
func.func @fold_group_dot() -> vector<2xi32> {
  %u = arith.constant dense<[255, 255, 255, 255, 1, 2, 3, 4]> : vector<8xi8>
  %s = arith.constant dense<[-128, -128, -128, -128, -1, -1, -1, -1]>
      : vector<8xi8>
  %acc = arith.constant dense<[1, -2147483648]> : vector<2xi32>
  %0 = fp4q.group_dot %u, %s, %acc : vector<8xi8>, vector<2xi32>
  return %0 : vector<2xi32>
}

// CHECK-LABEL: func.func @no_fold_group_dot(
// CHECK: fp4q.group_dot
func.func @no_fold_group_dot(%acc: vector<1xi32>) -> vector<1xi32> {
  %u = arith.constant dense<0> : vector<4xi8>
  %0 = fp4q.group_dot %u, %u, %acc : vector<4xi8>, vector<1xi32>
  return %0 : vector<1xi32>
}
