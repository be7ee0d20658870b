// RUN: not fp4q-opt %s --convert-fp4q-to-gpu=chip=sm_120 2>&1 | FileCheck %s
// RUN: not fp4q-opt %s --convert-fp4q-to-gpu=chip=cpu 2>&1 | FileCheck %s --check-prefix=CPU

// CHECK: {{^}}<unknown>:0: error: unknown chip 'sm_120', expected one of sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_103a, sm_120a, sm_121a{{$}}
// CPU: {{^}}<unknown>:0: error: unknown chip 'cpu', expected one of sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_103a, sm_120a, sm_121a{{$}}
module {}
