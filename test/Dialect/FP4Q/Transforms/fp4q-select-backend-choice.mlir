// The choice among several back ends, on the table of test/lib/TestBackEnds.h:
//   sm_120a   gpu-native: matmul to bf16 and f16, and quantization of bf16 by
//             the law, without a transform for each block; gpu-portable
//   sm_90a    gpu-portable: all of mxfp4 and nvfp4
//   any chip  reference, on request only
// RUN: fp4q-test-opt %s --test-fp4q-select-backend=target=sm_120a -verify-diagnostics | FileCheck %s
// RUN: fp4q-test-opt %s --test-fp4q-select-backend=target=sm_120a --remark-format=emitRemark --remarks-filter=fp4q-select-backend 2>&1 | FileCheck %s --check-prefix=REMARK

// Quantization and matmul choose by themselves: the quantizer of f32 is the
// portable one, the matmul behind it the native one.
// CHECK-LABEL: func.func @mixed(
// REMARK: [[@LINE+7]]:13: remark: [Passed] back end chosen | Category:fp4q-select-backend | Function=mixed | BackEnd=gpu-portable, Reason="gpu-native does not take f32"{{$}}
// REMARK: remark: [Passed] back end chosen | Category:fp4q-select-backend | Function=mixed | BackEnd=gpu-native{{$}}
func.func @mixed(%x: tensor<4x64xf32>, %b: tensor<8x32xi8>,
                 %sb: tensor<8x2xf8E8M0FNU>, %ca: tensor<4x32xi8>,
                 %cs: tensor<4x2xf8E8M0FNU>, %y: tensor<4x8xbf16>)
    -> tensor<4x8xbf16> {
  // CHECK: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-portable">}
  %a, %sa = fp4q.quantize_pack ins(%x : tensor<4x64xf32>)
      outs(%ca, %cs : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  // CHECK: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"gpu-native">}
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%y : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return %c : tensor<4x8xbf16>
}

// The nearest: bf16 is what the native quantizer takes, f32 results are what
// the native matmul does not make.
// CHECK-LABEL: func.func @mixed_the_other_way(
func.func @mixed_the_other_way(%x: tensor<4x64xbf16>, %b: tensor<8x32xi8>,
    %sb: tensor<8x2xf8E8M0FNU>, %ca: tensor<4x32xi8>,
    %cs: tensor<4x2xf8E8M0FNU>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-native">}
  %a, %sa = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      outs(%ca, %cs : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  // CHECK: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"gpu-portable">}
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%y : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// A request that can be met is met, though another back end is faster.
// CHECK-LABEL: func.func @requested(
// REMARK: remark: [Passed] {{.*}} | Function=requested | BackEnd=gpu-portable, Reason="as requested"{{$}}
func.func @requested(%x: tensor<4x64xbf16>, %ca: tensor<4x32xi8>,
                     %cs: tensor<4x2xf8E8M0FNU>)
    -> (tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>) {
  // CHECK: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-portable">}
  %a, %sa = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      outs(%ca, %cs : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      {fp4q.backend = #fp4q.backend<"gpu-portable">}
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %a, %sa : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
}

// A request that cannot be met: what the native quantizer does not take is its
// type, format, recipe, given scales or transform. A shared transform it takes.
// CHECK-LABEL: func.func @constraints(
func.func @constraints(%x: tensor<4x64xbf16>, %h: tensor<4x64xf16>,
    %t: tensor<32x32xbf16>, %ts: tensor<2x32x32xbf16>, %c: tensor<4x32xi8>,
    %s: tensor<4x2xf8E8M0FNU>, %n: tensor<4x2xf8E4M3FN>) {
  // REMARK: [[@LINE+4]]:10: warning: uses the back end 'gpu-portable' and not the requested one: gpu-native does not take f16
  // REMARK: [[@LINE+3]]:10: remark: [Failure] back end not as requested | Category:fp4q-select-backend | Function=constraints | BackEnd=gpu-portable, Reason="gpu-native does not take f16"{{$}}
  // CHECK: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-portable">}
  // expected-warning @below {{uses the back end 'gpu-portable' and not the requested one: gpu-native does not take f16}}
  %0:2 = fp4q.quantize_pack ins(%h : tensor<4x64xf16>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      {fp4q.backend = #fp4q.backend<"gpu-native">}
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  // CHECK: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-portable">, recipe
  // expected-warning @below {{uses the back end 'gpu-portable' and not the requested one: gpu-native takes no recipe but the law}}
  %1:2 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      {fp4q.backend = #fp4q.backend<"gpu-native">,
       recipe = #fp4q.recipe<"torchao-mx-floor">}
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  // CHECK: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-portable">}
  // expected-warning @below {{uses the back end 'gpu-portable' and not the requested one: gpu-native does not take given scales}}
  %2 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      scales(%s : tensor<4x2xf8E8M0FNU>) outs(%c : tensor<4x32xi8>)
      {fp4q.backend = #fp4q.backend<"gpu-native">} -> tensor<4x32xi8>
  // CHECK: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-portable">}
  // expected-warning @below {{uses the back end 'gpu-portable' and not the requested one: gpu-native does not take a transform of each block}}
  %3:2 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      transform(%ts : tensor<2x32x32xbf16>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      {fp4q.backend = #fp4q.backend<"gpu-native">}
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  // CHECK: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-native">}
  %4:2 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      transform(%t : tensor<32x32xbf16>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      {fp4q.backend = #fp4q.backend<"gpu-native">}
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return
}

// On request, and then with a warning, once: the host.
// CHECK-LABEL: func.func @host(
func.func @host(%x: tensor<4x64xbf16>, %c: tensor<4x32xi8>,
                %n: tensor<4x2xf8E4M3FN>) {
  // CHECK: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"reference">}
  // CHECK: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"reference">}
  // expected-warning @below {{the back end 'reference' computes on the host: operands and results are copied, here and wherever else it is requested}}
  %0:2 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      outs(%c, %n : tensor<4x32xi8>, tensor<4x2xf8E4M3FN>)
      {fp4q.backend = #fp4q.backend<"reference">}
      -> tensor<4x32xi8>, tensor<4x2xf8E4M3FN>
  %1:2 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      outs(%c, %n : tensor<4x32xi8>, tensor<4x2xf8E4M3FN>)
      {fp4q.backend = #fp4q.backend<"reference">}
      -> tensor<4x32xi8>, tensor<4x2xf8E4M3FN>
  return
}
