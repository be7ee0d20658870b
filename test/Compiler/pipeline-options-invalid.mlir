// One line that names the culprit and what is allowed.
// RUN: not fp4q-opt %s --fp4q-to-cpu=level=pentium 2>&1 | FileCheck %s --check-prefix=LEVEL
// The name of a target is a level, too.
// RUN: fp4q-opt %s --fp4q-to-cpu=level=cpu:x86-64-v3 | FileCheck %s --check-prefix=PREFIX
// PREFIX: llvm.func @quantize
// PREFIX-NOT: fp4q.
// LEVEL: {{^}}<unknown>:0: error: unknown CPU level 'pentium', expected one of cpu:x86-64, cpu:x86-64-v2, cpu:x86-64-v3, cpu:avx-vnni, cpu:x86-64-v4, cpu:avx512-vnni, cpu:aarch64, cpu:aarch64-dotprod, cpu:generic{{$}}
// RUN: not fp4q-opt %s --fp4q-to-cpu="level=x86-64 backend=triton" 2>&1 | FileCheck %s --check-prefix=BACKEND
// BACKEND: {{^}}<unknown>:0: error: unknown back end 'triton' for cpu:x86-64, expected one of auto, reference, cpu{{$}}
// RUN: not fp4q-opt %s --fp4q-to-cpu="level=x86-64 quantize=gpu-native" 2>&1 | FileCheck %s --check-prefix=QUANTIZE
// QUANTIZE: {{^}}<unknown>:0: error: there is no back end 'gpu-native' for cpu:x86-64, expected one of auto, reference, cpu; 'gpu-native' is for sm_120a, sm_121a{{$}}
// RUN: not fp4q-opt %s --fp4q-to-cpu="backend=reference matmul=cpu" 2>&1 | FileCheck %s --check-prefix=CONTRADICTION
// CONTRADICTION: {{^}}<unknown>:0: error: the options backend=reference and matmul=cpu contradict each other{{$}}
// RUN: not fp4q-opt %s --fp4q-to-gpu=chip=sm_120 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not fp4q-opt %s --fp4q-lower-gpu-modules=chip=sm_120 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not fp4q-opt %s --fp4q-lower-gpu-modules=chip=cpu:x86-64-v3 2>&1 | FileCheck %s --check-prefix=MODULES
// CHIP: {{^}}<unknown>:0: error: unknown chip 'sm_120', expected one of sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_103a, sm_120a, sm_121a{{$}}
// MODULES: {{^}}<unknown>:0: error: unknown chip 'cpu:x86-64-v3', expected one of sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_103a, sm_120a, sm_121a{{$}}
// RUN: not fp4q-opt %s --fp4q-to-gpu="chip=sm_90a matmul=gpu-native" 2>&1 | FileCheck %s --check-prefix=NATIVE
// NATIVE: {{^}}<unknown>:0: error: there is no back end 'gpu-native' for sm_90a, expected one of auto, gpu-portable; 'gpu-native' is for sm_120a, sm_121a{{$}}
// RUN: not fp4q-opt %s --fp4q-to-gpu="chip=sm_120a backend=gpu-portable matmul=gpu-native" 2>&1 | FileCheck %s --check-prefix=GPU
// GPU: {{^}}<unknown>:0: error: the options backend=gpu-portable and matmul=gpu-native contradict each other{{$}}
// RUN: not fp4q-opt %s --fp4q-optimize=max-elements=-1 2>&1 | FileCheck %s --check-prefix=ELEMENTS
// ELEMENTS: {{^}}<unknown>:0: error: fp4q-fold-constants expects max-elements and max-dequant-elements to be at least 0{{$}}
// RUN: not fp4q-opt %s --fp4q-optimize=relaxed=maybe 2>&1 | FileCheck %s --check-prefix=RELAXED
// RELAXED: for the --relaxed option: 'maybe' is invalid value for boolean argument! Try 0 or 1{{$}}
// RUN: not fp4q-opt %s --fp4q-optimize=fast 2>&1 | FileCheck %s --check-prefix=OPTION
// OPTION: no such option fast{{$}}

func.func @quantize(%x: tensor<4x64xbf16>, %c: tensor<4x32xi8>,
                    %s: tensor<4x2xf8E8M0FNU>)
    -> (tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>) {
  %0:2 = fp4q.quantize_pack ins(%x : tensor<4x64xbf16>)
      outs(%c, %s : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>)
      -> tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
  return %0#0, %0#1 : tensor<4x32xi8>, tensor<4x2xf8E8M0FNU>
}
