//===- PackWeights.cpp - constant weights as CPU kernels stream them ------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/ConstantTensor.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"

#define DEBUG_TYPE "fp4q-pack-weights"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QPACKWEIGHTSPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

namespace {

struct FP4QPackWeightsPass
    : public mlir::fp4q::impl::FP4QPackWeightsPassBase<FP4QPackWeightsPass> {
  using FP4QPackWeightsPassBase::FP4QPackWeightsPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (maxElements >= 0)
      return success();
    return emitError(UnknownLoc::get(context),
                     "fp4q-pack-weights expects max-elements to be at least 0");
  }

  /// Why b stays as it is; empty if it does not.
  std::string getObstacle(ScaledMatmulOp op) {
    if (!isForCPUKernels(op))
      return "only the kernels of the back end cpu are faster with packed "
             "weights";
    if (op.getBScaleLayout() != ScaleLayout::Linear)
      return "the scales of b are not linear";
    if (!isEvaluable(op.getB()))
      return "b is not constant, and would be packed in every call";
    int64_t size = cast<ShapedType>(op.getB().getType()).getNumElements();
    if (size > maxElements)
      return llvm::formatv("{0} bytes of codes are more than the option "
                           "max-elements permits: {1}",
                           size, maxElements);
    return "";
  }

  void runOnOperation() override {
    // What has been made of a weight already, of which there may be several
    // products.
    DenseMap<Value, Value> packed;
    getOperation()->walk([&](ScaledMatmulOp op) {
      if (!op.hasPureTensorSemantics() || op.hasPackedB())
        return;
      std::string obstacle = getObstacle(op);
      if (!obstacle.empty()) {
        ++numDeclined;
        reportDeclined(op, DEBUG_TYPE, "weights not packed")
            << remark::reason("{0}", obstacle);
        return;
      }
      ++numPacked;
      reportMade(op, DEBUG_TYPE, "weights packed");
      Value &known = packed[op.getB()];
      if (!known) {
        OpBuilder builder(op);
        builder.setInsertionPointAfterValue(op.getB());
        auto pack =
            PackWeightsOp::create(builder, op.getB().getLoc(), op.getB());
        // For what is not folded.
        pack->setAttr(
            kBackEndAttr,
            BackEndAttr::get(builder.getContext(), ::fp4q::BackEnd::Reference));
        known = pack->getResult(0);
      }
      op.getBMutable().assign(known);
      op.setBLayout(WeightLayout::Packed16x8);
    });
  }
};

} // namespace
