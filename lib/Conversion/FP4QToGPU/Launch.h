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
#include "fp4q/Target/TargetInfo.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir {
namespace fp4q {

/// How a kernel is launched.
struct LaunchShape {
  Value gridX, gridY; ///< CTAs; null: 1
  int64_t threads = 1;
  /// f32 of an array in shared memory that the kernel is given.
  int64_t sharedElements = 0;
  /// Bytes of GPUKernelBuilder::sharedMemory().
  int64_t dynamicSharedBytes = 0;
};

/// The kernels of a module.
class KernelModule {
public:
  explicit KernelModule(gpu::GPUModuleOp module) : module(module) {}

  /// Writes a kernel by `body`, which is given what `operands` of the host are
  /// in the kernel (null stays null), and the shared array, if there is one,
  /// after them; and launches it. `name` need not be unique.
  void
  launch(ImplicitLocOpBuilder &host, StringRef name, const LaunchShape &shape,
         ValueRange operands,
         llvm::function_ref<void(GPUKernelBuilder &, ArrayRef<Value>)> body);

private:
  gpu::GPUModuleOp module;
};

/// A memref of the host as a flat array, for kernels; scalars and arrays
/// without dimensions stay as they are, as does null. One that is not
/// contiguous is copied, unless only written, and if written copied back by
/// `finish`.
class FlatOperands {
public:
  explicit FlatOperands(ImplicitLocOpBuilder &b) : b(b) {}
  Value read(Value operand) {
    return flatten(operand, /*isRead=*/true, /*isWritten=*/false);
  }
  /// All elements are written, and none is read before.
  Value write(Value operand) {
    return flatten(operand, /*isRead=*/false, /*isWritten=*/true);
  }
  Value update(Value operand) {
    return flatten(operand, /*isRead=*/true, /*isWritten=*/true);
  }
  /// After the last launch.
  void finish();

private:
  Value flatten(Value operand, bool isRead, bool isWritten);

  ImplicitLocOpBuilder &b;
  SmallVector<std::pair<Value, Value>> copiesBack; ///< from, to
};

/// The number of CTAs for `count` items, `perBlock` each.
Value blocksFor(ImplicitLocOpBuilder &b, Value count, int64_t perBlock);

/// The product of the sizes of a memref but for its last `dropped` ones.
Value leadingSize(ImplicitLocOpBuilder &b, Value memref, int64_t dropped);

/// Whether memory is copied that is not contiguous, for which the driver has
/// nothing.
bool needsKernel(memref::CopyOp op);

void populateCopyToGPUPatterns(RewritePatternSet &patterns,
                               KernelModule &kernels);
void populateElementwiseToGPUPatterns(RewritePatternSet &patterns,
                                      KernelModule &kernels);
void populateGenericToGPUPatterns(RewritePatternSet &patterns,
                                  KernelModule &kernels);
void populateMatmulToGPUPatterns(RewritePatternSet &patterns,
                                 KernelModule &kernels,
                                 const ::fp4q::Target &target);

} // namespace fp4q
} // namespace mlir

#endif // LIB_CONVERSION_FP4QTOGPU_LAUNCH_H
