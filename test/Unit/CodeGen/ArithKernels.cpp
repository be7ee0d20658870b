//===- ArithKernels.cpp - run what the arith emitter writes ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArithKernels.h"

#include "fp4q/Numerics/SmallFloats.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/Support/TargetSelect.h"

#include <gtest/gtest.h>

using namespace mlir;
using ::fp4q::Body;
using ::fp4q::Inputs;
using ::fp4q::Kernel;

constexpr int64_t kVectorSize = 16;

void Inputs::push(uint32_t first, uint32_t second, uint32_t third) {
  columns[0].push_back(first);
  columns[1].push_back(second);
  columns[2].push_back(third);
}

::fp4q::Element Inputs::operator[](size_t index) const {
  return {columns[0][index], columns[1][index], columns[2][index]};
}

/// The memref descriptor of a contiguous array.
namespace {
struct Descriptor {
  uint32_t *allocated, *aligned;
  int64_t offset, size, stride;

  explicit Descriptor(std::vector<uint32_t> &data)
      : allocated(data.data()), aligned(data.data()), offset(0),
        size(data.size()), stride(1) {}
};
} // namespace

static std::string nameOf(const Kernel &kernel, bool vectors) {
  return kernel.name + (vectors ? "_vector" : "_scalar");
}

/// func(a, b, c, out): out[i] = kernel(a[i], b[i], c[i]).
static void buildFunction(OpBuilder &outer, const Kernel &kernel,
                          bool vectors) {
  ImplicitLocOpBuilder b(outer.getUnknownLoc(), outer);
  Type i32 = b.getI32Type();
  auto array = MemRefType::get({ShapedType::kDynamic}, i32);
  auto function = func::FuncOp::create(
      b, nameOf(kernel, vectors),
      b.getFunctionType(SmallVector<Type>(4, array), TypeRange()));
  function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                    b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  Value out = entry->getArgument(3);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value step = arith::ConstantIndexOp::create(b, vectors ? kVectorSize : 1);
  Value size = memref::DimOp::create(b, out, zero);
  auto loop = scf::ForOp::create(b, zero, size, step);
  func::ReturnOp::create(b);

  b.setInsertionPointToStart(loop.getBody());
  Value index = loop.getInductionVar();
  auto typeOf = [&](Type element) -> Type {
    return vectors ? VectorType::get({kVectorSize}, element) : element;
  };
  Body body = {b, mlir::fp4q::ArithEmitter(b), {}, {}};
  for (size_t i = 0; i < body.ints.size(); ++i) {
    Value in = entry->getArgument(i);
    body.ints[i] = vectors ? vector::LoadOp::create(
                                 b, cast<VectorType>(typeOf(i32)), in, index)
                                 .getResult()
                           : memref::LoadOp::create(b, in, index).getResult();
    body.floats[i] =
        arith::BitcastOp::create(b, typeOf(b.getF32Type()), body.ints[i]);
  }
  Value result = kernel.emit(body);
  if (getElementTypeOrSelf(result).isF32())
    result = arith::BitcastOp::create(b, typeOf(i32), result);
  if (vectors)
    vector::StoreOp::create(b, result, out, index);
  else
    memref::StoreOp::create(b, result, out, index);
}

static LogicalResult lowerToLLVM(ModuleOp module) {
  PassManager manager(module.getContext());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  manager.addPass(arith::createArithExpandOpsPass(expand));
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  return manager.run(module);
}

/// Runs one form of the kernel over the inputs.
static std::vector<uint32_t> run(ExecutionEngine &engine, const Kernel &kernel,
                                 bool vectors, Inputs &inputs) {
  std::vector<uint32_t> out(inputs.size());
  std::array<Descriptor, 4> descriptors = {
      Descriptor(inputs.columns[0]), Descriptor(inputs.columns[1]),
      Descriptor(inputs.columns[2]), Descriptor(out)};
  std::array<Descriptor *, 4> addresses;
  SmallVector<void *> packed;
  for (size_t i = 0; i < descriptors.size(); ++i) {
    addresses[i] = &descriptors[i];
    packed.push_back(&addresses[i]);
  }
  llvm::Error error =
      engine.invokePacked("_mlir_ciface_" + nameOf(kernel, vectors), packed);
  EXPECT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
  return out;
}

static bool isSame(uint32_t actual, uint32_t expected, bool isFloat) {
  using ::fp4q::floatOf;
  return actual == expected || (isFloat && ::fp4q::isNaN(floatOf(actual)) &&
                                ::fp4q::isNaN(floatOf(expected)));
}

/// Reports the first element at which the kernel differs.
static void compare(const Kernel &kernel, bool vectors, const Inputs &inputs,
                    const std::vector<uint32_t> &actual) {
  for (size_t i = 0; i < actual.size(); ++i) {
    ::fp4q::Element element = inputs[i];
    uint32_t expected = kernel.expected(element);
    ASSERT_TRUE(isSame(actual[i], expected, kernel.isFloat))
        << nameOf(kernel, vectors) << std::hex << " of " << element[0] << ", "
        << element[1] << ", " << element[2] << " is " << actual[i]
        << ", expected " << expected;
  }
}

void ::fp4q::checkKernels(const std::vector<Kernel> &kernels,
                          const Inputs &inputs) {
  DialectRegistry registry;
  registry.insert<arith::ArithDialect, func::FuncDialect, memref::MemRefDialect,
                  scf::SCFDialect, vector::VectorDialect>();
  registerAllExtensions(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  OpBuilder builder(module->getBodyRegion());
  for (const Kernel &kernel : kernels)
    for (bool vectors : {false, true})
      buildFunction(builder, kernel, vectors);
  ASSERT_TRUE(succeeded(lowerToLLVM(*module)));

  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto engine = ExecutionEngine::create(*module);
  ASSERT_TRUE(static_cast<bool>(engine)) << llvm::toString(engine.takeError());
  Inputs padded = inputs;
  while (padded.size() % kVectorSize != 0) {
    ::fp4q::Element last = padded[padded.size() - 1];
    padded.push(last[0], last[1], last[2]);
  }
  for (const Kernel &kernel : kernels)
    for (bool vectors : {false, true})
      compare(kernel, vectors, padded, run(**engine, kernel, vectors, padded));
}
