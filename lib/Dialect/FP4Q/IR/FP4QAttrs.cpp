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

//===----------------------------------------------------------------------===//
// custom<EnumKeyword>: the keyword of an enumerator
//===----------------------------------------------------------------------===//
//
// MLIR's own parser of enumerations reports an unknown keyword twice, and with
// the names of C++ types.

static StringRef getMnemonicOf(Direction) {
  return DirectionAttr::getMnemonic();
}
static StringRef getMnemonicOf(ScaleLayout) {
  return ScaleLayoutAttr::getMnemonic();
}
static StringRef getMnemonicOf(WeightLayout) {
  return WeightLayoutAttr::getMnemonic();
}
static StringRef getMnemonicOf(NibbleOrder) {
  return NibbleOrderAttr::getMnemonic();
}
static StringRef getMnemonicOf(SignOfZero) {
  return SignOfZeroAttr::getMnemonic();
}
static StringRef getMnemonicOf(ScaledFormat) {
  return ScaledFormatAttr::getMnemonic();
}

template <typename Enum>
static ParseResult parseEnumKeyword(AsmParser &parser, Enum &value) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  bool isKeyword = succeeded(parser.parseOptionalKeyword(&keyword));
  std::string known;
  for (uint32_t i = 0;; ++i) {
    StringRef name = stringifyEnum(static_cast<Enum>(i));
    if (name.empty())
      break;
    if (isKeyword && name == keyword) {
      value = static_cast<Enum>(i);
      return success();
    }
    known += (i ? ", " : "") + name.str();
  }
  InFlightDiagnostic diagnostic = parser.emitError(loc);
  if (isKeyword)
    diagnostic << "unknown " << getMnemonicOf(value) << " '" << keyword
               << "', ";
  return diagnostic << "expected one of " << known;
}

template <typename Enum>
static void printEnumKeyword(AsmPrinter &printer, Enum value) {
  printer << stringifyEnum(value);
}

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
