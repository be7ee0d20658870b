//===- MicroOpsTest.cpp - lowered decode, encode, group_dot ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The micro-ops, lowered by fp4q-lower-micro-ops and compiled, against
// Numerics: decoding on all bytes of codes with all scales, encoding on numbers
// that are hard to round and on random ones, products of all pairs of bytes.
//
//===----------------------------------------------------------------------===//

#include "../Numerics/Reference.h"
#include "MicroOpKernels.h"
#include "fp4q/Numerics/Dequantize.h"
#include "fp4q/Numerics/Quantize.h"

#include <gtest/gtest.h>

using namespace fp4q;

namespace {
struct ResultType {
  const char *name;
  unsigned bytes;
  uint32_t (*round)(float);
  float (*widen)(uint32_t);
};
} // namespace

static const ResultType resultTypes[] = {
    {"bf16", 2, [](float x) { return uint32_t(encodeBF16(x)); },
     [](uint32_t bits) { return decodeBF16(uint16_t(bits)); }},
    {"f16", 2, [](float x) { return uint32_t(encodeF16(x)); },
     [](uint32_t bits) { return decodeF16(uint16_t(bits)); }},
    {"f32", 4, [](float x) { return bitsOf(x); },
     [](uint32_t bits) { return floatOf(bits); }}};

/// Where element `e` of an unpacked vector of 16 lies.
static size_t positionOf(size_t e, bool split) {
  return split ? e % 2 * 8 + e / 2 : e;
}

/// One step: 8 bytes of codes and `scales` scales to 16 elements.
static std::string decodeKernel(const std::string &name,
                                const std::string &scaleType, int scales,
                                const std::string &type, bool split) {
  std::string n = std::to_string(scales);
  std::string vector = "vector<" + n + "x" + scaleType + ">";
  return "func.func @" + name + "(%codes: memref<?xi8>, %scales: memref<?x" +
         scaleType + ">, %out: memref<?x" + type +
         ">) attributes {llvm.emit_c_interface} {\n"
         "  %c0 = arith.constant 0 : index\n"
         "  %c2 = arith.constant 2 : index\n"
         "  %c8 = arith.constant 8 : index\n"
         "  %n = arith.constant " +
         n +
         " : index\n"
         "  %size = memref.dim %codes, %c0 : memref<?xi8>\n"
         "  scf.for %i = %c0 to %size step %c8 {\n"
         "    %c = vector.load %codes[%i] : memref<?xi8>, vector<8xi8>\n"
         "    %step = arith.divui %i, %c8 : index\n"
         "    %at = arith.muli %step, %n : index\n"
         "    %s = vector.load %scales[%at] : memref<?x" +
         scaleType + ">, " + vector +
         "\n"
         "    %v = fp4q.decode %c scales(%s : " +
         vector + ")" + (split ? " order<split>" : "") +
         " : vector<8xi8> -> vector<16x" + type +
         ">\n"
         "    %o = arith.muli %i, %c2 : index\n"
         "    vector.store %v, %out[%o] : memref<?x" +
         type + ">, vector<16x" + type + ">\n  }\n  return\n}\n";
}

TEST(MicroOps, DecodesAllCodesWithAllScales) {
  // Each scale with all 256 bytes of codes; two scales a step are s and 255-s.
  std::vector<uint8_t> codes;
  for (unsigned scale = 0; scale < 256; ++scale)
    for (unsigned code = 0; code < 256; ++code)
      codes.push_back(uint8_t(code));
  struct Case {
    std::string name;
    ScaleType scaleType;
    int scales;
    const ResultType *type;
    bool split;
  };
  std::vector<Case> cases;
  std::string module;
  for (ScaleType scaleType : {ScaleType::E8M0, ScaleType::E4M3})
    for (int scales : {1, 2})
      for (const ResultType &type : resultTypes) {
        bool split = (scales == 2) != (scaleType == ScaleType::E4M3);
        std::string name = "decode" + std::to_string(cases.size());
        module += decodeKernel(
            name, scaleType == ScaleType::E8M0 ? "f8E8M0FNU" : "f8E4M3FN",
            scales, type.name, split);
        cases.push_back({name, scaleType, scales, &type, split});
      }
  MicroOpKernels kernels(module);
  ASSERT_TRUE(kernels.ok());
  for (const Case &test : cases) {
    std::vector<uint8_t> scales;
    for (size_t step = 0; step < codes.size() / 8; ++step)
      for (int i = 0; i < test.scales; ++i)
        scales.push_back(uint8_t(i == 0 ? step / 32 : 255 - step / 32));
    std::vector<uint8_t> out(codes.size() * 2 * test.type->bytes, 0xA5);
    ASSERT_TRUE(kernels.call(test.name, {{codes.data(), codes.size()},
                                         {scales.data(), scales.size()},
                                         {out.data(), codes.size() * 2}}));
    for (size_t e = 0; e < codes.size() * 2; ++e) {
      size_t step = e / 16;
      uint8_t scale =
          scales[step * test.scales + (test.scales == 2 && e % 16 >= 8)];
      uint32_t want = test.type->round(decodeE2M1(unpackE2M1(&codes[0], e)) *
                                       decodeScale(scale, test.scaleType));
      uint32_t got = 0;
      std::memcpy(
          &got,
          &out[(16 * step + positionOf(e % 16, test.split)) * test.type->bytes],
          test.type->bytes);
      ASSERT_TRUE(got == want || (isNaN(test.type->widen(got)) &&
                                  isNaN(test.type->widen(want))))
          << test.name << " " << test.type->name << " of element " << e
          << " with scale byte " << int(scale) << std::hex << " is " << got
          << ", expected " << want;
    }
  }
}

/// out = f(in) in steps of `step` elements of `in`, of any types.
static std::string mapKernel(const std::string &name, const std::string &in,
                             const std::string &out, int numerator,
                             const std::string &body) {
  return "func.func @" + name + "(%in: memref<?x" + in + ">, %out: memref<?x" +
         out +
         ">) attributes {llvm.emit_c_interface} {\n"
         "  %c0 = arith.constant 0 : index\n"
         "  %c2 = arith.constant 2 : index\n"
         "  %c16 = arith.constant 16 : index\n"
         "  %size = memref.dim %in, %c0 : memref<?x" +
         in +
         ">\n"
         "  scf.for %i = %c0 to %size step %c16 {\n"
         "    %x = vector.load %in[%i] : memref<?x" +
         in + ">, vector<16x" + in + ">\n    " + body + "\n    %o = arith." +
         (numerator == 2 ? "muli" : "divui") +
         " %i, %c2 : index\n"
         "    vector.store %y, %out[%o] : memref<?x" +
         out + ">, vector<" + (numerator == 2 ? "32x" : "8x") + out +
         ">\n  }\n  return\n}\n";
}

TEST(MicroOps, DecodesToIntegersAndUnscaledFloats) {
  std::string module;
  for (bool split : {false, true}) {
    std::string order = split ? " order<split>" : "";
    for (int bias : {0, 12})
      module += mapKernel(
          "i8_" + std::to_string(split) + std::to_string(bias), "i8", "i8", 2,
          "%y = fp4q.decode %x" + order + " bias(" + std::to_string(bias) +
              ") : vector<16xi8> -> vector<32xi8>");
    for (const ResultType &type : resultTypes)
      module +=
          mapKernel(type.name + std::to_string(split), "i8", type.name, 2,
                    "%y = fp4q.decode %x" + order +
                        " : vector<16xi8> -> vector<32x" + type.name + ">");
  }
  MicroOpKernels kernels(module);
  ASSERT_TRUE(kernels.ok());
  std::vector<uint8_t> codes(256);
  for (size_t i = 0; i < 256; ++i)
    codes[i] = uint8_t(i);
  auto at = [](size_t e, bool split) {
    return e / 32 * 32 + (split ? e % 2 * 16 + e % 32 / 2 : e % 32);
  };
  for (bool split : {false, true}) {
    for (int bias : {0, 12}) {
      std::vector<uint8_t> out(512, 0xA5);
      ASSERT_TRUE(kernels.call(
          "i8_" + std::to_string(split) + std::to_string(bias),
          {{codes.data(), codes.size()}, {out.data(), out.size()}}));
      for (size_t e = 0; e < 512; ++e)
        ASSERT_EQ(int8_t(out[at(e, split)]),
                  int(2 * decodeE2M1(unpackE2M1(&codes[0], e))) + bias);
    }
    for (const ResultType &type : resultTypes) {
      std::vector<uint8_t> out(512 * type.bytes, 0xA5);
      ASSERT_TRUE(kernels.call(
          type.name + std::to_string(split),
          {{codes.data(), codes.size()}, {out.data(), size_t(512)}}));
      for (size_t e = 0; e < 512; ++e) {
        uint32_t got = 0;
        std::memcpy(&got, &out[at(e, split) * type.bytes], type.bytes);
        ASSERT_EQ(got, type.round(decodeE2M1(unpackE2M1(&codes[0], e))));
      }
    }
  }
}

TEST(MicroOps, EncodesHardAndRandomNumbers) {
  std::string module;
  for (bool split : {false, true})
    for (bool onlyNegative : {false, true})
      module += mapKernel(
          "encode" + std::to_string(split) + std::to_string(onlyNegative),
          "f32", "i8", 1,
          std::string("%y = fp4q.encode %x") + (split ? " order<split>" : "") +
              (onlyNegative ? " sign_of_zero<only_negative>" : "") +
              " : vector<16xf32> -> vector<8xi8>");
  MicroOpKernels kernels(module);
  ASSERT_TRUE(kernels.ok());
  std::vector<float> values;
  forHardFloats(/*mantissaBits=*/1, [&](float x) { values.push_back(x); });
  std::mt19937 rng(11);
  for (int i = 0; i < 1000000; ++i)
    values.push_back(floatOf(uint32_t(rng())));
  std::uniform_real_distribution<float> near(-8.0f, 8.0f);
  for (int i = 0; i < 1000000; ++i)
    values.push_back(near(rng));
  values.resize((values.size() + 15) / 16 * 16);
  for (bool split : {false, true})
    for (bool onlyNegative : {false, true}) {
      std::vector<uint8_t> out(values.size() / 2, 0xA5);
      ASSERT_TRUE(kernels.call(
          "encode" + std::to_string(split) + std::to_string(onlyNegative),
          {{values.data(), values.size()}, {out.data(), out.size()}}));
      for (size_t e = 0; e < values.size(); ++e) {
        float value = values[e / 16 * 16 + positionOf(e % 16, split)];
        ASSERT_EQ(unpackE2M1(&out[0], int64_t(e)),
                  encodeE2M1(value, onlyNegative ? ZeroSign::OnlyNegative
                                                 : ZeroSign::SignBit))
            << std::hex << bitsOf(value);
      }
    }
}

TEST(MicroOps, MultipliesAllPairsOfBytes) {
  const std::string module =
      "func.func @dot(%u: memref<?xi8>, %s: memref<?xi8>, %acc: memref<?xi32>)"
      " attributes {llvm.emit_c_interface} {\n"
      "  %c0 = arith.constant 0 : index\n"
      "  %c4 = arith.constant 4 : index\n"
      "  %c16 = arith.constant 16 : index\n"
      "  %size = memref.dim %u, %c0 : memref<?xi8>\n"
      "  scf.for %i = %c0 to %size step %c16 {\n"
      "    %at = arith.divui %i, %c4 : index\n"
      "    %x = vector.load %u[%i] : memref<?xi8>, vector<16xi8>\n"
      "    %y = vector.load %s[%i] : memref<?xi8>, vector<16xi8>\n"
      "    %z = vector.load %acc[%at] : memref<?xi32>, vector<4xi32>\n"
      "    %d = fp4q.group_dot %x, %y, %z : vector<16xi8>, vector<4xi32>\n"
      "    vector.store %d, %acc[%at] : memref<?xi32>, vector<4xi32>\n"
      "  }\n  return\n}\n";
  MicroOpKernels kernels(module);
  ASSERT_TRUE(kernels.ok());
  std::mt19937 rng(3);
  std::vector<uint8_t> u, s;
  // Each pair first of its four, beside random ones and beside extremes.
  for (unsigned pair = 0; pair < 65536; ++pair)
    for (bool extreme : {false, true}) {
      u.push_back(uint8_t(pair));
      s.push_back(uint8_t(pair >> 8));
      for (int i = 1; i < 4; ++i) {
        u.push_back(extreme ? 255 : uint8_t(rng()));
        s.push_back(extreme ? 128 : uint8_t(rng()));
      }
    }
  std::vector<uint32_t> acc(u.size() / 4), want;
  for (size_t i = 0; i < acc.size(); ++i) {
    // Sums that wrap around are wanted.
    acc[i] = i % 3 == 0 ? 0x80000000u : uint32_t(rng());
    uint32_t sum = acc[i];
    for (size_t j = 4 * i; j < 4 * i + 4; ++j)
      sum += uint32_t(int(u[j]) * int8_t(s[j]));
    want.push_back(sum);
  }
  ASSERT_TRUE(kernels.call(
      "dot",
      {{u.data(), u.size()}, {s.data(), s.size()}, {acc.data(), acc.size()}}));
  EXPECT_EQ(acc, want);
}
