// RUN: not fp4q-opt %s --fp4q-legalize-layouts=target=sm_120 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: {{^}}<unknown>:0: error: unknown target 'sm_120', expected one of cpu, cpu:x86-64, cpu:x86-64-v2, cpu:x86-64-v3, cpu:avx-vnni, cpu:x86-64-v4, cpu:avx512-vnni, cpu:aarch64, cpu:aarch64-dotprod, cpu:generic, sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_103a, sm_120a, sm_121a{{$}}
// RUN: not fp4q-opt %s --fp4q-legalize-layouts 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: [[@LINE+8]]:8: error: 'fp4q.dequant' op has no back end yet; run fp4q-select-backend before fp4q-legalize-layouts{{$}}
// The back end of another target.
// RUN: not fp4q-opt %s --fp4q-select-backend --fp4q-legalize-layouts=target=sm_90a 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: [[@LINE+5]]:8: error: 'fp4q.dequant' op cannot be computed by its back end on sm_90a: cpu is for CPUs{{$}}

func.func @dequant(%codes: tensor<8x48xi8>, %z: tensor<1x2x512xf8E4M3FN>,
                   %init: tensor<8x96xf32>) -> tensor<8x96xf32> {
  // Blocked scales, which the kernels do not take.
  %0 = fp4q.dequant ins(%codes, %z : tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>)
      outs(%init : tensor<8x96xf32>)
      {group_size = 16 : i64, scale_layout = #fp4q.scale_layout<blocked_128x4>}
      -> tensor<8x96xf32>
  return %0 : tensor<8x96xf32>
}
