//===- GPUKernelsTest.cpp - every kernel on the simulator -----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operations on memrefs, lowered by convert-fp4q-to-gpu, compiled to PTX and
// run by the simulator with its checks, against Numerics: bit for bit, but for
// the matmul, which has a bound. Results are uninitialized memory beforehand,
// so one that is not written is a fault or shows in the comparison.
//
//===----------------------------------------------------------------------===//

#include "GPUKernelSuite.h"

#include "fp4q/Numerics/Dequantize.h"
#include "fp4q/Numerics/Presets.h"
#include "fp4q/Numerics/Swizzle.h"
#include "fp4q/Numerics/Transform.h"
#include "fp4q/Target/TargetInfo.h"

using namespace fp4q;

namespace {
struct QuantizeCase {
  int64_t rows = 3, k = 96, group = 32;
  ScaleType scaleType = ScaleType::E8M0;
  FloatType type = FloatType::BF16;
  std::string preset = "law";
  bool givenScales = false;
  int64_t block = 0; ///< 0: no transform
  bool perBlock = false;
  bool scalarIsArray = false;
};
} // namespace

/// Whether codes and scales are those of some y within its bound around the
/// exact one: docs/numerics.md, "Block transform".
static void expectInInterval(const QuantizeCase &c,
                             const QuantizeParams &params, const Bytes &input,
                             const Bytes &matrix,
                             const std::vector<Bytes> &results,
                             const std::string &what) {
  ConstFloats x = {input.data(), c.type}, t = {matrix.data(), c.type};
  auto rank = [](uint8_t code) { // Codes in the order of their values.
    return code & 8 ? -int(code & 7) : int(code & 7);
  };
  for (int64_t begin = 0; begin < c.rows * c.k; begin += c.group) {
    std::vector<double> low(c.group), high(c.group);
    double least = 0, most = 0;
    bool isFinite = true;
    for (int64_t i = 0; i < c.group; ++i) {
      int64_t at = begin + i, block = at / c.block;
      int64_t number = c.perBlock ? block % (c.k / c.block) : 0;
      double sum = 0, magnitude = 0;
      for (int64_t j = 0; j < c.block; ++j) {
        double product =
            double(t.load((number * c.block + at % c.block) * c.block + j)) *
            x.load(block * c.block + j);
        sum += product;
        magnitude += std::fabs(product);
      }
      double bound = (c.block + 1) * 0x1p-23 * magnitude;
      isFinite &= std::isfinite(magnitude);
      low[i] = sum - bound;
      high[i] = sum + bound;
      least = std::max(least, std::fabs(sum) - bound);
      most = std::max(most, std::fabs(sum) + bound);
    }
    if (!isFinite)
      continue;
    uint8_t byte = results[2][begin / c.group];
    if (!c.givenScales) {
      auto byteOf = [&](double amax) {
        float s = unroundedScale(float(amax), params, c.type);
        return encodeScale(s, c.scaleType, params.recipe);
      };
      ASSERT_LE(byteOf(least), byte) << what << ", group " << begin / c.group;
      ASSERT_GE(byteOf(most), byte) << what << ", group " << begin / c.group;
    }
    ElementQuantizer quantize(byte, params, c.type);
    for (int64_t i = 0; i < c.group; ++i) {
      int code = rank(unpackE2M1(results[1].data(), begin + i));
      ASSERT_LE(rank(quantize(float(low[i]))), code)
          << what << ", element " << begin + i;
      ASSERT_GE(rank(quantize(float(high[i]))), code)
          << what << ", element " << begin + i;
    }
  }
}

static void addQuantize(Suite &suite, std::mt19937 &rng,
                        const QuantizeCase &c) {
  QuantizeParams params;
  params.format = {c.group, c.scaleType};
  params.recipe = findPreset(c.preset)->recipe;
  // Scalars are given where the recipe reads them.
  auto isLegal = [&](bool hasGlobalScale, bool hasScaleScale) {
    return checkRecipe(params.recipe, {c.scaleType, hasGlobalScale,
                                       hasScaleScale, c.givenScales})
        .empty();
  };
  bool usesG = isLegal(true, false), usesSs = isLegal(false, true);
  params.globalScale = usesG ? 0.37f : 1.0f;
  params.scaleScale = usesSs ? 6.0f : 1.0f;
  std::string x = memref({c.rows, c.k}, nameOf(c.type));
  std::string codes = memref({c.rows, c.k / 2}, "i8");
  std::string scales = memref({c.rows, c.k / c.group}, nameOf(c.scaleType));
  std::string t =
      c.perBlock ? memref({c.k / c.block, c.block, c.block}, nameOf(c.type))
                 : memref({c.block, c.block}, nameOf(c.type));
  std::string scalar = c.scalarIsArray ? "memref<f32>" : "f32";
  std::string signature = "%x: " + x + ", %c: " + codes + ", %s: " + scales +
                          ", %g: " + scalar + ", %ss: " + scalar;
  if (c.block)
    signature += ", %t: " + t;
  std::string body = "fp4q.quantize_pack ins(%x : " + x + ")";
  if (c.block)
    body += " transform(%t : " + t + ")";
  if (c.givenScales)
    body += " scales(%s : " + scales + ")";
  if (usesG)
    body += " global_scale(%g : " + scalar + ")";
  if (usesSs)
    body += " scale_scale(%ss : " + scalar + ")";
  body += c.givenScales ? " outs(%c : " + codes + ")"
                        : " outs(%c, %s : " + codes + ", " + scales + ")";
  body += " {recipe = #fp4q.recipe<\"" + c.preset + "\">}";

  Case test;
  int64_t elements = c.rows * c.k;
  // In a block of numbers of all sizes nothing is left of the small ones.
  Bytes input = randomFloats(rng, c.type, elements, /*isHard=*/c.block < 32);
  Bytes matrix = randomFloats(
      rng, c.type, c.block * c.block * (c.perBlock ? c.k / c.block : 1), false);
  Bytes given(elements / c.group);
  for (uint8_t &byte : given)
    byte = uint8_t(rng());
  test.arguments = {input, Bytes(elements / 2, 0xA5),
                    c.givenScales ? given : Bytes(elements / c.group, 0xA5),
                    bytesOf(params.globalScale), bytesOf(params.scaleScale)};
  test.isInput = {true, false, c.givenScales, true, true};
  if (c.block) {
    test.arguments.push_back(matrix);
    test.isInput.push_back(true);
  }
  bool onTensorCores = (c.block == 32 || c.block == 64) &&
                       c.type == FloatType::BF16 && c.group <= c.block &&
                       4 * c.group >= c.block;
  test.check = [=](const std::string &what, const std::vector<Bytes> &results) {
    if (onTensorCores)
      return expectInInterval(c, params, input, matrix, results, what);
    Bytes codes(elements / 2), scales = given;
    ConstFloats x = {input.data(), c.type};
    BlockTransform transform = {{matrix.data(), c.type}, c.block, c.perBlock};
    if (c.block && c.givenScales)
      quantizeTransformedWithScales(x, c.rows, c.k, transform, params,
                                    scales.data(), codes.data());
    else if (c.block)
      quantizeTransformed(x, c.rows, c.k, transform, params, codes.data(),
                          scales.data());
    else if (c.givenScales)
      quantizeWithScales(x, c.rows, c.k, params, scales.data(), codes.data());
    else
      quantize(x, c.rows, c.k, params, codes.data(), scales.data());
    ASSERT_EQ(results[2], scales) << what << " " << c.preset << ", scales";
    ASSERT_EQ(results[1], codes) << what << " " << c.preset << ", codes";
  };
  suite.add("quantize", signature, body, test);
}

static void addDequant(Suite &suite, std::mt19937 &rng, FloatType type,
                       ScaleType scaleType, int64_t group, bool divide) {
  // All bytes of codes with all scales.
  int64_t k = 512, rows = 256;
  std::string codes = memref({rows, k / 2}, "i8");
  std::string scales = memref({rows, k / group}, nameOf(scaleType));
  std::string out = memref({rows, k}, nameOf(type));
  Case test;
  Bytes packed(rows * k / 2), bytes(rows * k / group);
  for (size_t i = 0; i < packed.size(); ++i)
    packed[i] = uint8_t(i);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = uint8_t(i / (k / group));
  float g = 0.37f;
  test.arguments = {packed, bytes, bytesOf(g),
                    Bytes(rows * k * sizeOf(type), 0xA5)};
  test.isInput = {true, true, true, false};
  test.check = [=](const std::string &what, const std::vector<Bytes> &results) {
    Bytes want(rows * k * sizeOf(type));
    dequantize(packed.data(), bytes.data(), rows, k, {group, scaleType}, g,
               divide ? GlobalScaleUse::Divide : GlobalScaleUse::Multiply,
               {want.data(), type});
    expectSameFloats(results[3], want, type, what);
  };
  suite.add("dequant",
            "%c: " + codes + ", %s: " + scales + ", %g: f32, %y: " + out,
            "fp4q.dequant ins(%c, %s : " + codes + ", " + scales +
                ") global_scale(%g : f32) outs(%y : " + out + ")" +
                (divide ? " {direction = #fp4q.direction<divide>}" : ""),
            test);
}

static void addTransform(Suite &suite, std::mt19937 &rng, FloatType type,
                         FloatType outType, int64_t block, bool perBlock) {
  int64_t rows = 5, k = 256;
  std::string x = memref({rows, k}, nameOf(type));
  std::string t = perBlock ? memref({k / block, block, block}, nameOf(type))
                           : memref({block, block}, nameOf(type));
  std::string y = memref({rows, k}, nameOf(outType));
  Case test;
  Bytes input = randomFloats(rng, type, rows * k, false);
  Bytes matrix =
      randomFloats(rng, type, perBlock ? k * block : block * block, false);
  test.arguments = {input, matrix, Bytes(rows * k * sizeOf(outType), 0xA5)};
  test.isInput = {true, true, false};
  test.check = [=](const std::string &what, const std::vector<Bytes> &results) {
    Bytes want(rows * k * sizeOf(outType));
    blockTransform({input.data(), type}, rows, k,
                   {{matrix.data(), type}, block, perBlock},
                   {want.data(), outType});
    expectSameFloats(results[2], want, outType, what);
  };
  suite.add("transform", "%x: " + x + ", %t: " + t + ", %y: " + y,
            "fp4q.block_transform ins(%x, %t : " + x + ", " + t +
                ") outs(%y : " + y + ")",
            test);
}

static void addGlobalScale(Suite &suite, FloatType type, const Bytes &input) {
  int64_t count = int64_t(input.size()) / sizeOf(type);
  std::string x = memref({count}, nameOf(type));
  Case test;
  test.arguments = {input, bytesOf(-1.0f)};
  test.isInput = {true, false};
  test.check = [=](const std::string &what, const std::vector<Bytes> &results) {
    float want = globalScale({input.data(), type}, count);
    expectSameFloats(results[1], bytesOf(want), FloatType::F32, what);
  };
  suite.add("global_scale", "%x: " + x + ", %g: memref<f32>",
            "fp4q.global_scale ins(%x : " + x + ") outs(%g : memref<f32>)",
            test);
}

static void addScaleLayout(Suite &suite, std::mt19937 &rng, int64_t batches,
                           int64_t rows, int64_t cols) {
  std::string linear = memref({batches, rows, cols}, "f8E4M3FN");
  std::string blocked = memref(
      {batches, swizzleRowTiles(rows), swizzleColTiles(cols), 512}, "f8E4M3FN");
  int64_t blockedSize = swizzledSize(rows, cols);
  Bytes bytes(batches * rows * cols), want(batches * blockedSize);
  for (uint8_t &byte : bytes)
    byte = uint8_t(rng());
  for (int64_t i = 0; i < batches; ++i)
    swizzleScales(&bytes[i * rows * cols], rows, cols, &want[i * blockedSize]);
  Case test;
  test.arguments = {bytes, Bytes(want.size(), 0xA5), Bytes(bytes.size(), 0xA5)};
  test.isInput = {true, false, false};
  test.check = [=](const std::string &what, const std::vector<Bytes> &results) {
    ASSERT_EQ(results[1], want) << what;
    ASSERT_EQ(results[2], bytes) << what;
  };
  suite.add("scale_layout",
            "%s: " + linear + ", %z: " + blocked + ", %back: " + linear,
            "fp4q.swizzle_scales ins(%s : " + linear + ") outs(%z : " +
                blocked + ")\n  fp4q.unswizzle_scales ins(%z : " + blocked +
                ") outs(%back : " + linear + ")",
            test);
}

static Suite quantizeSuite() {
  Suite suite;
  std::mt19937 rng(17);
  // Every preset, with the types in turn.
  int turn = 0;
  for (const Preset &preset : presets) {
    QuantizeCase c;
    c.preset = std::string(preset.name);
    c.scaleType = preset.scaleType;
    c.group = preset.groupSize;
    c.type = FloatType(turn++ % 3);
    addQuantize(suite, rng, c);
  }
  for (FloatType type : {FloatType::BF16, FloatType::F16, FloatType::F32})
    for (ScaleType scaleType : {ScaleType::E8M0, ScaleType::E4M3}) {
      QuantizeCase c;
      c.type = type;
      c.scaleType = scaleType;
      c.group = scaleType == ScaleType::E8M0 ? 32 : 16;
      c.scalarIsArray = type == FloatType::F16;
      c.rows = 67; // More than one CTA, the last one not full.
      addQuantize(suite, rng, c);
      c.rows = 5;
      c.givenScales = true;
      addQuantize(suite, rng, c);
    }
  for (int64_t group : {2, 4, 8, 64, 128}) {
    QuantizeCase c;
    c.group = group;
    c.k = 384;
    c.type = FloatType::F32;
    c.scaleType = group % 3 == 1 ? ScaleType::E4M3 : ScaleType::E8M0;
    addQuantize(suite, rng, c);
  }
  for (int64_t block : {2, 4, 16, 32, 64, 128}) {
    QuantizeCase c;
    c.k = 256;
    c.block = block;
    c.perBlock = block != 32;
    c.type = block == 16 ? FloatType::F32 : FloatType::BF16;
    c.group = block >= 64 ? 16 : 32;
    c.rows = block == 32 ? 37 : 3;
    c.givenScales = block == 4;
    addQuantize(suite, rng, c);
  }
  // On tensor cores with 1, 2 and 4 lanes a group, the last block alone.
  const std::pair<int64_t, int64_t> onTensorCores[] = {
      {32, 8}, {32, 16}, {64, 32}, {64, 64}};
  for (auto [block, group] : onTensorCores) {
    QuantizeCase c;
    c.k = block == 32 ? 96 : 192;
    c.block = block;
    c.perBlock = true;
    c.type = FloatType::BF16;
    c.group = group;
    c.scaleType = group <= 16 ? ScaleType::E4M3 : ScaleType::E8M0;
    c.rows = 21;
    c.givenScales = group == 32; // Scales of e4m3 could be negative.
    addQuantize(suite, rng, c);
  }
  return suite;
}

static Suite otherSuite() {
  Suite suite;
  std::mt19937 rng(23);
  addDequant(suite, rng, FloatType::BF16, ScaleType::E8M0, 32, false);
  addDequant(suite, rng, FloatType::F16, ScaleType::E4M3, 16, true);
  addDequant(suite, rng, FloatType::F32, ScaleType::E8M0, 2, true);
  addDequant(suite, rng, FloatType::F32, ScaleType::E4M3, 128, false);
  addTransform(suite, rng, FloatType::BF16, FloatType::F32, 32, false);
  addTransform(suite, rng, FloatType::F32, FloatType::BF16, 128, true);
  addTransform(suite, rng, FloatType::F16, FloatType::F16, 2, true);
  for (int64_t count : {1, 32, 4097}) {
    addGlobalScale(suite, FloatType::BF16,
                   randomFloats(rng, FloatType::BF16, count, false));
    addGlobalScale(suite, FloatType::F32,
                   randomFloats(rng, FloatType::F32, count, true));
    addGlobalScale(suite, FloatType::F16, Bytes(2 * count, 0));
  }
  addScaleLayout(suite, rng, 2, 200, 6);
  addScaleLayout(suite, rng, 1, 1, 1);
  return suite;
}

/// Every kernel but the products; which type, format, recipe and transform each
/// has depends on the number.
static Suite everyKernelSuite(int number) {
  Suite suite;
  std::mt19937 rng(31 + number);
  auto typeOf = [&](int offset) { return FloatType((number + offset) % 3); };
  auto formatOf = [&](int offset) {
    return (number + offset) % 2 ? ScaleType::E4M3 : ScaleType::E8M0;
  };
  auto groupOf = [](ScaleType type) {
    return type == ScaleType::E8M0 ? 32 : 16;
  };
  // Both formats, and a preset of each in turn.
  for (int i = 0; i < 2; ++i) {
    QuantizeCase c;
    c.scaleType = formatOf(i);
    c.group = groupOf(c.scaleType);
    c.type = typeOf(i);
    c.rows = 5;
    c.k = 64;
    addQuantize(suite, rng, c);
    std::vector<const Preset *> known;
    for (const Preset &preset : presets)
      if (preset.scaleType == c.scaleType && preset.groupSize == c.group)
        known.push_back(&preset);
    c.preset = std::string(known[number % known.size()]->name);
    c.type = typeOf(i + 1);
    c.rows = 67;
    c.k = 96;
    addQuantize(suite, rng, c);
  }
  // By tensor cores, and in f32 with other blocks and given scales.
  QuantizeCase c;
  c.scaleType = formatOf(0);
  c.group = groupOf(c.scaleType);
  c.type = FloatType::BF16;
  c.block = number % 4 < 2 ? 32 : 64;
  c.perBlock = number % 2;
  c.rows = 37;
  c.k = 192;
  addQuantize(suite, rng, c);
  const int64_t blocks[] = {2, 4, 8, 16, 128};
  c.type = typeOf(2);
  c.block = blocks[number % 5];
  c.givenScales = number % 3 == 0;
  c.perBlock = !c.perBlock;
  c.rows = 3;
  c.k = 256;
  addQuantize(suite, rng, c);
  addDequant(suite, rng, typeOf(0), formatOf(1), groupOf(formatOf(1)),
             number % 2);
  addTransform(suite, rng, typeOf(1), typeOf(2), blocks[(number + 2) % 5],
               number % 2);
  addGlobalScale(suite, typeOf(0),
                 randomFloats(rng, typeOf(0), 1000 + number, number % 2));
  addScaleLayout(suite, rng, 1 + number % 2, 129, 5);
  return suite;
}

TEST(GPUKernels, EveryChip) {
  int number = 0;
  for (size_t i = 0; i < numTargets; ++i)
    if (targets[i].kind == TargetKind::GPU)
      everyKernelSuite(number++).run(targets[i].name);
  EXPECT_EQ(number, 8);
}

TEST(GPUKernels, QuantizeForAmpere) { quantizeSuite().run("sm_80"); }
TEST(GPUKernels, QuantizeForBlackwell) { quantizeSuite().run("sm_120a"); }
TEST(GPUKernels, OthersForHopper) { otherSuite().run("sm_90a"); }
