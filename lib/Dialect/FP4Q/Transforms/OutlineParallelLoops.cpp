//===- OutlineParallelLoops.cpp - scf.forall becomes fp4q.parallel_for ----===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QRuntimeOps.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QOUTLINEPARALLELLOOPSPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

/// The number of iterations of each loop of `forall`: ceil((ub - lb) / step).
static SmallVector<Value> getTripCounts(OpBuilder &builder,
                                        scf::ForallOp forall) {
  Location loc = forall.getLoc();
  AffineExpr lb, ub, step;
  bindSymbols(builder.getContext(), lb, ub, step);
  SmallVector<Value> counts;
  for (auto [l, u, s] :
       llvm::zip_equal(forall.getMixedLowerBound(), forall.getMixedUpperBound(),
                       forall.getMixedStep())) {
    OpFoldResult count = affine::makeComposedFoldedAffineApply(
        builder, loc, (ub - lb).ceilDiv(step), {l, u, s});
    counts.push_back(getValueOrCreateConstantIndexOp(builder, loc, count));
  }
  return counts;
}

namespace {

/// The bounds of a loop nest, each value one a loop.
struct Bounds {
  SmallVector<Value> counts;
  SmallVector<Value> lowerBounds;
  SmallVector<Value> steps;
};

} // namespace

static bool isConstant(Value value) {
  return matchPattern(value, m_Constant());
}

/// A private function (lo, hi, captures) that runs the iterations [lo, hi),
/// counted with the last loop fastest. Constants are not captured: they are
/// repeated in the function.
static func::FuncOp createBody(IRRewriter &rewriter, SymbolTable &symbols,
                               scf::ForallOp forall, const Bounds &bounds,
                               ArrayRef<Value> constants,
                               ArrayRef<Value> captures) {
  OpBuilder::InsertionGuard guard(rewriter);
  Location loc = forall.getLoc();
  auto parent = forall->getParentOfType<func::FuncOp>();
  rewriter.setInsertionPoint(parent);
  SmallVector<Type> types(2, rewriter.getIndexType());
  llvm::append_range(types, ValueRange(captures).getTypes());
  auto body = func::FuncOp::create(rewriter, loc,
                                   (parent.getName() + "_parallel").str(),
                                   rewriter.getFunctionType(types, {}));
  body.setPrivate();
  symbols.insert(body);

  Block *entry = body.addEntryBlock();
  rewriter.setInsertionPointToStart(entry);
  IRMapping mapping;
  mapping.map(captures, entry->getArguments().drop_front(2));
  for (Value constant : constants)
    rewriter.clone(*constant.getDefiningOp(), mapping);

  Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
  auto loop = scf::ForOp::create(rewriter, loc, entry->getArgument(0),
                                 entry->getArgument(1), one);
  func::ReturnOp::create(rewriter, loc);

  rewriter.setInsertionPointToStart(loop.getBody());
  Value rest = loop.getInductionVar();
  for (int64_t i = forall.getRank() - 1; i >= 0; --i) {
    Value index = rest;
    if (i > 0) {
      Value count = mapping.lookup(bounds.counts[i]);
      index = arith::RemUIOp::create(rewriter, loc, rest, count);
      rest = arith::DivUIOp::create(rewriter, loc, rest, count);
    }
    Value scaled = arith::MulIOp::create(rewriter, loc, index,
                                         mapping.lookup(bounds.steps[i]));
    mapping.map(forall.getInductionVar(i),
                arith::AddIOp::create(rewriter, loc, scaled,
                                      mapping.lookup(bounds.lowerBounds[i]))
                    .getResult());
  }
  for (Operation &op : forall.getBody()->without_terminator())
    rewriter.clone(op, mapping);
  return body;
}

namespace {

struct FP4QOutlineParallelLoopsPass
    : public mlir::fp4q::impl::FP4QOutlineParallelLoopsPassBase<
          FP4QOutlineParallelLoopsPass> {
  using FP4QOutlineParallelLoopsPassBase::FP4QOutlineParallelLoopsPassBase;

  void outline(IRRewriter &rewriter, SymbolTable &symbols,
               scf::ForallOp forall) {
    Location loc = forall.getLoc();
    rewriter.setInsertionPoint(forall);
    Bounds bounds = {getTripCounts(rewriter, forall),
                     forall.getLowerBound(rewriter), forall.getStep(rewriter)};
    Value count = bounds.counts.front();
    for (Value extent : ArrayRef(bounds.counts).drop_front())
      count = arith::MulIOp::create(rewriter, loc, count, extent);

    SetVector<Value> used;
    getUsedValuesDefinedAbove(forall.getRegion(), used);
    for (const SmallVector<Value> *values :
         {&bounds.counts, &bounds.lowerBounds, &bounds.steps})
      used.insert(values->begin(), values->end());
    SmallVector<Value> constants, captures;
    for (Value value : used)
      (isConstant(value) ? constants : captures).push_back(value);

    func::FuncOp body =
        createBody(rewriter, symbols, forall, bounds, constants, captures);
    ParallelForOp::create(rewriter, loc, body.getName(), count,
                          /*grain=*/1, captures);
    rewriter.eraseOp(forall);
    ++numOutlined;
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    IRRewriter rewriter(&getContext());
    SymbolTable symbols(module);

    SmallVector<scf::ForallOp> outermost, nested;
    module.walk<WalkOrder::PreOrder>([&](scf::ForallOp forall) {
      (forall->getParentOfType<scf::ForallOp>() ? nested : outermost)
          .push_back(forall);
    });
    for (scf::ForallOp forall : llvm::concat<scf::ForallOp>(outermost, nested))
      if (forall.getNumResults() != 0) {
        forall.emitOpError("has tensor results; bufferize before "
                           "fp4q-outline-parallel-loops");
        return signalPassFailure();
      }
    for (scf::ForallOp forall : outermost)
      if (!forall->getParentOfType<func::FuncOp>()) {
        forall.emitOpError("is expected to be in a func.func");
        return signalPassFailure();
      }
    for (scf::ForallOp forall : llvm::reverse(nested)) {
      rewriter.setInsertionPoint(forall);
      if (failed(scf::forallToForLoop(rewriter, forall))) {
        forall.emitOpError("cannot be turned into sequential loops");
        return signalPassFailure();
      }
    }
    for (scf::ForallOp forall : outermost)
      outline(rewriter, symbols, forall);
  }
};

} // namespace
