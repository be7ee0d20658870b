//===- Version.cpp - the version of fp4q ----------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/Version.h"

#include "llvm/Config/llvm-config.h"

std::string mlir::fp4q::getVersion() {
  return "fp4q " FP4Q_VERSION " (LLVM " LLVM_VERSION_STRING ")";
}
