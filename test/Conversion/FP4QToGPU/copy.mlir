// RUN: fp4q-opt %s --convert-fp4q-to-gpu=chip=sm_90a | FileCheck %s

// Slices of columns are copied by kernels.

// Everything is known: 16 bytes a thread, and nothing to pass but the arrays
// and the number of threads.
// CHECK-LABEL: func.func @columns(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x96xbf16>, %[[Y:[^:]*]]: memref<?x32xbf16>)
// CHECK: %[[SLICE:.*]] = memref.subview %[[X]]
// CHECK: %[[BASE:[^,]*]], %{{.*}} = memref.extract_strided_metadata %[[SLICE]]
// CHECK: %[[FROM:.*]] = memref.reinterpret_cast %[[BASE]] {{.*}} to memref<?xbf16>
// CHECK: gpu.launch_func @fp4q_kernels::@copy{{[_0-9]*}} blocks {{.*}} args(%[[FROM]] : memref<?xbf16>, %{{.*}} : memref<?xbf16>, %{{[^ ]*}} : index, %{{[^ ]*}} : index)
// CHECK-NOT: memref.copy
func.func @columns(%x: memref<?x96xbf16>, %y: memref<?x32xbf16>) {
  %c0 = arith.constant 0 : index
  %m = memref.dim %x, %c0 : memref<?x96xbf16>
  %slice = memref.subview %x[0, 8] [%m, 32] [1, 1]
      : memref<?x96xbf16> to memref<?x32xbf16, strided<[96, 1], offset: 8>>
  memref.copy %slice, %y : memref<?x32xbf16, strided<[96, 1], offset: 8>>
      to memref<?x32xbf16>
  return
}

// Into one, whose offset, strides and sizes are known at run time: an element a
// thread.
// CHECK-LABEL: func.func @unknown(
// CHECK: gpu.launch_func @fp4q_kernels::@copy{{[_0-9]*}} blocks {{.*}} args(%{{[^:]*}} : memref<?xi8>, %{{[^:]*}} : memref<?xi8>, %{{[^:]*}} : index, %{{[^:]*}} : index, %{{[^:]*}} : index, %{{[^:]*}} : index, %{{[^:]*}} : index, %{{[^:]*}} : index, %{{[^:]*}} : index)
func.func @unknown(%x: memref<?x?xi8>,
                   %y: memref<?x?xi8, strided<[?, ?], offset: ?>>) {
  memref.copy %x, %y : memref<?x?xi8>
      to memref<?x?xi8, strided<[?, ?], offset: ?>>
  return
}

// Rows that begin at multiples of 4 bytes only.
// CHECK-LABEL: func.func @odd_offset(
// CHECK: gpu.launch_func @fp4q_kernels::@copy{{[_0-9]*}} blocks
func.func @odd_offset(%x: memref<4x6xi16, strided<[24, 1], offset: 2>>,
                      %y: memref<4x6xi16>) {
  memref.copy %x, %y : memref<4x6xi16, strided<[24, 1], offset: 2>>
      to memref<4x6xi16>
  return
}

// One element.
// CHECK-LABEL: func.func @element(
// CHECK: gpu.launch_func @fp4q_kernels::@copy
func.func @element(%x: memref<f32, strided<[], offset: 42>>, %y: memref<f32>) {
  memref.copy %x, %y : memref<f32, strided<[], offset: 42>> to memref<f32>
  return
}

// A slice that is added to comes with what it holds.
// CHECK-LABEL: func.func @accumulate(
// CHECK-SAME: %[[X:[^:]*]]: memref<4x8xf32>
// CHECK: %[[COPY:.*]] = memref.alloc() : memref<4x8xf32>
// CHECK: gpu.launch_func @fp4q_kernels::@copy
// CHECK: gpu.launch_func @fp4q_kernels::@elementwise
// CHECK: gpu.launch_func @fp4q_kernels::@copy
// CHECK: return
func.func @accumulate(%x: memref<4x8xf32>,
                      %y: memref<4x8xf32, strided<[16, 1]>>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>,
                                   affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32, strided<[16, 1]>>) {
  ^bb0(%p: f32, %q: f32):
    %r = arith.addf %p, %q : f32
    linalg.yield %r : f32
  }
  return
}

// The driver copies what is contiguous.
// CHECK-LABEL: func.func @contiguous(
// CHECK-NOT: gpu.launch_func
// CHECK: memref.copy
func.func @contiguous(%x: memref<?x32xbf16>, %y: memref<?x32xbf16>) {
  memref.copy %x, %y : memref<?x32xbf16> to memref<?x32xbf16>
  return
}

// This is not strided.
// CHECK-LABEL: func.func @tiled(
// CHECK-NOT: gpu.launch_func
// CHECK: memref.copy
func.func @tiled(%x: memref<8xf32, affine_map<(i) -> (i floordiv 4, i mod 4)>>,
                 %y: memref<8xf32>) {
  memref.copy %x, %y
      : memref<8xf32, affine_map<(i) -> (i floordiv 4, i mod 4)>>
      to memref<8xf32>
  return
}

// CHECK: gpu.func @copy{{[_0-9]*}}(%{{.*}}: memref<?xi16>
// CHECK: vector.load {{.*}} : memref<?xi16>, vector<2xi16>
// CHECK: gpu.func @copy{{[_0-9]*}}(%{{.*}}: memref<?xi8>
// CHECK: memref.load
// CHECK: memref.store
// CHECK: gpu.func @copy{{[_0-9]*}}(%{{.*}}: memref<?xbf16>
// CHECK: vector.load {{.*}} : memref<?xbf16>, vector<8xbf16>
// CHECK: vector.store {{.*}} : memref<?xbf16>, vector<8xbf16>
