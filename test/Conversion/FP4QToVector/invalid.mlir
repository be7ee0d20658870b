// RUN: not fp4q-opt %s --convert-fp4q-to-vector=chip=sm_80 2>&1 | FileCheck %s
// CHECK: convert-fp4q-to-vector expects chip to be a CPU level, but got 'sm_80'
