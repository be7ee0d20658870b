// RUN: not fp4q-opt %s --convert-fp4q-to-gpu=chip=sm_120 2>&1 | FileCheck %s
// RUN: not fp4q-opt %s --convert-fp4q-to-gpu=chip=cpu 2>&1 | FileCheck %s --check-prefix=CPU

// CHECK: error: unknown chip 'sm_120'; known targets are: {{.*}}sm_90a, {{.*}}sm_120a
// CPU: error: unknown chip 'cpu'; known targets are: {{.*}}sm_90a
module {}
