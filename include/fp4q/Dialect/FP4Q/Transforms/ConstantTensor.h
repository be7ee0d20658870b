//===- ConstantTensor.h - the bytes of constant tensors ---------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// dense and dense_resource constants alike, as raw bytes: folding a weight
// element by element through attributes would take seconds.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_TRANSFORMS_CONSTANTTENSOR_H
#define FP4Q_DIALECT_FP4Q_TRANSFORMS_CONSTANTTENSOR_H

#include "fp4q/Numerics/Buffers.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

#include <vector>

namespace mlir {
namespace fp4q {

/// The Numerics type of bf16, f16 or f32.
::fp4q::FloatType getFloatType(Type element);

/// A constant tensor of elements of whole bytes, row-major.
class ConstantTensor {
public:
  /// The tensor of a dense or dense_resource attribute; none if the elements
  /// are not i8, i16, i32, or floats of at most 32 bits in whole bytes, or if
  /// the resource does not hold the bytes that its type says.
  static std::optional<ConstantTensor> get(Attribute value);

  /// A tensor with bytes of its own.
  ConstantTensor(RankedTensorType type, std::vector<char> bytes,
                 bool isResource)
      : type(type), owned(std::move(bytes)), resource(isResource) {}

  RankedTensorType getType() const { return type; }
  int64_t getNumElements() const { return type.getNumElements(); }
  int64_t getElementBytes() const { return type.getElementTypeBitWidth() / 8; }
  /// Whether the constant is, or is to become, a dense_resource.
  bool isResource() const { return resource; }

  /// The name of the resource that it was or was computed from; "fp4q" if none.
  StringRef getName() const { return name; }
  void setName(StringRef newName) { name = newName.str(); }

  /// All bytes. A splat is expanded at the first call.
  ArrayRef<char> getBytes();
  /// The same as bytes of codes or scales.
  const uint8_t *getData() {
    return reinterpret_cast<const uint8_t *>(getBytes().data());
  }
  /// The bytes of a tensor that has its own, to write.
  uint8_t *getMutableData() {
    assert(owned.size() == size_t(getNumElements() * getElementBytes()));
    return reinterpret_cast<uint8_t *>(owned.data());
  }
  /// All bytes as floats; the elements are bf16, f16 or f32.
  ::fp4q::ConstFloats getFloats();

  /// The same elements in another static shape.
  void reshape(RankedTensorType newType) { type = newType; }

  /// The attribute: dense, or if isResource() dense_resource, of this name and
  /// suffix, made unique in the context.
  ElementsAttr toAttr(StringRef suffix);

private:
  ConstantTensor(RankedTensorType type) : type(type) {}

  RankedTensorType type;
  ArrayRef<char> viewed; ///< of the attribute: all elements, or one of a splat
  std::vector<char> owned;
  bool resource = false;
  std::string name = "fp4q";
};

/// Whether `value` is a constant tensor, or computed from one by conversions of
/// its element type, reshapes and linalg.transpose.
bool isEvaluable(Value value);

/// The tensor that an evaluable value holds, exactly as it would be computed at
/// run time; none if the value is not evaluable or ConstantTensor::get fails.
std::optional<ConstantTensor> evaluateConstant(Value value);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_DIALECT_FP4Q_TRANSFORMS_CONSTANTTENSOR_H
