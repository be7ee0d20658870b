// Kernels become data of the host code, and launches calls of the runtime.
// RUN: fp4q-compile %s --target=sm_90a --cubin=never --emit=llvm -o - | FileCheck %s

// CHECK-DAG: @[[MODULE:fp4q.gpu_module.kernels]] = internal global { ptr, i32, ptr } { ptr @[[IMAGES:.*]], i32 2, ptr null }
// CHECK-DAG: @[[IMAGES]] = internal constant [2 x { ptr, ptr, i64, ptr }] [{ ptr, ptr, i64, ptr } { ptr @[[CHIP:.*]], ptr @[[CUBIN:.*]], i64 5, ptr @[[PTX:.*]] }, { ptr, ptr, i64, ptr } { ptr @{{.*}}, ptr null, i64 0, ptr @{{.*}} }]
// CHECK-DAG: @[[CHIP]] = {{.*}} c"sm_90a\00"
// CHECK-DAG: @[[CUBIN]] = {{.*}} c"cubin", align 16
// CHECK-DAG: @[[PTX]] = {{.*}} c".version 8.0\00"
// CHECK-DAG: @[[KERNEL:fp4q.gpu_kernel.kernels.add]] = internal global { ptr, ptr, ptr } { ptr @[[MODULE]], ptr @[[NAME:.*]], ptr null }
// CHECK-DAG: @[[NAME]] = {{.*}} c"add\00"
// CHECK-DAG: @llvm.global_dtors = {{.*}} @fp4q.gpu_module.kernels.release

// CHECK: call void @fp4q_gpu_launch(ptr nonnull @[[KERNEL]], i64 1, i64 2, i64 3, i64 32, i64 1, i64 1, i32 0, ptr
// CHECK: call void @fp4q_gpu_launch_cluster(ptr nonnull @[[KERNEL]], i64 2, i64 1, i64 1, i64 1, i64 2, i64 3, i64 32, i64 1, i64 1, i32 4096, ptr
module attributes {gpu.container_module} {
  gpu.binary @kernels <#fp4q.embed_images> [
    #gpu.object<#nvvm.target<chip = "sm_90a">, assembly = ".version 8.0">,
    #gpu.object<#nvvm.target<chip = "sm_90a">, bin = "cubin">,
    #gpu.object<#nvvm.target<chip = "sm_80">, assembly = ".version 7.0">
  ]
  func.func @run(%n: i32) {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c32 = arith.constant 32 : index
    %shared = arith.constant 4096 : i32
    gpu.launch_func @kernels::@add blocks in (%c1, %c2, %c3) threads in (%c32, %c1, %c1) args(%n : i32)
    gpu.launch_func @kernels::@add clusters in (%c2, %c1, %c1) blocks in (%c1, %c2, %c3) threads in (%c32, %c1, %c1) dynamic_shared_memory_size %shared args(%n : i32)
    return
  }
}
