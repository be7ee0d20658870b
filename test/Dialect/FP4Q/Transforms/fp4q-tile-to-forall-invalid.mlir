// RUN: not fp4q-opt %s --fp4q-tile-to-forall='elements=0' 2>&1 | FileCheck %s
// RUN: not fp4q-opt %s --fp4q-tile-to-forall='rows=-1' 2>&1 | FileCheck %s
// RUN: not fp4q-opt %s --fp4q-tile-to-forall='columns=0' 2>&1 | FileCheck %s
// RUN: not fp4q-opt %s --fp4q-tile-to-forall='depth=0' 2>&1 | FileCheck %s
// CHECK: error: fp4q-tile-to-forall expects elements, rows, columns and depth to be positive

// RUN: not fp4q-opt %s --fp4q-tile-to-forall='rows=many' 2>&1 | FileCheck %s --check-prefix=NUMBER
// NUMBER: for the --rows option: 'many' value invalid

module {}
