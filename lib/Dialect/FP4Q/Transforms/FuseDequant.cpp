//===- FuseDequant.cpp - decode operands of products tile by tile ---------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product that stays a linalg operation, such as one of a float activation
// and a decoded weight, is tiled by upstream's interface, and the dequant and
// what stands between the two with it. The parallel loops become scf.forall;
// the summed loop becomes scf.for, whose order is that of the sum, so that
// every partial sum is what it was.
//
//===----------------------------------------------------------------------===//

#include "Contractions.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/LookThrough.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"

#define DEBUG_TYPE "fp4q-fuse-dequant"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QFUSEDEQUANTPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// A contraction and what its decoded operands are computed by.
struct DecodedProduct {
  linalg::LinalgOp op;
  /// The dequants, and the elementwise operations and transposes behind them.
  llvm::SetVector<Operation *> producers;
  /// Which operands they compute.
  SmallVector<OpOperand *> operands;
  /// The loops that decoded operands have, and those of them that run along
  /// the dimension of the groups.
  llvm::SmallBitVector decoded, grouped;

  /// Follows an operand to the dequant that it is computed by, if there is one.
  void trace(OpOperand *operand);
  /// Tile sizes of the parallel loops, and of the summed loop; 0: whole.
  SmallVector<int64_t> getParallelTiles(int64_t rows, int64_t columns);
  SmallVector<int64_t> getReductionTiles(int64_t depth);
};

} // namespace

/// The input of an operation that computes each element from one element of it,
/// and of nothing else as large; null if `op` is no such operation.
static OpOperand *getElementwiseInput(linalg::LinalgOp op) {
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops())
    return nullptr;
  OpOperand *init = op.getDpsInitOperand(0);
  if (op.payloadUsesValueFromOperand(init) ||
      !op.getMatchingIndexingMap(init).isPermutation())
    return nullptr;
  OpOperand *input = nullptr;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    if (op.getMatchingIndexingMap(operand).getNumResults() != op.getNumLoops())
      continue;
    if (input)
      return nullptr;
    input = operand;
  }
  return input;
}

void DecodedProduct::trace(OpOperand *operand) {
  // Where the element at the loops of `op` is.
  AffineMap map = op.getMatchingIndexingMap(operand);
  SmallVector<Operation *> between;
  Operation *producer = operand->get().getDefiningOp();
  while (auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(producer)) {
    OpOperand *input = getElementwiseInput(linalgOp);
    if (!input)
      return;
    AffineMap loops = inversePermutation(linalgOp.getMatchingIndexingMap(
                                             linalgOp.getDpsInitOperand(0)))
                          .compose(map);
    map = linalgOp.getMatchingIndexingMap(input).compose(loops);
    between.push_back(linalgOp);
    producer = input->get().getDefiningOp();
  }
  auto dequant = dyn_cast_or_null<DequantOp>(producer);
  // Blocked scales have no tiles.
  if (!dequant || !map.isProjectedPermutation() || dequant.getGroupSizeAttr() ||
      !dequant.hasPureTensorSemantics())
    return;
  for (AffineExpr expr : map.getResults())
    decoded.set(cast<AffineDimExpr>(expr).getPosition());
  grouped.set(cast<AffineDimExpr>(map.getResults().back()).getPosition());
  operands.push_back(operand);
  producers.insert(dequant);
  producers.insert(between.begin(), between.end());
}

/// The product of decoded operands that `op` is; none if no operand is decoded.
static std::optional<DecodedProduct> matchProduct(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumReductionLoops() == 0 ||
      op.getNumDpsInputs() < 2 || op.getNumDpsInits() != 1 ||
      op->getNumResults() != 1 || !isa<TilingInterface>(op.getOperation()) ||
      op->getParentOfType<scf::ForallOp>())
    return std::nullopt;
  DecodedProduct product{op, {}, {}, {}, {}};
  product.decoded.resize(op.getNumLoops());
  product.grouped.resize(op.getNumLoops());
  for (OpOperand *operand : op.getDpsInputOperands())
    if (isa<RankedTensorType>(operand->get().getType()))
      product.trace(operand);
  if (product.producers.empty())
    return std::nullopt;
  return product;
}

/// Makes the loop of the result's last dimension the innermost one, with the
/// summed loop around it, and transposes decoded operands to suit. Then each
/// step updates adjacent elements, which vectorizes without reordering any sum.
/// Returns the operation in its place, which may be as it was.
static linalg::LinalgOp makeColumnsInnermost(IRRewriter &rewriter,
                                             const DecodedProduct &product) {
  linalg::LinalgOp op = product.op;
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  AffineMap result = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (reductions.size() != 1 || result.getNumResults() == 0 ||
      !result.isProjectedPermutation())
    return op;
  unsigned k = reductions.front();
  unsigned n = result.getDimPosition(result.getNumResults() - 1);
  AffineExpr kLoop = rewriter.getAffineDimExpr(k);
  AffineExpr nLoop = rewriter.getAffineDimExpr(n);
  SmallVector<unsigned> transposed;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(operand);
    if (!map.isFunctionOfDim(n) || map.getResults().back() == nLoop)
      continue;
    if (!llvm::is_contained(product.operands, operand) ||
        map.getResults().back() != kLoop ||
        map.getResult(map.getNumResults() - 2) != nLoop)
      return op;
    transposed.push_back(operand->getOperandNumber());
  }
  rewriter.setInsertionPoint(op);
  auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
  if (!generic)
    generic = *linalg::generalizeNamedOp(rewriter, op);
  SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
  rewriter.setInsertionPoint(generic);
  for (unsigned number : transposed) {
    Value value = generic->getOperand(number);
    generic->setOperand(number,
                        transposeLastTwo(rewriter, generic.getLoc(), value));
    SmallVector<AffineExpr> exprs(maps[number].getResults());
    std::swap(exprs.end()[-1], exprs.end()[-2]);
    maps[number] =
        AffineMap::get(maps[number].getNumDims(), 0, exprs, op.getContext());
  }
  generic.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
  SmallVector<unsigned> order;
  for (unsigned loop = 0; loop < generic.getNumLoops(); ++loop)
    if (loop != k && loop != n)
      order.push_back(loop);
  order.append({k, n});
  if (llvm::is_sorted(order))
    return generic;
  return *linalg::interchangeGenericOp(rewriter, generic, order);
}

SmallVector<int64_t> DecodedProduct::getParallelTiles(int64_t rows,
                                                      int64_t columns) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<unsigned> parallel;
  op.getParallelDims(parallel);
  // A batch is in every operand.
  auto isBatch = [&](unsigned loop) {
    return op.getNumDpsInputs() > 1 &&
           llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *operand) {
             return op.getMatchingIndexingMap(operand).isFunctionOfDim(loop);
           });
  };
  SmallVector<int64_t> tiles(sizes.size(), 0);
  bool hasRows = false, hasColumns = false;
  for (unsigned loop : llvm::reverse(parallel)) {
    if (grouped.test(loop)) {
      tiles[loop] = chooseDepth(sizes[loop], columns);
      hasColumns = true;
    } else if (isBatch(loop)) {
      tiles[loop] = 1;
    } else if (decoded.test(loop)) {
      // A few columns, of all that the last loop does not tile.
      tiles[loop] = hasColumns ? 1 : chooseColumns(sizes[loop], columns);
      hasColumns = true;
    } else if (!hasRows) {
      tiles[loop] = rows;
      hasRows = true;
    }
  }
  return dropTrivialTiles(tiles, sizes);
}

SmallVector<int64_t> DecodedProduct::getReductionTiles(int64_t depth) {
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  // With several, a loop around them would change the order of the sums.
  if (reductions.size() != 1 || !decoded.test(reductions.front()))
    return {};
  unsigned loop = reductions.front();
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<int64_t> tiles(sizes.size(), 0);
  tiles[loop] = grouped.test(loop) ? chooseDepth(sizes[loop], depth) : depth;
  return dropTrivialTiles(tiles, sizes);
}

namespace {

using LoopType = scf::SCFTilingOptions::LoopType;

struct FP4QFuseDequantPass
    : public mlir::fp4q::impl::FP4QFuseDequantPassBase<FP4QFuseDequantPass> {
  using FP4QFuseDequantPassBase::FP4QFuseDequantPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (rows < 1 || columns < 1 || depth < 1)
      return emitError(UnknownLoc::get(context),
                       "fp4q-fuse-dequant expects rows, columns and depth to "
                       "be positive");
    return success();
  }

  void decline(DecodedProduct &product, StringRef reason) {
    ++numDeclined;
    reportDeclined(product.op, DEBUG_TYPE, "dequant not fused into the product")
        << remark::reason("{0}", reason);
  }

  /// Tiles the product and what computes its decoded operands. Fails if
  /// upstream does.
  static FailureOr<scf::SCFTileAndFuseResult>
  tile(IRRewriter &rewriter, linalg::LinalgOp op, ArrayRef<int64_t> tiles,
       LoopType loopType, const llvm::SetVector<Operation *> &producers) {
    scf::SCFTilingOptions tiling;
    tiling.setTileSizes(getAsIndexOpFoldResult(op.getContext(), tiles));
    tiling.setLoopType(loopType);
    scf::SCFTileAndFuseOptions options;
    options.setTilingOptions(tiling);
    using Control = scf::SCFTileAndFuseOptions::ControlFnResult;
    options.setFusionControlFn(
        [&](tensor::ExtractSliceOp, OpResult producer,
            bool isDestination) -> std::optional<Control> {
          Operation *owner = producer.getOwner();
          // In scf.for, sums would start anew in each tile.
          bool mayFuseInit = loopType == LoopType::ForallOp &&
                             isa<linalg::FillOp, linalg::BroadcastOp>(owner);
          if (isDestination ? mayFuseInit : producers.contains(owner))
            return Control{};
          return std::nullopt;
        });
    rewriter.setInsertionPoint(op);
    FailureOr<scf::SCFTileAndFuseResult> tiled =
        scf::tileConsumerAndFuseProducersUsingSCF(
            rewriter, cast<TilingInterface>(op.getOperation()), options);
    if (succeeded(tiled))
      rewriter.replaceOp(op, tiled->replacements.lookup(op->getResult(0)));
    return tiled;
  }

  LogicalResult fuse(IRRewriter &rewriter, DecodedProduct &product) {
    // Upstream divides by the size of an empty dimension.
    if (llvm::is_contained(product.op.getStaticLoopRanges(), 0)) {
      decline(product, "a dimension of the product is empty");
      return success();
    }
    if (product.getParallelTiles(rows, columns).empty() &&
        product.getReductionTiles(depth).empty()) {
      decline(product, "the decoded operand is no larger than a tile");
      return success();
    }
    ++numFused;
    reportMade(product.op, DEBUG_TYPE, "dequant fused into the product")
        << remark::reason("a tile of the operand is decoded where it is used, "
                          "and no sum changes its order");
    linalg::LinalgOp op = makeColumnsInnermost(rewriter, product);
    product = *matchProduct(op);
    SmallVector<int64_t> parallel = product.getParallelTiles(rows, columns);
    SmallVector<int64_t> reduction = product.getReductionTiles(depth);
    llvm::SetVector<Operation *> producers = product.producers;
    if (!parallel.empty()) {
      auto tiled = tile(rewriter, op, parallel, LoopType::ForallOp, producers);
      if (failed(tiled))
        return failure();
      // The tile of the product comes first.
      op = cast<linalg::LinalgOp>(tiled->tiledAndFusedOps.front());
      dead.insert(producers.begin(), producers.end());
      producers = tiled->tiledAndFusedOps;
    }
    if (!reduction.empty()) {
      if (failed(tile(rewriter, op, reduction, LoopType::ForOp, producers)))
        return failure();
      producers.remove(op);
      dead.insert(producers.begin(), producers.end());
    }
    return success();
  }

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      std::optional<DecodedProduct> product = matchProduct(op);
      Location loc = op.getLoc();
      if (product && failed(fuse(rewriter, *product))) {
        emitError(loc, "the product cannot be tiled with its decoded operands");
        return signalPassFailure();
      }
    }
    if (dead.empty())
      return;
    eraseDead(std::move(dead));
    dead.clear();
    // Tiles of what is only ever used by tiles need no whole tensor.
    RewritePatternSet patterns(&getContext());
    tensor::populateFoldTensorEmptyPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }

  llvm::SetVector<Operation *> dead; ///< may have no use any more
};

} // namespace
