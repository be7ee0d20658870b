// RUN: fp4q-opt %s --fp4q-lower-micro-ops --canonicalize --cse | FileCheck %s --check-prefixes=CHECK,EXPANSION
// RUN: fp4q-opt %s --fp4q-lower-micro-ops=mma=native | FileCheck %s --check-prefixes=CHECK,NATIVE
// RUN: not fp4q-opt %s --fp4q-lower-micro-ops=mma=tcgen05 2>&1 | FileCheck %s --check-prefix=ERROR

// The structure of the result; test/Unit/CodeGen runs it on the simulator.

// ERROR: for the --mma option: Cannot find option named 'tcgen05'!

// CHECK-LABEL: gpu.func @mma(
// CHECK-SAME: %[[A:[^:]*]]: vector<4xi32>, %[[SA:[^:]*]]: i32, %[[B:[^:]*]]: vector<2xi32>, %[[SB:[^:]*]]: i32, %[[C:[^:]*]]: vector<4xf32>)
gpu.module @kernels {
  gpu.func @mma(%a: vector<4xi32>, %sa: i32, %b: vector<2xi32>, %sb: i32,
                %c: vector<4xf32>) -> vector<4xf32> {
    // The words of lanes 2 and 3 of the quad for A, that of lane 1 for B.
    // EXPANSION-DAG: %[[C1:.*]] = arith.constant 1 : i32
    // EXPANSION-DAG: %[[C2:.*]] = arith.constant 2 : i32
    // EXPANSION-DAG: %[[C3:.*]] = arith.constant 3 : i32
    // EXPANSION-DAG: %[[C32:.*]] = arith.constant 32 : i32
    // EXPANSION-DAG: %[[FIRST:.*]] = arith.constant -4 : i32
    // EXPANSION: %[[LANE:.*]] = arith.index_cast
    // EXPANSION: %[[QUAD:.*]] = arith.andi %[[LANE]], %[[FIRST]]
    // EXPANSION: %[[L2:.*]] = arith.ori %[[QUAD]], %[[C2]]
    // EXPANSION: gpu.shuffle idx %[[SA]], %[[L2]], %[[C32]] : i32
    // EXPANSION: %[[L3:.*]] = arith.ori %[[QUAD]], %[[C3]]
    // EXPANSION: gpu.shuffle idx %[[SA]], %[[L3]], %[[C32]] : i32
    // EXPANSION: %[[L1:.*]] = arith.ori %[[QUAD]], %[[C1]]
    // EXPANSION: gpu.shuffle idx %[[SB]], %[[L1]], %[[C32]] : i32
    // EXPANSION-COUNT-4: nvvm.mma.sync {{.*}} multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>, shape = #nvvm.shape<m = 16, n = 8, k = 16>}
    // EXPANSION-NOT: nvvm.mma.sync

    // NATIVE-DAG: %[[C0:.*]] = arith.constant 0 : i16
    // NATIVE-DAG: %[[C1:.*]] = arith.constant 1 : i16
    // NATIVE-DAG: %[[C2:.*]] = arith.constant 2 : i16
    // NATIVE: nvvm.mma.block_scale A[{{.*}}] B[{{.*}}] C[{{.*}}] scaleA[%[[SA]], %[[C2]], %[[C1]]] scaleB[%[[SB]], %[[C0]], %[[C1]]] {blockScaleFormat = #nvvm.block_scale_format<ue8m0>, kind = #nvvm.block_scale_kind<mxf4>,
    // NATIVE-SAME: scaleVecSize = #nvvm.scale_vec_size<x2>, shape = #nvvm.shape<m = 16, n = 8, k = 64>
    %d = fp4q.mma_block_scaled <mxfp4> %a scaled %sa[2, 1], %b scaled %sb[0, 1], %c
    // CHECK: gpu.return
    gpu.return %d : vector<4xf32>
  }

  // CHECK-LABEL: gpu.func @mma_nvfp4(
  // EXPANSION-COUNT-4: nvvm.mma.sync
  // NATIVE: nvvm.mma.block_scale {{.*}} {blockScaleFormat = #nvvm.block_scale_format<ue4m3>, kind = #nvvm.block_scale_kind<mxf4nvf4>, {{.*}} scaleVecSize = #nvvm.scale_vec_size<x4>
  gpu.func @mma_nvfp4(%a: vector<4xi32>, %s: i32, %b: vector<2xi32>,
                      %c: vector<4xf32>) -> vector<4xf32> {
    %d = fp4q.mma_block_scaled <nvfp4> %a scaled %s[0, 0], %b scaled %s[0, 0], %c
    gpu.return %d : vector<4xf32>
  }
}
