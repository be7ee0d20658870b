// RUN: not fp4q-opt %s --convert-fp4q-to-vector=chip=sm_80 2>&1 | FileCheck %s
// CHECK: {{^}}<unknown>:0: error: unknown CPU level 'sm_80', expected one of cpu:x86-64, cpu:x86-64-v2, cpu:x86-64-v3, cpu:avx-vnni, cpu:x86-64-v4, cpu:avx512-vnni, cpu:aarch64, cpu:aarch64-dotprod, cpu:generic{{$}}
