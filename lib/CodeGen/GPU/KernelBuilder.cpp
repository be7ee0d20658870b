//===- KernelBuilder.cpp - the common pieces of GPU kernels ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/GPU/KernelBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// The widest access of one lane, in bytes.
constexpr int64_t kAccessBytes = 16;

Value GPUKernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value GPUKernelBuilder::constant(int32_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
}

Value GPUKernelBuilder::add(Value lhs, Value rhs) {
  return arith::AddIOp::create(b, lhs, rhs);
}

Value GPUKernelBuilder::mul(Value lhs, Value rhs) {
  return arith::MulIOp::create(b, lhs, rhs);
}

Value GPUKernelBuilder::mul(Value lhs, int64_t rhs) {
  return mul(lhs, index(rhs));
}

Value GPUKernelBuilder::div(Value lhs, Value rhs) {
  return arith::DivUIOp::create(b, lhs, rhs);
}

Value GPUKernelBuilder::div(Value lhs, int64_t rhs) {
  return div(lhs, index(rhs));
}

Value GPUKernelBuilder::rem(Value lhs, int64_t rhs) {
  return arith::RemUIOp::create(b, lhs, index(rhs));
}

Value GPUKernelBuilder::least(Value lhs, Value rhs) {
  return arith::MinUIOp::create(b, lhs, rhs);
}

Value GPUKernelBuilder::largest(ArrayRef<Value> values) {
  Value result = values.front();
  for (Value value : values.drop_front())
    result = arith::MaxUIOp::create(b, result, value);
  return result;
}

Value GPUKernelBuilder::isLess(Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lhs, rhs);
}

Value GPUKernelBuilder::isEqual(Value lhs, int64_t rhs) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lhs, index(rhs));
}

Value GPUKernelBuilder::select(Value condition, Value ifTrue, Value ifFalse) {
  return arith::SelectOp::create(b, condition, ifTrue, ifFalse);
}

Value GPUKernelBuilder::nextInRing(Value slot, int64_t slots, int64_t bytes) {
  Value next = add(slot, index(bytes));
  return select(isLess(next, index(slots * bytes)), next, index(0));
}

Value GPUKernelBuilder::threadId() {
  return gpu::ThreadIdOp::create(b, gpu::Dimension::x);
}

Value GPUKernelBuilder::blockId(gpu::Dimension dimension) {
  return gpu::BlockIdOp::create(b, dimension);
}

Value GPUKernelBuilder::globalId(int64_t blockSize) {
  return add(mul(blockId(), blockSize), threadId());
}

/// The alignment of `count` elements at a multiple of `count`.
static llvm::MaybeAlign alignmentOf(VectorType type, bool aligned) {
  int64_t bytes = type.getElementType().getIntOrFloatBitWidth() / 8;
  if (aligned)
    bytes = std::min(bytes * type.getNumElements(), kAccessBytes);
  return llvm::MaybeAlign(bytes);
}

Value GPUKernelBuilder::load(Value array, Value at, int64_t count,
                             bool aligned) {
  auto type = VectorType::get(
      {count}, cast<MemRefType>(array.getType()).getElementType());
  return vector::LoadOp::create(b, type, array, at, /*nontemporal=*/false,
                                alignmentOf(type, aligned));
}

void GPUKernelBuilder::store(Value vector, Value array, Value at,
                             bool aligned) {
  vector::StoreOp::create(
      b, vector, array, at, /*nontemporal=*/false,
      alignmentOf(cast<VectorType>(vector.getType()), aligned));
}

Value GPUKernelBuilder::loadOne(Value array, Value at) {
  return memref::LoadOp::create(b, array, at);
}

void GPUKernelBuilder::storeOne(Value value, Value array, Value at) {
  memref::StoreOp::create(b, value, array, at);
}

Value GPUKernelBuilder::loadScalar(Value scalarOrArray) {
  if (!scalarOrArray || !isa<MemRefType>(scalarOrArray.getType()))
    return scalarOrArray;
  return memref::LoadOp::create(b, scalarOrArray);
}

Value GPUKernelBuilder::sizeOf(Value array) {
  return memref::DimOp::create(b, array, index(0));
}

Value GPUKernelBuilder::byteToInt(Value byte) {
  if (!byte.getType().isInteger())
    byte = arith::BitcastOp::create(b, b.getI8Type(), byte);
  return arith::ExtUIOp::create(b, b.getI32Type(), byte);
}

Value GPUKernelBuilder::intToByte(Value value, Type type) {
  value = arith::TruncIOp::create(b, b.getI8Type(), value);
  return type.isInteger() ? value : arith::BitcastOp::create(b, type, value);
}

Value GPUKernelBuilder::splat(Value scalar, int64_t count) {
  return vector::BroadcastOp::create(
      b, VectorType::get({count}, scalar.getType()), scalar);
}

SmallVector<Value> GPUKernelBuilder::elementsOf(Value vector) {
  return SmallVector<Value>(
      vector::ToElementsOp::create(b, vector).getResults());
}

Value GPUKernelBuilder::fma(Value x, Value y, Value z) {
  // math.fma would become a call of libdevice.
  return LLVM::FMAOp::create(b, x, y, z);
}

Value GPUKernelBuilder::approximateReciprocal(Value x) {
  return NVVM::RcpApproxFtzF32Op::create(b, b.getF32Type(), x);
}

Value GPUKernelBuilder::shuffleXor(Value value, int64_t distance) {
  return gpu::ShuffleOp::create(b, value,
                                constant(static_cast<int32_t>(distance)),
                                constant(kWarpSize), gpu::ShuffleMode::XOR)
      .getShuffleResult();
}

Value GPUKernelBuilder::shuffleFrom(Value value, Value lane) {
  lane = arith::IndexCastOp::create(b, b.getI32Type(), lane);
  return gpu::ShuffleOp::create(b, value, lane, constant(kWarpSize),
                                gpu::ShuffleMode::IDX)
      .getShuffleResult();
}

Value GPUKernelBuilder::pointerTo(Value array) {
  auto type = cast<MemRefType>(array.getType());
  auto space = dyn_cast_or_null<gpu::AddressSpaceAttr>(type.getMemorySpace());
  bool isShared = space && space.getValue() == gpu::AddressSpace::Workgroup;
  Value index = memref::ExtractAlignedPointerAsIndexOp::create(b, array);
  Value address = arith::IndexCastOp::create(b, b.getI64Type(), index);
  auto memory =
      isShared ? NVVM::NVVMMemorySpace::Shared : NVVM::NVVMMemorySpace::Global;
  auto pointer =
      LLVM::LLVMPointerType::get(b.getContext(), static_cast<unsigned>(memory));
  return LLVM::IntToPtrOp::create(b, pointer, address);
}

Value GPUKernelBuilder::sharedMemory() {
  auto space =
      gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(),
                              MemRefLayoutAttrInterface(), space);
  return pointerTo(gpu::DynamicSharedMemoryOp::create(b, type));
}

Value GPUKernelBuilder::offset(Value pointer, Value bytes) {
  bytes = arith::IndexCastOp::create(b, b.getI64Type(), bytes);
  return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}

Value GPUKernelBuilder::offset(Value pointer, int64_t bytes) {
  return LLVM::GEPOp::create(
      b, pointer.getType(), b.getI8Type(), pointer,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

Value GPUKernelBuilder::loadFrom(Value pointer, Type element, int64_t count,
                                 int64_t alignment) {
  return LLVM::LoadOp::create(b, VectorType::get({count}, element), pointer,
                              alignment);
}

void GPUKernelBuilder::storeTo(Value vector, Value pointer, int64_t alignment) {
  LLVM::StoreOp::create(b, vector, pointer, alignment);
}

void GPUKernelBuilder::copyAsync(Value to, Value from, int64_t bytes,
                                 Value size) {
  // Around L1, for which only whole accesses can go.
  NVVM::CpAsyncOp::create(b, to, from, static_cast<uint32_t>(bytes),
                          bytes == kAccessBytes
                              ? NVVM::LoadCacheModifierKind::CG
                              : NVVM::LoadCacheModifierKind::CA,
                          size);
}

void GPUKernelBuilder::commitCopies() { NVVM::CpAsyncCommitGroupOp::create(b); }

void GPUKernelBuilder::waitForCopies(int64_t pending) {
  NVVM::CpAsyncWaitGroupOp::create(b, static_cast<uint32_t>(pending));
}

void GPUKernelBuilder::syncWarp() { NVVM::SyncWarpOp::create(b, constant(-1)); }

SmallVector<Value> GPUKernelBuilder::loadMatrices(Value pointer) {
  auto shape = NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8);
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(4, b.getI32Type()));
  Value matrices = NVVM::LdMatrixOp::create(b, type, pointer, /*num=*/4,
                                            NVVM::MMALayout::row, shape,
                                            NVVM::LdStMatrixEltType::B16);
  SmallVector<Value> words;
  for (int64_t i = 0; i < 4; ++i)
    words.push_back(LLVM::ExtractValueOp::create(b, matrices, i));
  return words;
}

Value GPUKernelBuilder::anyLane(Value condition) {
  return NVVM::VoteSyncOp::create(b, b.getI1Type(), constant(-1), condition,
                                  NVVM::VoteSyncKind::any);
}

void GPUKernelBuilder::ifTrue(Value condition,
                              llvm::function_ref<void()> body) {
  auto op = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  body();
}

Value GPUKernelBuilder::ifElse(Value condition, Type type,
                               llvm::function_ref<Value()> ifTrue,
                               llvm::function_ref<Value()> ifFalse) {
  auto op = scf::IfOp::create(b, type, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  scf::YieldOp::create(b, ifTrue());
  b.setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(b, ifFalse());
  return op.getResult(0);
}

SmallVector<Value>
GPUKernelBuilder::ifElse(Value condition,
                         llvm::function_ref<SmallVector<Value>()> ifTrue,
                         llvm::function_ref<SmallVector<Value>()> ifFalse) {
  auto in = [&](llvm::function_ref<SmallVector<Value>()> body) {
    return [this, body](OpBuilder &builder, Location) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(builder.getInsertionBlock());
      scf::YieldOp::create(b, body());
    };
  };
  auto op = scf::IfOp::create(b, condition, in(ifTrue), in(ifFalse));
  return SmallVector<Value>(op.getResults());
}
