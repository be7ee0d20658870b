// RUN: fp4q-opt %s --convert-fp4q-to-gpu=chip=sm_120a | FileCheck %s

// The structure of the result; test/Unit/CodeGen runs it on the simulator.

// Groups of 32 of bf16: a thread each.
// CHECK-LABEL: func.func @quantize(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x64xbf16>, %[[C:[^:]*]]: memref<?x32xi8>, %[[S:[^:]*]]: memref<?x2xf8E8M0FNU>, %[[G:[^:]*]]: memref<f32>
// CHECK-DAG: %[[PER_BLOCK:.*]] = arith.constant 4096 : index
// CHECK-DAG: %[[FX:.*]] = memref.collapse_shape %[[X]] {{\[\[}}0, 1]]
// CHECK: %[[FS:.*]] = memref.collapse_shape %[[S]] {{\[\[}}0, 1]]
// CHECK: %[[SIZE:.*]] = memref.dim %[[FX]]
// CHECK: %[[GRID:.*]] = arith.ceildivui %[[SIZE]], %[[PER_BLOCK]]
// CHECK: %[[FC:.*]] = memref.collapse_shape %[[C]] {{\[\[}}0, 1]]
// CHECK: gpu.launch_func @fp4q_kernels::@quantize_pack blocks in (%[[GRID]], %{{.*}}, %{{.*}}) threads in (%{{.*}}, %{{.*}}, %{{.*}}) args(%[[FX]] : memref<?xbf16>, %[[FC]] : memref<?xi8>, %[[FS]] : memref<?xf8E8M0FNU>, %[[G]] : memref<f32>)
// CHECK-NEXT: return
func.func @quantize(%x: memref<?x64xbf16>, %c: memref<?x32xi8>,
                    %s: memref<?x2xf8E8M0FNU>, %g: memref<f32>) {
  fp4q.quantize_pack ins(%x : memref<?x64xbf16>)
      global_scale(%g : memref<f32>)
      outs(%c, %s : memref<?x32xi8>, memref<?x2xf8E8M0FNU>)
  return
}

// A destination with strides is written through a copy.
// CHECK-LABEL: func.func @strided(
// CHECK-SAME: %[[Y:[^:]*]]: memref<4x64xf32, strided<[128, 1]>>)
// CHECK: %[[COPY:.*]] = memref.alloc() : memref<4x64xf32>
// CHECK-NEXT: %[[FLAT:.*]] = memref.collapse_shape %[[COPY]]
// CHECK: gpu.launch_func @fp4q_kernels::@dequant {{.*}} %[[FLAT]] : memref<256xf32>)
// CHECK: gpu.launch_func @fp4q_kernels::@copy blocks
// CHECK-NEXT: return
func.func @strided(%c: memref<4x32xi8>, %s: memref<4x4xf8E4M3FN>,
                   %y: memref<4x64xf32, strided<[128, 1]>>) {
  fp4q.dequant ins(%c, %s : memref<4x32xi8>, memref<4x4xf8E4M3FN>)
      outs(%y : memref<4x64xf32, strided<[128, 1]>>)
  return
}

// Which kernel depends on M.
// CHECK-LABEL: func.func @matmul(
// CHECK: arith.cmpi ule
// CHECK: scf.if
// CHECK: gpu.launch_func @fp4q_kernels::@scaled_matmul_m8
// CHECK: } else {
// CHECK: gpu.launch_func @fp4q_kernels::@scaled_matmul_m16
// CHECK: gpu.launch_func @fp4q_kernels::@scaled_matmul_m64
// CHECK: gpu.launch_func @fp4q_kernels::@scaled_matmul blocks
func.func @matmul(%a: memref<?x64xi8>, %sa: memref<?x8xf8E4M3FN>,
                  %b: memref<24x64xi8>, %sb: memref<24x8xf8E4M3FN>,
                  %c: memref<?x24xf32>) {
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<?x64xi8>,
      memref<?x8xf8E4M3FN>, memref<24x64xi8>, memref<24x8xf8E4M3FN>)
      outs(%c : memref<?x24xf32>)
  return
}

// A static M needs one kernel; its name is taken already.
// CHECK-LABEL: func.func @matmul_static(
// CHECK-NOT: scf.if
// CHECK: gpu.launch_func @fp4q_kernels::@scaled_matmul_m16{{.*}} blocks
// CHECK-NOT: gpu.launch_func
// CHECK: return
func.func @matmul_static(%a: memref<9x64xi8>, %sa: memref<9x4xf8E8M0FNU>,
                         %b: memref<24x64xi8>, %sb: memref<24x4xf8E8M0FNU>,
                         %c: memref<9x24xf32>) {
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : memref<9x64xi8>,
      memref<9x4xf8E8M0FNU>, memref<24x64xi8>, memref<24x4xf8E8M0FNU>)
      outs(%c : memref<9x24xf32>)
  return
}

// CHECK: gpu.module @fp4q_kernels<#fp4q.embed_images> [#nvvm.target<O = 3, chip = "sm_120a", features = "+ptx87">]
// CHECK: gpu.func @scaled_matmul_m8(
// CHECK-SAME: workgroup(%{{.*}} : memref<1024xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64})
// CHECK: fp4q.mma_block_scaled <nvfp4>
// CHECK: gpu.barrier
// CHECK: gpu.func @scaled_matmul(
// CHECK: nvvm.cp.async.shared.global
// CHECK: nvvm.ldmatrix
// CHECK: fp4q.mma_block_scaled <nvfp4>
// CHECK: gpu.func @dequant(
// CHECK: fp4q.decode %{{.*}} : vector<4xi8> -> vector<8xf32>
// CHECK: gpu.func @quantize_pack(%[[KX:.*]]: memref<?xbf16>, %{{.*}}: memref<?xi8>, %{{.*}}: memref<?xf8E8M0FNU>, %{{.*}}: memref<f32>) kernel attributes {known_block_size = array<i32: 128, 1, 1>}
// CHECK: vector.load %[[KX]][%{{.*}}] {alignment = 16 : i64} : memref<?xbf16>, vector<32xbf16>
// CHECK-NOT: gpu.shuffle
// CHECK: nvvm.convert.f32x2.to.f16x2 {{.*}}rnd = #nvvm.fp_rnd_mode<rz>
