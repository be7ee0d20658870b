// RUN: not fp4q-opt %s --fp4q-fuse-dequant='rows=0' 2>&1 | FileCheck %s
// RUN: not fp4q-opt %s --fp4q-fuse-dequant='columns=-1' 2>&1 | FileCheck %s
// RUN: not fp4q-opt %s --fp4q-fuse-dequant='depth=0' 2>&1 | FileCheck %s
// CHECK: error: fp4q-fuse-dequant expects rows, columns and depth to be positive

// RUN: not fp4q-opt %s --fp4q-fuse-dequant='depth=many' 2>&1 | FileCheck %s --check-prefix=NUMBER
// NUMBER: for the --depth option: 'many' value invalid

// RUN: not fp4q-opt %s --fp4q-absorb-epilogue='relaxed=perhaps' 2>&1 | FileCheck %s --check-prefix=FLAG
// FLAG: for the --relaxed option: 'perhaps' is invalid value for boolean argument! Try 0 or 1

module {}
