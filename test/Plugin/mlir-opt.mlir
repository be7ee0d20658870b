// The plugin brings the dialect, the passes and the pipelines to stock mlir-opt.
// RUN: mlir-opt %s --load-dialect-plugin=%build_dir/lib/FP4QPlugin.so \
// RUN:   --pass-pipeline='builtin.module(convert-fp4q-to-linalg)' \
// RUN:   | FileCheck %s
// RUN: mlir-opt %s --load-dialect-plugin=%build_dir/lib/FP4QPlugin.so \
// RUN:   --load-pass-plugin=%build_dir/lib/FP4QPlugin.so \
// RUN:   --pass-pipeline='builtin.module(fp4q-to-cpu{parallel=false})' \
// RUN:   | FileCheck %s --check-prefix=LLVM
// RUN: not mlir-opt %s --load-dialect-plugin=%build_dir/lib/FP4QPlugin.so \
// RUN:   --pass-pipeline='builtin.module(fp4q-to-gpu-of-tomorrow)' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=UNKNOWN

// Without the plugin the dialect is not there.
// RUN: not mlir-opt %s 2>&1 | FileCheck %s --check-prefix=WITHOUT

// One MLIR in the process: the plugin has none of its own.
// RUN: llvm-readelf --needed-libs %build_dir/lib/FP4QPlugin.so \
// RUN:   | FileCheck %s --check-prefix=NEEDED
// RUN: llvm-nm -D --defined-only %build_dir/lib/FP4QPlugin.so \
// RUN:   | FileCheck %s --check-prefix=EXPORTS

// CHECK-LABEL: func.func @dequantize
// CHECK-NOT: fp4q.dequant
// CHECK: linalg.generic

// LLVM-LABEL: llvm.func @dequantize
// LLVM-NOT: linalg
// LLVM: llvm.return

// UNKNOWN: 'fp4q-to-gpu-of-tomorrow' does not refer to a registered pass or pass pipeline

// WITHOUT: Dialect `fp4q' not found

// NEEDED: libMLIR.so

// EXPORTS-NOT: mlir{{.*}}MLIRContext
// EXPORTS: mlirGetDialectPluginInfo
// EXPORTS: mlirGetPassPluginInfo
func.func @dequantize(%codes: tensor<4x16xi8>, %scales: tensor<4x1xf8E8M0FNU>)
    -> tensor<4x32xf32> {
  %init = tensor.empty() : tensor<4x32xf32>
  %values = fp4q.dequant
      ins(%codes, %scales : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      outs(%init : tensor<4x32xf32>) -> tensor<4x32xf32>
  return %values : tensor<4x32xf32>
}
