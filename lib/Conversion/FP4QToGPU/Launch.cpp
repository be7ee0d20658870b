//===- Launch.cpp - kernels and their launches ----------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace mlir::fp4q;

void KernelModule::launch(
    ImplicitLocOpBuilder &host, StringRef name, const LaunchShape &launch,
    ValueRange operands,
    llvm::function_ref<void(GPUKernelBuilder &, ArrayRef<Value>)> body) {
  SmallVector<Value> given;
  for (Value operand : operands)
    if (operand)
      given.push_back(operand);
  // Into the module only with a name that no other kernel has.
  OpBuilder detached(host.getContext());
  SmallVector<Type> shared;
  if (launch.sharedElements)
    shared.push_back(MemRefType::get(
        {launch.sharedElements}, host.getF32Type(), MemRefLayoutAttrInterface(),
        gpu::AddressSpaceAttr::get(host.getContext(),
                                   gpu::AddressSpace::Workgroup)));
  auto function = gpu::GPUFuncOp::create(
      detached, host.getLoc(), name,
      host.getFunctionType(ValueRange(given).getTypes(), {}), shared);
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(),
                    host.getUnitAttr());
  function.setKnownBlockSizeAttr(
      host.getDenseI32ArrayAttr({static_cast<int32_t>(launch.threads), 1, 1}));
  if (launch.sharedElements) // Accesses are of four elements.
    function.setWorkgroupAttributionAttr(
        0, LLVM::LLVMDialect::getAlignAttrName(), host.getI64IntegerAttr(16));
  SymbolTable(module).insert(function);

  ImplicitLocOpBuilder b(host.getLoc(), host.getContext());
  b.setInsertionPointToStart(&function.getBody().front());
  SmallVector<Value> inKernel;
  unsigned next = 0;
  for (Value operand : operands)
    inKernel.push_back(operand ? function.getArgument(next++) : Value());
  if (launch.sharedElements)
    inKernel.push_back(function.getWorkgroupAttributions().front());
  GPUKernelBuilder kernel(b);
  body(kernel, inKernel);
  gpu::ReturnOp::create(b);

  Value one = arith::ConstantIndexOp::create(host, 1);
  Value size = arith::ConstantIndexOp::create(host, launch.threads);
  Value dynamicShared;
  if (launch.dynamicSharedBytes)
    dynamicShared = arith::ConstantOp::create(
        host, host.getI32IntegerAttr(
                  static_cast<int32_t>(launch.dynamicSharedBytes)));
  gpu::LaunchFuncOp::create(
      host, function,
      gpu::KernelDim3{launch.gridX ? launch.gridX : one,
                      launch.gridY ? launch.gridY : one, one},
      gpu::KernelDim3{size, one, one}, dynamicShared, given);
}

Value FlatOperands::flatten(Value operand, bool isRead, bool isWritten) {
  auto type = operand ? dyn_cast<MemRefType>(operand.getType()) : MemRefType();
  if (!type || type.getRank() == 0)
    return operand;
  if (!type.getLayout().isIdentity()) {
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (type.isDynamicDim(i))
        sizes.push_back(memref::DimOp::create(b, operand, i));
    Value copy = memref::AllocOp::create(
        b, MemRefType::get(type.getShape(), type.getElementType()), sizes);
    if (isRead)
      memref::CopyOp::create(b, operand, copy);
    if (isWritten)
      copiesBack.emplace_back(copy, operand);
    operand = copy;
  }
  if (type.getRank() == 1)
    return operand;
  ReassociationIndices all =
      llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  return memref::CollapseShapeOp::create(b, operand,
                                         ArrayRef<ReassociationIndices>{all});
}

void FlatOperands::finish() {
  for (auto [from, to] : copiesBack)
    memref::CopyOp::create(b, from, to);
}

Value mlir::fp4q::blocksFor(ImplicitLocOpBuilder &b, Value count,
                            int64_t perBlock) {
  return arith::CeilDivUIOp::create(
      b, count, arith::ConstantIndexOp::create(b, perBlock));
}

Value mlir::fp4q::leadingSize(ImplicitLocOpBuilder &b, Value memref,
                              int64_t dropped) {
  Value size = arith::ConstantIndexOp::create(b, 1);
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  for (int64_t i = 0; i < rank - dropped; ++i)
    size = arith::MulIOp::create(b, size, memref::DimOp::create(b, memref, i));
  return size;
}
