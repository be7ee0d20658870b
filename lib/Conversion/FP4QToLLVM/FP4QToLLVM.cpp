//===- FP4QToLLVM.cpp - lowering of runtime calls to LLVM -----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// fp4q.parallel_for @body(%n) captures(...) becomes
//
//   struct { captures } context = ...;                  // on the stack
//   fp4q_parallel_for(0, n, grain, @body_entry, &context);
//
// where @body_entry(context, lo, hi) unpacks the context and calls @body. See
// include/fp4q/Runtime/ParallelFor.h for the contract of the runtime.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Conversion/FP4QToLLVM.h"

#include "RuntimeCalls.h"

#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::fp4q;

constexpr StringLiteral kParallelFor = "fp4q_parallel_for";

/// @body_entry(context, lo, hi): what the runtime calls.
static LLVM::LLVMFuncOp createEntry(ConversionPatternRewriter &rewriter,
                                    const LLVMTypeConverter &converter,
                                    ParallelForOp op,
                                    LLVM::LLVMStructType contextType) {
  OpBuilder::InsertionGuard guard(rewriter);
  Location loc = op.getLoc();
  auto module = op->getParentOfType<ModuleOp>();
  std::string name = (op.getBody() + "_entry").str();
  if (auto entry = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return entry;
  rewriter.setInsertionPointToEnd(module.getBody());
  auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
  auto entry = LLVM::LLVMFuncOp::create(
      rewriter, loc, name,
      LLVM::LLVMFunctionType::get(
          LLVM::LLVMVoidType::get(rewriter.getContext()),
          {pointer, rewriter.getI64Type(), rewriter.getI64Type()}),
      LLVM::Linkage::Internal);

  Block *block = entry.addEntryBlock(rewriter);
  rewriter.setInsertionPointToStart(block);
  Value context =
      LLVM::LoadOp::create(rewriter, loc, contextType, block->getArgument(0));
  SmallVector<Value> fields;
  for (int64_t i = 0, e = contextType.getBody().size(); i < e; ++i)
    fields.push_back(LLVM::ExtractValueOp::create(rewriter, loc, context, i));
  SmallVector<Value> arguments = {block->getArgument(1), block->getArgument(2)};
  llvm::append_range(arguments, converter.promoteOperands(loc, op.getCaptures(),
                                                          fields, rewriter));
  LLVM::CallOp::create(rewriter, loc, TypeRange(), op.getBodyAttr(), arguments);
  LLVM::ReturnOp::create(rewriter, loc, ValueRange());
  return entry;
}

namespace {

struct ParallelForOpLowering : public ConvertOpToLLVMPattern<ParallelForOp> {
  using ConvertOpToLLVMPattern<ParallelForOp>::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(ParallelForOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MLIRContext *context = rewriter.getContext();
    auto contextType = LLVM::LLVMStructType::getLiteral(
        context, llvm::to_vector(adaptor.getCaptures().getTypes()));
    LLVM::LLVMFuncOp entry =
        createEntry(rewriter, *getTypeConverter(), op, contextType);

    auto pointer = LLVM::LLVMPointerType::get(context);
    Type i64 = rewriter.getI64Type();
    FailureOr<LLVM::LLVMFuncOp> runtime = LLVM::lookupOrCreateFn(
        rewriter, op->getParentOfType<ModuleOp>(), kParallelFor,
        {i64, i64, i64, pointer, pointer}, LLVM::LLVMVoidType::get(context));
    if (failed(runtime))
      return rewriter.notifyMatchFailure(op, "runtime function redefined");

    // The call may sit in a loop: allocate in the entry block, once.
    Value space;
    {
      OpBuilder::InsertionGuard guard(rewriter);
      auto parent = op->getParentOfType<FunctionOpInterface>();
      rewriter.setInsertionPointToStart(&parent.getFunctionBody().front());
      Value one = LLVM::ConstantOp::create(rewriter, loc, i64,
                                           rewriter.getI64IntegerAttr(1));
      space = LLVM::AllocaOp::create(rewriter, loc, pointer, contextType, one);
    }
    Value fields = LLVM::UndefOp::create(rewriter, loc, contextType);
    for (auto [i, capture] : llvm::enumerate(adaptor.getCaptures()))
      fields = LLVM::InsertValueOp::create(rewriter, loc, fields, capture, i);
    LLVM::StoreOp::create(rewriter, loc, fields, space);
    Value zero = LLVM::ConstantOp::create(rewriter, loc, i64,
                                          rewriter.getI64IntegerAttr(0));
    Value grain =
        LLVM::ConstantOp::create(rewriter, loc, i64, op.getGrainAttr());
    Value entryAddress = LLVM::AddressOfOp::create(rewriter, loc, entry);
    LLVM::CallOp::create(
        rewriter, loc, *runtime,
        ValueRange{zero, adaptor.getCount(), grain, entryAddress, space});
    rewriter.eraseOp(op);
    return success();
  }
};

struct FP4QToLLVMDialectInterface : public ConvertToLLVMPatternInterface {
  using ConvertToLLVMPatternInterface::ConvertToLLVMPatternInterface;

  void loadDependentDialects(MLIRContext *context) const override {
    context->loadDialect<LLVM::LLVMDialect>();
  }

  void populateConvertToLLVMConversionPatterns(
      ConversionTarget &target, LLVMTypeConverter &converter,
      RewritePatternSet &patterns) const override {
    // Without this, a call that cannot be lowered would stay and be no failure.
    target.addIllegalOp<ParallelForOp>();
    patterns.add<ParallelForOpLowering>(converter);
    populateGPUMemoryPatterns(converter, target, patterns);
  }
};

} // namespace

void mlir::fp4q::registerConvertFP4QToLLVMInterface(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, FP4QDialect *dialect) {
    dialect->addInterfaces<FP4QToLLVMDialectInterface>();
  });
}
