//===- Pass.cpp - fp4q-lower-micro-ops ------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Conversion/FP4QMicroOps.h"
#include "fp4q/Conversion/Passes.h"
#include "fp4q/Target/TargetInfo.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QLOWERMICROOPSPASS
#include "fp4q/Conversion/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

namespace {

struct FP4QLowerMicroOpsPass
    : public mlir::fp4q::impl::FP4QLowerMicroOpsPassBase<
          FP4QLowerMicroOpsPass> {
  using FP4QLowerMicroOpsPassBase::FP4QLowerMicroOpsPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (chip.empty() || ::fp4q::findTarget(chip.getValue()))
      return success();
    return emitError(UnknownLoc::get(context))
           << "fp4q-lower-micro-ops expects chip to be one of "
           << ::fp4q::targetNames() << ", but got '" << chip << "'";
  }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populatePortableCodecPatterns(patterns);
    if (const ::fp4q::Target *target = ::fp4q::findTarget(chip.getValue())) {
      if (target->kind == ::fp4q::TargetKind::GPU)
        populateGPUCodecPatterns(patterns);
      else
        populateCPUCodecPatterns(patterns, *target);
    }
    if (mma == MmaLowering::Native)
      populateMmaNativePatterns(patterns);
    else
      populateMmaExpansionPatterns(patterns);
    GreedyRewriteConfig config;
    // Folding the rest of the module is not this pass's business.
    config.enableFolding(false);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace
