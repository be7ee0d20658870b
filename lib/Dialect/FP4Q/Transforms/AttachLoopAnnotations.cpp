//===- AttachLoopAnnotations.cpp - loop annotations for LLVM IR -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QATTACHLOOPANNOTATIONSPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;

namespace {

constexpr llvm::StringLiteral kAnnotation = "llvm.loop_annotation";

struct FP4QAttachLoopAnnotationsPass
    : public fp4q::impl::FP4QAttachLoopAnnotationsPassBase<
          FP4QAttachLoopAnnotationsPass> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      auto annotation =
          op->getAttrOfType<LLVM::LoopAnnotationAttr>(kAnnotation);
      if (!annotation)
        return;
      if (auto branch = dyn_cast<LLVM::BrOp>(op))
        branch.setLoopAnnotationAttr(annotation);
      else if (auto branch = dyn_cast<LLVM::CondBrOp>(op))
        branch.setLoopAnnotationAttr(annotation);
      else
        return;
      op->removeDiscardableAttr(kAnnotation);
    });
  }
};

} // namespace
