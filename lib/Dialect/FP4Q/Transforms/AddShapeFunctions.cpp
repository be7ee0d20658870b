//===- AddShapeFunctions.cpp - functions for the shapes of results --------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/ShapeFunctions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QADDSHAPEFUNCTIONSPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

static bool isRankedTensor(Type type) { return isa<RankedTensorType>(type); }

/// The number of the first check that fails, or 0, and both sizes of it.
static SmallVector<Value> emitSizeChecks(OpBuilder &builder, Location loc,
                                         func::FuncOp function) {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  SmallVector<Value> outcome(kNumCheckSlots, zero);
  SmallVector<SizeCheck> checks = collectSizeChecks(function);
  // The last check first, so that the first one that fails has the last word.
  for (int64_t number = checks.size(); number > 0; --number) {
    const SizeCheck &check = checks[number - 1];
    Value lhs = tensor::DimOp::create(builder, loc, check.lhs, check.dimension);
    Value rhs = tensor::DimOp::create(builder, loc, check.rhs, check.dimension);
    Value expected = lhs;
    if (check.rhsTile != 1) {
      Value tile = arith::ConstantIndexOp::create(builder, loc, check.rhsTile);
      expected = arith::CeilDivUIOp::create(builder, loc, lhs, tile);
    }
    Value agree = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        expected, rhs);
    Value index = arith::ConstantIndexOp::create(builder, loc, number);
    for (auto [slot, value] :
         llvm::zip_equal(outcome, SmallVector<Value>{index, lhs, rhs}))
      slot = arith::SelectOp::create(builder, loc, agree, slot, value);
  }
  return outcome;
}

/// Adds @f__result_shapes for the function @f.
static void addShapeFunction(SymbolTable &symbols, func::FuncOp function) {
  MLIRContext *context = function.getContext();
  int64_t numSizes = 0;
  for (Type type : function.getResultTypes())
    numSizes += cast<RankedTensorType>(type).getRank();

  func::FuncOp shapes = function.clone();
  shapes.setName(getResultShapesName(function.getName()));
  auto sizesType =
      MemRefType::get({numSizes + kNumCheckSlots}, IndexType::get(context));
  SmallVector<Type> inputs(function.getArgumentTypes());
  inputs.push_back(sizesType);
  Block &body = shapes.getBody().front();
  Value sizes = body.addArgument(sizesType, function.getLoc());
  // This also adapts the attributes of arguments and results.
  shapes.setType(FunctionType::get(context, inputs, {}));

  Operation *terminator = body.getTerminator();
  OpBuilder builder(terminator);
  Location loc = terminator->getLoc();
  int64_t position = 0;
  for (Value result : terminator->getOperands()) {
    for (int64_t dim = 0;
         dim < cast<RankedTensorType>(result.getType()).getRank(); ++dim) {
      Value size = tensor::DimOp::create(builder, loc, result, dim);
      Value index = arith::ConstantIndexOp::create(builder, loc, position++);
      memref::StoreOp::create(builder, loc, size, sizes, index);
    }
  }
  SmallVector<Value> outcome = emitSizeChecks(builder, loc, shapes);
  for (Value value : outcome) {
    Value index = arith::ConstantIndexOp::create(builder, loc, position++);
    memref::StoreOp::create(builder, loc, value, sizes, index);
  }
  func::ReturnOp::create(builder, loc);
  terminator->erase();
  symbols.insert(shapes);
}

std::string mlir::fp4q::getResultShapesName(StringRef function) {
  return (function + "__result_shapes").str();
}

namespace {

struct FP4QAddShapeFunctionsPass
    : public mlir::fp4q::impl::FP4QAddShapeFunctionsPassBase<
          FP4QAddShapeFunctionsPass> {
  using FP4QAddShapeFunctionsPassBase::FP4QAddShapeFunctionsPassBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    auto functions = llvm::to_vector(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp function : functions) {
      if (!function.isPublic() || function.isExternal() ||
          function.getNumResults() == 0 ||
          !llvm::all_of(function.getResultTypes(), isRankedTensor))
        continue;
      if (symbols.lookup(getResultShapesName(function.getName()))) {
        function.emitOpError()
            << "needs the name @" << getResultShapesName(function.getName())
            << " for its shapes, which is taken";
        return signalPassFailure();
      }
      if (!function.getBody().hasOneBlock()) {
        function.emitOpError("has more than one block");
        return signalPassFailure();
      }
      addShapeFunction(symbols, function);
    }
  }
};

} // namespace
