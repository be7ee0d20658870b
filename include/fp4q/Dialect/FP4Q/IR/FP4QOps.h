//===- FP4QOps.h - operations of the fp4q dialect ---------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_IR_FP4QOPS_H
#define FP4Q_DIALECT_FP4Q_IR_FP4QOPS_H

#include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QDialect.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h.inc"

namespace mlir {
namespace fp4q {

/// The smallest and largest group size G and transform block size B.
constexpr int64_t kMinGroup = 2;
constexpr int64_t kMaxGroup = 128;

/// Whether `size` is a power of two from 2 to 128: a legal G or B.
bool isLegalGroup(int64_t size);

/// The 128x4 scale layout: rows and columns of a tile, and bytes in it.
constexpr int64_t kSwizzleRows = 128;
constexpr int64_t kSwizzleCols = 4;
constexpr int64_t kSwizzleBytes = 512;

/// The shape of `linear` scales (..., R, C) in the layout blocked_128x4:
/// (..., ceil(R/128), ceil(C/4), 512). Dynamic rows stay dynamic.
SmallVector<int64_t> getBlockedScaleShape(ArrayRef<int64_t> linear);

/// The packed weight layout: rows and bytes of a row in a tile, and its bytes.
constexpr int64_t kPackedRows = 16;
constexpr int64_t kPackedRowBytes = 4;
constexpr int64_t kPackedBytes = 64;

/// The shape of `linear` codes (..., N, K/2) in the layout packed_16x8:
/// (..., ceil(N/16), ceil(K/8), 64). Dynamic rows stay dynamic.
SmallVector<int64_t> getPackedWeightShape(ArrayRef<int64_t> linear);

/// The shape of the result of quantizing (..., K): the same leading dimensions
/// and last dimension `last`.
SmallVector<int64_t> withLastDim(ArrayRef<int64_t> shape, int64_t last);

/// A tensor.empty for `scales` (..., R, C) in the layout blocked_128x4.
Value createBlockedEmptyLike(OpBuilder &builder, Location loc, Value scales);

/// A tensor.empty for `codes` (..., N, K/2) in the layout packed_16x8.
Value createPackedEmptyLike(OpBuilder &builder, Location loc, Value codes);

/// Whether the bytes of a tensor in the layout blocked_128x4 that stand for no
/// scale of the first `columns` columns are known to be 0 in each row: an
/// operation of fp4q has written it. Tensors from elsewhere need not keep the
/// rule.
bool hasZeroPadding(Value blocked, int64_t columns);

/// The discardable attribute with the back end of an operation, a
/// #fp4q.backend: a request before fp4q-select-backend, and its choice
/// afterwards.
constexpr llvm::StringLiteral kBackEndAttr = "fp4q.backend";

/// A discardable unit attribute of any operation: the caller's leave to change
/// its results within the bounds of docs/numerics.md (docs/optimizer.md).
constexpr llvm::StringLiteral kRelaxedAttr = "fp4q.relaxed";

/// Whether `op` carries kRelaxedAttr.
bool isRelaxed(Operation *op);

/// The label of the canonicalization that fuses transforms into quantizers, for
/// pipelines that leave it to fp4q-fuse-transform, which reports it.
constexpr llvm::StringLiteral kFuseTransformLabel = "fp4q-fuse-transform";

/// A tensor.empty of the shape of `like` (a ranked tensor) but for its last
/// dimension, which is `last`, and its element type.
Value createEmptyLike(OpBuilder &builder, Location loc, Value like,
                      int64_t last, Type elementType);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_DIALECT_FP4Q_IR_FP4QOPS_H
