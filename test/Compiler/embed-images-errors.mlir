// RUN: split-file %s %t
// RUN: not fp4q-compile %t/rocdl.mlir --target=sm_90a --cubin=never --emit=llvm -o - 2>&1 | FileCheck %t/rocdl.mlir
// RUN: not fp4q-compile %t/twice.mlir --target=sm_90a --cubin=never --emit=llvm -o - 2>&1 | FileCheck %t/twice.mlir
// RUN: not fp4q-compile %t/format.mlir --target=sm_90a --cubin=never --emit=llvm -o - 2>&1 | FileCheck %t/format.mlir
// RUN: not fp4q-compile %t/stream.mlir --target=sm_90a --cubin=never --emit=llvm -o - 2>&1 | FileCheck %t/stream.mlir

//--- rocdl.mlir
// CHECK: rocdl.mlir:2:1: 'gpu.binary' op has an object for #rocdl.target, but #fp4q.embed_images takes #nvvm.target only
gpu.binary @kernels <#fp4q.embed_images> [#gpu.object<#rocdl.target, bin = "x">]
func.func @run() { return }

//--- twice.mlir
// CHECK: twice.mlir:2:1: 'gpu.binary' op has two objects of format assembly for sm_80
gpu.binary @kernels <#fp4q.embed_images> [
  #gpu.object<#nvvm.target<chip = "sm_80">, assembly = "x">,
  #gpu.object<#nvvm.target<O = 3, chip = "sm_80">, assembly = "y">]
func.func @run() { return }

//--- format.mlir
// CHECK: format.mlir:2:1: 'gpu.binary' op has an object of format offload, but #fp4q.embed_images takes assembly and bin only
gpu.binary @kernels <#fp4q.embed_images> [#gpu.object<#nvvm.target<chip = "sm_80">, offload = "x">]
func.func @run() { return }

//--- stream.mlir
// CHECK: stream.mlir:7:5: 'gpu.launch_func' op has a stream or tokens, but launches by #fp4q.embed_images are on the caller's stream
module attributes {gpu.container_module} {
  gpu.binary @kernels <#fp4q.embed_images> [#gpu.object<#nvvm.target<chip = "sm_80">, assembly = "x">]
  func.func @run() {
    %c1 = arith.constant 1 : i64
    %stream = llvm.mlir.zero : !llvm.ptr
    gpu.launch_func <%stream : !llvm.ptr> @kernels::@add blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) : i64
    return
  }
}
