//===- Buffers.h - views of float data and formats --------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The small structs with which raw memory is handed to the Numerics library.
// None of them owns memory. Data need not be aligned.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_BUFFERS_H
#define FP4Q_NUMERICS_BUFFERS_H

#include "fp4q/Numerics/E4M3.h"
#include "fp4q/Numerics/E8M0.h"
#include "fp4q/Numerics/Recipe.h"
#include "fp4q/Numerics/SmallFloats.h"

namespace fp4q {

/// Bytes of one value of `type`.
constexpr int64_t sizeOf(FloatType type) {
  return type == FloatType::F32 ? 4 : 2;
}

/// A contiguous array of floats to read: bf16 and f16 as their 16-bit patterns,
/// in the byte order of the host. `data` may be null if nothing is read.
struct ConstFloats {
  const void *data = nullptr;
  FloatType type = FloatType::F32;

  /// Element `index`, widened exactly.
  float load(int64_t index) const {
    const char *address =
        static_cast<const char *>(data) + index * sizeOf(type);
    if (type == FloatType::F32) {
      float value;
      std::memcpy(&value, address, sizeof(value));
      return value;
    }
    uint16_t bits;
    std::memcpy(&bits, address, sizeof(bits));
    return type == FloatType::BF16 ? decodeBF16(bits) : decodeF16(bits);
  }
};

/// A contiguous array of floats to write, encoded like ConstFloats.
struct Floats {
  void *data = nullptr;
  FloatType type = FloatType::F32;

  /// Sets element `index` to `value` rounded once to the type, nearest even.
  void store(int64_t index, float value) const {
    char *address = static_cast<char *>(data) + index * sizeOf(type);
    if (type == FloatType::F32) {
      std::memcpy(address, &value, sizeof(value));
      return;
    }
    uint16_t bits =
        type == FloatType::BF16 ? encodeBF16(value) : encodeF16(value);
    std::memcpy(address, &bits, sizeof(bits));
  }
};

/// `value` rounded to `type`, nearest even, as f32.
inline float roundToType(float value, FloatType type) {
  switch (type) {
  case FloatType::BF16:
    return decodeBF16(encodeBF16(value));
  case FloatType::F16:
    return decodeF16(encodeF16(value));
  case FloatType::F32:
    break;
  }
  return value;
}

/// How elements share scales: each run of `groupSize` elements along K has one
/// scale byte of `scaleType`. groupSize is even and divides K.
struct GroupFormat {
  int64_t groupSize = 32;
  ScaleType scaleType = ScaleType::E8M0;
};

/// Whether runs of `size` elements can cut a row of `k` into whole packed
/// bytes: groups of a format and blocks of a transform. Numerics takes any such
/// size; the dialect allows the powers of two from 2 to 128.
constexpr bool isLegalGroup(int64_t size, int64_t k) {
  return size > 0 && size % 2 == 0 && k % size == 0;
}

/// The two formats that hardware knows.
constexpr GroupFormat mxfp4 = {32, ScaleType::E8M0};
constexpr GroupFormat nvfp4 = {16, ScaleType::E4M3};

/// The value of a scale byte, exact.
inline float decodeScale(uint8_t byte, ScaleType type) {
  return type == ScaleType::E8M0 ? decodeE8M0(byte) : decodeE4M3(byte);
}

} // namespace fp4q

#endif // FP4Q_NUMERICS_BUFFERS_H
