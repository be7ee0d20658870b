//===- UseGpuMemory.cpp - host code that handles device memory ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QRuntimeOps.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/ShapeFunctions.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/StringSet.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QUSEGPUMEMORYPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

/// Whether the operation itself reads or writes memory that a memref operand
/// of it points to.
static bool touchesMemory(Operation *op) {
  if (llvm::none_of(op->getOperandTypes(), llvm::IsaPred<BaseMemRefType>))
    return false;
  auto effects = dyn_cast<MemoryEffectOpInterface>(op);
  // Calls, returns and loops hand memrefs on. Views have no effects.
  if (!effects)
    return !op->hasTrait<OpTrait::IsTerminator>() &&
           !isa<CallOpInterface, LoopLikeOpInterface>(op);
  return effects.hasEffect<MemoryEffects::Read>() ||
         effects.hasEffect<MemoryEffects::Write>();
}

/// What a view is a view of.
static Value getSource(Value value) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
    value = view.getViewSource();
  return value;
}

namespace {

struct FP4QUseGPUMemoryPass
    : public mlir::fp4q::impl::FP4QUseGPUMemoryPassBase<FP4QUseGPUMemoryPass> {
  using FP4QUseGPUMemoryPassBase::FP4QUseGPUMemoryPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    // They are about sizes, which are in host memory.
    llvm::StringSet<> shapeFunctions;
    for (auto function : module.getOps<func::FuncOp>())
      shapeFunctions.insert(getResultShapesName(function.getName()));
    for (auto function : module.getOps<func::FuncOp>())
      if (failed(shapeFunctions.contains(function.getName())
                     ? checkShapeFunction(function)
                     : rewrite(function)))
        return signalPassFailure();
  }

private:
  /// Its last argument is for the sizes; the others have their data on the
  /// device.
  LogicalResult checkShapeFunction(func::FuncOp function) {
    WalkResult result = function.walk([&](Operation *op) {
      for (Value operand : op->getOperands()) {
        auto argument = dyn_cast<BlockArgument>(getSource(operand));
        bool isOnDevice =
            argument && isa<MemRefType>(operand.getType()) &&
            argument.getOwner() == &function.front() &&
            argument.getArgNumber() + 1 != function.getNumArguments();
        if (isOnDevice && touchesMemory(op)) {
          op->emitOpError("cannot run on a GPU: the size of a result depends "
                          "on it, and the host cannot read the device's "
                          "memory");
          return WalkResult::interrupt();
        }
      }
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  LogicalResult rewrite(func::FuncOp function) {
    SmallVector<Operation *> operations;
    function.walk([&](Operation *op) { operations.push_back(op); });
    for (Operation *op : operations)
      if (failed(rewrite(op)))
        return failure();
    return success();
  }

  LogicalResult rewrite(Operation *op) {
    OpBuilder builder(op);
    if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
      if (!alloc.getType().getLayout().isIdentity())
        return refuse(op, "allocates memory that is not row-major");
      auto workspace = GPUWorkspaceOp::create(
          builder, op->getLoc(), alloc.getType(), alloc.getDynamicSizes());
      alloc.replaceAllUsesWith(workspace.getMemory());
      op->erase();
      return success();
    }
    if (isa<memref::DeallocOp>(op)) {
      op->erase(); // The runtime frees workspace at the end of the call.
      return success();
    }
    if (auto get = dyn_cast<memref::GetGlobalOp>(op)) {
      auto constant = GPUConstantOp::create(builder, op->getLoc(),
                                            get.getType(), get.getName());
      get.replaceAllUsesWith(constant.getMemory());
      op->erase();
      return success();
    }
    if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      Type type = copy.getSource().getType();
      auto ranked = dyn_cast<MemRefType>(type);
      if (!ranked || !ranked.getLayout().isIdentity() ||
          type != copy.getTarget().getType())
        return refuse(op, "copies memory that is not row-major");
      GPUCopyOp::create(builder, op->getLoc(), copy.getSource(),
                        copy.getTarget());
      op->erase();
      return success();
    }
    if (!isa<gpu::LaunchFuncOp, GPUCopyOp>(op) && touchesMemory(op))
      return refuse(op, "has no kernel, and the host cannot read the device's "
                        "memory");
    return success();
  }

  static LogicalResult refuse(Operation *op, const char *what) {
    return op->emitOpError() << "cannot run on a GPU: it " << what;
  }
};

} // namespace
