//===- SelectBackend.h - a back end for each operation ----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the pass fp4q-select-backend does, as functions.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_TRANSFORMS_SELECTBACKEND_H
#define FP4Q_DIALECT_FP4Q_TRANSFORMS_SELECTBACKEND_H

#include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.h"
#include "fp4q/Target/BackEnds.h"

#include "mlir/IR/Operation.h"

#include <optional>

namespace mlir {
namespace fp4q {

/// The back ends that a user asks for, none for the fastest. An attribute
/// fp4q.backend of an operation comes before these.
struct BackEndRequests {
  /// For every role but matmul.
  std::optional<::fp4q::BackEnd> quantize;
  std::optional<::fp4q::BackEnd> matmul;
};

/// Reads the options of passes and pipelines: each is empty, "auto" or the name
/// of a back end, and `backEnd` is for both roles. If a name is unknown, two
/// options contradict each other, or there are no kernels of the back end on
/// the target, returns nothing and a sentence in `error` that lists the back
/// ends of the target.
std::optional<BackEndRequests>
parseBackEndRequests(const ::fp4q::BackEndTable &table,
                     const ::fp4q::Target &target, StringRef backEnd,
                     StringRef quantize, StringRef matmul, std::string &error);

/// What selectBackEnds decided, in operations.
struct BackEndCounts {
  /// The fastest, since nothing was asked for; what was asked for; another
  /// one than was asked for.
  unsigned fastest = 0, requested = 0, fallbacks = 0;
};

/// Gives each level-1 operation below `root` the attribute fp4q.backend with
/// the back end that will compute it: the one that is asked for if it can, else
/// the fastest that can, with a warning. Every choice is a remark. Fails, with
/// an error, where no back end can.
FailureOr<BackEndCounts>
selectBackEnds(Operation *root, const ::fp4q::Target &target,
               const BackEndRequests &requests,
               const ::fp4q::BackEndTable &table = ::fp4q::backEndTable);

/// The back end in the attribute fp4q.backend of an operation, if any.
std::optional<::fp4q::BackEnd> getBackEnd(Operation *op);

/// Whether convert-fp4q-to-vector computes the operation, so that lowerings to
/// linalg leave it alone.
bool isForCPUKernels(Operation *op);

/// The layout in the words of the table of back ends.
::fp4q::ScaleOrder getScaleOrder(ScaleLayout layout);

/// What the choice for a level-1 operation depends on.
::fp4q::Work describeWork(Operation *op);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_DIALECT_FP4Q_TRANSFORMS_SELECTBACKEND_H
