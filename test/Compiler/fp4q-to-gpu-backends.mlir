// Requests reach the kernels: the block-scaled instruction is in the PTX of the
// back end gpu-native only.
// RUN: fp4q-opt %s --fp4q-to-gpu="chip=sm_120a cubin=never" | FileCheck %s --check-prefix=NATIVE
// RUN: fp4q-opt %s --fp4q-to-gpu="chip=sm_120a cubin=never matmul=gpu-portable" | FileCheck %s --check-prefix=PORTABLE --implicit-check-not=block_scale
// RUN: fp4q-opt %s --fp4q-to-gpu="chip=sm_90a cubin=never" | FileCheck %s --check-prefix=PORTABLE --implicit-check-not=block_scale
// RUN: sed 's/^      ->/      {fp4q.backend = #fp4q.backend<"gpu-portable">} ->/' %s | fp4q-opt - --fp4q-to-gpu="chip=sm_120a cubin=never" | FileCheck %s --check-prefix=PORTABLE --implicit-check-not=block_scale
// RUN: fp4q-opt %s --fp4q-to-gpu="chip=sm_120a cubin=never quantize=gpu-native" 2>&1 | FileCheck %s --check-prefix=FALLBACK
// RUN: fp4q-opt %s --fp4q-to-gpu="chip=sm_120a cubin=never backend=gpu-portable" --fp4q-remarks 2>&1 | FileCheck %s --check-prefix=REMARK

// NATIVE: gpu.binary
// NATIVE-SAME: mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale
// PORTABLE: gpu.binary
// PORTABLE-SAME: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// REMARK: [[@LINE+7]]:8: remark: [Passed] back end chosen | Category:fp4q-select-backend | Function=matmul | BackEnd=gpu-portable, Reason="as requested"{{$}}
// Only of a role that the option is for.
// FALLBACK-NOT: warning:
// FALLBACK: gpu.binary
func.func @matmul(%a: tensor<16x64xi8>, %sa: tensor<16x4xf8E8M0FNU>,
                  %b: tensor<64x64xi8>, %sb: tensor<64x4xf8E8M0FNU>,
                  %y: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
  %0 = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<16x64xi8>,
      tensor<16x4xf8E8M0FNU>, tensor<64x64xi8>, tensor<64x4xf8E8M0FNU>)
      outs(%y : tensor<16x64xbf16>)
      -> tensor<16x64xbf16>
  return %0 : tensor<16x64xbf16>
}
