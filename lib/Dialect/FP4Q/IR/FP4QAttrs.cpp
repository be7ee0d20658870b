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

Attribute BackEndAttr::parse(AsmParser &parser, Type) {
  std::string text;
  if (parser.parseLess())
    return {};
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseString(&text))
    return {};
  const ::fp4q::BackEnd *found = ::fp4q::findBackEnd(text);
  if (!found) {
    parser.emitError(loc) << "unknown back end '" << text
                          << "', expected one of " << ::fp4q::backEndNames();
    return {};
  }
  if (parser.parseGreater())
    return {};
  return BackEndAttr::get(parser.getContext(), *found);
}

void BackEndAttr::print(AsmPrinter &printer) const {
  printer << "<\"" << ::fp4q::name(getValue()) << "\">";
}
