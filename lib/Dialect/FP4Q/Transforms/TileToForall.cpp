//===- TileToForall.cpp - parallel tiles of fp4q and linalg operations ----===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Contractions.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QTILETOFORALLPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

/// A producer is recomputed in each tile of its consumer only if an element
/// of it then serves at least so many iterations of the tile.
constexpr int64_t kMinReuse = 64;

/// The contraction whose result the elementwise `op` finishes, or null.
static linalg::GenericOp getContractionBefore(linalg::GenericOp op) {
  if (op.getNumParallelLoops() != op.getNumLoops() || op.getNumDpsInputs() == 0)
    return nullptr;
  auto producer =
      op.getDpsInputOperand(0)->get().getDefiningOp<linalg::GenericOp>();
  if (!producer || producer.getNumReductionLoops() != 1 ||
      producer.getNumDpsInputs() != 2)
    return nullptr;
  return producer;
}

/// Whether the slice depends on the induction variable, directly or through
/// index arithmetic.
static bool dependsOn(tensor::ExtractSliceOp slice, Value iv) {
  SmallVector<Value> worklist;
  for (OpFoldResult offset : slice.getMixedOffsets())
    if (auto value = dyn_cast<Value>(offset))
      worklist.push_back(value);
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (value == iv)
      return true;
    if (Operation *producer = value.getDefiningOp())
      llvm::append_range(worklist, producer->getOperands());
  }
  return false;
}

/// Whether to compute the slice in each tile. If every tiled loop moves it, the
/// tiles together compute each element once; else an element is recomputed, and
/// must serve many iterations: the product of the tile sizes of the loops that
/// do not move the slice.
static bool isWorthFusing(tensor::ExtractSliceOp slice,
                          ArrayRef<int64_t> tiles) {
  auto forall = slice->getParentOfType<scf::ForallOp>();
  auto tiled = llvm::to_vector(
      llvm::make_filter_range(tiles, [](int64_t tile) { return tile != 0; }));
  bool recomputed = false;
  int64_t reuse = 1;
  for (auto [tile, iv] : llvm::zip(tiled, forall.getInductionVars())) {
    if (dependsOn(slice, iv))
      continue;
    recomputed = true;
    reuse *= tile;
  }
  return !recomputed || reuse >= kMinReuse;
}

namespace {

struct FP4QTileToForallPass
    : public mlir::fp4q::impl::FP4QTileToForallPassBase<FP4QTileToForallPass> {
  using FP4QTileToForallPassBase::FP4QTileToForallPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (elements < 1 || rows < 1 || columns < 1 || depth < 1)
      return emitError(
          UnknownLoc::get(context),
          "fp4q-tile-to-forall expects elements, rows, columns and "
          "depth to be positive");
    return success();
  }

  /// Tile sizes of a row-wise operation: its leading dimensions, the last of
  /// them a few rows at a time.
  SmallVector<int64_t> getRowTiles(Operation *op) {
    // Blocked scales have no rows; fp4q-legalize-layouts comes first.
    if (op->getInherentAttr("group_size").value_or(Attribute()))
      return {};
    Value x = op->getOperand(0);
    if (auto dequant = dyn_cast<DequantOp>(op))
      x = dequant.getInit();
    ArrayRef<int64_t> shape = cast<ShapedType>(x.getType()).getShape();
    if (shape.size() < 2)
      return {};
    SmallVector<int64_t> tiles(shape.size(), 1);
    tiles.back() = 0;
    tiles[shape.size() - 2] = std::max<int64_t>(1, elements / shape.back());
    return dropTrivialTiles(tiles, shape.drop_back());
  }

  /// Tile sizes of the epilogue of a contraction: one batch matrix, rows and
  /// columns. If all batches share b, the batches stay in one tile with it.
  SmallVector<int64_t> getContractionTiles(linalg::GenericOp epilogue,
                                           linalg::GenericOp contraction) {
    ArrayRef<int64_t> shape =
        cast<ShapedType>(epilogue.getResult(0).getType()).getShape();
    // Upstream divides by the size of an empty dimension.
    if (llvm::is_contained(shape, 0))
      return {};
    bool sharedB = contraction.getIndexingMapsArray()[1].getNumResults() == 2;
    SmallVector<int64_t> tiles(shape.size(), sharedB ? 0 : 1);
    tiles[shape.size() - 2] = rows;
    tiles[shape.size() - 1] = chooseColumns(shape.back(), columns);
    return dropTrivialTiles(tiles, shape);
  }

  scf::SCFTilingOptions getTilingOptions(MLIRContext *context,
                                         ArrayRef<int64_t> tiles) {
    scf::SCFTilingOptions options;
    options.setTileSizes(getAsIndexOpFoldResult(context, tiles));
    options.setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
    return options;
  }

  LogicalResult tileRows(IRRewriter &rewriter, Operation *op) {
    SmallVector<int64_t> tiles = getRowTiles(op);
    if (tiles.empty())
      return success();
    rewriter.setInsertionPoint(op);
    FailureOr<scf::SCFTilingResult> tiled =
        scf::tileUsingSCF(rewriter, cast<TilingInterface>(op),
                          getTilingOptions(op->getContext(), tiles));
    if (failed(tiled))
      return op->emitOpError("cannot be tiled into scf.forall");
    rewriter.replaceOp(op, tiled->replacements);
    ++numTiled;
    return success();
  }

  LogicalResult tileContraction(IRRewriter &rewriter,
                                linalg::GenericOp epilogue,
                                linalg::GenericOp contraction) {
    SmallVector<int64_t> tiles = getContractionTiles(epilogue, contraction);
    if (tiles.empty())
      return success();
    scf::SCFTileAndFuseOptions options;
    options.setTilingOptions(getTilingOptions(epilogue.getContext(), tiles));
    using Control = scf::SCFTileAndFuseOptions::ControlFnResult;
    options.setFusionControlFn(
        [&](tensor::ExtractSliceOp slice, OpResult producer,
            bool isDestination) -> std::optional<Control> {
          if (isDestination || isa<linalg::LinalgOp>(producer.getOwner()))
            return Control{};
          if (isa<DequantOp>(producer.getOwner()) &&
              isWorthFusing(slice, tiles))
            return Control{};
          return std::nullopt;
        });
    rewriter.setInsertionPoint(epilogue);
    FailureOr<scf::SCFTileAndFuseResult> tiled =
        scf::tileConsumerAndFuseProducersUsingSCF(
            rewriter, cast<TilingInterface>(epilogue.getOperation()), options);
    if (failed(tiled))
      return epilogue.emitOpError("cannot be tiled into scf.forall");
    rewriter.replaceOp(epilogue,
                       tiled->replacements.lookup(epilogue.getResult(0)));
    ++numTiled;
    for (Operation *op : tiled->tiledAndFusedOps)
      if (auto generic = dyn_cast<linalg::GenericOp>(op))
        if (generic.getNumReductionLoops() == 1)
          return tileReduction(rewriter, generic);
    return success();
  }

  /// Tiles the reduction of a contraction within its parallel tile, so that the
  /// decoded part of b stays in the cache while all rows use it.
  LogicalResult tileReduction(IRRewriter &rewriter,
                              linalg::GenericOp contraction) {
    unsigned loop = 0;
    SmallVector<unsigned> reductions;
    contraction.getReductionDims(reductions);
    loop = reductions.front();
    int64_t size = contraction.getStaticLoopRanges()[loop];
    SmallVector<int64_t> tiles(contraction.getNumLoops(), 0);
    tiles[loop] = chooseDepth(size, depth);
    if (tiles[loop] == size)
      return success();
    scf::SCFTileAndFuseOptions options;
    options.setTilingOptions(scf::SCFTilingOptions().setTileSizes(
        getAsIndexOpFoldResult(contraction.getContext(), tiles)));
    using Control = scf::SCFTileAndFuseOptions::ControlFnResult;
    options.setFusionControlFn(
        [&](tensor::ExtractSliceOp, OpResult producer,
            bool isDestination) -> std::optional<Control> {
          if (!isDestination &&
              isa<linalg::TransposeOp, DequantOp>(producer.getOwner()))
            return Control{};
          return std::nullopt;
        });
    rewriter.setInsertionPoint(contraction);
    FailureOr<scf::SCFTileAndFuseResult> tiled =
        scf::tileConsumerAndFuseProducersUsingSCF(
            rewriter, cast<TilingInterface>(contraction.getOperation()),
            options);
    if (failed(tiled))
      return contraction.emitOpError("cannot be tiled along its reduction");
    rewriter.replaceOp(contraction,
                       tiled->replacements.lookup(contraction.getResult(0)));
    return success();
  }

  void runOnOperation() override {
    // Consumers first: what is fused into them is dead when its turn comes.
    SmallVector<Operation *> candidates;
    getOperation()->walk([&](Operation *op) {
      auto dps = dyn_cast<DestinationStyleOpInterface>(op);
      if (dps && dps.hasPureTensorSemantics() && isa<TilingInterface>(op) &&
          !op->getParentOfType<scf::ForallOp>() && !isForCPUKernels(op))
        candidates.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : llvm::reverse(candidates)) {
      if (isOpTriviallyDead(op)) {
        rewriter.eraseOp(op);
        continue;
      }
      LogicalResult result = success();
      if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
        if (linalg::GenericOp contraction = getContractionBefore(generic))
          result = tileContraction(rewriter, generic, contraction);
      } else if (isa<BlockTransformOp, QuantizePackOp, DequantOp>(op)) {
        result = tileRows(rewriter, op);
      }
      if (failed(result))
        return signalPassFailure();
    }
    // Tiles of what is only ever used by tiles need no whole tensor.
    RewritePatternSet patterns(&getContext());
    tensor::populateFoldTensorEmptyPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
