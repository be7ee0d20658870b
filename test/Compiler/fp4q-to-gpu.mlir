// From tensors to kernels and host code: what lies between two operations is
// workspace, constants are copied to the device, kernels are PTX for the chip.
// RUN: fp4q-opt %s --fp4q-to-gpu="chip=sm_90a cubin=never" | FileCheck %s --check-prefixes=CHECK,PORTABLE -DCHIP=sm_90a
// RUN: fp4q-opt %s --fp4q-to-gpu="chip=sm_120a cubin=never" | FileCheck %s --check-prefixes=CHECK,NATIVE -DCHIP=sm_120a
// RUN: fp4q-opt %s --fp4q-to-gpu="chip=sm_120a cubin=never backend=gpu-portable" | FileCheck %s --check-prefixes=CHECK,PORTABLE -DCHIP=sm_120a

// Compiling twice gives the same file.
// RUN: fp4q-compile %s --target=sm_80,sm_120a --cubin=never -o %t.1.so
// RUN: fp4q-compile %s --target=sm_80,sm_120a --cubin=never -o %t.2.so
// RUN: cmp %t.1.so %t.2.so

// CHECK-DAG: llvm.mlir.global private constant @[[WEIGHT:.*]](dense<17> : tensor<8x32xi8>)
// CHECK: llvm.func @linear(
// CHECK: %[[RECORD:.*]] = llvm.mlir.addressof @[[WEIGHT]].on_gpu
// CHECK: llvm.call @fp4q_gpu_constant_data(%[[RECORD]])
// CHECK: llvm.call @fp4q_gpu_workspace(
// CHECK: llvm.call @fp4q_gpu_workspace(
// CHECK: gpu.launch_func @fp4q_kernels::@quantize_pack
// CHECK: gpu.launch_func @fp4q_kernels::@scaled_matmul
// CHECK: llvm.return
// CHECK: llvm.func @_mlir_ciface_linear(
// CHECK: gpu.binary @fp4q_kernels <#fp4q.embed_images> [#gpu.object<#nvvm.target<O = 3, chip = "[[CHIP]]"
// CHECK-SAME: .target [[CHIP]]
// NATIVE-SAME: kind::mxf4.block_scale
// PORTABLE-NOT: block_scale
// PORTABLE-SAME: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// CHECK-NOT: bin = "
func.func @linear(%x: tensor<3x64xbf16>) -> tensor<3x8xbf16> {
  %four = arith.constant 4.0 : f32
  %w = arith.constant dense<17> : tensor<8x32xi8>
  %bytes = arith.constant dense<127> : tensor<8x2xi8>
  %ws = arith.bitcast %bytes : tensor<8x2xi8> to tensor<8x2xf8E8M0FNU>
  %c = tensor.empty() : tensor<3x32xi8>
  %s = tensor.empty() : tensor<3x2xf8E8M0FNU>
  %y = tensor.empty() : tensor<3x8xbf16>
  %q:2 = fp4q.quantize_pack ins(%x : tensor<3x64xbf16>) scale_scale(%four : f32)
      outs(%c, %s : tensor<3x32xi8>, tensor<3x2xf8E8M0FNU>)
      -> tensor<3x32xi8>, tensor<3x2xf8E8M0FNU>
  %r = fp4q.scaled_matmul ins(%q#0, %q#1, %w, %ws : tensor<3x32xi8>,
      tensor<3x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%y : tensor<3x8xbf16>) -> tensor<3x8xbf16>
  return %r : tensor<3x8xbf16>
}
