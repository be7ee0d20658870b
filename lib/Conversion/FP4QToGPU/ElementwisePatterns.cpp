//===- ElementwisePatterns.cpp - all but the matmul to kernels ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::fp4q;

static MemRefType typeOf(Value memref) {
  return cast<MemRefType>(memref.getType());
}

/// One thread for `perThread` elements of a flat array.
static LaunchShape gridFor(ImplicitLocOpBuilder &b, Value flat,
                           int64_t perThread) {
  LaunchShape shape;
  shape.gridX = blocksFor(b, memref::DimOp::create(b, flat, 0),
                          kElementwiseThreads * perThread);
  shape.threads = kElementwiseThreads;
  return shape;
}

/// The transform of an operation, but for its operand.
static KernelTransform transformOf(Value matrix) {
  KernelTransform transform;
  if (matrix) {
    transform.blockSize = typeOf(matrix).getShape().back();
    transform.perBlock = typeOf(matrix).getRank() == 3;
  }
  return transform;
}

namespace {

/// A pattern that can add kernels.
template <typename OpTy>
struct ToKernel : public OpRewritePattern<OpTy> {
  ToKernel(MLIRContext *context, KernelModule &kernels)
      : OpRewritePattern<OpTy>(context), kernels(kernels) {}

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "expects memrefs");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    FlatOperands flat(b);
    if (failed(lower(op, rewriter, b, flat)))
      return failure();
    flat.finish();
    rewriter.eraseOp(op);
    return success();
  }

  virtual LogicalResult lower(OpTy op, PatternRewriter &rewriter,
                              ImplicitLocOpBuilder &b,
                              FlatOperands &flat) const = 0;

  KernelModule &kernels;
};

/// quantize_pack -> one kernel
struct QuantizePackOpToKernel : public ToKernel<QuantizePackOp> {
  using ToKernel::ToKernel;

  LogicalResult lower(QuantizePackOp op, PatternRewriter &rewriter,
                      ImplicitLocOpBuilder &b,
                      FlatOperands &flat) const override {
    if (op.getScaleLayout() != ScaleLayout::Linear)
      return rewriter.notifyMatchFailure(op, "expects linear scales");
    QuantizeKernel kernel;
    kernel.groupSize = op.getGroupSizeValue();
    kernel.k = typeOf(op.getX()).getShape().back();
    kernel.givenScales = op.hasGivenScales();
    kernel.recipe = op.getRecipeValue();
    kernel.transform = transformOf(op.getTransform());
    Value x = flat.read(op.getX());
    Value scales = op.hasGivenScales() ? flat.read(op.getScales())
                                       : flat.write(op.getInits().back());
    LaunchShape shape;
    shape.gridX =
        blocksFor(b, memref::DimOp::create(b, x, 0), kernel.elementsPerBlock());
    shape.threads = QuantizeKernel::threads();
    using OnTensorCores = TransformQuantizeKernel;
    bool onTensorCores =
        op.getTransform() &&
        OnTensorCores::canTake(kernel.transform.blockSize, kernel.groupSize,
                               typeOf(op.getX()).getElementType(),
                               typeOf(op.getTransform()).getElementType());
    if (onTensorCores) {
      // All in x, which has room for 2^31 - 1.
      Value rowBlocks = blocksFor(b, leadingSize(b, op.getX(), 1),
                                  OnTensorCores::rowsPerBlock());
      shape.gridX =
          arith::MulIOp::create(b, rowBlocks,
                                arith::ConstantIndexOp::create(
                                    b, OnTensorCores::blocksPerRow(kernel.k)));
      shape.threads = OnTensorCores::threads();
    }
    kernels.launch(b, "quantize_pack", shape,
                   {x, flat.write(op.getInits().front()), scales,
                    flat.read(op.getTransform()), op.getGlobalScale(),
                    op.getScaleScale()},
                   [&](GPUKernelBuilder &k, ArrayRef<Value> arguments) {
                     kernel.x = arguments[0];
                     kernel.codes = arguments[1];
                     kernel.scales = arguments[2];
                     kernel.transform.matrix = arguments[3];
                     kernel.globalScale = arguments[4];
                     kernel.scaleScale = arguments[5];
                     if (onTensorCores)
                       return OnTensorCores{kernel}.emit(k);
                     kernel.emit(k);
                   });
    return success();
  }
};

/// dequant -> one kernel
struct DequantOpToKernel : public ToKernel<DequantOp> {
  using ToKernel::ToKernel;

  LogicalResult lower(DequantOp op, PatternRewriter &rewriter,
                      ImplicitLocOpBuilder &b,
                      FlatOperands &flat) const override {
    if (op.getScaleLayout() != ScaleLayout::Linear)
      return rewriter.notifyMatchFailure(op, "expects linear scales");
    DequantKernel kernel;
    kernel.groupSize = op.getGroupSizeValue();
    kernel.divide = op.getDirection() == Direction::Divide;
    Value out = flat.write(op.getInit());
    kernels.launch(
        b, "dequant",
        gridFor(b, out, DequantKernel::elementsPerThread(kernel.groupSize)),
        {flat.read(op.getCodes()), flat.read(op.getScales()),
         op.getGlobalScale(), out},
        [&](GPUKernelBuilder &k, ArrayRef<Value> arguments) {
          kernel.codes = arguments[0];
          kernel.scales = arguments[1];
          kernel.globalScale = arguments[2];
          kernel.out = arguments[3];
          kernel.emit(k);
        });
    return success();
  }
};

/// block_transform -> one kernel
struct BlockTransformOpToKernel : public ToKernel<BlockTransformOp> {
  using ToKernel::ToKernel;

  LogicalResult lower(BlockTransformOp op, PatternRewriter &rewriter,
                      ImplicitLocOpBuilder &b,
                      FlatOperands &flat) const override {
    TransformKernel kernel;
    kernel.k = typeOf(op.getX()).getShape().back();
    kernel.transform = transformOf(op.getTransform());
    Value x = flat.read(op.getX());
    kernels.launch(
        b, "block_transform",
        gridFor(b, x,
                TransformKernel::elementsPerThread(kernel.transform.blockSize)),
        {x, flat.read(op.getTransform()), flat.write(op.getInit())},
        [&](GPUKernelBuilder &k, ArrayRef<Value> arguments) {
          kernel.x = arguments[0];
          kernel.transform.matrix = arguments[1];
          kernel.out = arguments[2];
          kernel.emit(k);
        });
    return success();
  }
};

/// global_scale -> three kernels
struct GlobalScaleOpToKernels : public ToKernel<GlobalScaleOp> {
  using ToKernel::ToKernel;

  LogicalResult lower(GlobalScaleOp op, PatternRewriter &rewriter,
                      ImplicitLocOpBuilder &b,
                      FlatOperands &flat) const override {
    Value x = flat.read(op.getX());
    GlobalScaleKernels kernel;
    kernels.launch(b, "global_scale_init", LaunchShape(), op.getInit(),
                   [&](GPUKernelBuilder &k, ArrayRef<Value> arguments) {
                     kernel.out = arguments[0];
                     kernel.emitInit(k);
                   });
    kernels.launch(b, "global_scale_maximum",
                   gridFor(b, x, GlobalScaleKernels::elementsPerThread),
                   {x, op.getInit()},
                   [&](GPUKernelBuilder &k, ArrayRef<Value> arguments) {
                     kernel.x = arguments[0];
                     kernel.out = arguments[1];
                     kernel.emitMaximum(k);
                   });
    kernels.launch(b, "global_scale_finish", LaunchShape(), op.getInit(),
                   [&](GPUKernelBuilder &k, ArrayRef<Value> arguments) {
                     kernel.out = arguments[0];
                     kernel.emitFinish(k);
                   });
    return success();
  }
};

/// swizzle_scales, unswizzle_scales -> one kernel
template <typename OpTy>
struct ScaleLayoutOpToKernel : public ToKernel<OpTy> {
  using ToKernel<OpTy>::ToKernel;

  LogicalResult lower(OpTy op, PatternRewriter &rewriter,
                      ImplicitLocOpBuilder &b,
                      FlatOperands &flat) const override {
    ScaleLayoutKernel kernel;
    kernel.toBlocked = std::is_same_v<OpTy, SwizzleScalesOp>;
    Value linear = kernel.toBlocked ? op.getSource() : op.getInit();
    MemRefType type = typeOf(linear);
    kernel.cols = type.getShape().back();
    Value rows = memref::DimOp::create(b, linear, type.getRank() - 2);
    Value out = flat.write(op.getInit());
    this->kernels.launch(
        b, kernel.toBlocked ? "swizzle_scales" : "unswizzle_scales",
        gridFor(b, out, 1), {flat.read(op.getSource()), out, rows},
        [&](GPUKernelBuilder &k, ArrayRef<Value> arguments) {
          kernel.source = arguments[0];
          kernel.out = arguments[1];
          kernel.rows = arguments[2];
          kernel.emit(k);
        });
    return success();
  }
};

} // namespace

void mlir::fp4q::populateElementwiseToGPUPatterns(RewritePatternSet &patterns,
                                                  KernelModule &kernels) {
  patterns
      .add<QuantizePackOpToKernel, DequantOpToKernel, BlockTransformOpToKernel,
           GlobalScaleOpToKernels, ScaleLayoutOpToKernel<SwizzleScalesOp>,
           ScaleLayoutOpToKernel<UnswizzleScalesOp>>(patterns.getContext(),
                                                     kernels);
}
