//===- MmaNative.cpp - mma_block_scaled by block-scaled mma.sync ----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Conversion/FP4QMicroOps.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// mma_block_scaled -> nvvm.mma.block_scale, with the same fragments
struct MmaBlockScaledOpNative : public OpRewritePattern<MmaBlockScaledOp> {
  using OpRewritePattern<MmaBlockScaledOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(MmaBlockScaledOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto elementsOf = [&](Value vector) {
      return SmallVector<Value>(
          vector::ToElementsOp::create(b, vector).getResults());
    };
    auto selector = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(
          b, b.getI16IntegerAttr(static_cast<int16_t>(value)));
    };
    bool isMXFP4 = op.getFormat() == ScaledFormat::MXFP4;
    auto resultType = LLVM::LLVMStructType::getLiteral(
        b.getContext(), SmallVector<Type>(4, b.getF32Type()));
    Value product = NVVM::MmaBlockScaleOp::create(
        b, resultType, elementsOf(op.getA()), elementsOf(op.getB()),
        elementsOf(op.getC()), op.getAScales(), selector(op.getAByte()),
        selector(op.getAThread()), op.getBScales(), selector(op.getBByte()),
        selector(op.getBThread()), ArrayRef<int64_t>{16, 8, 64},
        std::array{NVVM::MMATypes::e2m1, NVVM::MMATypes::e2m1},
        isMXFP4 ? NVVM::ScaleVecSize::X2 : NVVM::ScaleVecSize::X4,
        isMXFP4 ? NVVM::BlockScaleFormat::UE8M0 : NVVM::BlockScaleFormat::UE4M3,
        isMXFP4 ? NVVM::MMABlockScaleKind::MXF4
                : NVVM::MMABlockScaleKind::MXF4NVF4);
    SmallVector<Value> results;
    for (int64_t i = 0; i < 4; ++i)
      results.push_back(LLVM::ExtractValueOp::create(b, product, i));
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, op.getResult().getType(), results);
    return success();
  }
};

} // namespace

void mlir::fp4q::populateMmaNativePatterns(RewritePatternSet &patterns) {
  patterns.add<MmaBlockScaledOpNative>(
      patterns.getContext(),
      static_cast<unsigned short>(MicroOpBenefit::ForTarget));
}
