// REQUIRES: ptxas
// RUN: not fp4q-opt %s --fp4q-assemble-ptx=ptxas=no-such-ptxas 2>&1 | FileCheck %s --check-prefix=PROGRAM
// RUN: not fp4q-opt %s --fp4q-assemble-ptx 2>&1 | FileCheck %s --check-prefix=PTX

// PROGRAM: error: 'gpu.binary' op cannot be assembled: option ptxas is 'no-such-ptxas', which is no program
// PTX: error: 'gpu.binary' op cannot be assembled: '{{.*}}ptxas' fails for sm_80: ptxas {{.*}}, line 1; {{.*}}
gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, assembly = "nothing">]
