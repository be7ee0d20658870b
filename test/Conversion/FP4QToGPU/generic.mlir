// RUN: fp4q-opt %s --convert-fp4q-to-gpu=chip=sm_90a | FileCheck %s

// What stands between operations of fp4q, one thread a point.

#scalar = affine_map<() -> ()>
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
#swapped = affine_map<(i, j) -> (j, i)>

// CHECK-LABEL: func.func @product_of_scalars(
// CHECK-SAME: %[[A:[^:]*]]: memref<f32>, %[[B:[^:]*]]: memref<f32>, %[[Y:[^:]*]]: memref<f32>)
// CHECK: gpu.launch_func @fp4q_kernels::@elementwise{{[_0-9]*}} {{.*}} args(%[[A]] : memref<f32>, %[[B]] : memref<f32>, %[[Y]] : memref<f32>)
// CHECK-NEXT: return
func.func @product_of_scalars(%a: memref<f32>, %b: memref<f32>,
                              %y: memref<f32>) {
  linalg.generic {indexing_maps = [#scalar, #scalar, #scalar],
                  iterator_types = []}
      ins(%a, %b : memref<f32>, memref<f32>) outs(%y : memref<f32>) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %r = arith.mulf %p, %q : f32
    linalg.yield %r : f32
  }
  return
}

// A row is added to a transposed matrix; a number and a constant come from
// outside.
// CHECK-LABEL: func.func @broadcast(
// CHECK-SAME: %[[X:[^:]*]]: memref<64x?xf32>, %[[ROW:[^:]*]]: memref<64xf32>, %[[Y:[^:]*]]: memref<?x64xf32>, %[[S:[^:]*]]: f32)
// CHECK-DAG: %[[FX:.*]] = memref.collapse_shape %[[X]]
// CHECK-DAG: %[[FY:.*]] = memref.collapse_shape %[[Y]]
// CHECK: %[[K:.*]] = memref.dim %[[X]], %{{.*}}
// CHECK: %[[M:.*]] = memref.dim %[[X]], %{{.*}}
// CHECK: %[[FIRST:.*]] = arith.muli %{{.*}}, %[[M]]
// CHECK: %[[COUNT:.*]] = arith.muli %[[FIRST]], %[[K]]
// CHECK: %[[GRID:.*]] = arith.ceildivui %[[COUNT]], %{{.*}}
// CHECK: gpu.launch_func @fp4q_kernels::@elementwise{{[_0-9]*}} blocks in (%[[GRID]], {{.*}} args(%[[FX]] : memref<?xf32>, %[[ROW]] : memref<64xf32>, %[[FY]] : memref<?xf32>, %[[S]] : f32, %[[M]] : index, %[[K]] : index)
func.func @broadcast(%x: memref<64x?xf32>, %row: memref<64xf32>,
                     %y: memref<?x64xf32>, %s: f32) {
  %two = arith.constant 2.0 : f32
  linalg.generic {indexing_maps = [#swapped, #row, #id],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x, %row : memref<64x?xf32>, memref<64xf32>)
      outs(%y : memref<?x64xf32>) {
  ^bb0(%p: f32, %q: f32, %out: f32):
    %r = arith.addf %p, %q : f32
    %t = arith.mulf %r, %s : f32
    %u = arith.mulf %t, %two : f32
    linalg.yield %u : f32
  }
  return
}

// A sum needs more than a thread a point.
// CHECK-LABEL: func.func @no_reduction(
// CHECK-NOT: gpu.launch_func
// CHECK: linalg.generic
func.func @no_reduction(%x: memref<4x64xf32>, %y: memref<4xf32>) {
  linalg.generic {indexing_maps = [#id, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<4x64xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%p: f32, %out: f32):
    %r = arith.addf %p, %out : f32
    linalg.yield %r : f32
  }
  return
}

// What the iterations share and change is not an element of each.
// CHECK-LABEL: func.func @no_side_effects(
// CHECK-NOT: gpu.launch_func
// CHECK: linalg.generic
func.func @no_side_effects(%x: memref<4xf32>, %y: memref<4xf32>,
                           %z: memref<1xf32>) {
  %c0 = arith.constant 0 : index
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,
                                   affine_map<(i) -> (i)>],
                  iterator_types = ["parallel"]}
      ins(%x : memref<4xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%p: f32, %out: f32):
    memref.store %p, %z[%c0] : memref<1xf32>
    linalg.yield %p : f32
  }
  return
}

// Functions of math are calls of a library, which is not there.
// CHECK-LABEL: func.func @exp(
// CHECK: linalg.generic
// CHECK-LABEL: func.func @fma(
// CHECK: gpu.launch_func
func.func @exp(%x: memref<64xf32>, %y: memref<64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,
                                   affine_map<(i) -> (i)>],
                  iterator_types = ["parallel"]}
      ins(%x : memref<64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  }
  return
}
func.func @fma(%x: memref<64xf32>, %y: memref<64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,
                                   affine_map<(i) -> (i)>],
                  iterator_types = ["parallel"]}
      ins(%x : memref<64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = math.fma %a, %a, %a : f32
    linalg.yield %r : f32
  }
  return
}

// CHECK: gpu.module @fp4q_kernels
// CHECK: gpu.func @elementwise{{[_0-9]*}}(%[[P:.*]]: memref<f32>, %[[Q:.*]]: memref<f32>, %[[R:.*]]: memref<f32>)
// CHECK: scf.if
// CHECK-DAG: %[[PV:.*]] = memref.load %[[P]][]
// CHECK-DAG: %[[QV:.*]] = memref.load %[[Q]][]
// CHECK: %[[RV:.*]] = arith.mulf %[[PV]], %[[QV]]
// CHECK: memref.store %[[RV]], %[[R]][]
