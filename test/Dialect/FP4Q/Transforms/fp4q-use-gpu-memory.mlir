// RUN: fp4q-opt %s --fp4q-use-gpu-memory --split-input-file --verify-diagnostics | FileCheck %s

module attributes {gpu.container_module} {
  // CHECK: memref.global "private" constant @weight
  memref.global "private" constant @weight : memref<4xi8> = dense<[1, 2, 3, 4]>
  gpu.binary @kernels [#gpu.object<#nvvm.target, "">]

  // CHECK-LABEL: func.func @run
  // CHECK-SAME: (%[[M:.*]]: index, %[[X:.*]]: memref<?x4xi8>, %[[Y:.*]]: memref<?x4xi8>)
  // CHECK: %[[TEMPORARY:.*]] = fp4q.gpu_workspace(%[[M]]) : memref<?x4xi8>
  // CHECK: %[[WEIGHT:.*]] = fp4q.gpu_constant @weight : memref<4xi8>
  // CHECK: gpu.launch_func {{.*}} args(%[[WEIGHT]] : memref<4xi8>, %[[TEMPORARY]] : memref<?x4xi8>)
  // CHECK-NEXT: memref.subview %[[X]]
  // CHECK-NEXT: fp4q.gpu_copy %[[TEMPORARY]], %[[Y]] : memref<?x4xi8>
  // CHECK-NEXT: return
  func.func @run(%m: index, %x: memref<?x4xi8>, %y: memref<?x4xi8>) {
    %c1 = arith.constant 1 : index
    %0 = memref.alloc(%m) : memref<?x4xi8>
    %1 = memref.get_global @weight : memref<4xi8>
    gpu.launch_func @kernels::@k blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%1 : memref<4xi8>, %0 : memref<?x4xi8>)
    // Views are about addresses only.
    %2 = memref.subview %x[0, 0] [1, 4] [1, 1] : memref<?x4xi8> to memref<1x4xi8, strided<[4, 1]>>
    memref.copy %0, %y : memref<?x4xi8> to memref<?x4xi8>
    memref.dealloc %0 : memref<?x4xi8>
    return
  }

  // CHECK-LABEL: func.func @run__result_shapes
  // CHECK: memref.store
  func.func @run__result_shapes(%m: index, %sizes: memref<4xindex>) {
    %c0 = arith.constant 0 : index
    memref.store %m, %sizes[%c0] : memref<4xindex>
    return
  }
}

// -----

func.func @slice(%x: memref<4xi8>, %n: memref<index>) {
  return
}
func.func @slice__result_shapes(%x: memref<4xi8>, %n: memref<index>, %sizes: memref<4xindex>) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{'memref.load' op cannot run on a GPU: the size of a result depends on it, and the host cannot read the device's memory}}
  %0 = memref.load %n[] : memref<index>
  memref.store %0, %sizes[%c0] : memref<4xindex>
  return
}

// -----

func.func @load(%x: memref<4xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{'memref.load' op cannot run on a GPU: it has no kernel, and the host cannot read the device's memory}}
  %0 = memref.load %x[%c0] : memref<4xf32>
  return %0 : f32
}

// -----

func.func @linalg(%x: memref<4xf32>, %y: memref<4xf32>) {
  // expected-error @+1 {{'linalg.exp' op cannot run on a GPU: it has no kernel, and the host cannot read the device's memory}}
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}

// -----

func.func @copy(%x: memref<4xf32, strided<[2]>>, %y: memref<4xf32>) {
  // expected-error @+1 {{'memref.copy' op cannot run on a GPU: it copies memory that is not row-major}}
  memref.copy %x, %y : memref<4xf32, strided<[2]>> to memref<4xf32>
  return
}

// -----

func.func @alloc() {
  // expected-error @+1 {{'memref.alloc' op cannot run on a GPU: it allocates memory that is not row-major}}
  %0 = memref.alloc() : memref<4xf32, strided<[2]>>
  return
}
