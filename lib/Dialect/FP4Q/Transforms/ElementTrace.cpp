//===- ElementTrace.cpp - what an element of a tensor is made of ----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementTrace.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::fp4q;

//===----------------------------------------------------------------------===//
// Index arithmetic of operations that move elements
//===----------------------------------------------------------------------===//

using Indices = SmallVector<AffineExpr>;

/// The index into the group of dimensions `sizes` that the flat index `flat`
/// means. False if an inner size is dynamic.
static bool splitIndex(AffineExpr flat, ArrayRef<int64_t> sizes,
                       Indices &result) {
  Indices parts;
  for (int64_t size : llvm::reverse(sizes.drop_front())) {
    if (ShapedType::isDynamic(size) || size == 0)
      return false;
    parts.push_back(flat % size);
    flat = flat.floorDiv(size);
  }
  parts.push_back(flat);
  result.append(parts.rbegin(), parts.rend());
  return true;
}

/// The inverse of splitIndex; null if an inner size is dynamic.
static AffineExpr joinIndex(ArrayRef<AffineExpr> parts,
                            ArrayRef<int64_t> sizes) {
  AffineExpr flat = parts.front();
  for (auto [part, size] :
       llvm::zip_equal(parts.drop_front(), sizes.drop_front())) {
    if (ShapedType::isDynamic(size))
      return {};
    flat = flat * size + part;
  }
  return flat;
}

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// Where an element of the result of a reshape is in its source; empty if the
/// sizes do not say.
static Indices indexBefore(tensor::ExpandShapeOp op,
                           ArrayRef<AffineExpr> index) {
  Indices source;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    size_t first = group.front(), count = group.size();
    AffineExpr flat = joinIndex(index.slice(first, count),
                                shapeOf(op.getResult()).slice(first, count));
    if (!flat)
      return {};
    source.push_back(flat);
  }
  return source;
}

static Indices indexBefore(tensor::CollapseShapeOp op,
                           ArrayRef<AffineExpr> index) {
  Indices source;
  for (auto [group, flat] :
       llvm::zip_equal(op.getReassociationIndices(), index))
    if (!splitIndex(flat, shapeOf(op.getSrc()).slice(group[0], group.size()),
                    source))
      return {};
  return source;
}

/// Where an element of a slice is in its source; empty if an offset or a stride
/// is dynamic, or a size, since the same index then does not mean the same
/// rows.
static Indices indexBefore(tensor::ExtractSliceOp op,
                           ArrayRef<AffineExpr> index) {
  if (!op.getSourceType().hasStaticShape())
    return {};
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Indices source;
  unsigned next = 0;
  for (auto [dim, offset, stride] :
       llvm::enumerate(op.getStaticOffsets(), op.getStaticStrides())) {
    if (ShapedType::isDynamic(offset) || ShapedType::isDynamic(stride))
      return {};
    AffineExpr expr = getAffineConstantExpr(offset, op.getContext());
    if (!dropped[dim])
      expr = expr + index[next++] * stride;
    source.push_back(expr);
  }
  return source;
}

namespace {
/// Whether an element of a tensor is in an inserted part of it.
enum class Place { Inside, Outside, Unknown };
} // namespace

/// Decides whether `index` is offset + stride * i for an i in [0, size), and
/// which i; dynamic numbers are unknown.
static Place locate(const IndexNormalizer &normalizer, AffineExpr index,
                    int64_t offset, int64_t stride, int64_t size,
                    AffineExpr &position) {
  if (ShapedType::isDynamic(offset) || ShapedType::isDynamic(stride) ||
      ShapedType::isDynamic(size) || stride <= 0)
    return Place::Unknown;
  AffineExpr distance = normalizer.normalize(index - offset);
  auto phase =
      dyn_cast<AffineConstantExpr>(normalizer.normalize(distance % stride));
  if (!phase)
    return Place::Unknown;
  if (phase.getValue() != 0)
    return Place::Outside;
  position = normalizer.normalize(distance.floorDiv(stride));
  auto [low, high] = normalizer.getRange(position);
  if (low && high && *low >= 0 && *high < size)
    return Place::Inside;
  if ((high && *high < 0) || (low && *low >= size))
    return Place::Outside;
  return Place::Unknown;
}

/// Whether an element is in the inserted part, and if so where in `source`.
static Place indexBefore(tensor::InsertSliceOp op,
                         const IndexNormalizer &normalizer,
                         ArrayRef<AffineExpr> index, Indices &source) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  bool unknown = false;
  for (size_t dim = 0; dim < index.size(); ++dim) {
    AffineExpr position;
    Place place =
        locate(normalizer, index[dim], op.getStaticOffsets()[dim],
               op.getStaticStrides()[dim], op.getStaticSizes()[dim], position);
    if (place == Place::Outside)
      return place;
    unknown |= place == Place::Unknown;
    if (!dropped[dim])
      source.push_back(position);
  }
  return unknown ? Place::Unknown : Place::Inside;
}

/// The input of a concatenation that an element comes from, and where it is
/// there; null if that depends on the index.
static Value inputOf(tensor::ConcatOp op, const IndexNormalizer &normalizer,
                     Indices &index) {
  int64_t dim = op.getDim(), offset = 0;
  for (Value input : op.getInputs()) {
    int64_t size = shapeOf(input)[dim];
    AffineExpr position;
    Place place =
        locate(normalizer, index[dim], offset, /*stride=*/1, size, position);
    if (place == Place::Unknown)
      return {};
    if (place == Place::Inside) {
      index[dim] = position;
      return input;
    }
    offset += size;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Tracing
//===----------------------------------------------------------------------===//

Value ElementTrace::makeLeaf(Value source, ArrayRef<AffineExpr> index) {
  leaves.push_back({source, llvm::to_vector(index)});
  return scratch.addArgument(getElementTypeOrSelf(source), source.getLoc());
}

const ElementTrace::Leaf *ElementTrace::getLeaf(Value value) const {
  auto argument = dyn_cast_or_null<BlockArgument>(value);
  return argument && argument.getOwner() == &scratch
             ? &leaves[argument.getArgNumber()]
             : nullptr;
}

Value ElementTrace::trace(Value tensor, ArrayRef<AffineExpr> index) {
  // One leaf per element: its uses are then one value.
  Indices normal;
  for (AffineExpr expr : index)
    normal.push_back(normalizer.normalize(expr));
  std::pair key(tensor, AffineMap::get(normalizer.getNumDims(), 0, normal,
                                       builder.getContext()));
  if (auto known = traced.find(key); known != traced.end())
    return known->second;
  Value result = takeStep() ? traceUncached(tensor, normal) : Value();
  return traced[key] = result;
}

Value ElementTrace::traceUncached(Value tensor, ArrayRef<AffineExpr> index) {
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return makeLeaf(tensor, index);
  if (SplatElementsAttr splat; matchPattern(op, m_Constant(&splat))) {
    builder.setInsertionPointToEnd(&scratch);
    return arith::ConstantOp::create(builder, op->getLoc(),
                                     splat.getSplatValue<TypedAttr>());
  }
  auto follow = [&](Value source, ArrayRef<AffineExpr> before) {
    return before.empty() && !index.empty() ? makeLeaf(tensor, index)
                                            : trace(source, before);
  };
  if (auto cast = dyn_cast<tensor::CastOp>(op);
      cast && isa<RankedTensorType>(cast.getSource().getType()))
    return trace(cast.getSource(), index);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    // A tensor of rank 0 has no index either.
    if (shapeOf(expand.getSrc()).empty())
      return trace(expand.getSrc(), {});
    return follow(expand.getSrc(), indexBefore(expand, index));
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    if (index.empty())
      return trace(collapse.getSrc(),
                   Indices(shapeOf(collapse.getSrc()).size(),
                           getAffineConstantExpr(0, op->getContext())));
    return follow(collapse.getSrc(), indexBefore(collapse, index));
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return follow(slice.getSource(), indexBefore(slice, index));
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
    Indices before;
    switch (indexBefore(insert, normalizer, index, before)) {
    case Place::Inside:
      return trace(insert.getSource(), before);
    case Place::Outside:
      return trace(insert.getDest(), index);
    case Place::Unknown:
      return makeLeaf(tensor, index);
    }
  }
  if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    Indices before(index);
    Value input = inputOf(concat, normalizer, before);
    return input ? trace(input, before) : makeLeaf(tensor, index);
  }
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return traceLinalg(linalgOp, cast<OpResult>(tensor).getResultNumber(),
                       index);
  if (OpTrait::hasElementwiseMappableTraits(op) && op->getNumResults() == 1)
    return traceElementwise(op, index);
  return makeLeaf(tensor, index);
}

Value ElementTrace::traceElementwise(Operation *op,
                                     ArrayRef<AffineExpr> index) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    Value element = isa<RankedTensorType>(operand.getType())
                        ? trace(operand, index)
                        : traceScalar(operand);
    if (!element)
      return {};
    operands.push_back(element);
  }
  builder.setInsertionPointToEnd(&scratch);
  return builder
      .create(op->getLoc(), op->getName().getIdentifier(), operands,
              getElementTypeOrSelf(op->getResult(0)), op->getAttrs())
      ->getResult(0);
}

Value ElementTrace::traceLinalg(linalg::LinalgOp op, unsigned result,
                                ArrayRef<AffineExpr> index) {
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(result));
  // A contraction is a producer of data like any other.
  if (!op.hasPureTensorSemantics() ||
      op.getNumParallelLoops() != op.getNumLoops() || !map.isPermutation())
    return makeLeaf(op->getResult(result), index);
  Indices loops(op.getNumLoops());
  for (auto [expr, value] : llvm::zip_equal(map.getResults(), index))
    loops[cast<AffineDimExpr>(expr).getPosition()] = value;
  DenseMap<Value, Value> done;
  return traceBody(op, op.getBlock()->getTerminator()->getOperand(result),
                   loops, done);
}

Value ElementTrace::traceScalar(Value scalar) {
  builder.setInsertionPointToEnd(&scratch);
  if (TypedAttr attr; matchPattern(scalar, m_Constant(&attr)))
    return arith::ConstantOp::create(builder, scalar.getLoc(), attr);
  return trace(scalar, {});
}

Value ElementTrace::traceBody(linalg::LinalgOp op, Value value,
                              ArrayRef<AffineExpr> loops,
                              DenseMap<Value, Value> &done) {
  if (auto known = done.find(value); known != done.end())
    return known->second;
  auto argument = dyn_cast<BlockArgument>(value);
  if (argument && argument.getOwner() == op.getBlock()) {
    OpOperand &operand = op->getOpOperand(argument.getArgNumber());
    if (op.isDpsInit(&operand))
      return {};
    if (!isa<RankedTensorType>(operand.get().getType()))
      return traceScalar(operand.get());
    Indices index;
    for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults())
      index.push_back(expr.replaceDims(loops));
    return done[value] = trace(operand.get(), index);
  }
  Operation *inner = value.getDefiningOp();
  if (!inner || inner->getBlock() != op.getBlock()) {
    // A table may be used from outside as it is; any other tensor may not.
    if (isa<TensorType>(value.getType()))
      return matchPattern(value, m_Constant()) ? value : Value();
    return traceScalar(value);
  }
  if (!takeStep() || inner->getNumRegions() != 0 || !isPure(inner))
    return {};
  if (auto loopIndex = dyn_cast<linalg::IndexOp>(inner)) {
    auto constant = dyn_cast<AffineConstantExpr>(
        normalizer.normalize(loops[loopIndex.getDim()]));
    if (!constant)
      return {};
    builder.setInsertionPointToEnd(&scratch);
    return done[value] = arith::ConstantIndexOp::create(
               builder, inner->getLoc(), constant.getValue());
  }
  IRMapping mapping;
  for (Value operand : inner->getOperands()) {
    Value traced = traceBody(op, operand, loops, done);
    if (!traced)
      return {};
    mapping.map(operand, traced);
  }
  builder.setInsertionPointToEnd(&scratch);
  Operation *copy = builder.clone(*inner, mapping);
  for (auto [old, fresh] :
       llvm::zip_equal(inner->getResults(), copy->getResults()))
    done[old] = fresh;
  return done[value];
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

SmallVector<Value> ElementTrace::getLeavesOf(Value value) const {
  llvm::SetVector<Value> seen;
  seen.insert(value);
  SmallVector<Value> result;
  for (size_t i = 0; i < seen.size(); ++i) {
    if (getLeaf(seen[i])) {
      result.push_back(seen[i]);
      continue;
    }
    Operation *op = seen[i].getDefiningOp();
    if (op && op->getBlock() == &scratch)
      seen.insert_range(op->getOperands());
  }
  return result;
}

Attribute ElementTrace::evaluate(Value value, Value leaf, Attribute input) {
  DenseMap<Value, Attribute> known;
  known[leaf] = input;
  return evaluate(value, known);
}

Attribute ElementTrace::evaluate(Value value,
                                 DenseMap<Value, Attribute> &known) {
  if (auto place = known.find(value); place != known.end())
    return place->second;
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  if (Attribute constant; matchPattern(op, m_Constant(&constant)))
    return known[value] = constant;
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands()) {
    Attribute attr = evaluate(operand, known);
    if (!attr)
      return {};
    operands.push_back(attr);
  }
  // A folder may also change the operation, as if the operands were constant
  // for good. Sparse constant propagation undoes this in the same way.
  SmallVector<Value> oldOperands(op->getOperands());
  DictionaryAttr oldAttrs = op->getAttrDictionary();
  SmallVector<OpFoldResult> results;
  if (failed(op->fold(operands, results)))
    return {};
  if (results.empty()) {
    op->setOperands(oldOperands);
    op->setAttrs(oldAttrs);
    return {};
  }
  for (auto [result, folded] : llvm::zip_equal(op->getResults(), results)) {
    Attribute attr = dyn_cast<Attribute>(folded);
    known[result] = attr ? attr : evaluate(cast<Value>(folded), known);
  }
  return known[value];
}
