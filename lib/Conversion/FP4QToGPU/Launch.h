//===- Launch.h - kernels and their launches --------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_FP4QTOGPU_LAUNCH_H
#define LIB_CONVERSION_FP4QTOGPU_LAUNCH_H

#include "fp4q/CodeGen/GPU/Kernels.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir {
namespace fp4q {

/// The kernels of a module.
class KernelModule {
public:
  explicit KernelModule(gpu::GPUModuleOp module) : module(module) {}

  /// Writes a kernel by `body`, which is given what `operands` of the host are
  /// in the kernel (null stays null), and, if `sharedElements` is not 0, an
  /// array of so many f32 in shared memory after them; and launches it with
  /// `gridX` x `gridY` CTAs. `name` need not be unique.
  void
  launch(ImplicitLocOpBuilder &host, StringRef name, Value gridX, Value gridY,
         int64_t threads, ValueRange operands, int64_t sharedElements,
         llvm::function_ref<void(GPUKernelBuilder &, ArrayRef<Value>)> body);

private:
  gpu::GPUModuleOp module;
};

/// A memref of the host as a flat array, for kernels; scalars and arrays
/// without dimensions stay as they are, as does null. One that is not
/// contiguous is copied, and if `isWritten` copied back by `finish`.
class FlatOperands {
public:
  explicit FlatOperands(ImplicitLocOpBuilder &b) : b(b) {}
  Value read(Value operand) { return flatten(operand, /*isWritten=*/false); }
  Value write(Value operand) { return flatten(operand, /*isWritten=*/true); }
  /// After the last launch.
  void finish();

private:
  Value flatten(Value operand, bool isWritten);

  ImplicitLocOpBuilder &b;
  SmallVector<std::pair<Value, Value>> copiesBack; ///< from, to
};

/// The number of CTAs for `count` items, `perBlock` each.
Value blocksFor(ImplicitLocOpBuilder &b, Value count, int64_t perBlock);

/// The product of the sizes of a memref but for its last `dropped` ones.
Value leadingSize(ImplicitLocOpBuilder &b, Value memref, int64_t dropped);

void populateElementwiseToGPUPatterns(RewritePatternSet &patterns,
                                      KernelModule &kernels);
void populateMatmulToGPUPatterns(RewritePatternSet &patterns,
                                 KernelModule &kernels);

} // namespace fp4q
} // namespace mlir

#endif // LIB_CONVERSION_FP4QTOGPU_LAUNCH_H
