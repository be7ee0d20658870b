//===- ConstantTensor.cpp - the bytes of constant tensors -----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/Transforms/ConstantTensor.h"

#include "fp4q/Dialect/FP4Q/Transforms/LookThrough.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

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
  tensor.name = resource.getRawHandle().getKey().str();
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

ElementsAttr ConstantTensor::toAttr(StringRef suffix) {
  if (!resource)
    return DenseElementsAttr::getFromRawBuffer(type, getBytes());
  return DenseResourceElementsAttr::get(
      type, name + suffix.str(),
      HeapAsmResourceBlob::allocateAndCopyWithAlign(getBytes(), kBlobAlignment,
                                                    /*dataIsMutable=*/false));
}

//===----------------------------------------------------------------------===//
// Operations between a constant and its use
//===----------------------------------------------------------------------===//

static ConstantTensor convertFloats(ConstantTensor source, Type element) {
  auto type = source.getType().clone(element);
  std::vector<char> bytes(type.getNumElements() *
                          ::fp4q::sizeOf(getFloatType(element)));
  ::fp4q::ConstFloats from = source.getFloats();
  ::fp4q::Floats to{bytes.data(), getFloatType(element)};
  for (int64_t i = 0, e = type.getNumElements(); i < e; ++i)
    to.store(i, from.load(i));
  ConstantTensor result(type, std::move(bytes), source.isResource());
  result.setName(source.getName());
  return result;
}

/// Copies a (rows, columns) matrix of elements of `Bytes` bytes, `from` with
/// its columns `stride` elements apart and `to` with its rows, a block that
/// fits the cache at a time.
template <int64_t Bytes>
static void transposeMatrix(const char *from, char *to, int64_t rows,
                            int64_t columns, int64_t fromStride,
                            int64_t toStride) {
  constexpr int64_t block = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += block)
    for (int64_t c0 = 0; c0 < columns; c0 += block)
      for (int64_t r = r0; r < std::min(rows, r0 + block); ++r)
        for (int64_t c = c0; c < std::min(columns, c0 + block); ++c)
          std::memcpy(to + (r * toStride + c) * Bytes,
                      from + (c * fromStride + r) * Bytes, Bytes);
}

/// Dimension d of the result is dimension permutation[d] of the source.
static ConstantTensor transpose(ConstantTensor source,
                                ArrayRef<int64_t> permutation) {
  ArrayRef<int64_t> shape = source.getType().getShape();
  int64_t rank = shape.size(), elementBytes = source.getElementBytes();
  SmallVector<int64_t> sizes = applyPermutation(shape, permutation);
  SmallVector<int64_t> strides =
      applyPermutation(computeStrides(shape), permutation);
  SmallVector<int64_t> toStrides = computeStrides(sizes);
  auto type = source.getType().clone(sizes);
  std::vector<char> bytes(type.getNumElements() * elementBytes);
  const char *from = source.getBytes().data();
  // The matrix of the source's last dimension and the result's last one is
  // copied at a time; if they are the same, a row is.
  int64_t last = rank - 1;
  int64_t inner = llvm::find(permutation, last) - permutation.begin();
  SmallVector<int64_t> outer;
  for (int64_t d = 0; d < last; ++d)
    if (d != inner)
      outer.push_back(d);
  int64_t numOuter = 1;
  for (int64_t d : outer)
    numOuter *= sizes[d];
  for (int64_t i = 0; i < numOuter; ++i) {
    int64_t fromOffset = 0, toOffset = 0, rest = i;
    for (int64_t d : llvm::reverse(outer)) {
      fromOffset += rest % sizes[d] * strides[d];
      toOffset += rest % sizes[d] * toStrides[d];
      rest /= sizes[d];
    }
    const char *source = from + fromOffset * elementBytes;
    char *target = bytes.data() + toOffset * elementBytes;
    if (inner == last)
      std::memcpy(target, source, sizes[last] * elementBytes);
    else if (elementBytes == 1)
      transposeMatrix<1>(source, target, sizes[inner], sizes[last],
                         strides[last], toStrides[inner]);
    else if (elementBytes == 2)
      transposeMatrix<2>(source, target, sizes[inner], sizes[last],
                         strides[last], toStrides[inner]);
    else
      transposeMatrix<4>(source, target, sizes[inner], sizes[last],
                         strides[last], toStrides[inner]);
  }
  ConstantTensor result(type, std::move(bytes), source.isResource());
  result.setName(source.getName());
  return result;
}

/// The attribute of the constant that `value` is computed from, or null, and
/// the operations on the way, the last one first.
static Attribute findConstant(Value value, SmallVectorImpl<Operation *> &path) {
  Attribute attribute;
  while (!matchPattern(value, m_Constant(&attribute))) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    Operation *op = value.getDefiningOp();
    if (!op || !type || !type.hasStaticShape() ||
        (!matchFloatCast(value) &&
         !isa<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
              linalg::TransposeOp>(op)))
      return nullptr;
    path.push_back(op);
    value = op->getOperand(0);
  }
  return attribute;
}

bool mlir::fp4q::isEvaluable(Value value) {
  SmallVector<Operation *> path;
  return findConstant(value, path) != nullptr;
}

std::optional<ConstantTensor> mlir::fp4q::evaluateConstant(Value value) {
  SmallVector<Operation *> path;
  std::optional<ConstantTensor> tensor =
      ConstantTensor::get(findConstant(value, path));
  if (!tensor)
    return std::nullopt;
  for (Operation *op : llvm::reverse(path)) {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    if (auto transposeOp = dyn_cast<linalg::TransposeOp>(op))
      tensor = transpose(*std::move(tensor), transposeOp.getPermutation());
    else if (matchFloatCast(op->getResult(0)))
      tensor = convertFloats(*std::move(tensor), type.getElementType());
    else
      tensor->reshape(type);
  }
  return tensor;
}
