//===- ArtifactStridesTest.cpp - tensors that are not contiguous ----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArtifactFixture.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

namespace {

class ArtifactStrides : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(load(FP4Q_TEST_ARTIFACT, &artifact), "");
    quantize = find(artifact, "quantize");
    copy = find(artifact, "copy");
    copyFloats = find(artifact, "copy_floats");
  }

  fp4q::ArtifactPtr artifact;
  const fp4q_function_desc *quantize = nullptr, *copy = nullptr,
                           *copyFloats = nullptr;
};

/// A tensor somewhere in a buffer of bytes that are all 0xA5 at first.
struct View {
  View(uint8_t code, uint8_t bits, std::vector<int64_t> sizes,
       std::vector<int64_t> steps, int64_t firstByte, size_t bytes)
      : shape(std::move(sizes)), strides(std::move(steps)),
        memory(bytes, 0xA5) {
    dl.data = memory.data();
    dl.device = {};
    dl.device.device_type = decltype(dl.device.device_type)(FP4Q_DL_CPU);
    dl.ndim = int32_t(shape.size());
    dl.dtype = {code, bits, 1};
    dl.shape = shape.data();
    dl.strides = strides.data();
    dl.byte_offset = uint64_t(firstByte);
  }
  View(const View &) = delete;

  /// The byte at which the element of row-major number `number` begins.
  size_t offset(int64_t number) const {
    int64_t at = int64_t(dl.byte_offset);
    for (size_t i = shape.size(); i-- > 0; number /= shape[i])
      at += number % shape[i] * strides[i] * (dl.dtype.bits / 8);
    return size_t(at);
  }
  int64_t count() const {
    return std::accumulate(shape.begin(), shape.end(), int64_t(1),
                           std::multiplies<>());
  }

  std::vector<int64_t> shape, strides;
  std::vector<uint8_t> memory;
  DLTensor dl;
};

} // namespace

/// Strides of a random permutation of the dimensions, with gaps between them
/// and some of them negative; sets the first byte and the size of the memory.
static std::vector<int64_t> randomStrides(const std::vector<int64_t> &shape,
                                          int64_t elementBytes,
                                          std::mt19937 &random,
                                          int64_t &firstByte, size_t &bytes) {
  std::vector<size_t> order(shape.size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1 + random() % 2, first = 0, last = 0;
  for (size_t dim : order) {
    bool isNegative = random() % 3 == 0;
    strides[dim] = isNegative ? -stride : stride;
    if (shape[dim] > 0)
      (isNegative ? first : last) += (shape[dim] - 1) * stride;
    stride *= std::max<int64_t>(shape[dim], 1);
    stride += random() % 3 * (random() % 2);
  }
  // Any byte, aligned or not.
  int64_t shift = random() % 2 ? random() % 8 : 0;
  firstByte = first * elementBytes + shift;
  bytes = size_t((first + last + 1) * elementBytes + shift + 8);
  return strides;
}

/// Copies a random tensor through the artifact, both sides strided.
static void checkCopy(const fp4q_function_desc *function, uint8_t bits,
                      size_t rank, std::mt19937 &random) {
  std::vector<int64_t> shape(rank);
  for (int64_t &size : shape)
    size = random() % 8 == 0 ? random() % 2 : 1 + random() % 9;
  int64_t first = 0, elementBytes = bits / 8;
  size_t bytes = 0;
  auto strides = randomStrides(shape, elementBytes, random, first, bytes);
  View from(FP4Q_DL_FLOAT, bits, shape, strides, first, bytes);
  for (uint8_t &byte : from.memory)
    byte = uint8_t(random());
  strides = randomStrides(shape, elementBytes, random, first, bytes);
  View to(FP4Q_DL_FLOAT, bits, shape, strides, first, bytes);
  std::vector<uint8_t> before = from.memory, expected = to.memory;
  for (int64_t i = 0; i < from.count(); ++i)
    std::memcpy(&expected[to.offset(i)], &before[from.offset(i)],
                size_t(elementBytes));
  ASSERT_EQ(call(function, {&from.dl, &to.dl}), "");
  // Nothing else has been written, gaps included.
  ASSERT_EQ(from.memory, before);
  ASSERT_EQ(to.memory, expected);
}

TEST_F(ArtifactStrides, AnyStrides) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000 && !HasFatalFailure(); ++round) {
    checkCopy(copy, 64, 3, random);
    checkCopy(copyFloats, 32, 2, random);
  }
}

/// More than one task of the copying loop.
TEST_F(ArtifactStrides, LargeTranspose) {
  View from(FP4Q_DL_FLOAT, 32, {1000, 700}, {1, 1000}, 0, 2800000);
  Tensor to(FP4Q_DL_FLOAT, 32, {1000, 700});
  for (int64_t i = 0; i < 700000; ++i)
    std::memcpy(&from.memory[size_t(i) * 4], &i, 4);
  ASSERT_EQ(call(copyFloats, {&from.dl, &to.dl}), "");
  for (int32_t row = 0; row < 1000; ++row)
    for (int32_t column = 0; column < 700; ++column)
      ASSERT_EQ(to.as<int32_t>()[row * 700 + column], column * 1000 + row);
}

/// A row that is repeated, as a framework's expand makes it.
TEST_F(ArtifactStrides, BroadcastArgument) {
  View from(FP4Q_DL_FLOAT, 32, {3, 2}, {0, 1}, 0, 8);
  std::iota(from.memory.begin(), from.memory.end(), 0);
  Tensor to(FP4Q_DL_FLOAT, 32, {3, 2});
  ASSERT_EQ(call(copyFloats, {&from.dl, &to.dl}), "");
  for (int row = 0; row < 3; ++row)
    EXPECT_EQ(std::memcmp(to.as<uint8_t>() + 8 * row, from.memory.data(), 8),
              0);
}

/// bf16 at odd addresses, and codes and scales as columns of one buffer.
TEST_F(ArtifactStrides, Quantize) {
  QuantizeTensors plain(5);
  std::mt19937 random(2);
  for (int i = 0; i < 5 * 64; ++i)
    plain.x.as<uint16_t>()[i] = uint16_t(0x3F00 + random() % 512);
  ASSERT_EQ(call(quantize, plain.all()), "");

  View x(FP4Q_DL_BFLOAT, 16, {5, 64}, {65, 1}, 1, 5 * 130 + 2);
  for (int64_t i = 0; i < 5 * 64; ++i)
    std::memcpy(&x.memory[x.offset(i)], plain.x.as<uint16_t>() + i, 2);
  View codes(FP4Q_DL_INT, 8, {5, 32}, {40, 1}, 0, 200);
  View scales(FP4Q_DL_UINT, 8, {5, 2}, {40, 1}, 33, 0);
  scales.dl.data = codes.memory.data();
  ASSERT_EQ(call(quantize, {&x.dl, &codes.dl, &scales.dl}), "");
  for (int64_t i = 0; i < 5 * 32; ++i)
    EXPECT_EQ(codes.memory[codes.offset(i)], plain.codes.as<uint8_t>()[i]);
  for (int64_t i = 0; i < 5 * 2; ++i)
    EXPECT_EQ(codes.memory[scales.offset(i)], plain.scales.as<uint8_t>()[i]);
  for (int row = 0; row < 5; ++row) {
    EXPECT_EQ(codes.memory[size_t(row) * 40 + 32], 0xA5);
    EXPECT_EQ(codes.memory[size_t(row) * 40 + 35], 0xA5);
  }
}

static const char kResult[] = "result #0 of 'copy_floats' (tensor<?x?xf32>) ";

TEST_F(ArtifactStrides, ResultThatOverlapsItself) {
  Tensor from(FP4Q_DL_FLOAT, 32, {3, 4});
  for (std::vector<int64_t> strides :
       {std::vector<int64_t>{0, 1}, {1, 1}, {3, 1}, {-3, 1}, {1, 0}, {2, -2}}) {
    View to(FP4Q_DL_FLOAT, 32, {3, 4}, strides, 64, 256);
    EXPECT_EQ(call(copyFloats, {&from.dl, &to.dl}),
              std::string(kResult) + "has strides (" +
                  std::to_string(strides[0]) + ", " +
                  std::to_string(strides[1]) +
                  ") for shape (3, 4), so that its elements may share memory");
    EXPECT_EQ(to.memory, std::vector<uint8_t>(256, 0xA5));
  }
}

TEST_F(ArtifactStrides, Overlap) {
  View from(FP4Q_DL_FLOAT, 32, {3, 4}, {10, 1}, 0, 256);
  View to(FP4Q_DL_FLOAT, 32, {3, 4}, {10, 1}, 0, 0);
  to.dl.data = from.memory.data();
  // Columns 0 to 3 and columns from `column` on, of rows of 10 floats.
  for (uint64_t column = 0; column <= 6; ++column) {
    to.dl.byte_offset = 4 * column;
    EXPECT_EQ(call(copyFloats, {&from.dl, &to.dl}),
              column < 4 ? std::string(kResult) + "overlaps argument #0" : "")
        << column;
  }
  // One byte more or less.
  to.dl.byte_offset = 15;
  EXPECT_NE(call(copyFloats, {&from.dl, &to.dl}), "");
  to.dl.byte_offset = 17;
  EXPECT_EQ(call(copyFloats, {&from.dl, &to.dl}), "");
  to.dl.byte_offset = 25;
  EXPECT_NE(call(copyFloats, {&from.dl, &to.dl}), "");
}

/// Strides do not matter where there are no elements.
TEST_F(ArtifactStrides, NoElements) {
  View from(FP4Q_DL_FLOAT, 32, {0, 4}, {INT64_MAX, INT64_MIN}, 0, 0);
  View to(FP4Q_DL_FLOAT, 32, {0, 4}, {0, 0}, 0, 0);
  from.dl.data = to.dl.data = nullptr;
  EXPECT_EQ(call(copyFloats, {&from.dl, &to.dl}), "");
  // Beside a size of 0, the product of the others may not exist.
  from.shape = to.shape = {0, INT64_MAX};
  from.dl.shape = from.shape.data();
  to.dl.shape = to.shape.data();
  EXPECT_EQ(call(copyFloats, {&from.dl, &to.dl}), "");
}

/// Asking for shapes copies nothing: strided arguments need no data.
TEST_F(ArtifactStrides, ResultShapes) {
  View from(FP4Q_DL_FLOAT, 32, {7, 4}, {1, 7}, 1, 256);
  const DLTensor *args[] = {&from.dl};
  int64_t sizes[2] = {};
  const char *error = nullptr;
  ASSERT_EQ(fp4q_function_result_shapes(copyFloats, args, 1, sizes, 2, &error),
            0)
      << error;
  EXPECT_EQ(sizes[0], 7);
  EXPECT_EQ(sizes[1], 4);
}

/// The memory of another device cannot be copied by the CPU, so that its
/// tensors must be as compiled code takes them.
TEST_F(ArtifactStrides, OtherDevice) {
  fp4q_function_desc other = *copyFloats;
  other.device_type = FP4Q_DL_CUDA;
  const char kArgument[] = "argument #0 of 'copy_floats' (tensor<?x?xf32>) ";
  View from(FP4Q_DL_FLOAT, 32, {3, 4}, {1, 3}, 0, 64);
  Tensor to(FP4Q_DL_FLOAT, 32, {3, 4});
  EXPECT_EQ(call(&other, {&from.dl, &to.dl}),
            std::string(kArgument) +
                "is on DLPack device type 1, but must be on 2");
  from.dl.device.device_type =
      decltype(from.dl.device.device_type)(FP4Q_DL_CUDA);
  EXPECT_EQ(call(&other, {&from.dl, &to.dl}),
            std::string(kArgument) + "has strides (1, 3) for shape (3, 4), but "
                                     "must be row-major and contiguous");
  from.dl.strides = nullptr;
  from.dl.byte_offset = 1;
  EXPECT_EQ(call(&other, {&from.dl, &to.dl}),
            std::string(kArgument) +
                "is misaligned: its address is no multiple of 16");
}
