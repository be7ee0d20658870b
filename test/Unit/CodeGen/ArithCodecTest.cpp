//===- ArithCodecTest.cpp - emitted codecs against Numerics ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Decoders are tested on all codes, encoders on all upper halves of f32 and
// round every number at which the result changes. Numerics itself is tested
// against llvm::APFloat in test/Unit/Numerics.
//
//===----------------------------------------------------------------------===//

#include "../Numerics/Reference.h"
#include "ArithKernels.h"
#include "fp4q/Numerics/Dequantize.h"
#include "fp4q/Numerics/Quantize.h"

#include <gtest/gtest.h>

using namespace fp4q;

/// Floats that are hard to round to `mantissaBits`, each with any byte.
static Inputs hardFloats(int mantissaBits) {
  Inputs inputs;
  forHardFloats(mantissaBits, [&](float value) { inputs.push(bitsOf(value)); });
  return inputs;
}

static Inputs allOf(uint32_t count) {
  Inputs inputs;
  for (uint32_t i = 0; i < count; ++i)
    inputs.push(i);
  return inputs;
}

static const char *nameOf(ScaleType type) {
  return type == ScaleType::E8M0 ? "e8m0" : "e4m3";
}

static mlir::Type typeOf(mlir::OpBuilder &builder, FloatType type) {
  switch (type) {
  case FloatType::BF16:
    return builder.getBF16Type();
  case FloatType::F16:
    return builder.getF16Type();
  case FloatType::F32:
    break;
  }
  return builder.getF32Type();
}

TEST(ArithCodec, DecodesE2M1) {
  Inputs inputs;
  for (uint32_t junk : {0u, 1u, 0x0FFFFFFFu, 0x05A5A5A5u, 0x08000000u})
    for (uint32_t code = 0; code < 16; ++code)
      inputs.push(junk << 4 | code);
  checkKernels(
      {{"decode_e2m1",
        [](Body &body) { return body.emitter.decodeE2M1(body.ints[0]); },
        [](const Element &in) {
          return bitsOf(decodeE2M1(uint8_t(in[0] & 15)));
        }}},
      inputs);
}

TEST(ArithCodec, EncodesE2M1) {
  std::vector<Kernel> kernels;
  for (ZeroSign sign : {ZeroSign::SignBit, ZeroSign::OnlyNegative})
    kernels.push_back({"encode_e2m1_" + std::to_string(int(sign)),
                       [=](Body &body) {
                         return body.emitter.encodeE2M1(body.floats[0], sign);
                       },
                       [=](const Element &in) {
                         return uint32_t(encodeE2M1(floatOf(in[0]), sign));
                       },
                       /*isFloat=*/false});
  checkKernels(kernels, hardFloats(/*mantissaBits=*/1));
}

TEST(ArithCodec, DecodesScales) {
  std::vector<Kernel> kernels;
  for (ScaleType type : {ScaleType::E8M0, ScaleType::E4M3})
    kernels.push_back({std::string("decode_") + nameOf(type),
                       [=](Body &body) {
                         return body.emitter.decodeScale(body.ints[0], type);
                       },
                       [=](const Element &in) {
                         return bitsOf(decodeScale(uint8_t(in[0]), type));
                       }});
  checkKernels(kernels, allOf(256));
}

static Kernel scaleEncoder(std::string name, ScaleType type, Recipe recipe) {
  return {std::move(name),
          [=](Body &body) {
            return body.emitter.encodeScale(body.floats[0], type, recipe);
          },
          [=](const Element &in) {
            return uint32_t(encodeScale(floatOf(in[0]), type, recipe));
          },
          /*isFloat=*/false};
}

TEST(ArithCodec, EncodesE8M0) {
  std::vector<Kernel> kernels;
  for (E8M0Rounding rounding : {E8M0Rounding::From1_5, E8M0Rounding::Never,
                                E8M0Rounding::Above1, E8M0Rounding::From1_75})
    for (E8M0Tiny tiny : {E8M0Tiny::ByValue, E8M0Tiny::ByBits})
      for (int offset : {0, -2}) {
        Recipe recipe;
        recipe.e8m0Rounding = rounding;
        recipe.e8m0Tiny = tiny;
        recipe.e8m0Offset = int8_t(offset);
        kernels.push_back(scaleEncoder(
            "encode_e8m0_" + std::to_string(int(rounding)) + "_" +
                std::to_string(int(tiny)) + "_" + std::to_string(-offset),
            ScaleType::E8M0, recipe));
      }
  checkKernels(kernels, hardFloats(/*mantissaBits=*/1));
}

TEST(ArithCodec, EncodesE4M3) {
  std::vector<Kernel> kernels;
  for (E4M3Floor floor :
       {E4M3Floor::None, E4M3Floor::Pow2Minus9, E4M3Floor::Pow2Minus6})
    for (E4M3Zero zero :
         {E4M3Zero::None, E4M3Zero::SZeroToOne, E4M3Zero::QZeroToEighth}) {
      Recipe recipe;
      recipe.e4m3Floor = floor;
      recipe.e4m3Zero = zero;
      kernels.push_back(scaleEncoder("encode_e4m3_" +
                                         std::to_string(int(floor)) + "_" +
                                         std::to_string(int(zero)),
                                     ScaleType::E4M3, recipe));
    }
  checkKernels(kernels, hardFloats(/*mantissaBits=*/3));
}

TEST(ArithCodec, RoundsToInputTypes) {
  for (FloatType type : {FloatType::BF16, FloatType::F16, FloatType::F32})
    checkKernels({{"round",
                   [=](Body &body) {
                     return body.emitter.extend(body.emitter.truncate(
                         body.floats[0], typeOf(body.builder, type)));
                   },
                   [=](const Element &in) {
                     return bitsOf(roundToType(floatOf(in[0]), type));
                   }}},
                 hardFloats(type == FloatType::F16 ? 10 : 7));
}

TEST(ArithCodec, WidensInputTypes) {
  for (FloatType type : {FloatType::BF16, FloatType::F16}) {
    Kernel kernel;
    kernel.name = "widen";
    kernel.emit = [=](Body &body) {
      auto like = [&](mlir::Type element) -> mlir::Type {
        auto vector = mlir::dyn_cast<mlir::VectorType>(body.ints[0].getType());
        return vector ? vector.clone(element) : element;
      };
      mlir::ImplicitLocOpBuilder &b = body.builder;
      mlir::Value narrow = mlir::arith::TruncIOp::create(
          b, like(b.getIntegerType(16)), body.ints[0]);
      return body.emitter.extend(
          mlir::arith::BitcastOp::create(b, like(typeOf(b, type)), narrow));
    };
    kernel.expected = [=](const Element &in) {
      uint16_t bits = uint16_t(in[0]);
      return bitsOf(ConstFloats{&bits, type}.load(0));
    };
    checkKernels({kernel}, allOf(0x10000));
  }
}

TEST(ArithCodec, MagnitudesOrderAsIntegers) {
  checkKernels(
      {{"abs_bits",
        [](Body &body) { return body.emitter.absBits(body.floats[0]); },
        [](const Element &in) { return magnitudeBitsOf(floatOf(in[0])); },
        /*isFloat=*/false}},
      hardFloats(/*mantissaBits=*/1));
}

TEST(ArithCodec, DequantizesElements) {
  // All codes and scale bytes with global scales that overflow, vanish and
  // round.
  Inputs inputs;
  for (uint32_t code = 0; code < 16; ++code)
    for (uint32_t byte = 0; byte < 256; ++byte)
      for (float global : {1.0f, 1.0f / 3.0f, 0.1f, 4.0f, 1e-44f, 3e38f, 0.0f,
                           -2.5f, floatOf(infinityBits), floatOf(0x7FC00000u)})
        inputs.push(code, byte, bitsOf(global));
  std::vector<Kernel> kernels;
  for (ScaleType type : {ScaleType::E8M0, ScaleType::E4M3})
    for (GlobalScaleUse use : {GlobalScaleUse::None, GlobalScaleUse::Multiply,
                               GlobalScaleUse::Divide})
      kernels.push_back(
          {std::string("dequantize_") + nameOf(type) + "_" +
               std::to_string(int(use)),
           [=](Body &body) {
             mlir::Value global =
                 use == GlobalScaleUse::None ? mlir::Value() : body.floats[2];
             mlir::Value scale = body.emitter.combinedScale(
                 body.ints[1], global, use == GlobalScaleUse::Divide, type);
             return body.emitter.dequantizeElement(body.ints[0], scale);
           },
           [=](const Element &in) {
             float scale =
                 decodeFactor(uint8_t(in[1]), type, floatOf(in[2]), use);
             return bitsOf(decodeE2M1(uint8_t(in[0])) * scale);
           }});
  checkKernels(kernels, inputs);
}
