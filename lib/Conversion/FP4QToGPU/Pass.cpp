//===- Pass.cpp - convert-fp4q-to-gpu -------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "fp4q/Conversion/Passes.h"
#include "fp4q/Target/TargetInfo.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_CONVERTFP4QTOGPUPASS
#include "fp4q/Conversion/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

static bool isLevel1(Operation *op) {
  return isa_and_nonnull<FP4QDialect>(op->getDialect()) &&
         isa<DestinationStyleOpInterface>(op);
}

namespace {

struct ConvertFP4QToGPUPass
    : public mlir::fp4q::impl::ConvertFP4QToGPUPassBase<ConvertFP4QToGPUPass> {
  using ConvertFP4QToGPUPassBase::ConvertFP4QToGPUPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    target = ::fp4q::findTarget(chip.getValue());
    if (target && target->kind == ::fp4q::TargetKind::GPU)
      return success();
    return emitError(UnknownLoc::get(context))
           << "unknown chip '" << chip << "', expected one of "
           << ::fp4q::chipNames();
  }

  void runOnOperation() override {
    // Code of other origin might use what the chip lacks, at which LLVM aborts.
    for (auto module : getOperation().getOps<gpu::GPUModuleOp>()) {
      module.emitOpError(
          "is in the input, but kernels are made of fp4q operations only");
      return signalPassFailure();
    }
    bool hasWork = false;
    getOperation().walk([&](Operation *op) {
      auto copy = dyn_cast<memref::CopyOp>(op);
      hasWork |= isLevel1(op) || isa<linalg::GenericOp>(op) ||
                 (copy && needsKernel(copy));
    });
    if (!hasWork)
      return;
    OpBuilder b(&getContext());
    auto module =
        gpu::GPUModuleOp::create(b, getOperation().getLoc(), "fp4q_kernels");
    SymbolTable(getOperation()).insert(module);
    getOperation()->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                            b.getUnitAttr());
    module.setTargetsAttr(b.getArrayAttr(NVVM::NVVMTargetAttr::get(
        &getContext(), /*optLevel=*/3, "nvptx64-nvidia-cuda", target->cpu,
        ::fp4q::llvmFeatures(*target))));
    module.setOffloadingHandlerAttr(EmbedImagesAttr::get(&getContext()));

    KernelModule kernels(module);
    RewritePatternSet patterns(&getContext());
    populateCopyToGPUPatterns(patterns, kernels);
    populateElementwiseToGPUPatterns(patterns, kernels);
    populateGenericToGPUPatterns(patterns, kernels);
    populateMatmulToGPUPatterns(patterns, kernels, *target);
    GreedyRewriteConfig config;
    // Folding the rest of the module is not this pass's business.
    config.enableFolding(false);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    WalkResult left = getOperation().walk([&](Operation *op) {
      if (!isLevel1(op))
        return WalkResult::advance();
      op->emitOpError("has no GPU kernel");
      return WalkResult::interrupt();
    });
    if (left.wasInterrupted())
      signalPassFailure();
  }

private:
  const ::fp4q::Target *target = nullptr;
};

} // namespace
