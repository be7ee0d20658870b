//===- Remarks.cpp - reports of the decisions of passes -------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/Remarks.h"

#include "mlir/IR/Operation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::fp4q;

static remark::RemarkOpts getOptions(Operation *op, StringLiteral pass,
                                     StringLiteral decision) {
  auto options = remark::RemarkOpts::name(decision).category(pass);
  // The name lives in the context, as the engine does.
  if (auto function = op->getParentOfType<FunctionOpInterface>())
    return options.function(function.getNameAttr().getValue());
  return options;
}

remark::detail::InFlightRemark mlir::fp4q::reportMade(Operation *op,
                                                      StringLiteral pass,
                                                      StringLiteral decision) {
  return remark::passed(op->getLoc(), getOptions(op, pass, decision));
}

remark::detail::InFlightRemark
mlir::fp4q::reportDeclined(Operation *op, StringLiteral pass,
                           StringLiteral decision) {
  return remark::missed(op->getLoc(), getOptions(op, pass, decision));
}

remark::detail::InFlightRemark
mlir::fp4q::reportFallback(Operation *op, StringLiteral pass,
                           StringLiteral decision) {
  return remark::failed(op->getLoc(), getOptions(op, pass, decision));
}

remark::detail::InFlightRemark mlir::fp4q::reportFact(Operation *op,
                                                      StringLiteral pass,
                                                      StringLiteral decision) {
  return remark::analysis(op->getLoc(), getOptions(op, pass, decision));
}
