//===- SizeChecks.cpp - sizes that must agree at run time -----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/Transforms/ShapeFunctions.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// An operand, as diagnostics call it.
struct Named {
  StringRef name;
  Value value;

  ShapedType type() const { return cast<ShapedType>(value.getType()); }
};

/// Collects the checks of one operation.
class Collector {
public:
  Collector(Operation *op, SmallVectorImpl<SizeCheck> &checks)
      : op(op), checks(checks) {}

  /// The first `count` dimensions agree.
  void equal(Named lhs, Named rhs, int64_t count) {
    for (int64_t dim = 0; dim < count; ++dim)
      add(lhs, rhs, dim, /*tile=*/1);
  }

  /// All but the last dimension agree.
  void equalRows(Named lhs, Named rhs) {
    equal(lhs, rhs, lhs.type().getRank() - 1);
  }

  /// Scales of the rows of `of`, in either layout.
  void scales(Named of, Named scales, ScaleLayout layout) {
    if (layout == ScaleLayout::Linear)
      return equalRows(of, scales);
    tiled(of, scales, kSwizzleRows);
  }

  /// `tiled` is (..., R, *) of `linear` in tiles of so many rows.
  void tiled(Named linear, Named tiled, int64_t tileRows) {
    int64_t batch = linear.type().getRank() - 2;
    equal(linear, tiled, batch);
    add(linear, tiled, batch, tileRows);
  }

private:
  void add(Named lhs, Named rhs, int64_t dim, int64_t tile) {
    if (!lhs.type().isDynamicDim(dim) && !rhs.type().isDynamicDim(dim))
      return; // The verifier compared them.
    checks.push_back(
        {op, lhs.value, rhs.value, lhs.name.str(), rhs.name.str(), dim, tile});
  }

  Operation *op;
  SmallVectorImpl<SizeCheck> &checks;
};

} // namespace

static void collect(BlockTransformOp op, Collector &collector) {
  Named x{"x", op.getX()};
  collector.equalRows(x, {"init", op.getInit()});
}

static void collect(QuantizePackOp op, Collector &collector) {
  Named x{"x", op.getX()};
  collector.scales(x, {"scales", op.getScaleOperand()}, op.getScaleLayout());
  collector.equalRows(x, {"codes", op.getInits().front()});
}

static void collect(DequantOp op, Collector &collector) {
  Named codes{"codes", op.getCodes()};
  collector.scales(codes, {"scales", op.getScales()}, op.getScaleLayout());
  collector.equalRows(codes, {"init", op.getInit()});
}

static void collect(ScaledMatmulOp op, Collector &collector) {
  Named a{"a", op.getA()}, b{"b", op.getB()};
  collector.scales(a, {"a_scales", op.getAScales()}, op.getAScaleLayout());
  Named bScales{"b_scales", op.getBScales()};
  if (op.hasPackedB()) // N is static.
    collector.equal(b, bScales, b.type().getRank() - 3);
  else
    collector.scales(b, bScales, op.getBScaleLayout());
  if (!op.hasSharedB())
    collector.equal(a, b, a.type().getRank() - 2);
  collector.equalRows(a, {"init", op.getInit()});
}

static void collect(SwizzleScalesOp op, Collector &collector) {
  collector.tiled({"source", op.getSource()}, {"init", op.getInit()},
                  kSwizzleRows);
}

static void collect(UnswizzleScalesOp op, Collector &collector) {
  collector.tiled({"init", op.getInit()}, {"source", op.getSource()},
                  kSwizzleRows);
}

static void collect(PackWeightsOp op, Collector &collector) {
  collector.tiled({"source", op.getSource()}, {"init", op.getInit()},
                  kPackedRows);
}

static void collect(UnpackWeightsOp op, Collector &collector) {
  collector.tiled({"init", op.getInit()}, {"source", op.getSource()},
                  kPackedRows);
}

SmallVector<SizeCheck> mlir::fp4q::collectSizeChecks(func::FuncOp function) {
  SmallVector<SizeCheck> checks;
  for (Operation &op : function.getBody().front()) {
    Collector collector(&op, checks);
    llvm::TypeSwitch<Operation *>(&op)
        .Case<BlockTransformOp, QuantizePackOp, DequantOp, ScaledMatmulOp,
              SwizzleScalesOp, UnswizzleScalesOp, PackWeightsOp,
              UnpackWeightsOp>(
            [&](auto level1) { collect(level1, collector); });
  }
  return checks;
}

std::string SizeCheck::describe() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto file = op->getLoc()->findInstanceOf<FileLineColLoc>())
    os << file.getFilename().getValue() << ':' << file.getLine() << ':'
       << file.getColumn() << ": ";
  os << op->getName() << " expects " << lhsName << " and " << rhsName
     << " to agree in dimension " << dimension;
  if (rhsTile != 1)
    os << " (" << rhsTile << " rows a tile)";
  return text;
}
