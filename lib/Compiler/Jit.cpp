//===- Jit.cpp - compile a module for this machine and call it ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/Jit.h"

#include "fp4q/Dialect/FP4Q/Transforms/ShapeFunctions.h"
#include "fp4q/Runtime/ArtifactFile.h"
#include "fp4q/Runtime/MemRefDescriptor.h"
#include "fp4q/Runtime/ParallelFor.h"
#include "fp4q/Target/TargetInfo.h"

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace mlir::fp4q;

static std::vector<int64_t> makeDescriptor(const TensorRef &tensor) {
  return ::fp4q::makeMemRefDescriptor(tensor.data, tensor.sizes.data(),
                                      tensor.sizes.size());
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>> getHostMachine() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  builder->setCodeGenOptLevel(llvm::CodeGenOptLevel::Default);
  return builder->createTargetMachine();
}

/// Fails unless this machine has what code for the level may use.
static LogicalResult checkLevel(ModuleOp module,
                                const CPUPipelineOptions &options) {
  std::string error;
  const ::fp4q::Target *level = findCPULevel(options, error);
  if (!level)
    return emitError(UnknownLoc::get(module.getContext())) << error;
  std::string missing = ::fp4q::missingCpuFeatures(
      level->cpuFeatures, ::fp4q::getHostCpuFeatures());
  StringRef architecture = level->architecture;
  if (!architecture.empty() &&
      architecture != llvm::Triple(llvm::sys::getProcessTriple()).getArchName())
    missing = architecture.str();
  if (missing.empty())
    return success();
  return emitError(UnknownLoc::get(module.getContext()))
         << "code for " << level->name
         << " cannot run on this CPU, which lacks " << missing;
}

JitFunction::JitFunction(std::string name, Signature signature)
    : name(std::move(name)), signature(std::move(signature)) {}

JitFunction::~JitFunction() = default;

FailureOr<std::unique_ptr<JitFunction>>
JitFunction::compile(ModuleOp module, StringRef entry,
                     const CPUPipelineOptions &options) {
  if (failed(checkLevel(module, options)))
    return failure();
  FailureOr<func::FuncOp> function = findEntry(module, entry);
  if (failed(function))
    return failure();
  FailureOr<Signature> signature = mlir::fp4q::getSignature(*function);
  if (failed(signature))
    return failure();
  std::unique_ptr<JitFunction> jit(
      new JitFunction(function->getName().str(), *signature));

  // Only what the entry calls is compiled.
  for (auto other : module.getOps<func::FuncOp>())
    if (other != *function)
      other.setPrivate();
  PassManager preparation(module.getContext());
  buildFP4QPreparationPipeline(preparation);
  if (failed(preparation.run(module)))
    return failure();
  // The operations do not outlive the lowering, so they are described now.
  for (const SizeCheck &check : collectSizeChecks(*function))
    jit->sizeChecks.push_back(check.describe());
  PassManager manager(module.getContext());
  buildFP4QToCPUPipeline(manager, options);
  if (failed(manager.run(module)))
    return failure();

  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      getHostMachine();
  if (!machine) {
    module.emitError() << "no code can be generated for this machine: "
                       << llvm::toString(machine.takeError());
    return failure();
  }
  // The engine keeps a reference to the transformer.
  auto transformer = makeOptimizingTransformer(/*optLevel=*/3, /*sizeLevel=*/0,
                                               machine->get());
  ExecutionEngineOptions engineOptions;
  engineOptions.transformer = transformer;
  engineOptions.enableGDBNotificationListener = false;
  engineOptions.enablePerfNotificationListener = false;
  auto engine =
      ExecutionEngine::create(module, engineOptions, std::move(*machine));
  if (!engine) {
    module.emitError() << "the code cannot be linked: "
                       << llvm::toString(engine.takeError());
    return failure();
  }
  jit->engine = std::move(*engine);
  jit->engine->registerSymbols([](llvm::orc::MangleAndInterner mangle) {
    llvm::orc::SymbolMap symbols;
    symbols[mangle("fp4q_parallel_for")] = {
        llvm::orc::ExecutorAddr::fromPtr(&fp4q_parallel_for),
        llvm::JITSymbolFlags::Exported};
    return symbols;
  });
  return jit;
}

LogicalResult JitFunction::call(StringRef symbol, ArrayRef<TensorRef> arguments,
                                ArrayRef<TensorRef> tensors,
                                std::string &error) {
  // The packed interface takes the address of each argument; a memref argument
  // is itself the address of a descriptor.
  std::vector<std::vector<int64_t>> descriptors;
  descriptors.reserve(arguments.size() + tensors.size());
  for (auto [argument, spec] : llvm::zip_equal(arguments, signature.arguments))
    descriptors.push_back(spec.isTensor ? makeDescriptor(argument)
                                        : std::vector<int64_t>());
  for (const TensorRef &tensor : tensors)
    descriptors.push_back(makeDescriptor(tensor));
  std::vector<void *> addresses, packed;
  addresses.reserve(descriptors.size());
  for (std::vector<int64_t> &descriptor : descriptors) {
    addresses.push_back(descriptor.data());
    size_t i = addresses.size() - 1;
    packed.push_back(descriptor.empty() ? arguments[i].data
                                        : static_cast<void *>(&addresses[i]));
  }
  if (llvm::Error failure = engine->invokePacked(symbol, packed)) {
    error = llvm::toString(std::move(failure));
    return llvm::failure();
  }
  return success();
}

LogicalResult
JitFunction::getResultSizes(ArrayRef<TensorRef> arguments,
                            SmallVectorImpl<SmallVector<int64_t>> &sizes,
                            std::string &error) {
  sizes.clear();
  if (signature.results.empty())
    return success();
  int64_t numSizes = 0;
  for (const ValueSpec &result : signature.results)
    numSizes += result.shape.size();
  std::vector<int64_t> flat(numSizes + kNumCheckSlots);
  TensorRef out{flat.data(), {static_cast<int64_t>(flat.size())}};
  if (failed(call("_mlir_ciface_" + getResultShapesName(name), arguments, out,
                  error)))
    return failure();
  if (int64_t number = flat[numSizes]) {
    error = sizeChecks[number - 1] + ", but got " +
            std::to_string(flat[numSizes + 1]) + " and " +
            std::to_string(flat[numSizes + 2]);
    return failure();
  }
  auto next = flat.begin();
  for (const ValueSpec &result : signature.results) {
    sizes.emplace_back(next, next + result.shape.size());
    next += result.shape.size();
  }
  return success();
}

LogicalResult JitFunction::invoke(ArrayRef<TensorRef> arguments,
                                  ArrayRef<TensorRef> results,
                                  std::string &error) {
  return call("_mlir_ciface_" + name, arguments, results, error);
}
