//===- LegalizeLayouts.h - operands as kernels want them --------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the pass fp4q-legalize-layouts does, as a function.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_TRANSFORMS_LEGALIZELAYOUTS_H
#define FP4Q_DIALECT_FP4Q_TRANSFORMS_LEGALIZELAYOUTS_H

#include "fp4q/Target/BackEnds.h"

#include "mlir/IR/Operation.h"

namespace mlir {
namespace fp4q {

/// What legalizeLayouts inserted.
struct LayoutCounts {
  /// Scale operands and results that go through a new swizzle_scales or
  /// unswizzle_scales; tensors that are padded along K; quantizers that write
  /// blocked scales themselves.
  unsigned converted = 0, padded = 0, absorbed = 0;
};

/// Gives the operations below `root` on tensors, each of which has a back end
/// that `target` has kernels of, the scale layouts and the multiple of K that
/// the kernels want. Fails, with an error, where there is no such back end.
FailureOr<LayoutCounts>
legalizeLayouts(Operation *root, const ::fp4q::Target &target,
                const ::fp4q::BackEndTable &table = ::fp4q::backEndTable);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_DIALECT_FP4Q_TRANSFORMS_LEGALIZELAYOUTS_H
