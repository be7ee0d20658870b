//===- Registration.cpp - the dialects of modules to compile --------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/Registration.h"

#include "fp4q/Compiler/EmbedImages.h"
#include "fp4q/InitAll.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"

void mlir::fp4q::registerCompilerDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::fp4q::registerAllDialects(registry);
  registerAllGPUToLLVMIRTranslations(registry);
  registerEmbedImagesTranslation(registry);
}
