// Options: one line that names the culprit and what is allowed.
// RUN: not fp4q-opt %s --fp4q-select-backend=target=sm_120 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: {{^}}<unknown>:0: error: unknown target 'sm_120', expected one of cpu, cpu:x86-64, cpu:x86-64-v2, cpu:x86-64-v3, cpu:avx-vnni, cpu:x86-64-v4, cpu:avx512-vnni, cpu:aarch64, cpu:aarch64-dotprod, cpu:generic, sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_103a, sm_120a, sm_121a{{$}}
// RUN: not fp4q-opt %s --fp4q-select-backend=target= 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: {{^}}<unknown>:0: error: unknown target '', expected one of cpu,
// RUN: not fp4q-opt %s --fp4q-select-backend=matmul=triton 2>&1 | FileCheck %s --check-prefix=BACKEND
// BACKEND: {{^}}<unknown>:0: error: unknown back end 'triton' for cpu:x86-64, expected one of auto, reference, cpu{{$}}
// RUN: not fp4q-opt %s --fp4q-select-backend=quantize=gpu-native 2>&1 | FileCheck %s --check-prefix=KERNELS
// KERNELS: {{^}}<unknown>:0: error: there is no back end 'gpu-native' for cpu:x86-64, expected one of auto, reference, cpu{{$}}
// RUN: not fp4q-opt %s --fp4q-select-backend="backend=reference matmul=auto" 2>&1 | FileCheck %s --check-prefix=CONTRADICTION
// CONTRADICTION: {{^}}<unknown>:0: error: the options backend=reference and matmul=auto contradict each other{{$}}
// RUN: not fp4q-opt %s --fp4q-select-backend="quantize=cpu backend=reference" 2>&1 | FileCheck %s --check-prefix=QUANTIZE
// QUANTIZE: {{^}}<unknown>:0: error: the options backend=reference and quantize=cpu contradict each other{{$}}
// RUN: not fp4q-opt %s --fp4q-select-backend=chip=sm_80 2>&1 | FileCheck %s --check-prefix=OPTION
// OPTION: no such option chip
// RUN: not fp4q-opt %s --fp4q-select-backend=target=sm_90a 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: [[@LINE+6]]:8: error: no back end computes this on sm_90a: cpu is for CPUs; reference is for CPUs{{$}}

// The two errors of a whole module are both reported.
// NONE: [[@LINE+5]]:8: error: no back end computes this on sm_90a: cpu is for CPUs; reference is for CPUs{{$}}
func.func @two(%x: tensor<4x64xf32>, %g: tensor<f32>)
    -> (tensor<f32>, tensor<f32>) {
  %0 = fp4q.global_scale ins(%x : tensor<4x64xf32>) outs(%g : tensor<f32>)
      -> tensor<f32>
  %1 = fp4q.global_scale ins(%x : tensor<4x64xf32>) outs(%g : tensor<f32>)
      -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}
