//===- fp4q-opt.cpp - mlir-opt with the fp4q dialect ----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/EmbedImages.h"
#include "fp4q/Compiler/Version.h"
#include "fp4q/InitAll.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"

/// Gives MLIR's option `name` a value, as if it were on the command line.
static void setOption(llvm::StringRef name, llvm::StringRef value) {
  llvm::cl::Option *option = llvm::cl::getRegisteredOptions().lookup(name);
  assert(option && "mlir-opt has lost an option");
  option->addOccurrence(/*pos=*/0, name, value);
}

static llvm::cl::opt<bool> showRemarks(
    "fp4q-remarks",
    llvm::cl::desc("Print what the passes of fp4q decided, and why: short for "
                   "--remark-format=emitRemark --remarks-filter=.*fp4q.*"),
    llvm::cl::cb<void, bool>([](const bool &show) {
      if (!show)
        return;
      setOption("remark-format", "emitRemark");
      setOption("remarks-filter", ".*fp4q.*");
    }));

int main(int argc, char **argv) {
  llvm::cl::AddExtraVersionPrinter(
      [](llvm::raw_ostream &os) { os << mlir::fp4q::getVersion() << '\n'; });
  mlir::registerAllPasses();
  mlir::fp4q::registerAllPasses();

  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::fp4q::registerAllDialects(registry);
  mlir::registerAllGPUToLLVMIRTranslations(registry);
  mlir::fp4q::registerEmbedImagesTranslation(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "fp4q optimizer driver: mlir-opt with the fp4q dialect\n",
      registry));
}
