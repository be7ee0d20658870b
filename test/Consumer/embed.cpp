// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiles @dequantize of a file with fp4q's C++ libraries and calls it.
#include "fp4q/Compiler/Jit.h"
#include "fp4q/Compiler/Registration.h"

#include "mlir/Parser/Parser.h"

using namespace mlir;

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "usage: " << argv[0] << " dequantize.mlir\n";
    return 1;
  }
  DialectRegistry registry;
  mlir::fp4q::registerCompilerDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(argv[1], &context);
  if (!module)
    return 1; // the context has printed why

  auto function = mlir::fp4q::JitFunction::compile(
      *module, "dequantize", mlir::fp4q::CPUPipelineOptions());
  if (failed(function))
    return 1;

  // One row of 32 codes, two a byte, and its scale 2^1.
  uint8_t codes[16], scale = 128;
  for (int i = 0; i < 16; ++i)
    codes[i] = 0x10 * (2 * i % 16 + 1) + 2 * i % 16;
  std::vector<mlir::fp4q::TensorRef> arguments = {{codes, {1, 16}},
                                                  {&scale, {1, 1}}};
  SmallVector<SmallVector<int64_t>> sizes;
  std::string error;
  if (failed((*function)->getResultSizes(arguments, sizes, error))) {
    llvm::errs() << "error: " << error << '\n';
    return 1;
  }
  std::vector<float> values(sizes[0][0] * sizes[0][1]);
  mlir::fp4q::TensorRef result{values.data(), sizes[0]};
  if (failed((*function)->invoke(arguments, result, error))) {
    llvm::errs() << "error: " << error << '\n';
    return 1;
  }
  for (float value : ArrayRef(values).take_front(8))
    llvm::outs() << value << ' ';
  llvm::outs() << '\n';
  return 0;
}
