// Options: one line that names the culprit and what is allowed.
// RUN: not fp4q-opt %s --fp4q-select-backend=target=sm_120 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: {{^}}<unknown>:0: error: unknown target 'sm_120', expected one of cpu, cpu:x86-64, cpu:x86-64-v2, cpu:x86-64-v3, cpu:avx-vnni, cpu:x86-64-v4, cpu:avx512-vnni, cpu:aarch64, cpu:aarch64-dotprod, cpu:generic, sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_103a, sm_120a, sm_121a{{$}}
// RUN: not fp4q-opt %s --fp4q-select-backend=target= 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: {{^}}<unknown>:0: error: unknown target '', expected one of cpu,
// RUN: not fp4q-opt %s --fp4q-select-backend=matmul=triton 2>&1 | FileCheck %s --check-prefix=BACKEND
// BACKEND: {{^}}<unknown>:0: error: unknown back end 'triton' for cpu:x86-64, expected one of auto, reference, cpu{{$}}
// RUN: not fp4q-opt %s --fp4q-select-backend=quantize=gpu-native 2>&1 | FileCheck %s --check-prefix=KERNELS
// KERNELS: {{^}}<unknown>:0: error: there is no back end 'gpu-native' for cpu:x86-64, expected one of auto, reference, cpu; 'gpu-native' is for sm_120a, sm_121a{{$}}
// RUN: not fp4q-opt %s --fp4q-select-backend="backend=reference matmul=auto" 2>&1 | FileCheck %s --check-prefix=CONTRADICTION
// CONTRADICTION: {{^}}<unknown>:0: error: the options backend=reference and matmul=auto contradict each other{{$}}
// RUN: not fp4q-opt %s --fp4q-select-backend="quantize=cpu backend=reference" 2>&1 | FileCheck %s --check-prefix=QUANTIZE
// QUANTIZE: {{^}}<unknown>:0: error: the options backend=reference and quantize=cpu contradict each other{{$}}
// RUN: not fp4q-opt %s --fp4q-select-backend=chip=sm_80 2>&1 | FileCheck %s --check-prefix=OPTION
// OPTION: no such option chip
// RUN: not fp4q-opt %s --fp4q-select-backend=target=sm_90a 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: [[@LINE+7]]:8: error: no back end computes this on sm_90a: cpu is for CPUs; reference is for CPUs; gpu-native needs mma block_scale, which sm_90a lacks; gpu-portable does not take e8m0 scales of groups of 16{{$}}

// The two errors of a whole module are both reported.
// NONE: [[@LINE+7]]:8: error: no back end computes this on sm_90a: cpu is for CPUs; reference is for CPUs; gpu-native needs mma block_scale, which sm_90a lacks; gpu-portable does not take e8m0 scales of groups of 16{{$}}
func.func @two(%a: tensor<4x32xi8>, %s: tensor<4x4xf8E8M0FNU>,
               %c: tensor<4x4xf32>, %d: tensor<4x4xbf16>)
    -> (tensor<4x4xf32>, tensor<4x4xbf16>) {
  %0 = fp4q.scaled_matmul ins(%a, %s, %a, %s : tensor<4x32xi8>,
      tensor<4x4xf8E8M0FNU>, tensor<4x32xi8>, tensor<4x4xf8E8M0FNU>)
      outs(%c : tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = fp4q.scaled_matmul ins(%a, %s, %a, %s : tensor<4x32xi8>,
      tensor<4x4xf8E8M0FNU>, tensor<4x32xi8>, tensor<4x4xf8E8M0FNU>)
      outs(%d : tensor<4x4xbf16>) -> tensor<4x4xbf16>
  return %0, %1 : tensor<4x4xf32>, tensor<4x4xbf16>
}
