//===- GPUAccessTest.cpp - coalescing and bank conflicts of kernels -------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every kernel on the simulator, with a profile of its accesses to memory: what
// warps ask of the memory system at each load and store. Tiles are all full.
//
//===----------------------------------------------------------------------===//

#include "GPUKernelSuite.h"

using namespace fp4q;

namespace {
/// An operand: its name in the operation, type, and bytes beforehand.
struct Operand {
  std::string name;
  std::vector<int64_t> shape;
  std::string type;
  enum { Out, Codes, Scales, Floats } fill;
};

/// The most sectors that an instruction may touch for each that its bytes need.
/// Wide: of 16 bytes a lane and more; narrow: of fewer.
struct Limits {
  double wideLoads = 1, wideStores = 1, narrowLoads = 1, narrowStores = 1;
};

/// A format's type of scales, group size, and byte of a scale near one.
struct Format {
  const char *name;
  std::string scale;
  int64_t group;
  uint8_t byte;
};
const Format formats[] = {{"mxfp4", "f8E8M0FNU", 32, 127},
                          {"nvfp4", "f8E4M3FN", 16, 0x38}};
} // namespace

static Bytes bytesFor(const Operand &operand, std::mt19937 &rng,
                      const Format &format) {
  int64_t count = 1;
  for (int64_t size : operand.shape)
    count *= size;
  if (operand.fill == Operand::Scales)
    return Bytes(count, format.byte);
  FloatType type = operand.type == "bf16"  ? FloatType::BF16
                   : operand.type == "f16" ? FloatType::F16
                                           : FloatType::F32;
  if (operand.fill == Operand::Floats)
    return randomFloats(rng, type, count, /*isHard=*/false);
  bool isByte = operand.type[0] == 'i' || operand.type.rfind("f8", 0) == 0;
  Bytes bytes(count * (isByte ? 1 : sizeOf(type)));
  for (uint8_t &byte : bytes)
    byte = uint8_t(rng());
  return bytes;
}

/// Runs the body, in which `$x` is the type of %x, and compares the accesses of
/// its kernels with the limits. Returns how many of the requests were of 16
/// bytes a lane, and within a loop if there is one.
static uint64_t expectGoodAccesses(const std::string &chip,
                                   const Format &format, std::string body,
                                   const std::vector<Operand> &operands,
                                   const Limits &limits) {
  std::mt19937 rng(5);
  std::string signature;
  std::vector<Bytes> values;
  std::vector<bool> isInput;
  for (const Operand &operand : operands) {
    std::string type = memref(operand.shape, operand.type);
    signature += (signature.empty() ? "%" : ", %") + operand.name + ": " + type;
    for (size_t at; (at = body.find("$" + operand.name)) != std::string::npos;)
      body.replace(at, operand.name.size() + 1, type);
    values.push_back(bytesFor(operand, rng, format));
    isInput.push_back(operand.fill != Operand::Out);
  }
  std::string what =
      body + " for " + chip + ", " + format.name + " (" + signature + ")";
  GPUCompiler compiler;
  std::string text =
      "func.func @f(" + signature + ") {\n" + body + "\n  return\n}\n";
  if (compiler.compile(text, chip).empty())
    return 0;
  std::vector<GPUArgument> arguments;
  for (Bytes &bytes : values)
    arguments.push_back({bytes.data(), bytes.size()});
  EXPECT_TRUE(compiler.profile("f", arguments, isInput)) << what;
  uint64_t outside = 0, inLoops = 0;
  for (size_t i = 0; i < compiler.launched().size(); ++i)
    for (const sim::AccessProfile &access : compiler.profiles()[i]) {
      std::string where = compiler.launched()[i] + ", `" + access.instruction +
                          "` at line " + std::to_string(access.line) + " of " +
                          what;
      EXPECT_EQ(access.bankConflicts, 0u) << where;
      bool isStore = access.instruction.rfind("st.", 0) == 0;
      double limit = access.laneBytes >= 16
                         ? (isStore ? limits.wideStores : limits.wideLoads)
                         : (isStore ? limits.narrowStores : limits.narrowLoads);
      EXPECT_LE(double(access.globalSectors),
                limit * double(access.leastSectors))
          << where << ": " << access.globalRequests << " requests";
      if (access.laneBytes == 16)
        (access.loop ? inLoops : outside) +=
            access.globalRequests + access.sharedRequests;
    }
  return inLoops ? inLoops : outside;
}

static uint64_t expectGoodMatmul(const std::string &chip, const Format &format,
                                 int64_t m, const Limits &limits) {
  int64_t n = 128, k = 4096;
  return expectGoodAccesses(
      chip, format,
      "fp4q.scaled_matmul ins(%a, %sa, %b, %sb : $a, $sa, $b, $sb) "
      "outs(%c : $c)",
      {{"a", {m, k / 2}, "i8", Operand::Codes},
       {"sa", {m, k / format.group}, format.scale, Operand::Scales},
       {"b", {n, k / 2}, "i8", Operand::Codes},
       {"sb", {n, k / format.group}, format.scale, Operand::Scales},
       {"c", {m, n}, "f32", Operand::Out}},
      limits);
}

// Codes come 16 bytes a lane; a sector has 32 bytes of one row's scales, of
// which a lane copies 4, 8 or 16. The next chunks find the rest in a cache.
TEST(GPUAccess, MatmulByProductsOfBF16) {
  Limits limits;
  limits.narrowLoads = 8;
  limits.wideLoads = 2;
  for (const Format &format : formats) {
    for (int64_t m : {1, 8, 16, 32, 64, 128, 256})
      EXPECT_GT(expectGoodMatmul("sm_90a", format, m, limits), 0u);
  }
}

TEST(GPUAccess, MatmulByBlockScaledMma) {
  Limits limits;
  limits.narrowLoads = 8;
  for (const Format &format : formats) {
    // Fragments come from global memory, 4 bytes a lane.
    for (int64_t m : {1, 16, 64})
      expectGoodMatmul("sm_120a", format, m, limits);
    for (int64_t m : {128, 256})
      EXPECT_GT(expectGoodMatmul("sm_120a", format, m, limits), 0u);
  }
}

// A thread loads a group, 16 bytes at a time: of every sector the second half
// comes from L1.
TEST(GPUAccess, Quantize) {
  int64_t m = 128, k = 1024;
  for (const Format &format : formats)
    for (const char *type : {"bf16", "f32"})
      for (int64_t transforms : {int64_t(0), int64_t(1), k / 32}) {
        Limits limits;
        limits.wideLoads = 2;
        std::vector<Operand> operands = {
            {"x", {m, k}, type, Operand::Floats},
            {"c", {m, k / 2}, "i8", Operand::Out},
            {"s", {m, k / format.group}, format.scale, Operand::Out}};
        std::string transform = transforms ? " transform(%t : $t)" : "";
        if (transforms) {
          // After tensor cores a store has two or four scales of 16 rows: of
          // each row a sector.
          limits.narrowStores = 16;
          operands.push_back({"t", {32, 32}, type, Operand::Floats});
          if (transforms > 1)
            operands.back().shape = {transforms, 32, 32};
        }
        EXPECT_GT(expectGoodAccesses("sm_90a", format,
                                     "fp4q.quantize_pack ins(%x : $x)" +
                                         transform + " outs(%c, %s : $c, $s)",
                                     operands, limits),
                  0u);
      }
}

TEST(GPUAccess, DequantAndTransform) {
  int64_t m = 128, k = 1024;
  for (const char *type : {"bf16", "f16", "f32"}) {
    Limits limits; // Results of 32 bytes a lane go in two halves.
    limits.wideStores = std::string(type) == "f32" ? 2 : 1;
    for (const Format &format : formats)
      EXPECT_GT(
          expectGoodAccesses(
              "sm_90a", format,
              "fp4q.dequant ins(%c, %s : $c, $s) outs(%y : $y)",
              {{"c", {m, k / 2}, "i8", Operand::Codes},
               {"s", {m, k / format.group}, format.scale, Operand::Scales},
               {"y", {m, k}, type, Operand::Out}},
              limits),
          0u);
    limits.wideLoads = limits.wideStores = 2;
    EXPECT_GT(expectGoodAccesses(
                  "sm_90a", formats[0],
                  "fp4q.block_transform ins(%x, %t : $x, $t) outs(%y : $y)",
                  {{"x", {m, k}, type, Operand::Floats},
                   {"t", {32, 32}, type, Operand::Floats},
                   {"y", {m, k}, "f32", Operand::Out}},
                  limits),
              0u);
  }
}

TEST(GPUAccess, GlobalScale) {
  for (const char *type : {"bf16", "f32"})
    expectGoodAccesses("sm_90a", formats[0],
                       "fp4q.global_scale ins(%x : $x) outs(%g : $g)",
                       {{"x", {1 << 17}, type, Operand::Floats},
                        {"g", {}, "f32", Operand::Out}},
                       Limits());
}

// Four consecutive scales of a row are four consecutive bytes of the other
// layout: stores are coalesced, loads take 4 bytes of a row each.
TEST(GPUAccess, ScaleLayouts) {
  Limits limits;
  limits.narrowLoads = 8;
  for (const Format &format : formats)
    expectGoodAccesses("sm_90a", format,
                       "fp4q.swizzle_scales ins(%s : $s) outs(%z : $z)\n"
                       "fp4q.unswizzle_scales ins(%z : $z) outs(%r : $r)",
                       {{"s", {256, 32}, format.scale, Operand::Scales},
                        {"z", {2, 8, 512}, format.scale, Operand::Out},
                        {"r", {256, 32}, format.scale, Operand::Out}},
                       limits);
}
