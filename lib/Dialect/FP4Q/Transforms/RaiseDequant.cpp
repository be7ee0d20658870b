//===- RaiseDequant.cpp - dequantizations of front ends -------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecodedTensor.h"

#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/ConstantTensor.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/Patterns.h"
#include "fp4q/Numerics/E2M1.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#define DEBUG_TYPE "fp4q-raise-dequant"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QRAISEDEQUANTPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

/// The source as a tensor of the given shape.
static Value reshapeTo(OpBuilder &builder, Location loc,
                       const ReshapedSource &reshaped,
                       ArrayRef<int64_t> shape) {
  Value value = reshaped.source;
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getShape() == shape)
    return value;
  auto groupsOf = [&](int64_t rank) {
    SmallVector<ReassociationIndices> groups;
    for (unsigned dim = 0; dim < reshaped.common; ++dim)
      groups.push_back({dim});
    groups.push_back(
        llvm::to_vector<2>(llvm::seq<int64_t>(reshaped.common, rank)));
    return groups;
  };
  int64_t flatRank = reshaped.common + 1, rank = shape.size();
  if (type.getRank() > flatRank)
    value = tensor::CollapseShapeOp::create(builder, loc, value,
                                            groupsOf(type.getRank()));
  if (rank > flatRank)
    return tensor::ExpandShapeOp::create(builder, loc, type.clone(shape), value,
                                         groupsOf(rank));
  return value;
}

/// An elementwise linalg.generic of tensors of one shape.
static Value
mapElements(OpBuilder &builder, Location loc, ValueRange inputs, Type element,
            function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  Value like = inputs.front();
  int64_t rank = cast<RankedTensorType>(like.getType()).getRank();
  Value init = tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, like), element);
  SmallVector<AffineMap> maps(inputs.size() + 1,
                              builder.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, init.getType(), inputs, init, maps, iterators,
             [&](OpBuilder &nested, Location loc, ValueRange args) {
               linalg::YieldOp::create(nested, loc, body(nested, loc, args));
             })
      ->getResult(0);
}

/// Codes (..., K), each an i4, an f4E2M1FN or the low half of an i8, two a
/// byte.
static Value packCodes(OpBuilder &builder, Location loc, Value codes) {
  auto type = cast<RankedTensorType>(codes.getType());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, codes);
  sizes.back() = builder.getIndexAttr(type.getShape().back() / 2);
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  strides.back() = builder.getIndexAttr(2);
  Value halves[2];
  for (int64_t phase = 0; phase < 2; ++phase) {
    SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
    offsets.back() = builder.getIndexAttr(phase);
    halves[phase] = tensor::ExtractSliceOp::create(builder, loc, codes, offsets,
                                                   sizes, strides);
  }
  return mapElements(
      builder, loc, halves, builder.getI8Type(),
      [](OpBuilder &b, Location loc, ValueRange args) -> Value {
        auto byteOf = [&](Value code) -> Value {
          if (code.getType().isInteger(8)) {
            Value mask =
                arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(15));
            return arith::AndIOp::create(b, loc, code, mask);
          }
          if (isa<FloatType>(code.getType()))
            code = arith::BitcastOp::create(b, loc, b.getI4Type(), code);
          return arith::ExtUIOp::create(b, loc, b.getI8Type(), code);
        };
        Value four = arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(4));
        Value high = arith::ShLIOp::create(b, loc, byteOf(args[1]), four);
        return arith::OrIOp::create(b, loc, byteOf(args[0]), high);
      });
}

/// Scale bytes as scales.
static Value castScales(OpBuilder &builder, Location loc, Value bytes,
                        Type type) {
  if (getElementTypeOrSelf(bytes) == type)
    return bytes;
  return mapElements(builder, loc, bytes, type,
                     [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                       return arith::BitcastOp::create(b, loc, type, args[0]);
                     });
}

/// The global scale as an operand of fp4q.dequant; null if there is none.
static Value emitGlobalScale(OpBuilder &builder, Location loc,
                             const DecodedTensor &decoded) {
  if (decoded.globalConstant)
    return arith::ConstantOp::create(builder, loc, decoded.globalConstant);
  Value scale = decoded.globalScale;
  if (!scale)
    return scale;
  auto type = dyn_cast<RankedTensorType>(scale.getType());
  if (!type || type.getRank() == 0)
    return scale;
  return tensor::CollapseShapeOp::create(
      builder, loc, RankedTensorType::get({}, type.getElementType()), scale,
      ArrayRef<ReassociationIndices>());
}

static Value raise(OpBuilder &builder, Value tensor,
                   const DecodedTensor &decoded) {
  Operation *op = tensor.getDefiningOp();
  Location loc = op->getLoc();
  builder.setInsertionPoint(op);
  auto type = cast<RankedTensorType>(tensor.getType());
  ArrayRef<int64_t> shape = type.getShape();
  int64_t k = shape.back();
  Value codes = reshapeTo(builder, loc, decoded.codes,
                          withLastDim(shape, decoded.packed ? k / 2 : k));
  if (!decoded.packed)
    codes = packCodes(builder, loc, codes);
  Type scaleType = decoded.scaleType == ::fp4q::ScaleType::E8M0
                       ? Type(builder.getType<Float8E8M0FNUType>())
                       : Type(builder.getType<Float8E4M3FNType>());
  Value scales =
      castScales(builder, loc,
                 reshapeTo(builder, loc, decoded.scales,
                           withLastDim(shape, k / decoded.groupSize)),
                 scaleType);
  return DequantOp::create(builder, loc, codes, scales,
                           emitGlobalScale(builder, loc, decoded),
                           decoded.direction, type.getElementType())
      ->getResult(0);
}

namespace {

struct FP4QRaiseDequantPass
    : public mlir::fp4q::impl::FP4QRaiseDequantPassBase<FP4QRaiseDequantPass> {
  using FP4QRaiseDequantPassBase::FP4QRaiseDequantPassBase;

  /// Raises `tensor`, which the product `op` defines. False if it stays.
  bool raiseTensor(Operation *op, Value tensor, std::string &reason) {
    FailureOr<DecodedTensor> decoded =
        describeDecoded(tensor, relaxed || isRelaxed(op), reason);
    if (failed(decoded))
      return false;
    ++numRaised;
    reportMade(op, DEBUG_TYPE, "dequantization raised")
        << remark::reason("all codes and scale bytes decode to the same bits");
    OpBuilder builder(op);
    tensor.replaceAllUsesWith(raise(builder, tensor, *decoded));
    return true;
  }

  void visit(Operation *op) {
    // A row may only become one by a reshape behind the product.
    Value tensor = op->getResult(0), rows = tensor;
    while (rows.hasOneUse() && isa<tensor::CollapseShapeOp>(*rows.user_begin()))
      rows = rows.user_begin()->getResult(0);
    std::string reason;
    if (hasDecodableShape(rows) && raiseTensor(op, rows, reason))
      return;
    std::string reasonBefore;
    if (rows != tensor && hasDecodableShape(tensor) &&
        raiseTensor(op, tensor, reasonBefore))
      return;
    if (reason.empty())
      reason = reasonBefore;
    if (reason.empty())
      return;
    ++numDeclined;
    reportDeclined(op, DEBUG_TYPE, "dequantization not raised")
        << remark::reason("{0}", reason);
  }

  void runOnOperation() override {
    SmallVector<Operation *> operations;
    getOperation()->walk([&](Operation *op) {
      if (op->getNumResults() == 1 && isElementwiseProduct(op->getResult(0)))
        operations.push_back(op);
    });
    for (Operation *op : operations)
      visit(op);
    RewritePatternSet patterns(&getContext());
    populateReshapeDequantPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
