//===- Remarks.h - reports of the decisions of passes -----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each decision of a pass of fp4q (fused, declined, raised, folded, back end
// chosen, fallback) is a remark of MLIR's remark engine at the location of the
// operation. The category is the flag of the pass, so that
//
//   fp4q-opt --remark-format=emitRemark --remarks-filter=fp4q-select-backend
//
// shows the decisions of one pass, and --fp4q-remarks those of all. Use:
//
//   reportMade(op, DEBUG_TYPE, "transform fused")
//       << remark::add("y is f32, so no rounding is dropped");
//   reportDeclined(op, DEBUG_TYPE, "transform fused")
//       << remark::reason("y has {0} uses", numUses);
//
// Without an engine that wants it, a remark costs a test and formats nothing.
// A greedy driver visits an operation many times: report what was declined in a
// walk over the finished IR, not from the pattern. The engine's streamers take
// no locks, so a pass that reports runs on the whole module.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_IR_REMARKS_H
#define FP4Q_DIALECT_FP4Q_IR_REMARKS_H

#include "mlir/IR/Remarks.h"

namespace mlir {
class Operation;

namespace fp4q {

/// A rewrite that was made. `pass` is the flag of the pass and `decision` says
/// in a few words what was decided; the engine keeps references to both, so
/// they must be literals.
remark::detail::InFlightRemark reportMade(Operation *op, StringLiteral pass,
                                          StringLiteral decision);

/// A rewrite that has the right form, but was not made. Stream the reason.
remark::detail::InFlightRemark reportDeclined(Operation *op, StringLiteral pass,
                                              StringLiteral decision);

/// What the user asked for is not possible, and something else was done.
remark::detail::InFlightRemark reportFallback(Operation *op, StringLiteral pass,
                                              StringLiteral decision);

/// A fact that the user may want to know, with no rewrite behind it.
remark::detail::InFlightRemark reportFact(Operation *op, StringLiteral pass,
                                          StringLiteral decision);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_DIALECT_FP4Q_IR_REMARKS_H
