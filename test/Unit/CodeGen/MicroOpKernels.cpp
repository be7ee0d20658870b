//===- MicroOpKernels.cpp - compile and call micro-ops --------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MicroOpKernels.h"

#include "fp4q/Compiler/Registration.h"
#include "fp4q/Conversion/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/Support/TargetSelect.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace ::fp4q;

struct MicroOpKernels::Impl {
  DialectRegistry registry;
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<ExecutionEngine> engine;
};

static LogicalResult lower(ModuleOp module, const std::string &chip) {
  PassManager manager(module.getContext());
  mlir::fp4q::FP4QLowerMicroOpsPassOptions microOps;
  microOps.chip = chip;
  manager.addPass(mlir::fp4q::createFP4QLowerMicroOpsPass(microOps));
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  manager.addPass(arith::createArithExpandOpsPass(expand));
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createConvertToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  return manager.run(module);
}

MicroOpKernels::MicroOpKernels(const std::string &text, const std::string &chip)
    : impl(std::make_unique<Impl>()) {
  mlir::fp4q::registerCompilerDialects(impl->registry);
  registerBuiltinDialectTranslation(impl->registry);
  registerLLVMDialectTranslation(impl->registry);
  impl->context = std::make_unique<MLIRContext>(
      impl->registry, MLIRContext::Threading::DISABLED);
  impl->module = parseSourceString<ModuleOp>(text, impl->context.get());
  EXPECT_TRUE(static_cast<bool>(impl->module));
  if (!impl->module)
    return;
  bool lowered = succeeded(lower(*impl->module, chip));
  EXPECT_TRUE(lowered);
  if (!lowered)
    return;
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto engine = ExecutionEngine::create(*impl->module);
  EXPECT_TRUE(static_cast<bool>(engine)) << llvm::toString(engine.takeError());
  if (engine)
    impl->engine = std::move(*engine);
}

MicroOpKernels::~MicroOpKernels() = default;

bool MicroOpKernels::ok() const { return impl->engine != nullptr; }

bool MicroOpKernels::call(const std::string &name,
                          std::vector<ArrayArgument> arguments) {
  struct Descriptor {
    void *allocated, *aligned;
    int64_t offset, size, stride;
  };
  std::vector<Descriptor> descriptors;
  for (const ArrayArgument &argument : arguments)
    descriptors.push_back(
        {argument.data, argument.data, 0, int64_t(argument.size), 1});
  std::vector<Descriptor *> addresses;
  for (Descriptor &descriptor : descriptors)
    addresses.push_back(&descriptor);
  SmallVector<void *> packed;
  for (Descriptor *&address : addresses)
    packed.push_back(&address);
  llvm::Error error =
      impl->engine->invokePacked("_mlir_ciface_" + name, packed);
  bool failed = static_cast<bool>(error);
  EXPECT_FALSE(failed) << llvm::toString(std::move(error));
  return !failed;
}
