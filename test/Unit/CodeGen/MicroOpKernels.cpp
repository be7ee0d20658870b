//===- MicroOpKernels.cpp - compile and call micro-ops --------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MicroOpKernels.h"

#include "fp4q/Compiler/Registration.h"
#include "fp4q/Conversion/Passes.h"
#include "fp4q/Numerics/SmallFloats.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
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

/// What the CPU calls for cvt.rz.f16x2.f32.
static constexpr char truncationName[] = "fp4q_test_truncate_to_f16";

/// The bits of x, rounded toward zero to f16 as PTX ISA 9.7.9.22 "cvt" says.
static uint32_t truncateToF16(float x) {
  uint32_t bits = bitsOf(x), magnitude = bits & 0x7FFFFFFF;
  uint32_t sign = bits >> 16 & 0x8000;
  if (magnitude > 0x7F800000)
    return 0x7FFF;
  if (magnitude == 0x7F800000)
    return sign | 0x7C00;
  if (magnitude >= bitsOf(65536.0f))
    return sign | 0x7BFF;
  if (magnitude < bitsOf(0x1p-14f))
    return sign | static_cast<uint32_t>(floatOf(magnitude) * 0x1p24f);
  return sign | (magnitude - (uint32_t(127 - 15) << 23)) >> 13;
}

/// Replaces instructions of GPUs by calls of functions that do the same.
static void replaceInstructions(ModuleOp module) {
  ImplicitLocOpBuilder b(module.getLoc(), module.getBodyRegion());
  Type i32 = b.getI32Type();
  LLVM::LLVMFuncOp truncate;
  module.walk([&](NVVM::ConvertF32x2ToF16x2Op op) {
    ASSERT_EQ(op.getRnd(), NVVM::FPRoundingMode::RZ);
    if (!truncate) {
      b.setInsertionPointToStart(module.getBody());
      truncate = LLVM::LLVMFuncOp::create(
          b, truncationName,
          LLVM::LLVMFunctionType::get(i32, {b.getF32Type()}));
    }
    b.setInsertionPoint(op);
    auto half = [&](Value x) {
      return LLVM::CallOp::create(b, truncate, x).getResult();
    };
    Value shift = arith::ConstantOp::create(b, b.getI32IntegerAttr(16));
    Value upper = arith::ShLIOp::create(b, half(op.getSrcHi()), shift);
    Value word = arith::OrIOp::create(b, upper, half(op.getSrcLo()));
    op.replaceAllUsesWith(
        LLVM::BitcastOp::create(b, op.getType(), word).getResult());
    op.erase();
  });
}

static LogicalResult lower(ModuleOp module, const std::string &chip) {
  PassManager manager(module.getContext());
  mlir::fp4q::FP4QLowerMicroOpsPassOptions microOps;
  microOps.chip = chip;
  manager.addPass(mlir::fp4q::createFP4QLowerMicroOpsPass(microOps));
  if (failed(manager.run(module)))
    return failure();
  replaceInstructions(module);
  manager.clear();
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
  if (!engine)
    return;
  (*engine)->registerSymbols([](llvm::orc::MangleAndInterner interner) {
    return llvm::orc::SymbolMap{
        {interner(truncationName),
         {llvm::orc::ExecutorAddr::fromPtr(&truncateToF16),
          llvm::JITSymbolFlags::Exported}}};
  });
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
