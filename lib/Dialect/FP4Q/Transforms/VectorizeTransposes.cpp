//===- VectorizeTransposes.cpp - transposes by registers ------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QVECTORIZETRANSPOSESPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

/// Rows and columns of a tile: what upstream's shuffle lowering is made for.
constexpr int64_t kTile = 16;

/// Whether `type` is f32, of static sizes that tiles divide, with adjacent
/// elements in its last dimension.
static bool isTileable(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return type.getRank() == 2 && type.getElementType().isF32() &&
         type.hasStaticShape() && type.getDimSize(0) % kTile == 0 &&
         type.getDimSize(1) % kTile == 0 &&
         succeeded(type.getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

/// One tile: rows are loaded, transposed as a 16x16 vector, and stored.
static void emitTile(OpBuilder &builder, Location loc, Value source,
                     Value target, Value row, Value column) {
  auto rowType = VectorType::get({kTile}, builder.getF32Type());
  auto tileType = VectorType::get({kTile, kTile}, builder.getF32Type());
  auto plus = [&](Value base, int64_t offset) -> Value {
    Value constant = arith::ConstantIndexOp::create(builder, loc, offset);
    return arith::AddIOp::create(builder, loc, base, constant);
  };
  Value tile =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(tileType));
  for (int64_t i = 0; i < kTile; ++i) {
    Value loaded = vector::LoadOp::create(builder, loc, rowType, source,
                                          ValueRange{plus(row, i), column});
    tile = vector::InsertOp::create(builder, loc, loaded, tile, i);
  }
  Value transposed =
      vector::TransposeOp::create(builder, loc, tile, ArrayRef<int64_t>{1, 0});
  for (int64_t i = 0; i < kTile; ++i) {
    Value stored = vector::ExtractOp::create(builder, loc, transposed, i);
    vector::StoreOp::create(builder, loc, stored, target,
                            ValueRange{plus(column, i), row});
  }
}

namespace {

struct FP4QVectorizeTransposesPass
    : public mlir::fp4q::impl::FP4QVectorizeTransposesPassBase<
          FP4QVectorizeTransposesPass> {
  using FP4QVectorizeTransposesPassBase::FP4QVectorizeTransposesPassBase;

  void vectorize(linalg::TransposeOp transpose) {
    OpBuilder builder(transpose);
    Location loc = transpose.getLoc();
    Value source = transpose.getInput(), target = transpose.getInit();
    auto type = cast<MemRefType>(source.getType());
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value step = arith::ConstantIndexOp::create(builder, loc, kTile);
    SmallVector<Value> sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(arith::ConstantIndexOp::create(builder, loc, size));
    scf::buildLoopNest(builder, loc, {zero, zero}, sizes, {step, step},
                       [&](OpBuilder &nested, Location loc, ValueRange ivs) {
                         emitTile(nested, loc, source, target, ivs[0], ivs[1]);
                       });
    transpose.erase();
    ++numVectorized;
  }

  void runOnOperation() override {
    // Most functions have none, and the patterns' driver would fold them whole.
    bool hasTransposes = false;
    getOperation()->walk([&](Operation *op) {
      hasTransposes |= isa<linalg::TransposeOp, vector::TransposeOp>(op);
    });
    if (!hasTransposes)
      return;
    getOperation()->walk([&](linalg::TransposeOp transpose) {
      auto source = dyn_cast<MemRefType>(transpose.getInput().getType());
      auto target = dyn_cast<MemRefType>(transpose.getInit().getType());
      if (source && target && isTileable(source) && isTileable(target))
        vectorize(transpose);
    });
    RewritePatternSet patterns(&getContext());
    vector::populateVectorTransposeLoweringPatterns(
        patterns, vector::VectorTransposeLowering::Shuffle16x16);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
