//===- BlackwellTest.cpp - what no GPU here can check ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blackwell's conversions against Numerics, exhaustively where that is finite;
// its block-scaled mma against the exact bf16 expansion, which is itself
// checked on a Hopper: with A and B permuted along k alike, four m16n8k16 bf16
// mma compute the same dot products (docs/rationale.md).
//
//===----------------------------------------------------------------------===//

#include "BlockScaledTile.h"
#include "Kernels.h"

#include "fp4q/Numerics/E2M1.h"
#include "fp4q/Numerics/E4M3.h"
#include "fp4q/Numerics/E8M0.h"
#include "fp4q/Numerics/SmallFloats.h"

#include <cmath>
#include <random>

using namespace fp4q;
using namespace fp4q::sim;

static std::vector<uint32_t> interestingFloats() {
  std::vector<uint32_t> bits = {0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000};
  for (uint32_t exponent = 0; exponent < 255; ++exponent)
    for (uint32_t mantissa : {0u, 1u, 0x200000u, 0x3fffffu, 0x400000u,
                              0x400001u, 0x600000u, 0x7fffffu})
      for (uint32_t sign : {0u, 0x80000000u})
        bits.push_back(sign | exponent << 23 | mantissa);
  while (bits.size() % 64)
    bits.push_back(0);
  return bits;
}

TEST(Blackwell, F32PairToE2M1MatchesNumerics) {
  std::string body =
      "ld.global.v2.b32 {%r0, %r1}, [%in];\n"
      "{ .reg .b8 b; .reg .b32 w;\n"
      "cvt.rn.satfinite.e2m1x2.f32 b, %r0, %r1; cvt.u32.u8 w, b;\n"
      "st.global.b32 [%out], w; }";
  std::vector<uint32_t> input = interestingFloats();
  for (size_t at = 0; at + 64 <= input.size(); at += 64) {
    std::vector<uint32_t> part(input.begin() + at, input.begin() + at + 64);
    Outcome out = runKernel(makeKernel(body, 2, 1), part, 32);
    ASSERT_TRUE(out.result.ok()) << out.result.message();
    for (size_t i = 0; i < 32; ++i) {
      // The first source becomes the upper nibble.
      uint32_t want = uint32_t(encodeE2M1(floatOf(part[2 * i]))) << 4 |
                      encodeE2M1(floatOf(part[2 * i + 1]));
      EXPECT_EQ(out.words[i], want) << std::hex << part[2 * i];
    }
  }
}

TEST(Blackwell, E2M1PairToF16MatchesNumerics) {
  std::string body = "ld.global.b32 %r0, [%in];\n"
                     "{ .reg .b8 b; cvt.u8.u32 b, %r0;\n"
                     "cvt.rn.f16x2.e2m1x2 %r1, b; }\n"
                     "st.global.b32 [%out], %r1;";
  for (uint32_t first = 0; first < 256; first += 32) {
    std::vector<uint32_t> codes(32);
    for (uint32_t i = 0; i < 32; ++i)
      codes[i] = first + i;
    Outcome out = runKernel(makeKernel(body, 1, 1), codes, 32);
    ASSERT_TRUE(out.result.ok()) << out.result.message();
    for (uint32_t i = 0; i < 32; ++i) {
      EXPECT_EQ(decodeF16(uint16_t(out.words[i])), decodeE2M1(codes[i] & 15));
      EXPECT_EQ(decodeF16(uint16_t(out.words[i] >> 16)),
                decodeE2M1(uint8_t(codes[i] >> 4)));
    }
  }
}

TEST(Blackwell, UE8M0PairToBF16MatchesNumerics) {
  std::string body = "ld.global.b32 %r0, [%in]; mov.b32 {%h0, %h1}, %r0;\n"
                     "cvt.rn.bf16x2.ue8m0x2 %r1, %h0;\n"
                     "st.global.b32 [%out], %r1;";
  for (uint32_t first = 0; first < 256; first += 32) {
    std::vector<uint32_t> codes(32);
    for (uint32_t i = 0; i < 32; ++i)
      codes[i] = (first + i) | (255 - first - i) << 8;
    Outcome out = runKernel(makeKernel(body, 1, 1), codes, 32);
    ASSERT_TRUE(out.result.ok()) << out.result.message();
    for (uint32_t i = 0; i < 32; ++i)
      for (unsigned half = 0; half < 2; ++half) {
        uint8_t code = uint8_t(codes[i] >> (8 * half));
        uint16_t got = uint16_t(out.words[i] >> (16 * half));
        if (code == 255)
          EXPECT_TRUE(std::isnan(decodeBF16(got)));
        else
          EXPECT_EQ(decodeBF16(got), decodeE8M0(code));
      }
  }
}

// Toward zero the exponent is that of the value (Numerics: never rounded up);
// upwards it is rounded up above a power of two.
TEST(Blackwell, F32PairToUE8M0MatchesNumerics) {
  std::string body = "ld.global.v2.b32 {%r0, %r1}, [%in];\n"
                     "cvt.rz.satfinite.ue8m0x2.f32 %h0, %r0, %r1;\n"
                     "cvt.rp.satfinite.ue8m0x2.f32 %h1, %r0, %r1;\n"
                     "mov.b32 %r2, {%h0, %h1}; st.global.b32 [%out], %r2;";
  std::vector<uint32_t> input = interestingFloats();
  for (size_t at = 0; at + 64 <= input.size(); at += 64) {
    std::vector<uint32_t> part(input.begin() + at, input.begin() + at + 64);
    Outcome out = runKernel(makeKernel(body, 2, 1), part, 32);
    ASSERT_TRUE(out.result.ok()) << out.result.message();
    for (size_t i = 0; i < 64; ++i) {
      float value = std::fabs(floatOf(part[i]));
      // Element 0 of a thread is the upper byte.
      unsigned shift = i % 2 ? 0 : 8;
      uint8_t down = uint8_t(out.words[i / 2] >> shift);
      uint8_t up = uint8_t(out.words[i / 2] >> (16 + shift));
      if (std::isnan(value)) {
        EXPECT_EQ(down, 255);
        EXPECT_EQ(up, 255);
      } else if (value > 0x1p127f) {
        EXPECT_EQ(down, 254);
        EXPECT_EQ(up, 254);
      } else if (value >= 0x1p-127f) {
        EXPECT_LE(decodeE8M0(down), value);
        EXPECT_GT(2 * decodeE8M0(down), value);
        EXPECT_GE(decodeE8M0(up), value);
        EXPECT_TRUE(up == down || up == down + 1);
        EXPECT_EQ(up == down, decodeE8M0(down) == value);
      } else {
        EXPECT_EQ(down, 0);
        EXPECT_EQ(up, 0);
      }
    }
  }
}

static float scaleValue(bool ue8m0, uint8_t byte) {
  return ue8m0 ? decodeE8M0(byte) : decodeE4M3(byte);
}

/// D by one block-scaled mma. Scale registers hold the chunks from the selected
/// byte on in the selected lanes, and 0xff (NaN) everywhere else.
static Outcome runScaled(const BlockScaledTile &tile, const std::string &kind,
                         unsigned chunks, bool ue8m0, const Selectors &s) {
  std::string body =
      "ld.global.v4.b32 {%r0, %r1, %r2, %r3}, [%in];\n"
      "ld.global.v4.b32 {%r4, %r5, %r6, %r7}, [%in+16];\n"
      "mov.b32 %r8, 0;\n"
      "mma.sync.aligned.m16n8k64.row.col." +
      kind + ".f32.e2m1.e2m1.f32." + (ue8m0 ? "ue8m0" : "ue4m3") +
      " {%r10, %r11, %r12, %r13}, {%r0, %r1, %r2, %r3}, {%r4, %r5},\n"
      "{%r8, %r8, %r8, %r8}, {%r6}, {" +
      std::to_string(s.byteA) + ", " + std::to_string(s.threadA) +
      "}, {%r7}, {" + std::to_string(s.byteB) + ", " +
      std::to_string(s.threadB) +
      "};\n"
      "st.global.v4.b32 [%out], {%r10, %r11, %r12, %r13};";
  return runKernel(makeKernel(body, 8, 4), fragmentsOf(tile, chunks, s, 8),
                   32 * 4);
}

/// D by four bf16 mma on the decoded operands.
static Outcome runExpanded(const BlockScaledTile &tile, unsigned chunks,
                           bool ue8m0) {
  std::string body = "mov.b32 %r10, 0; mov.b32 %r11, 0; mov.b32 %r12, 0;\n"
                     "mov.b32 %r13, 0;\n";
  for (unsigned j = 0; j < 4; ++j) {
    std::string at = std::to_string(32 * j);
    body += "ld.global.v4.b32 {%r0, %r1, %r2, %r3}, [%in+" + at +
            "];\nld.global.v2.b32 {%r4, %r5}, [%in+" +
            std::to_string(32 * j + 16) +
            "];\nmma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32\n"
            "{%r10, %r11, %r12, %r13}, {%r0, %r1, %r2, %r3}, {%r4, %r5},\n"
            "{%r10, %r11, %r12, %r13};\n";
  }
  body += "st.global.v4.b32 [%out], {%r10, %r11, %r12, %r13};";
  const auto pair = [&](const uint8_t *codes, const uint8_t *scales,
                        unsigned k) {
    uint32_t word = 0;
    for (unsigned i = 0; i < 2; ++i) {
      float value = decodeE2M1(codes[k + i]) *
                    scaleValue(ue8m0, scales[(k + i) * chunks / 64]);
      EXPECT_EQ(decodeBF16(encodeBF16(value)), value);
      word |= uint32_t(encodeBF16(value)) << (16 * i);
    }
    return word;
  };
  std::vector<uint32_t> input(32 * 32, 0);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned j = 0; j < 4; ++j) {
      unsigned g = lane / 4, k = 8 * (lane % 4) + 2 * j;
      uint32_t *words = &input[32 * lane + 8 * j];
      for (unsigned r = 0; r < 4; ++r) {
        unsigned row = g + 8 * (r % 2);
        words[r] = pair(tile.a[row], tile.sa[row], k + 32 * (r / 2));
      }
      for (unsigned r = 0; r < 2; ++r)
        words[4 + r] = pair(tile.b[g], tile.sb[g], k + 32 * r);
    }
  return runKernel(makeKernel(body, 32, 4, "sm_90a"), input, 32 * 4);
}

static void compareAllSelectors(const std::string &kind, unsigned chunks,
                                bool ue8m0) {
  std::mt19937 rng(7);
  unsigned step = chunks == 2 ? 2 : 4;
  for (unsigned byteA = 0; byteA < 4; byteA += step)
    for (unsigned threadA = 0; threadA < 2; ++threadA)
      for (unsigned byteB = 0; byteB < 4; byteB += step)
        for (unsigned threadB = 0; threadB < 4; ++threadB) {
          BlockScaledTile tile = randomTile(rng, ue8m0);
          Outcome scaled = runScaled(tile, kind, chunks, ue8m0,
                                     {byteA, threadA, byteB, threadB});
          Outcome expanded = runExpanded(tile, chunks, ue8m0);
          ASSERT_TRUE(scaled.result.ok()) << scaled.result.message();
          ASSERT_TRUE(expanded.result.ok()) << expanded.result.message();
          for (unsigned i = 0; i < 128; ++i) {
            unsigned lane = i / 4, row = lane / 4 + 8 * (i % 4 / 2);
            unsigned column = 2 * (lane % 4) + i % 2;
            double sum = 0, magnitude = 0;
            for (unsigned k = 0; k < 64; ++k) {
              double product =
                  double(decodeE2M1(tile.a[row][k])) *
                  decodeE2M1(tile.b[column][k]) *
                  scaleValue(ue8m0, tile.sa[row][k * chunks / 64]) *
                  scaleValue(ue8m0, tile.sb[column][k * chunks / 64]);
              sum += product;
              magnitude += std::fabs(product);
            }
            double bound = (64 + 2) * 0x1p-23 * magnitude;
            EXPECT_LE(std::fabs(floatOf(scaled.words[i]) - sum), bound);
            EXPECT_LE(std::fabs(floatOf(expanded.words[i]) - sum), bound);
          }
        }
}

TEST(Blackwell, Mxf4MatchesExpansionForAllSelectors) {
  compareAllSelectors("kind::mxf4.block_scale.scale_vec::2X", 2, true);
}
TEST(Blackwell, Mxf4Nvf4TwoScalesMatchesExpansionForAllSelectors) {
  compareAllSelectors("kind::mxf4nvf4.block_scale.scale_vec::2X", 2, true);
}
TEST(Blackwell, Mxf4Nvf4FourScalesMatchesExpansionForAllSelectors) {
  compareAllSelectors("kind::mxf4nvf4.block_scale.scale_vec::4X", 4, false);
}
TEST(Blackwell, Mxf4Nvf4FourPowersMatchesExpansionForAllSelectors) {
  compareAllSelectors("kind::mxf4nvf4.block_scale.scale_vec::4X", 4, true);
}

TEST(Blackwell, NanScalePoisonsItsRowOnly) {
  std::mt19937 rng(8);
  BlockScaledTile tile = randomTile(rng, true);
  tile.sa[5][1] = 255;
  Outcome out = runScaled(tile, "kind::mxf4.block_scale.scale_vec::2X", 2, true,
                          {0, 0, 0, 0});
  ASSERT_TRUE(out.result.ok()) << out.result.message();
  for (unsigned i = 0; i < 128; ++i) {
    unsigned row = i / 4 / 4 + 8 * (i % 4 / 2);
    EXPECT_EQ(std::isnan(floatOf(out.words[i])), row == 5);
  }
}
