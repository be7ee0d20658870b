//===- FP4QPlugin.cpp - fp4q for stock mlir-opt ---------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FP4QPlugin.so works with --load-dialect-plugin, --load-pass-plugin or both.
// The dialect plugin also registers the passes, since one is of little use
// without the other.
//
//===----------------------------------------------------------------------===//

#include "fp4q/InitAll.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Support/Compiler.h"

#include <mutex>

/// mlir-opt calls this once for each option that names the plugin.
static void registerPassesOnce() {
  static std::once_flag once;
  std::call_once(once, mlir::fp4q::registerAllPasses);
}

static void registerDialectsAndPasses(mlir::DialectRegistry *registry) {
  mlir::fp4q::registerAllDialects(*registry);
  registerPassesOnce();
}

extern "C" LLVM_ATTRIBUTE_WEAK
    LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::DialectPluginLibraryInfo
    mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "FP4Q", FP4Q_VERSION,
          registerDialectsAndPasses};
}

extern "C" LLVM_ATTRIBUTE_WEAK
    LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::PassPluginLibraryInfo
    mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "FP4QPasses", FP4Q_VERSION,
          registerPassesOnce};
}
