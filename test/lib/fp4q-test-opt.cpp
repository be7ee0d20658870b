//===- fp4q-test-opt.cpp - fp4q with the passes of the tests --------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/Registration.h"
#include "fp4q/InitAll.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

namespace mlir::fp4q {
void registerTestLegalizeLayouts();
void registerTestSelectBackend();
} // namespace mlir::fp4q

int main(int argc, char **argv) {
  mlir::fp4q::registerAllPasses();
  mlir::fp4q::registerTestLegalizeLayouts();
  mlir::fp4q::registerTestSelectBackend();
  mlir::DialectRegistry registry;
  mlir::fp4q::registerCompilerDialects(registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "fp4q-opt for tests\n", registry));
}
