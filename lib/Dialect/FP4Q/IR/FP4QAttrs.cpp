//===- FP4QAttrs.cpp - attributes of the fp4q dialect ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::fp4q;

#include "fp4q/Dialect/FP4Q/IR/FP4QEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.cpp.inc"

void FP4QDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.cpp.inc"
      >();
}
