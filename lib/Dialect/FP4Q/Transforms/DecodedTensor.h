//===- DecodedTensor.h - tensors that are dequantizations -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a front end's dequantization is, whichever operations it is made of: the
// tensors of codes, scales and global scale behind it, once it is proved that
// they decode to the same bits.
//
// The proof is by evaluation. The arithmetic from one code to one element, and
// from one scale byte to its value, has 16 or 256 inputs, so it is run for all
// of them (ElementTrace) and compared with Numerics. Masks, shifts, tables,
// sign bits and comparisons need no patterns then, and a table with one wrong
// entry is found. Only the product of element, scale and global scale is
// matched by its form, since the order of its roundings matters.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_DECODEDTENSOR_H
#define FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_DECODEDTENSOR_H

#include "ElementTrace.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Numerics/Recipe.h"

#include <string>

namespace mlir {
namespace fp4q {

/// A tensor whose elements, row-major, are those of a tensor of another shape:
/// the first `common` dimensions agree, and the others are one flat dimension.
struct ReshapedSource {
  Value source;
  unsigned common = 0;
};

/// The operands of an fp4q.dequant with the elements of a tensor (..., K).
struct DecodedTensor {
  ReshapedSource codes;
  /// Whether two codes share a byte, the first in bits 0-3; else each has an
  /// i4, an f4E2M1FN, or the low half of an i8.
  bool packed = true;
  ReshapedSource scales;
  ::fp4q::ScaleType scaleType = ::fp4q::ScaleType::E8M0;
  int64_t groupSize = 0;
  /// The global scale: a value (f32, or a tensor of one f32), or a constant, or
  /// neither.
  Value globalScale;
  FloatAttr globalConstant;
  Direction direction = Direction::Multiply;
};

/// Whether the elements of `tensor` are products, computed where it is defined.
bool isElementwiseProduct(Value tensor);

/// Whether `tensor` has the type of a dequantization: floats, of rank >= 1 with
/// a static, even K.
bool hasDecodableShape(Value tensor);

/// Describes `tensor`, for which hasDecodableShape holds. On failure `reason`
/// says why it is no dequantization; it is empty if nothing in it looks like
/// one. With `relaxed`, products may be rounded otherwise than by the
/// definition.
FailureOr<DecodedTensor> describeDecoded(Value tensor, bool relaxed,
                                         std::string &reason);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_DECODEDTENSOR_H
