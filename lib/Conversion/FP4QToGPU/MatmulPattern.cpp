//===- MatmulPattern.cpp - scaled_matmul to kernels -----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "fp4q/Target/TargetInfo.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

enum class KernelKind {
  Native,      ///< of block-scaled matrix instructions
  NativeTiled, ///< the same with many tokens, or Native for odd K
  Stream,      ///< bf16, few tokens
  Expanded,    ///< bf16, many tokens, decoded by a kernel before
};

/// A kernel, and the largest M that it is for.
struct Variant {
  int64_t largestM;
  const char *name;
  KernelKind kind;
  MatmulTiling tiling; ///< of native kernels; the others choose
};

} // namespace

// On block-scaled matrix instructions. With few tokens eight warps divide K, so
// that each CTA has many loads of weights in flight; with many, tiles of both
// operands pass through shared memory.
static constexpr Variant nativeVariants[] = {
    {8, "scaled_matmul_m8", KernelKind::Native, {1, 1, 8, 1, 1, 4}},
    {16, "scaled_matmul_m16", KernelKind::Native, {1, 1, 8, 1, 2, 4}},
    {64, "scaled_matmul_m64", KernelKind::Native, {1, 1, 8, 1, 8, 2}},
    {128, "scaled_matmul_m128", KernelKind::NativeTiled, {2, 2, 1, 4, 4, 2}},
    {INT64_MAX, "scaled_matmul", KernelKind::NativeTiled, {2, 2, 1, 4, 4, 2}},
};

// By products in bf16. Those for few tokens stream the weights.
static constexpr Variant portableVariants[] = {
    {8, "scaled_matmul_m8", KernelKind::Stream, {}},
    {16, "scaled_matmul_m16", KernelKind::Stream, {}},
    {32, "scaled_matmul_m32", KernelKind::Stream, {}},
    {128, "scaled_matmul_m128", KernelKind::Stream, {}},
    {INT64_MAX, "scaled_matmul", KernelKind::Expanded, {}},
};

/// The format of groups of this size with such scales, if matrix units know it.
static FailureOr<ScaledFormat> formatOf(Type scaleElement, int64_t groupSize) {
  switch (::fp4q::formatOf(getScaleType(scaleElement), groupSize)) {
  case ::fp4q::Format::MXFP4:
    return ScaledFormat::MXFP4;
  case ::fp4q::Format::NVFP4:
    return ScaledFormat::NVFP4;
  case ::fp4q::Format::Other:
    return failure();
  }
  return failure();
}

namespace {

/// scaled_matmul -> the kernel for its M, chosen at run time if it is dynamic
struct ScaledMatmulOpToKernels : public OpRewritePattern<ScaledMatmulOp> {
  ScaledMatmulOpToKernels(MLIRContext *context, KernelModule &kernels,
                          const ::fp4q::Target &target)
      : OpRewritePattern(context), kernels(kernels), target(target) {}

  LogicalResult matchAndRewrite(ScaledMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics())
      return rewriter.notifyMatchFailure(op, "expects memrefs");
    if (op.getAScaleLayout() != ScaleLayout::Linear ||
        op.getBScaleLayout() != ScaleLayout::Linear)
      return rewriter.notifyMatchFailure(op, "expects linear scales");
    if (op.hasPackedB())
      return rewriter.notifyMatchFailure(op, "expects linear weights");
    FailureOr<ScaledFormat> format =
        formatOf(cast<MemRefType>(op.getAScales().getType()).getElementType(),
                 op.getGroupSizeValue());
    if (failed(format))
      return rewriter.notifyMatchFailure(op, "expects mxfp4 or nvfp4");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    FlatOperands flat(b);

    auto aType = cast<MemRefType>(op.getA().getType());
    auto bType = cast<MemRefType>(op.getB().getType());
    // With one b for all batches the rows of all batches are rows of one.
    MatmulOperands kernel;
    kernel.batchedB = !op.hasSharedB() && bType.getRank() > 2;
    kernel.k = 2 * aType.getShape().back();
    kernel.n = bType.getShape()[bType.getRank() - 2];
    kernel.format = *format;
    Value m, batches;
    std::optional<int64_t> staticM;
    if (kernel.batchedB) {
      m = memref::DimOp::create(b, op.getA(), aType.getRank() - 2);
      batches = leadingSize(b, op.getA(), 2);
      if (!aType.isDynamicDim(aType.getRank() - 2))
        staticM = aType.getShape()[aType.getRank() - 2];
    } else {
      m = leadingSize(b, op.getA(), 1);
      batches = arith::ConstantIndexOp::create(b, 1);
      if (aType.hasStaticShape())
        staticM = ShapedType::getNumElements(aType.getShape().drop_back());
    }
    SmallVector<Value> operands = {
        flat.read(op.getA()),     flat.read(op.getAScales()),
        flat.read(op.getB()),     flat.read(op.getBScales()),
        flat.read(op.getAlpha()), flat.read(op.getBias()),
        flat.write(op.getInit()), m};
    launchVariant(b, kernel, batches, operands, staticM,
                  isNative(op) ? ArrayRef(nativeVariants)
                               : ArrayRef(portableVariants));
    flat.finish();
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Whether to use the chip's block-scaled matrix instructions: if it has
  /// them, unless the operation asks for the other back end.
  bool isNative(ScaledMatmulOp op) const {
    auto backEnd = op->getAttrOfType<BackEndAttr>(kBackEndAttr);
    return target.features.contains(::fp4q::Feature::MMABlockScale) &&
           !(backEnd && backEnd.getValue() == ::fp4q::BackEnd::GPUPortable);
  }

  void launchVariant(ImplicitLocOpBuilder &b, const MatmulOperands &kernel,
                     Value batches, ArrayRef<Value> operands,
                     std::optional<int64_t> staticM,
                     ArrayRef<Variant> choices) const {
    const Variant &variant = choices.front();
    Value m = operands.back();
    if (staticM && *staticM > variant.largestM)
      return launchVariant(b, kernel, batches, operands, staticM,
                           choices.drop_front());
    if (staticM || choices.size() == 1)
      return launch(b, kernel, batches, operands, variant);
    Value largest = arith::ConstantIndexOp::create(b, variant.largestM);
    Value fits =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ule, m, largest);
    auto choice = scf::IfOp::create(b, fits, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    launch(b, kernel, batches, operands, variant);
    b.setInsertionPointToStart(choice.elseBlock());
    launchVariant(b, kernel, batches, operands, staticM, choices.drop_front());
  }

  void launch(ImplicitLocOpBuilder &b, const MatmulOperands &operation,
              Value batches, ArrayRef<Value> operands,
              const Variant &variant) const {
    int64_t shared = int64_t(1024) * target.sharedMemoryPerBlock;
    LaunchShape shape;
    // Along M and along N.
    auto setGrid = [&](int64_t m, int64_t n) {
      shape.gridX =
          arith::MulIOp::create(b, batches, blocksFor(b, operands.back(), m));
      shape.gridY =
          arith::ConstantIndexOp::create(b, llvm::divideCeil(operation.n, n));
    };
    auto launchKernel = [&](auto kernel) {
      kernels.launch(b, variant.name, shape, operands,
                     [&](GPUKernelBuilder &k, ArrayRef<Value> arguments) {
                       setOperands(kernel, arguments);
                       kernel.emit(k);
                     });
    };
    KernelKind kind = variant.kind;
    if (kind == KernelKind::NativeTiled &&
        !NativeTiledKernel::canTake(operation.format, operation.k))
      kind = KernelKind::Native;
    switch (kind) {
    case KernelKind::Native: {
      const MatmulTiling &tiling = variant.tiling;
      setGrid(tiling.colsPerBlock(), tiling.rowsPerBlock());
      shape.threads = tiling.threads();
      shape.sharedElements = tiling.sharedElements();
      return launchKernel(MatmulKernel{operation, Value(), tiling});
    }
    case KernelKind::NativeTiled: {
      NativeTiledKernel kernel{operation};
      if (variant.largestM > kernel.tiling.rowsPerBlock())
        kernel.tiling = {4, 2, 4, 8, 3};
      setGrid(kernel.tiling.rowsPerBlock(), kernel.tiling.colsPerBlock());
      shape.threads = kernel.tiling.threads();
      shape.dynamicSharedBytes = kernel.sharedBytes();
      return launchKernel(kernel);
    }
    case KernelKind::Stream: {
      auto tiling = StreamTiling::choose(variant.largestM, operation.n,
                                         operation.k, operation.format, shared,
                                         target.multiprocessors);
      setGrid(tiling.colsPerBlock(), tiling.rowsPerBlock());
      shape.threads = tiling.threads();
      shape.dynamicSharedBytes = tiling.sharedBytes(operation.format);
      return launchKernel(StreamMatmulKernel{operation, tiling});
    }
    case KernelKind::Expanded:
      return launchExpanded(b, operation, batches, operands, variant);
    }
  }

  /// Decodes a into workspace, and multiplies.
  void launchExpanded(ImplicitLocOpBuilder &b, const MatmulOperands &operation,
                      Value batches, ArrayRef<Value> operands,
                      const Variant &variant) const {
    auto tiling =
        ExpandedTiling::choose(int64_t(1024) * target.sharedMemoryPerBlock);
    Value m = operands.back();
    auto times = [&](Value value, int64_t factor) -> Value {
      return arith::MulIOp::create(b, value,
                                   arith::ConstantIndexOp::create(b, factor));
    };
    // All rows, and those by which the last batch has whole blocks.
    Value blocks = blocksFor(b, m, tiling.rowsPerBlock());
    Value known = arith::MulIOp::create(b, batches, m);
    Value rows = arith::AddIOp::create(b, arith::SubIOp::create(b, known, m),
                                       times(blocks, tiling.rowsPerBlock()));
    Value expanded = memref::AllocOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, b.getI8Type()),
        ValueRange{times(rows, ExpandedTiling::bytesOfRow(operation.k))});
    LaunchShape shape;
    shape.gridX =
        blocksFor(b, times(rows, ExpandKernel::threadsOfRow(operation.k)),
                  kElementwiseThreads);
    shape.threads = kElementwiseThreads;
    kernels.launch(b, "scaled_matmul_expand", shape,
                   {operands[0], operands[1], expanded, known, rows},
                   [&](GPUKernelBuilder &k, ArrayRef<Value> arguments) {
                     ExpandKernel kernel{operation, arguments[4]};
                     kernel.a = arguments[0];
                     kernel.aScales = arguments[1];
                     kernel.out = arguments[2];
                     kernel.m = arguments[3];
                     kernel.emit(k);
                   });

    shape.gridX = arith::MulIOp::create(b, batches, blocks);
    shape.gridY = arith::ConstantIndexOp::create(
        b, llvm::divideCeil(operation.n, tiling.colsPerBlock()));
    shape.threads = tiling.threads();
    shape.dynamicSharedBytes = tiling.sharedBytes();
    SmallVector<Value> all(operands);
    all.push_back(expanded);
    kernels.launch(b, variant.name, shape, all,
                   [&](GPUKernelBuilder &k, ArrayRef<Value> arguments) {
                     ExpandedMatmulKernel kernel{operation, Value(), tiling};
                     setOperands(kernel, arguments);
                     kernel.expanded = arguments[8];
                     kernel.emit(k);
                   });
  }

  /// What the operands of the launch are in the kernel.
  static void setOperands(MatmulOperands &kernel, ArrayRef<Value> arguments) {
    kernel.a = arguments[0];
    kernel.aScales = arguments[1];
    kernel.b = arguments[2];
    kernel.bScales = arguments[3];
    kernel.alpha = arguments[4];
    kernel.bias = arguments[5];
    kernel.out = arguments[6];
    kernel.m = arguments[7];
  }
  static void setOperands(MatmulKernel &kernel, ArrayRef<Value> arguments) {
    setOperands(static_cast<MatmulOperands &>(kernel), arguments);
    if (arguments.size() > 8)
      kernel.shared = arguments[8];
  }

  KernelModule &kernels;
  const ::fp4q::Target &target;
};

} // namespace

void mlir::fp4q::populateMatmulToGPUPatterns(RewritePatternSet &patterns,
                                             KernelModule &kernels,
                                             const ::fp4q::Target &target) {
  patterns.add<ScaledMatmulOpToKernels>(patterns.getContext(), kernels, target);
}
