//===- ArtifactCallTest.cpp - calling functions of artifacts --------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArtifactFixture.h"

#include "fp4q/Runtime/ParallelFor.h"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <thread>

namespace {

class ArtifactCall : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(load(FP4Q_TEST_ARTIFACT, &artifact), "");
    quantize = find(artifact, "quantize");
    dequant = find(artifact, "dequant");
    square = find(artifact, "square");
  }

  /// What a call of @quantize with spoiled tensors says.
  template <typename Spoil>
  std::string quantizeError(Spoil spoil) {
    QuantizeTensors tensors(3);
    spoil(tensors);
    return call(quantize, tensors.all());
  }

  fp4q::ArtifactPtr artifact;
  const fp4q_function_desc *quantize = nullptr, *dequant = nullptr,
                           *square = nullptr;
};

} // namespace

/// bf16 values that come back: 4 in every group, so that the scale is 4 and the
/// codes are those of 0, 0.5 and 1.
static void fillExact(uint16_t *x, size_t count) {
  const uint16_t values[] = {0x4080, 0xC000, 0x0000, 0x4000,
                             0xC080, 0x4080, 0x4000, 0xC000};
  for (size_t i = 0; i < count; ++i)
    x[i] = values[i % 8];
}

/// Whether quantizing and dequantizing gives these values back.
static bool roundTrips(const fp4q_function_desc *quantize,
                       const fp4q_function_desc *dequant, int64_t rows) {
  QuantizeTensors tensors(rows);
  Tensor gs(FP4Q_DL_FLOAT, 32, {}), v(FP4Q_DL_BFLOAT, 16, {rows, 64});
  *gs.as<float>() = 1.0f;
  size_t count = size_t(rows) * 64;
  fillExact(tensors.x.as<uint16_t>(), count);
  return call(quantize, tensors.all()).empty() &&
         call(dequant, {&tensors.codes.dl, &tensors.scales.dl, &gs.dl, &v.dl})
             .empty() &&
         std::equal(v.as<uint16_t>(), v.as<uint16_t>() + count,
                    tensors.x.as<uint16_t>());
}

TEST_F(ArtifactCall, RoundTrip) {
  EXPECT_TRUE(roundTrips(quantize, dequant, 1));
  EXPECT_TRUE(roundTrips(quantize, dequant, 37));
}

TEST_F(ArtifactCall, Codes) {
  QuantizeTensors tensors(1);
  fillExact(tensors.x.as<uint16_t>(), 64);
  ASSERT_EQ(call(quantize, tensors.all()), "");
  // 1, -0.5 | 0, 0.5 | -1, 1 | 0.5, -0.5, low nibble first.
  const uint8_t expected[] = {0x92, 0x10, 0x2A, 0x91};
  for (size_t i = 0; i < 32; ++i)
    EXPECT_EQ(tensors.codes.as<uint8_t>()[i], expected[i % 4]) << i;
  EXPECT_EQ(tensors.scales.as<uint8_t>()[0], 129);
  EXPECT_EQ(tensors.scales.as<uint8_t>()[1], 129);
}

TEST_F(ArtifactCall, ManyThreads) {
  std::vector<std::thread> threads;
  std::vector<char> ok(8, 1);
  for (size_t i = 0; i < ok.size(); ++i)
    threads.emplace_back([&, i] {
      for (int64_t round = 0; round < 20; ++round)
        ok[i] &= roundTrips(quantize, dequant, int64_t(i) * 3 + round);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(ok, std::vector<char>(8, 1));
}

TEST_F(ArtifactCall, HostParallelFor) {
  int calls = 0;
  fp4q_set_parallel_for(
      [](void *user, int64_t begin, int64_t end, int64_t,
         fp4q_parallel_body body, void *ctx) {
        ++*static_cast<int *>(user);
        body(ctx, begin, end);
      },
      &calls);
  EXPECT_TRUE(roundTrips(quantize, dequant, 5000));
  fp4q_set_parallel_for(nullptr, nullptr);
  EXPECT_GT(calls, 0);
}

TEST_F(ArtifactCall, UnsignedTypesAndStridesAndOffset) {
  QuantizeTensors tensors(2);
  tensors.x.dl.dtype.code = FP4Q_DL_UINT;
  tensors.codes.dl.dtype.code = FP4Q_DL_UINT;
  tensors.scales.dl.dtype.code = FP4Q_DL_UINT;
  int64_t strides[] = {64, 1};
  tensors.x.dl.strides = strides;
  EXPECT_EQ(call(quantize, tensors.all()), "");
  // One row, so its stride does not matter; the second row by an offset.
  tensors.x.shape[0] = tensors.codes.shape[0] = tensors.scales.shape[0] = 1;
  strides[0] = 7;
  tensors.x.dl.byte_offset = 128;
  fillExact(tensors.x.as<uint16_t>() + 64, 64);
  EXPECT_EQ(call(quantize, tensors.all()), "");
  EXPECT_EQ(tensors.codes.as<uint8_t>()[0], 0x92);
}

TEST_F(ArtifactCall, NoRows) {
  QuantizeTensors tensors(0);
  tensors.x.dl.data = tensors.codes.dl.data = tensors.scales.dl.data = nullptr;
  EXPECT_EQ(call(quantize, tensors.all()), "");
}

TEST_F(ArtifactCall, PinnedMemory) {
  EXPECT_EQ(quantizeError([](QuantizeTensors &t) {
              t.x.dl.device.device_type =
                  decltype(DLDevice::device_type)(FP4Q_DL_CUDA_HOST);
            }),
            "");
}

TEST_F(ArtifactCall, RankZero) {
  Tensor x(FP4Q_DL_FLOAT, 32, {}), y(FP4Q_DL_FLOAT, 32, {});
  *x.as<float>() = 3.0f;
  ASSERT_EQ(call(square, {&x.dl, &y.dl}), "");
  EXPECT_EQ(*y.as<float>(), 9.0f);
}

TEST_F(ArtifactCall, ResultShapes) {
  QuantizeTensors tensors(5);
  const DLTensor *args[] = {&tensors.x.dl};
  int64_t sizes[4] = {};
  const char *error = nullptr;
  ASSERT_EQ(fp4q_function_result_shapes(quantize, args, 1, sizes, 4, &error),
            0);
  EXPECT_EQ(std::vector<int64_t>(sizes, sizes + 4),
            (std::vector<int64_t>{5, 32, 5, 2}));
  ASSERT_EQ(fp4q_function_result_shapes(quantize, args, 1, sizes, 3, &error),
            1);
  EXPECT_STREQ(error, "the results of 'quantize' have 4 sizes, but there is "
                      "room for 3");
  ASSERT_EQ(fp4q_function_result_shapes(nullptr, args, 1, sizes, 4, &error), 1);
  EXPECT_STREQ(error, "the function is a null pointer");
}

/// The exports work for a host that brings its own loader.
TEST_F(ArtifactCall, ExportedSymbols) {
  void *library = dlopen(FP4Q_TEST_ARTIFACT, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  using Entry =
      int32_t (*)(const DLTensor *const *, int32_t, void *, const char **);
  auto entry = reinterpret_cast<Entry>(dlsym(library, "fp4q_square"));
  ASSERT_NE(entry, nullptr);
  Tensor x(FP4Q_DL_FLOAT, 32, {}), y(FP4Q_DL_FLOAT, 32, {});
  *x.as<float>() = -2.0f;
  const DLTensor *args[] = {&x.dl, &y.dl};
  EXPECT_EQ(entry(args, 2, nullptr, nullptr), 0);
  EXPECT_EQ(*y.as<float>(), 4.0f);
  EXPECT_EQ(entry(args, 1, nullptr, nullptr), 1);
  auto manifest = static_cast<const char *>(dlsym(library, "fp4q_manifest"));
  ASSERT_NE(manifest, nullptr);
  EXPECT_STREQ(manifest, fp4q_artifact_manifest(artifact.get()));
  dlclose(library);
}

TEST_F(ArtifactCall, WrongNumberOfTensors) {
  QuantizeTensors tensors(3);
  EXPECT_EQ(call(quantize, {&tensors.x.dl}),
            "function 'quantize' takes 3 tensors, its arguments and then its "
            "results, but got 1");
  const char *error = nullptr;
  EXPECT_EQ(fp4q_function_call(quantize, nullptr, 3, nullptr, &error), 1);
  EXPECT_STREQ(error, "function 'quantize' got a null pointer for its tensors");
  EXPECT_EQ(call(quantize, {&tensors.x.dl, nullptr, &tensors.scales.dl}),
            "result #0 of 'quantize' (tensor<?x32xi8>) is a null pointer");
  EXPECT_EQ(call(nullptr, {}), "the function is a null pointer");
}

TEST_F(ArtifactCall, OtherFormatVersion) {
  fp4q_function_desc other = *quantize;
  other.format_version = 1;
  EXPECT_EQ(call(&other, QuantizeTensors(1).all()),
            "function 'quantize' has artifact format version 1, but this "
            "runtime calls version 2");
}

static const char kX[] = "argument #0 of 'quantize' (tensor<?x64xbf16>) ";

TEST_F(ArtifactCall, WrongDevice) {
  EXPECT_EQ(quantizeError([](QuantizeTensors &t) {
              t.x.dl.device.device_type =
                  decltype(DLDevice::device_type)(FP4Q_DL_CUDA);
            }),
            std::string(kX) +
                "is on DLPack device type 2, but must be in CPU memory (1 or "
                "3)");
}

TEST_F(ArtifactCall, WrongType) {
  struct Case {
    DLDataType type;
    const char *name;
  };
  for (const Case &wrong :
       {Case{{FP4Q_DL_FLOAT, 16, 1}, "float16"},
        Case{{FP4Q_DL_BFLOAT, 32, 1}, "bfloat32"},
        Case{{FP4Q_DL_INT, 16, 1}, "int16"},
        Case{{FP4Q_DL_UINT, 8, 1}, "uint8"},
        Case{{FP4Q_DL_FLOAT8_E4M3FN, 8, 1}, "float8_e4m3fn"},
        Case{{FP4Q_DL_BFLOAT, 16, 2}, "bfloat16 x 2 lanes"},
        Case{{17, 4, 1}, "DLPack type 17 of 4 bits"}})
    EXPECT_EQ(
        quantizeError([&](QuantizeTensors &t) { t.x.dl.dtype = wrong.type; }),
        std::string(kX) + "is " + wrong.name +
            ", but takes bfloat16 or uint16");
  Tensor x(FP4Q_DL_UINT, 32, {}), y(FP4Q_DL_FLOAT, 32, {});
  EXPECT_EQ(call(square, {&x.dl, &y.dl}),
            "argument #0 of 'square' (tensor<f32>) is uint32, but takes "
            "float32");
}

TEST_F(ArtifactCall, WrongShape) {
  EXPECT_EQ(quantizeError([](QuantizeTensors &t) { t.x.dl.ndim = 1; }),
            std::string(kX) + "has rank 1, but expects 2");
  EXPECT_EQ(quantizeError([](QuantizeTensors &t) { t.x.dl.ndim = -1; }),
            std::string(kX) + "has rank -1, but expects 2");
  EXPECT_EQ(quantizeError([](QuantizeTensors &t) { t.x.dl.shape = nullptr; }),
            std::string(kX) + "has a null pointer for its shape");
  EXPECT_EQ(quantizeError([](QuantizeTensors &t) { t.x.shape[1] = 60; }),
            std::string(kX) + "has shape (3, 60)");
  EXPECT_EQ(quantizeError([](QuantizeTensors &t) { t.x.shape[0] = -3; }),
            std::string(kX) + "has shape (-3, 64)");
  EXPECT_EQ(quantizeError([](QuantizeTensors &t) { t.x.shape[0] = INT64_MAX; }),
            std::string(kX) +
                "has shape (9223372036854775807, 64), which is more "
                "than memory can hold");
}

TEST_F(ArtifactCall, WrongMemory) {
  EXPECT_EQ(quantizeError([](QuantizeTensors &t) { t.x.dl.data = nullptr; }),
            std::string(kX) + "has a null pointer for its data");
  EXPECT_EQ(quantizeError(
                [](QuantizeTensors &t) { t.x.dl.byte_offset = UINT64_MAX; }),
            std::string(kX) +
                "has byte offset 18446744073709551615, which is more "
                "than memory can hold");
  for (int64_t stride : {INT64_MAX, INT64_MIN, INT64_MAX / 4, INT64_MIN / 4})
    EXPECT_EQ(quantizeError([&](QuantizeTensors &t) {
                int64_t strides[] = {stride, 1};
                t.x.dl.strides = strides;
                EXPECT_EQ(call(quantize, t.all()),
                          std::string(kX) + "has strides (" +
                              std::to_string(stride) +
                              ", 1) for shape (3, 64), which is more than "
                              "memory can hold");
                t.x.dl.strides = nullptr;
              }),
              "");
}

TEST_F(ArtifactCall, WrongResults) {
  EXPECT_EQ(quantizeError([](QuantizeTensors &t) { t.scales.shape[0] = 2; }),
            "result #1 of 'quantize' (tensor<?x2xf8E8M0FNU>) has shape (2, 2), "
            "but the result has shape (3, 2)");
  EXPECT_EQ(
      quantizeError([](QuantizeTensors &t) { t.codes.dl.data = t.x.dl.data; }),
      "result #0 of 'quantize' (tensor<?x32xi8>) overlaps argument #0");
  EXPECT_EQ(quantizeError([](QuantizeTensors &t) {
              t.scales.dl.data = t.codes.as<uint8_t>() + 95;
            }),
            "result #1 of 'quantize' (tensor<?x2xf8E8M0FNU>) overlaps result "
            "#0");
}

/// A refused call writes nothing.
TEST_F(ArtifactCall, RefusedCallWritesNothing) {
  QuantizeTensors tensors(3);
  std::memset(tensors.codes.dl.data, 0xA5, 96);
  tensors.scales.shape[0] = 2;
  EXPECT_NE(call(quantize, tensors.all()), "");
  EXPECT_EQ(std::count(tensors.codes.as<uint8_t>(),
                       tensors.codes.as<uint8_t>() + 96, 0xA5),
            96);
}

TEST_F(ArtifactCall, SizesThatDisagree) {
  Tensor codes(FP4Q_DL_INT, 8, {3, 32}), scales(FP4Q_DL_UINT, 8, {4, 2}),
      gs(FP4Q_DL_FLOAT, 32, {}), v(FP4Q_DL_BFLOAT, 16, {3, 64});
  EXPECT_EQ(call(dequant, {&codes.dl, &scales.dl, &gs.dl, &v.dl}),
            "argument #1 of 'dequant' (tensor<?x2xf8E8M0FNU>) has size 4 in "
            "dimension 0, but M is 3 in argument #0");
}
