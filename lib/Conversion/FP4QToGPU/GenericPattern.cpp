//===- GenericPattern.cpp - elementwise linalg.generic to kernels ---------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What stands between operations of fp4q: a product of global scales, a ReLU, a
// residual. Each thread computes one point of the iteration space.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// A parallel linalg.generic on memrefs -> one kernel
struct GenericToKernel : public OpRewritePattern<linalg::GenericOp> {
  GenericToKernel(MLIRContext *context, KernelModule &kernels)
      : OpRewritePattern(context), kernels(kernels) {}

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override;

private:
  KernelModule &kernels;
};

} // namespace

/// Whether each thread can compute its element alone, and where from is known.
static LogicalResult checkOperands(linalg::GenericOp op,
                                   PatternRewriter &rewriter) {
  if (!op.hasPureBufferSemantics())
    return rewriter.notifyMatchFailure(op, "expects memrefs");
  if (op.getNumParallelLoops() != op.getNumLoops())
    return rewriter.notifyMatchFailure(op, "expects parallel loops");
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (op.isDpsInit(&operand) ? !map.isPermutation()
                               : !map.isProjectedPermutation())
      return rewriter.notifyMatchFailure(
          op, "expects projected permutations as indexing maps");
  }
  WalkResult nested = op.getRegion().walk([&](Operation *inner) {
    // Other functions of math become calls of a library that is not linked.
    bool isElement = inner->getNumRegions() == 0 && isPure(inner) &&
                     (!isa<math::MathDialect>(inner->getDialect()) ||
                      isa<math::FmaOp>(inner));
    return isElement || isa<linalg::YieldOp>(inner) ? WalkResult::advance()
                                                    : WalkResult::interrupt();
  });
  if (nested.wasInterrupted())
    return rewriter.notifyMatchFailure(
        op, "expects a pure body, of math only math.fma");
  return success();
}

/// The values from outside that the body uses. Constants are copied instead.
static SmallVector<Value> capturesOf(linalg::GenericOp op,
                                     SmallVectorImpl<Operation *> &constants) {
  llvm::SetVector<Value> captured;
  llvm::SetVector<Operation *> copied;
  op.getRegion().walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      if (operand.getParentRegion() == &op.getRegion())
        continue;
      Operation *producer = operand.getDefiningOp();
      if (producer && producer->hasTrait<OpTrait::ConstantLike>())
        copied.insert(producer);
      else
        captured.insert(operand);
    }
  });
  constants.append(copied.begin(), copied.end());
  return captured.takeVector();
}

/// The sizes of the loops, each that of a dimension of an operand.
static SmallVector<Value> loopSizes(linalg::GenericOp op,
                                    ImplicitLocOpBuilder &b) {
  SmallVector<Value> sizes(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
      Value &size = sizes[cast<AffineDimExpr>(expr).getPosition()];
      if (!size)
        size = memref::DimOp::create(b, operand.get(), dim);
    }
  }
  return sizes;
}

namespace {

/// Writes the kernel.
struct GenericKernel {
  linalg::GenericOp op;
  ArrayRef<Operation *> constants;
  ArrayRef<Value> captured;
  /// What the operands, the captured values and the sizes are in the kernel.
  ArrayRef<Value> operands, outside, sizes;

  void emit(GPUKernelBuilder &kernel) {
    Value point = kernel.globalId(kElementwiseThreads);
    Value count = kernel.index(1);
    for (Value size : sizes)
      count = kernel.mul(count, size);
    kernel.ifTrue(kernel.isLess(point, count),
                  [&] { emitPoint(kernel, point); });
  }

private:
  /// Where the operand's element of this point lies in its flat array.
  Value offset(GPUKernelBuilder &kernel, AffineMap map,
               ArrayRef<Value> indices) const {
    Value at = kernel.index(0);
    for (AffineExpr expr : map.getResults()) {
      unsigned loop = cast<AffineDimExpr>(expr).getPosition();
      at = kernel.add(kernel.mul(at, sizes[loop]), indices[loop]);
    }
    return at;
  }

  void emitPoint(GPUKernelBuilder &kernel, Value point) {
    SmallVector<Value> indices(sizes.size());
    for (size_t i = sizes.size(); i-- > 0;) {
      Value rest = kernel.div(point, sizes[i]);
      indices[i] =
          arith::SubIOp::create(kernel.b, point, kernel.mul(rest, sizes[i]));
      point = rest;
    }
    IRMapping mapping;
    for (Operation *constant : constants)
      kernel.b.clone(*constant, mapping);
    mapping.map(captured, outside);
    SmallVector<std::pair<Value, SmallVector<Value, 1>>> places;
    for (auto [operand, array] :
         llvm::zip_equal(op->getOpOperands(), operands)) {
      BlockArgument element = op.getMatchingBlockArgument(&operand);
      auto type = dyn_cast<MemRefType>(array.getType());
      SmallVector<Value, 1> at;
      if (type && type.getRank() > 0)
        at.push_back(
            offset(kernel, op.getMatchingIndexingMap(&operand), indices));
      places.emplace_back(array, at);
      if (element.use_empty())
        continue;
      mapping.map(element,
                  type ? memref::LoadOp::create(kernel.b, array, at).getResult()
                       : array);
    }
    for (Operation &inner : op.getBody()->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner))
        mapping.map(index.getResult(), indices[index.getDim()]);
      else
        kernel.b.clone(inner, mapping);
    }
    Operation *yield = op.getBody()->getTerminator();
    for (auto [i, value] : llvm::enumerate(yield->getOperands())) {
      auto &[array, at] = places[op.getNumDpsInputs() + i];
      memref::StoreOp::create(kernel.b, mapping.lookupOrDefault(value), array,
                              at);
    }
  }
};

} // namespace

LogicalResult
GenericToKernel::matchAndRewrite(linalg::GenericOp op,
                                 PatternRewriter &rewriter) const {
  if (failed(checkOperands(op, rewriter)))
    return failure();
  SmallVector<Operation *> constants;
  SmallVector<Value> captured = capturesOf(op, constants);
  if (llvm::any_of(captured,
                   [](Value v) { return !v.getType().isIntOrIndexOrFloat(); }))
    return rewriter.notifyMatchFailure(op, "expects only scalars from outside");
  ImplicitLocOpBuilder b(op.getLoc(), rewriter);
  FlatOperands flat(b);
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!op.isDpsInit(&operand))
      operands.push_back(flat.read(operand.get()));
    else if (op.payloadUsesValueFromOperand(&operand))
      operands.push_back(flat.update(operand.get()));
    else
      operands.push_back(flat.write(operand.get()));
  }
  SmallVector<Value> sizes = loopSizes(op, b);
  Value count = arith::ConstantIndexOp::create(b, 1);
  for (Value size : sizes)
    count = arith::MulIOp::create(b, count, size);
  size_t numOperands = operands.size();
  llvm::append_range(operands, captured);
  llvm::append_range(operands, sizes);
  LaunchShape shape;
  shape.gridX = blocksFor(b, count, kElementwiseThreads);
  shape.threads = kElementwiseThreads;
  kernels.launch(b, "elementwise", shape, operands,
                 [&](GPUKernelBuilder &kernel, ArrayRef<Value> arguments) {
                   ArrayRef<Value> rest = arguments.drop_front(numOperands);
                   GenericKernel{op,
                                 constants,
                                 captured,
                                 arguments.take_front(numOperands),
                                 rest.take_front(captured.size()),
                                 rest.drop_front(captured.size())}
                       .emit(kernel);
                 });
  flat.finish();
  rewriter.eraseOp(op);
  return success();
}

void mlir::fp4q::populateGenericToGPUPatterns(RewritePatternSet &patterns,
                                              KernelModule &kernels) {
  patterns.add<GenericToKernel>(patterns.getContext(), kernels);
}
