//===- GpuMemory.cpp - lowering of device memory to LLVM ------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The operations on device memory become calls of the runtime, whose contract
// is in include/fp4q/Runtime/Gpu.h. For fp4q.gpu_constant @weight there is also
//
//   static fp4q_gpu_constant weight_on_gpu = {&weight, sizeof(weight), NULL};
//
// with a global destructor that releases what the runtime keeps for it.
//
//===----------------------------------------------------------------------===//

#include "RuntimeCalls.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Calls the runtime's `name`. Fails if something else has that name.
static FailureOr<LLVM::CallOp> callRuntime(OpBuilder &builder, Operation *op,
                                           StringRef name, ValueRange arguments,
                                           Type result) {
  FailureOr<LLVM::LLVMFuncOp> function =
      LLVM::lookupOrCreateFn(builder, op->getParentOfType<ModuleOp>(), name,
                             llvm::to_vector(arguments.getTypes()), result);
  if (failed(function)) {
    op->emitOpError() << "needs the runtime's " << name
                      << ", but the module has another function of that name";
    return failure();
  }
  return LLVM::CallOp::create(builder, op->getLoc(), *function, arguments);
}

namespace {

/// Replaces an operation that yields memory by a call that returns its address.
template <typename Op>
struct MemoryLowering : public ConvertOpToLLVMPattern<Op> {
  using ConvertOpToLLVMPattern<Op>::ConvertOpToLLVMPattern;

  /// `getArgument` makes the call's argument of the size in bytes; null fails.
  LogicalResult replace(Op op, ValueRange dynamicSizes,
                        ConversionPatternRewriter &rewriter, StringRef name,
                        function_ref<Value(Value bytes)> getArgument) const {
    Location loc = op.getLoc();
    auto type = cast<MemRefType>(op.getMemory().getType());
    SmallVector<Value> sizes, strides;
    Value bytes;
    this->getMemRefDescriptorSizes(loc, type, dynamicSizes, rewriter, sizes,
                                   strides, bytes);
    Value argument = getArgument(bytes);
    if (!argument)
      return failure();
    FailureOr<LLVM::CallOp> call =
        callRuntime(rewriter, op, name, argument,
                    LLVM::LLVMPointerType::get(op.getContext()));
    if (failed(call))
      return failure();
    Value memory = call->getResult();
    rewriter.replaceOp(
        op, Value(this->createMemRefDescriptor(loc, type, memory, memory, sizes,
                                               strides, rewriter)));
    return success();
  }
};

struct WorkspaceLowering : public MemoryLowering<GPUWorkspaceOp> {
  using MemoryLowering::MemoryLowering;

  LogicalResult
  matchAndRewrite(GPUWorkspaceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    return replace(op, adaptor.getSizes(), rewriter, "fp4q_gpu_workspace",
                   [](Value bytes) { return bytes; });
  }
};

struct ConstantLowering : public MemoryLowering<GPUConstantOp> {
  using MemoryLowering::MemoryLowering;

  LogicalResult
  matchAndRewrite(GPUConstantOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    return replace(op, {}, rewriter, "fp4q_gpu_constant_data", [&](Value) {
      LLVM::GlobalOp record = getRecord(rewriter, op);
      return record ? LLVM::AddressOfOp::create(rewriter, op.getLoc(), record)
                          .getResult()
                    : Value();
    });
  }

private:
  /// The fp4q_gpu_constant of the global, one in the module; null on failure.
  LLVM::GlobalOp getRecord(ConversionPatternRewriter &rewriter,
                           GPUConstantOp op) const {
    auto module = op->getParentOfType<ModuleOp>();
    std::string name = (op.getGlobal() + ".on_gpu").str();
    if (auto record = module.lookupSymbol<LLVM::GlobalOp>(name))
      return record;
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToEnd(module.getBody());
    Location loc = op.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(getContext());
    auto recordType = LLVM::LLVMStructType::getLiteral(
        getContext(), {pointer, rewriter.getI64Type(), pointer});
    auto record = LLVM::GlobalOp::create(
        rewriter, loc, recordType, /*isConstant=*/false,
        LLVM::Linkage::Internal, name, /*value=*/Attribute());
    auto type = cast<MemRefType>(op.getMemory().getType());
    rewriter.createBlock(&record.getInitializerRegion());
    Value fields = LLVM::UndefOp::create(rewriter, loc, recordType);
    Value data =
        LLVM::AddressOfOp::create(rewriter, loc, pointer, op.getGlobal());
    int64_t elementBytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    Value size = LLVM::ConstantOp::create(
        rewriter, loc, rewriter.getI64Type(),
        rewriter.getI64IntegerAttr(type.getNumElements() * elementBytes));
    Value null = LLVM::ZeroOp::create(rewriter, loc, pointer);
    for (auto [i, field] :
         llvm::enumerate(SmallVector<Value>{data, size, null}))
      fields = LLVM::InsertValueOp::create(rewriter, loc, fields, field, i);
    LLVM::ReturnOp::create(rewriter, loc, fields);
    return succeeded(addRelease(rewriter, op, record)) ? record
                                                       : LLVM::GlobalOp();
  }

  LogicalResult addRelease(ConversionPatternRewriter &rewriter,
                           GPUConstantOp op, LLVM::GlobalOp record) const {
    Location loc = op.getLoc();
    rewriter.setInsertionPointAfter(record);
    auto release = LLVM::LLVMFuncOp::create(
        rewriter, loc, (record.getSymName() + ".release").str(),
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()), {}),
        LLVM::Linkage::Internal);
    rewriter.setInsertionPointToStart(release.addEntryBlock(rewriter));
    Value address = LLVM::AddressOfOp::create(rewriter, loc, record);
    if (failed(callRuntime(rewriter, op, "fp4q_gpu_constant_release", address,
                           LLVM::LLVMVoidType::get(getContext()))))
      return failure();
    LLVM::ReturnOp::create(rewriter, loc, ValueRange());
    rewriter.setInsertionPointAfter(release);
    LLVM::GlobalDtorsOp::create(
        rewriter, loc, rewriter.getArrayAttr(FlatSymbolRefAttr::get(release)),
        rewriter.getI32ArrayAttr(0),
        rewriter.getArrayAttr(LLVM::ZeroAttr::get(getContext())));
    return success();
  }
};

struct CopyLowering : public ConvertOpToLLVMPattern<GPUCopyOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(GPUCopyOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<MemRefType>(op.getSource().getType());
    MemRefDescriptor source(adaptor.getSource()), target(adaptor.getTarget());
    Value bytes =
        LLVM::ConstantOp::create(rewriter, loc, getIndexType(),
                                 rewriter.getIndexAttr(llvm::divideCeil(
                                     type.getElementTypeBitWidth(), 8)));
    for (int64_t i = 0; i < type.getRank(); ++i)
      bytes = LLVM::MulOp::create(rewriter, loc, bytes,
                                  source.size(rewriter, loc, i));
    if (failed(callRuntime(rewriter, op, "fp4q_gpu_copy_async",
                           {target.alignedPtr(rewriter, loc),
                            source.alignedPtr(rewriter, loc), bytes},
                           LLVM::LLVMVoidType::get(getContext()))))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void mlir::fp4q::populateGPUMemoryPatterns(const LLVMTypeConverter &converter,
                                           ConversionTarget &target,
                                           RewritePatternSet &patterns) {
  target.addIllegalOp<GPUConstantOp, GPUCopyOp, GPUWorkspaceOp>();
  patterns.add<ConstantLowering, CopyLowering, WorkspaceLowering>(converter);
}
