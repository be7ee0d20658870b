// RUN: fp4q-opt %s -convert-fp4q-to-gpu=chip=sm_90a | FileCheck %s

// On tensor cores all CTAs are in x: y has only 65535.
// CHECK-LABEL: func.func @transformed(
// CHECK-DAG: %[[PER_ROW:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[ROWS:.*]] = arith.constant 128 : index
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : index
// CHECK: %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %[[ROWS]]
// CHECK: %[[ALL:.*]] = arith.muli %[[BLOCKS]], %[[PER_ROW]]
// CHECK: gpu.launch_func @fp4q_kernels::@quantize_pack{{.*}} blocks in (%[[ALL]], %[[ONE]], %[[ONE]])
func.func @transformed(%x: memref<?x544xbf16>, %t: memref<32x32xbf16>,
                       %c: memref<?x272xi8>, %s: memref<?x17xf8E8M0FNU>) {
  fp4q.quantize_pack ins(%x : memref<?x544xbf16>)
      transform(%t : memref<32x32xbf16>)
      outs(%c, %s : memref<?x272xi8>, memref<?x17xf8E8M0FNU>)
  return
}
