//===- ConstantTensor.cpp - the bytes of constant tensors -----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/Transforms/ConstantTensor.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Blobs are aligned to a cache line, as weights in object files are.
constexpr size_t kBlobAlignment = 64;

::fp4q::FloatType mlir::fp4q::getFloatType(Type element) {
  if (element.isBF16())
    return ::fp4q::FloatType::BF16;
  assert(element.isF16() || element.isF32());
  return element.isF16() ? ::fp4q::FloatType::F16 : ::fp4q::FloatType::F32;
}

/// Whether elements are stored as that many whole bytes.
static bool hasPlainElements(Type element) {
  if (!isa<IntegerType, FloatType>(element))
    return false;
  unsigned bits = element.getIntOrFloatBitWidth();
  return bits == 8 || bits == 16 || bits == 32;
}

std::optional<ConstantTensor> ConstantTensor::get(Attribute value) {
  auto elements = dyn_cast_or_null<ElementsAttr>(value);
  auto type =
      elements ? dyn_cast<RankedTensorType>(elements.getType()) : nullptr;
  if (!type || !hasPlainElements(type.getElementType()))
    return std::nullopt;
  ConstantTensor tensor(type);
  int64_t size = type.getNumElements() * tensor.getElementBytes();
  if (auto dense = dyn_cast<DenseElementsAttr>(value)) {
    tensor.viewed = dense.getRawData();
    return tensor;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  AsmResourceBlob *blob =
      resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob || static_cast<int64_t>(blob->getData().size()) != size)
    return std::nullopt;
  tensor.viewed = blob->getData();
  tensor.resource = true;
  return tensor;
}

ArrayRef<char> ConstantTensor::getBytes() {
  size_t size = getNumElements() * getElementBytes();
  if (viewed.size() == size)
    return viewed;
  if (owned.size() == size)
    return owned;
  owned.resize(size);
  for (size_t i = 0; i < size; i += viewed.size())
    std::memcpy(owned.data() + i, viewed.data(), viewed.size());
  return owned;
}

::fp4q::ConstFloats ConstantTensor::getFloats() {
  return {getBytes().data(), getFloatType(type.getElementType())};
}

ElementsAttr ConstantTensor::toAttr(StringRef name) {
  if (!resource)
    return DenseElementsAttr::getFromRawBuffer(type, getBytes());
  return DenseResourceElementsAttr::get(
      type, name,
      HeapAsmResourceBlob::allocateAndCopyWithAlign(getBytes(), kBlobAlignment,
                                                    /*dataIsMutable=*/false));
}
