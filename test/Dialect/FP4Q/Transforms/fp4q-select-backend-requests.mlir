// Requests by option, on the table of test/lib/TestBackEnds.h.
// RUN: fp4q-test-opt %s --test-fp4q-select-backend="target=sm_120a" 2>&1 | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: fp4q-test-opt %s --test-fp4q-select-backend="target=sm_120a backend=auto matmul=gpu-portable" 2>&1 | FileCheck %s --check-prefixes=CHECK,MATMUL
// RUN: fp4q-test-opt %s --test-fp4q-select-backend="target=sm_120a quantize=gpu-portable" 2>&1 | FileCheck %s --check-prefixes=CHECK,QUANTIZE
// RUN: fp4q-test-opt %s --test-fp4q-select-backend="target=sm_120a backend=gpu-native" 2>&1 | FileCheck %s --check-prefixes=CHECK,BOTH
// RUN: fp4q-test-opt %s --test-fp4q-select-backend="target=cpu:avx512-vnni" 2>&1 | FileCheck %s --check-prefixes=CPU

// RUN: not fp4q-test-opt %s --test-fp4q-select-backend="target=sm_90a backend=gpu-native" 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: error: there is no back end 'gpu-native' for sm_90a, expected one of auto, reference, gpu-portable; 'gpu-native' is for sm_100a, sm_103a, sm_120a, sm_121a{{$}}
// RUN: not fp4q-test-opt %s --test-fp4q-select-backend="target=sm_120a backend=gpu-native matmul=gpu-portable" 2>&1 | FileCheck %s --check-prefix=BOTHWAYS
// BOTHWAYS: error: the options backend=gpu-native and matmul=gpu-portable contradict each other{{$}}

// An operation's own request comes before the option.
// BOTH: warning: uses the back end 'gpu-portable' and not the requested one: gpu-native has no kernel for dequantize
// CHECK-LABEL: func.func @layer(
// CPU-LABEL: func.func @layer(
func.func @layer(%x: tensor<4x64xbf16>, %b: tensor<8x32xi8>,
    %sb: tensor<8x2xf8E8M0FNU>, %ca: tensor<4x32xi8>,
    %cs: tensor<4x2xf8E8M0FNU>, %y: tensor<4x8xbf16>, %d: tensor<8x64xf32>)
    -> (tensor<4x8xbf16>, tensor<4x8xbf16>, tensor<8x64xf32>) {
  // AUTO: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-native">}
  // MATMUL: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-native">}
  // QUANTIZE: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-portable">}
  // BOTH: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"gpu-native">}
  // CPU: fp4q.quantize_pack {{.*}} {fp4q.backend = #fp4q.backend<"cpu">}
  %a, %sa = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      outs(%ca, %cs : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  // AUTO: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"gpu-native">}
  // MATMUL: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"gpu-portable">}
  // QUANTIZE: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"gpu-native">}
  // BOTH: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"gpu-native">}
  // CPU: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"cpu">}
  %c = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%y : tensor<4x8xbf16>) -> tensor<4x8xbf16>
  // CHECK: fp4q.scaled_matmul {{.*}} {fp4q.backend = #fp4q.backend<"gpu-portable">}
  %e = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>,
          tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%y : tensor<4x8xbf16>)
      {fp4q.backend = #fp4q.backend<"gpu-portable">} -> tensor<4x8xbf16>
  // CHECK: fp4q.dequant {{.*}} {fp4q.backend = #fp4q.backend<"gpu-portable">}
  // CPU: fp4q.dequant {{.*}} {fp4q.backend = #fp4q.backend<"reference">}
  %f = fp4q.dequant ins(%b, %sb : tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%d : tensor<8x64xf32>) -> tensor<8x64xf32>
  return %c, %e, %f : tensor<4x8xbf16>, tensor<4x8xbf16>, tensor<8x64xf32>
}
