//===- GPUKernels.cpp - run lowered operations on the simulator -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The host's side is so simple that it is interpreted: with static shapes all
// grids and sizes are constants, and operands are arguments of the function,
// perhaps collapsed to one dimension, or allocated in it.
//
//===----------------------------------------------------------------------===//

#include "GPUKernels.h"

#include "fp4q/Compiler/GPUModule.h"
#include "fp4q/Compiler/Registration.h"
#include "fp4q/Conversion/Passes.h"
#include "fp4q/Simulator/Simulator.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/TargetSelect.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace mlir;
using namespace ::fp4q;

struct GPUCompiler::Impl {
  DialectRegistry registry;
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  std::string ptx;
  std::vector<std::string> launched;
  std::vector<std::vector<sim::AccessProfile>> profiles;
  sim::LaunchOptions options;

  LogicalResult lower(const ::fp4q::Target &target);
  bool launch(gpu::LaunchFuncOp op,
              const llvm::DenseMap<Value, uint64_t> &buffers,
              const std::vector<GPUArgument> &arguments,
              const sim::Module &kernels, sim::DeviceMemory &memory);
};

GPUCompiler::GPUCompiler() : impl(std::make_unique<Impl>()) {
  mlir::fp4q::registerCompilerDialects(impl->registry);
  registerAllToLLVMIRTranslations(impl->registry);
  NVVM::registerNVVMTargetInterfaceExternalModels(impl->registry);
  impl->context = std::make_unique<MLIRContext>(
      impl->registry, MLIRContext::Threading::DISABLED);
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
}

GPUCompiler::~GPUCompiler() = default;

LogicalResult GPUCompiler::Impl::lower(const ::fp4q::Target &target) {
  PassManager manager(context.get());
  mlir::fp4q::ConvertFP4QToGPUPassOptions toGPU;
  toGPU.chip = target.name;
  manager.addPass(mlir::fp4q::createConvertFP4QToGPUPass(toGPU));
  manager.addPass(arith::createArithExpandOpsPass());
  manager.addPass(createCanonicalizerPass());
  mlir::fp4q::addGPUModulePasses(manager, target);
  GpuModuleToBinaryPassOptions binary;
  binary.compilationTarget = "isa";
  manager.addPass(createGpuModuleToBinaryPass(binary));
  return manager.run(*module);
}

std::string GPUCompiler::compile(const std::string &text,
                                 const std::string &chip) {
  const ::fp4q::Target *target = findTarget(chip);
  impl->ptx.clear();
  impl->module = parseSourceString<ModuleOp>(text, impl->context.get());
  bool ok = impl->module && succeeded(impl->lower(*target));
  EXPECT_TRUE(ok) << text;
  if (!ok)
    return "";
  impl->module->walk([&](gpu::BinaryOp op) {
    auto object = cast<gpu::ObjectAttr>(op.getObjects()[0]);
    impl->ptx = object.getObject().getValue().str();
  });
  return impl->ptx;
}

static uint32_t constantOf(Value value) {
  std::optional<int64_t> constant = getConstantIntValue(value);
  EXPECT_TRUE(constant.has_value());
  return static_cast<uint32_t>(constant.value_or(0));
}

static sim::Dim3 constantsOf(const gpu::KernelDim3 &dims) {
  return {constantOf(dims.x), constantOf(dims.y), constantOf(dims.z)};
}

/// What a memref is a view of.
static Value sourceOf(Value value) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
    value = view.getViewSource();
  return value;
}

bool GPUCompiler::Impl::launch(gpu::LaunchFuncOp op,
                               const llvm::DenseMap<Value, uint64_t> &buffers,
                               const std::vector<GPUArgument> &arguments,
                               const sim::Module &kernels,
                               sim::DeviceMemory &memory) {
  sim::LaunchConfig config;
  config.grid = constantsOf(op.getGridSizeOperandValues());
  config.block = constantsOf(op.getBlockSizeOperandValues());
  if (Value bytes = op.getDynamicSharedMemorySize())
    config.dynamicShared = constantOf(bytes);
  std::string name = op.getKernelName().str();
  launched.push_back(name);
  int index = kernels.findKernel(name);
  EXPECT_GE(index, 0);
  if (index < 0)
    return false;
  if (config.grid.count() == 0)
    return true;
  // All parameters are 8 bytes but for f32.
  std::vector<uint8_t> parameters;
  auto push = [&](const void *data, size_t bytes) {
    while (parameters.size() % bytes)
      parameters.push_back(0);
    const auto *first = static_cast<const uint8_t *>(data);
    parameters.insert(parameters.end(), first, first + bytes);
  };
  auto push64 = [&](uint64_t value) { push(&value, sizeof(value)); };
  for (Value operand : op.getKernelOperands()) {
    Value source = sourceOf(operand);
    if (operand.getType().isIndex()) {
      push64(constantOf(operand));
    } else if (operand.getType().isF32()) {
      unsigned number = cast<BlockArgument>(source).getArgNumber();
      push(arguments[number].data, sizeof(float));
    } else {
      push64(buffers.at(source));
      push64(buffers.at(source));
      push64(0);
      if (cast<MemRefType>(operand.getType()).getRank() == 1) {
        push64(cast<MemRefType>(source.getType()).getNumElements());
        push64(1);
      }
    }
  }
  EXPECT_EQ(parameters.size(), kernels.kernels()[index].paramBytes);
  sim::LaunchResult result =
      sim::launch(kernels, index, config, parameters.data(), memory, options);
  profiles.push_back(result.accesses);
  EXPECT_TRUE(result.ok()) << name << ": " << result.message();
  return result.ok();
}

bool GPUCompiler::run(const std::string &function,
                      const std::vector<GPUArgument> &arguments,
                      const std::vector<bool> &initialized) {
  impl->launched.clear();
  impl->profiles.clear();
  sim::DeviceMemory memory;
  std::string error;
  std::unique_ptr<sim::Module> kernels =
      sim::Module::load(impl->ptx, memory, error);
  EXPECT_TRUE(kernels) << error;
  if (!kernels)
    return false;
  auto host = impl->module->lookupSymbol<func::FuncOp>(function);
  llvm::DenseMap<Value, uint64_t> buffers;
  for (size_t i = 0; i < arguments.size(); ++i) {
    uint64_t &buffer = buffers[host.getArgument(i)];
    buffer = memory.allocate(arguments[i].bytes);
    if (initialized[i])
      memory.write(buffer, arguments[i].data, arguments[i].bytes);
  }
  host.walk([&](memref::AllocOp op) {
    MemRefType type = op.getType();
    buffers[op] = memory.allocate(type.getNumElements() *
                                  type.getElementTypeBitWidth() / 8);
  });
  bool ok = true;
  host.walk([&](gpu::LaunchFuncOp op) {
    ok = ok && impl->launch(op, buffers, arguments, *kernels, memory);
  });
  for (size_t i = 0; i < arguments.size(); ++i)
    memory.read(buffers[host.getArgument(i)], arguments[i].data,
                arguments[i].bytes);
  return ok;
}

bool GPUCompiler::profile(const std::string &function,
                          const std::vector<GPUArgument> &arguments,
                          const std::vector<bool> &initialized) {
  impl->options.profile = true;
  bool ok = run(function, arguments, initialized);
  impl->options.profile = false;
  return ok;
}

const std::vector<std::string> &GPUCompiler::launched() const {
  return impl->launched;
}

const std::vector<std::vector<sim::AccessProfile>> &
GPUCompiler::profiles() const {
  return impl->profiles;
}
