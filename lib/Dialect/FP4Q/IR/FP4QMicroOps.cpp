//===- FP4QMicroOps.cpp - in-register operations of fp4q ------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Verifiers and folders; folding calls Numerics.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h"

#include "fp4q/Numerics/E2M1.h"
#include "fp4q/Numerics/E4M3.h"
#include "fp4q/Numerics/E8M0.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace mlir::fp4q;

#define GET_OP_CLASSES
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.cpp.inc"

/// The number of elements of a vector of rank 1.
static int64_t sizeOf(Value vector) {
  return cast<VectorType>(vector.getType()).getNumElements();
}

/// The elements of a constant vector of 8-bit elements, as bytes. Null if the
/// constant is not given element by element.
static FailureOr<SmallVector<uint8_t>> bytesOf(Attribute constant) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(constant);
  if (!dense)
    return failure();
  SmallVector<uint8_t> bytes;
  for (int64_t i = 0, e = dense.getNumElements(); i < e; ++i)
    bytes.push_back(
        static_cast<uint8_t>(dense.getRawData()[dense.isSplat() ? 0 : i]));
  return bytes;
}

//===----------------------------------------------------------------------===//
// decode
//===----------------------------------------------------------------------===//

LogicalResult DecodeOp::verify() {
  int64_t codes = sizeOf(getCodes());
  if (sizeOf(getResult()) != 2 * codes) // C1
    return emitOpError() << "expects the result to have " << 2 * codes
                         << " elements, two for each byte of codes, but got "
                         << sizeOf(getResult());
  bool isInteger = getResult().getType().getElementType().isInteger();
  if (isInteger && getScales()) // C2
    return emitOpError("expects no scales for a result of i8");
  if (getBias() != 0 && !(isInteger && getBias() == kDecodeBias)) // C3
    return emitOpError() << "expects bias to be 0"
                         << (isInteger ? " or 12" : " for a result of floats")
                         << ", but got " << getBias();
  if (getScales() && codes % sizeOf(getScales()) != 0) // C4
    return emitOpError() << "expects the number of scales to divide the "
                         << codes << " bytes of codes, but got "
                         << sizeOf(getScales());
  return success();
}

OpFoldResult DecodeOp::fold(FoldAdaptor adaptor) {
  FailureOr<SmallVector<uint8_t>> codes = bytesOf(adaptor.getCodes());
  if (failed(codes))
    return {};
  int64_t size = 2 * codes->size();
  SmallVector<float> scales(1, 1.0f);
  if (Value scaleVector = getScales()) {
    FailureOr<SmallVector<uint8_t>> bytes = bytesOf(adaptor.getScales());
    if (failed(bytes))
      return {};
    bool isE8M0 = isa<Float8E8M0FNUType>(
        cast<VectorType>(scaleVector.getType()).getElementType());
    scales = llvm::map_to_vector(*bytes, [&](uint8_t byte) {
      return isE8M0 ? ::fp4q::decodeE8M0(byte) : ::fp4q::decodeE4M3(byte);
    });
  }
  VectorType type = getResult().getType();
  int64_t group = size / scales.size();
  SmallVector<Attribute> elements(size);
  for (int64_t e = 0; e < size; ++e) {
    float value = ::fp4q::decodeE2M1(::fp4q::unpackE2M1(codes->data(), e));
    Attribute &element = elements[positionOfElement(e, size, getOrder())];
    if (type.getElementType().isInteger()) {
      element = IntegerAttr::get(type.getElementType(),
                                 static_cast<int64_t>(2 * value) + getBias());
      continue;
    }
    APFloat product(value * scales[e / group]);
    bool losesInfo;
    product.convert(cast<FloatType>(type.getElementType()).getFloatSemantics(),
                    APFloat::rmNearestTiesToEven, &losesInfo);
    element = FloatAttr::get(type.getElementType(), product);
  }
  return DenseElementsAttr::get(type, elements);
}

//===----------------------------------------------------------------------===//
// encode
//===----------------------------------------------------------------------===//

LogicalResult EncodeOp::verify() {
  int64_t bytes = sizeOf(getResult());
  if (sizeOf(getValues()) != 2 * bytes) // C1
    return emitOpError() << "expects values to have " << 2 * bytes
                         << " elements, two for each byte of the result, but "
                            "got "
                         << sizeOf(getValues());
  return success();
}

OpFoldResult EncodeOp::fold(FoldAdaptor adaptor) {
  auto values = dyn_cast_or_null<DenseElementsAttr>(adaptor.getValues());
  if (!values)
    return {};
  auto rule = getSignOfZero() == SignOfZero::SignBit
                  ? ::fp4q::ZeroSign::SignBit
                  : ::fp4q::ZeroSign::OnlyNegative;
  int64_t size = values.getNumElements();
  auto elements = llvm::to_vector(values.getValues<float>());
  auto codeOf = [&](int64_t e) {
    return ::fp4q::encodeE2M1(elements[positionOfElement(e, size, getOrder())],
                              rule);
  };
  SmallVector<int8_t> bytes;
  for (int64_t e = 0; e < size; e += 2)
    bytes.push_back(
        static_cast<int8_t>(::fp4q::packE2M1(codeOf(e), codeOf(e + 1))));
  return DenseElementsAttr::get(getResult().getType(), ArrayRef(bytes));
}

//===----------------------------------------------------------------------===//
// group_dot
//===----------------------------------------------------------------------===//

LogicalResult GroupDotOp::verify() {
  int64_t lanes = sizeOf(getAcc());
  if (sizeOf(getU()) != 4 * lanes) // C1
    return emitOpError() << "expects u and s to have " << 4 * lanes
                         << " elements, four for each of acc, but got "
                         << sizeOf(getU());
  return success();
}

OpFoldResult GroupDotOp::fold(FoldAdaptor adaptor) {
  FailureOr<SmallVector<uint8_t>> u = bytesOf(adaptor.getU());
  FailureOr<SmallVector<uint8_t>> s = bytesOf(adaptor.getS());
  auto acc = dyn_cast_or_null<DenseElementsAttr>(adaptor.getAcc());
  if (failed(u) || failed(s) || !acc)
    return {};
  SmallVector<uint32_t> sums = llvm::to_vector(acc.getValues<uint32_t>());
  for (auto [i, pair] : llvm::enumerate(llvm::zip_equal(*u, *s))) {
    auto [left, right] = pair;
    sums[i / 4] +=
        static_cast<uint32_t>(int32_t(left) * static_cast<int8_t>(right));
  }
  return DenseElementsAttr::get(getResult().getType(), ArrayRef(sums));
}

//===----------------------------------------------------------------------===//
// mma_block_scaled
//===----------------------------------------------------------------------===//

LogicalResult MmaBlockScaledOp::verify() {
  bool isMXFP4 = getFormat() == ScaledFormat::MXFP4;
  auto checkByte = [&](int64_t byte, StringRef name) -> LogicalResult {
    if (byte == 0 || (isMXFP4 && byte == 2))
      return success();
    return emitOpError() << "expects " << name << " to be "
                         << (isMXFP4 ? "0 or 2" : "0") << " for "
                         << stringifyScaledFormat(getFormat()) << ", but got "
                         << byte;
  };
  if (failed(checkByte(getAByte(), "a_byte")) || // C1
      failed(checkByte(getBByte(), "b_byte")))
    return failure();
  auto checkThread = [&](int64_t thread, int64_t last,
                         StringRef name) -> LogicalResult {
    if (thread >= 0 && thread <= last)
      return success();
    return emitOpError() << "expects " << name << " to be 0 to " << last
                         << ", but got " << thread;
  };
  if (failed(checkThread(getAThread(), 1, "a_thread"))) // C2
    return failure();
  return checkThread(getBThread(), 3, "b_thread"); // C3
}
