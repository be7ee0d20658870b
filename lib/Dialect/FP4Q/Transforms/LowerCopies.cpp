//===- LowerCopies.cpp - copies of strided memrefs become loops -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QLOWERCOPIESPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

static bool isContiguous(Value value) {
  return cast<MemRefType>(value.getType()).getLayout().isIdentity();
}

namespace {

struct FP4QLowerCopiesPass
    : public mlir::fp4q::impl::FP4QLowerCopiesPassBase<FP4QLowerCopiesPass> {
  using FP4QLowerCopiesPassBase::FP4QLowerCopiesPassBase;

  void runOnOperation() override {
    getOperation()->walk([](memref::CopyOp copy) {
      if (isa<UnrankedMemRefType>(copy.getSource().getType()) ||
          isa<UnrankedMemRefType>(copy.getTarget().getType()))
        return; // No number of loops to write.
      if (isContiguous(copy.getSource()) && isContiguous(copy.getTarget()))
        return;
      OpBuilder builder(copy);
      linalg::makeMemRefCopyOp(builder, copy.getLoc(), copy.getSource(),
                               copy.getTarget());
      copy.erase();
    });
  }
};

} // namespace
