// RUN: fp4q-opt %s --convert-fp4q-to-gpu=chip=sm_90a | FileCheck %s

// Of very many rows another kernel decodes a first; the nearest that are not so
// many are done by one.
// CHECK-LABEL: func.func @matmul(
// CHECK: gpu.launch_func @fp4q_kernels::@scaled_matmul_m128
// CHECK: } else {
// CHECK: %[[EXPANDED:.*]] = memref.alloc(%{{.*}}) : memref<?xi8>
// CHECK: gpu.launch_func @fp4q_kernels::@scaled_matmul_expand blocks{{.*}} %[[EXPANDED]] : memref<?xi8>
// CHECK: gpu.launch_func @fp4q_kernels::@scaled_matmul blocks{{.*}} %[[EXPANDED]] : memref<?xi8>
func.func @matmul(%a: memref<?x64xi8>, %sa: memref<?x8xf8E4M3FN>,
                  %b: memref<24x64xi8>, %sb: memref<24x8xf8E4M3FN>,
                  %c: memref<?x24xf32>) {
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<?x64xi8>,
      memref<?x8xf8E4M3FN>, memref<24x64xi8>, memref<24x8xf8E4M3FN>)
      outs(%c : memref<?x24xf32>)
  return
}

// CHECK-LABEL: func.func @matmul_static(
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch_func @fp4q_kernels::@scaled_matmul_m128{{.*}} blocks
// CHECK-NOT: gpu.launch_func
// CHECK: return
func.func @matmul_static(%a: memref<128x64xi8>, %sa: memref<128x4xf8E8M0FNU>,
                         %b: memref<24x64xi8>, %sb: memref<24x4xf8E8M0FNU>,
                         %c: memref<128x24xf32>) {
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<128x64xi8>,
      memref<128x4xf8E8M0FNU>, memref<24x64xi8>, memref<24x4xf8E8M0FNU>)
      outs(%c : memref<128x24xf32>)
  return
}
