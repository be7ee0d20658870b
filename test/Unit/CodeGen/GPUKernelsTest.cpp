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

#include "GPUKernels.h"

#include "fp4q/Numerics/Dequantize.h"
#include "fp4q/Numerics/Matmul.h"
#include "fp4q/Numerics/Presets.h"
#include "fp4q/Numerics/Swizzle.h"
#include "fp4q/Numerics/Transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace fp4q;

using Bytes = std::vector<uint8_t>;

static const char *nameOf(FloatType type) {
  return type == FloatType::BF16  ? "bf16"
         : type == FloatType::F16 ? "f16"
                                  : "f32";
}
static const char *nameOf(ScaleType type) {
  return type == ScaleType::E8M0 ? "f8E8M0FNU" : "f8E4M3FN";
}

static std::string memref(std::vector<int64_t> shape, const std::string &type) {
  std::string text = "memref<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + type + ">";
}

/// Numbers of all magnitudes, and groups of 8 that are zero or have a NaN or an
/// Inf if `isHard`.
static Bytes randomFloats(std::mt19937 &rng, FloatType type, int64_t count,
                          bool isHard) {
  Bytes bytes(count * sizeOf(type));
  Floats out = {bytes.data(), type};
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < count; ++i) {
    float value = normal(rng);
    if (isHard) {
      value = std::ldexp(value, int(i / 8 * 37 % 61) - 30);
      switch (i / 8 % 16) {
      case 3:
        value = std::copysign(0.0f, value);
        break;
      case 5:
        value = i % 8 == 3 ? NAN : value;
        break;
      case 7:
        value = i % 8 == 6 ? -INFINITY : value;
        break;
      case 9:
        value = std::ldexp(value, -130);
        break;
      }
    }
    out.store(i, value);
  }
  return bytes;
}

/// Equal but for the payloads of NaN.
static void expectSameFloats(const Bytes &actual, const Bytes &expected,
                             FloatType type, const std::string &what) {
  ConstFloats a = {actual.data(), type}, e = {expected.data(), type};
  for (int64_t i = 0; i < int64_t(actual.size()) / sizeOf(type); ++i) {
    float got = a.load(i), want = e.load(i);
    ASSERT_TRUE(bitsOf(got) == bitsOf(want) || (isNaN(got) && isNaN(want)))
        << what << ": element " << i << " is " << got << ", expected " << want;
  }
}

/// A module under construction, and what is run of it afterwards.
namespace {
struct Case {
  std::string function;
  std::vector<Bytes> arguments;
  std::vector<bool> isInput;
  std::function<void(const std::string &, const std::vector<Bytes> &)> check;
};

struct Suite {
  std::string text;
  std::vector<Case> cases;

  void add(const std::string &name, const std::string &signature,
           const std::string &body, Case test) {
    test.function = name + std::to_string(cases.size());
    text += "func.func @" + test.function + "(" + signature + ") {\n  " + body +
            "\n  return\n}\n";
    cases.push_back(std::move(test));
  }

  void run(const std::string &chip) {
    GPUCompiler compiler;
    ASSERT_FALSE(compiler.compile(text, chip).empty());
    for (Case &test : cases) {
      std::vector<Bytes> arguments = test.arguments;
      std::vector<GPUArgument> pointers;
      for (Bytes &bytes : arguments)
        pointers.push_back({bytes.data(), bytes.size()});
      ASSERT_TRUE(compiler.run(test.function, pointers, test.isInput))
          << test.function;
      test.check(test.function + " for " + chip, arguments);
      if (testing::Test::HasFatalFailure())
        return;
    }
  }
};

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

static Bytes bytesOf(float value) {
  Bytes bytes(sizeof(value));
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

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

namespace {
struct MatmulCase {
  int64_t m, n, k;
  bool isMXFP4 = true;
  FloatType type = FloatType::F32;
  int alpha = 0; ///< 0: none, 1: f32, 2: memref<f32>, 3: one a column
  bool bias = false;
  int64_t batches = 0; ///< 0: none
  bool sharedB = false;
};
} // namespace

static void addMatmul(Suite &suite, std::mt19937 &rng, const MatmulCase &c) {
  GroupFormat format = c.isMXFP4 ? mxfp4 : nvfp4;
  int64_t groups = c.k / format.groupSize;
  int64_t copies = std::max<int64_t>(c.batches, 1);
  int64_t copiesOfB = c.sharedB ? 1 : copies;
  auto shape = [&](bool isB, int64_t rows, int64_t cols) {
    std::vector<int64_t> sizes = {rows, cols};
    if (c.batches && !(isB && c.sharedB))
      sizes.insert(sizes.begin(), c.batches);
    return sizes;
  };
  std::string scale = nameOf(format.scaleType);
  std::string types = memref(shape(false, c.m, c.k / 2), "i8") + ", " +
                      memref(shape(false, c.m, groups), scale) + ", " +
                      memref(shape(true, c.n, c.k / 2), "i8") + ", " +
                      memref(shape(true, c.n, groups), scale);
  std::string alpha = c.alpha == 3   ? memref({c.n}, "f32")
                      : c.alpha == 2 ? "memref<f32>"
                                     : "f32";
  std::string bias = memref({c.n}, nameOf(c.type));
  std::string out = memref(shape(false, c.m, c.n), nameOf(c.type));
  std::string signature = "%a: " + memref(shape(false, c.m, c.k / 2), "i8") +
                          ", %sa: " + memref(shape(false, c.m, groups), scale) +
                          ", %b: " + memref(shape(true, c.n, c.k / 2), "i8") +
                          ", %sb: " + memref(shape(true, c.n, groups), scale) +
                          ", %alpha: " + alpha + ", %bias: " + bias +
                          ", %c: " + out;
  std::string body = "fp4q.scaled_matmul ins(%a, %sa, %b, %sb : " + types + ")";
  if (c.alpha)
    body += " alpha(%alpha : " + alpha + ")";
  if (c.bias)
    body += " bias(%bias : " + bias + ")";
  body += " outs(%c : " + out + ")";

  auto fill = [&](int64_t size, bool isScale) {
    Bytes bytes(size);
    for (uint8_t &byte : bytes)
      byte = uint8_t(!isScale    ? rng()
                     : c.isMXFP4 ? 120 + rng() % 12
                                 : 0x20 + rng() % 48);
    return bytes;
  };
  Bytes a = fill(copies * c.m * c.k / 2, false);
  Bytes sa = fill(copies * c.m * groups, true);
  Bytes b = fill(copiesOfB * c.n * c.k / 2, false);
  Bytes sb = fill(copiesOfB * c.n * groups, true);
  Bytes alphas =
      randomFloats(rng, FloatType::F32, c.alpha == 3 ? c.n : 1, false);
  Bytes biases = randomFloats(rng, c.type, c.n, false);
  Case test;
  test.arguments = {a,
                    sa,
                    b,
                    sb,
                    alphas,
                    biases,
                    Bytes(copies * c.m * c.n * sizeOf(c.type), 0xA5)};
  test.isInput = {true, true, true, true, true, true, false};
  test.check = [=](const std::string &what, const std::vector<Bytes> &results) {
    for (int64_t i = 0; i < copies; ++i) {
      int64_t j = c.sharedB ? 0 : i;
      ScaledMatmul operands;
      operands.a = {&a[i * c.m * c.k / 2], &sa[i * c.m * groups], c.m};
      operands.b = {&b[j * c.n * c.k / 2], &sb[j * c.n * groups], c.n};
      operands.k = c.k;
      operands.format = format;
      if (c.alpha)
        operands.alpha = reinterpret_cast<const float *>(alphas.data());
      operands.alphaPerColumn = c.alpha == 3;
      if (c.bias)
        operands.bias = {biases.data(), c.type};
      std::vector<double> exact(c.m * c.n), bound(c.m * c.n);
      scaledMatmulF64(operands, exact.data(), bound.data());
      ConstFloats got = {results[6].data() + i * c.m * c.n * sizeOf(c.type),
                         c.type};
      for (int64_t e = 0; e < c.m * c.n; ++e)
        ASSERT_TRUE(withinBound(c.type, got.load(e), exact[e], bound[e]))
            << what << ": M = " << c.m << ", N = " << c.n << ", K = " << c.k
            << ", element " << e << " is " << got.load(e) << ", expected "
            << exact[e];
    }
  };
  suite.add("matmul", signature, body, test);
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

static Suite matmulSuite() {
  Suite suite;
  std::mt19937 rng(29);
  // m, n, k, format, result, alpha, bias, batches, shared b. Each tiling, K
  // with and without whole words of scales, tails of all kinds.
  addMatmul(suite, rng, {1, 17, 32, true, FloatType::F32});
  addMatmul(suite, rng, {2, 8, 2080, true, FloatType::BF16, 1, true});
  addMatmul(suite, rng, {7, 32, 4096, true, FloatType::F32, 3, true});
  addMatmul(suite, rng, {8, 1, 96, false, FloatType::F16, 2});
  addMatmul(suite, rng, {9, 33, 2048, false, FloatType::F32, 1, true});
  addMatmul(suite, rng, {16, 16, 2064, false, FloatType::BF16, 3});
  addMatmul(suite, rng, {17, 40, 640, true, FloatType::F32, 0, true});
  addMatmul(suite, rng, {64, 16, 512, false, FloatType::BF16, 1});
  addMatmul(suite, rng, {65, 130, 128, true, FloatType::F32, 3, true});
  addMatmul(suite, rng, {129, 17, 160, false, FloatType::F16, 1, true});
  addMatmul(suite, rng, {130, 8, 96, true, FloatType::BF16});
  addMatmul(suite, rng, {3, 16, 256, true, FloatType::F32, 1, true, 4, false});
  addMatmul(suite, rng, {33, 24, 64, false, FloatType::F32, 0, false, 3, true});
  addMatmul(suite, rng,
            {70, 24, 64, false, FloatType::F32, 2, false, 2, false});
  return suite;
}

TEST(GPUKernels, QuantizeForAmpere) { quantizeSuite().run("sm_80"); }
TEST(GPUKernels, QuantizeForBlackwell) { quantizeSuite().run("sm_120a"); }
TEST(GPUKernels, OthersForHopper) { otherSuite().run("sm_90a"); }
TEST(GPUKernels, MatmulForAmpere) { matmulSuite().run("sm_80"); }
TEST(GPUKernels, MatmulForHopper) { matmulSuite().run("sm_90a"); }
TEST(GPUKernels, MatmulForBlackwell) { matmulSuite().run("sm_120a"); }
