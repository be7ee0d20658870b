//===- MmaBlockScaledTest.cpp - both lowerings on the simulator -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A warp multiplies one tile by fp4q.mma_block_scaled. The kernel is compiled
// to PTX once with the block-scaled mma.sync of sm_120a and once with its bf16
// expansion for older chips, for every legal selector, and runs on the
// simulator; both are held against the product in double of what Numerics
// decodes. Scale words that the selectors do not name are NaN.
//
//===----------------------------------------------------------------------===//

#include "../Simulator/BlockScaledTile.h"

#include "fp4q/Compiler/Registration.h"
#include "fp4q/Conversion/Passes.h"
#include "fp4q/Numerics/Dequantize.h"
#include "fp4q/Numerics/E2M1.h"
#include "fp4q/Simulator/Simulator.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/TargetSelect.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace ::fp4q;

using sim::Selectors;

namespace {
struct Tile : sim::BlockScaledTile {
  float c[16][8];
};
} // namespace

/// k(in, out): 12 words a lane in (a, b, scales of a and b, c), 4 words out.
static std::string moduleText(bool isMXFP4, const Selectors &s,
                              const std::string &chip) {
  auto pair = [](unsigned byte, unsigned thread) {
    return "[" + std::to_string(byte) + ", " + std::to_string(thread) + "]";
  };
  return "gpu.module @m [#nvvm.target<chip = \"" + chip +
         "\", features = \"+ptx87\">] {\n"
         "gpu.func @k(%in: !llvm.ptr, %out: !llvm.ptr) kernel {\n"
         "  %x = gpu.thread_id x\n"
         "  %t = arith.index_cast %x : index to i32\n"
         "  %p = llvm.getelementptr %in[%t] : (!llvm.ptr, i32) -> !llvm.ptr, "
         "!llvm.array<12 x i32>\n"
         "  %w = llvm.load %p {alignment = 4 : i64} : !llvm.ptr -> "
         "vector<8xi32>\n"
         "  %pc = llvm.getelementptr %p[8] : (!llvm.ptr) -> !llvm.ptr, i32\n"
         "  %c = llvm.load %pc {alignment = 4 : i64} : !llvm.ptr -> "
         "vector<4xf32>\n"
         "  %a = vector.shuffle %w, %w [0, 1, 2, 3] : vector<8xi32>, "
         "vector<8xi32>\n"
         "  %b = vector.shuffle %w, %w [4, 5] : vector<8xi32>, vector<8xi32>\n"
         "  %sa = vector.extract %w[6] : i32 from vector<8xi32>\n"
         "  %sb = vector.extract %w[7] : i32 from vector<8xi32>\n"
         "  %d = fp4q.mma_block_scaled <" +
         std::string(isMXFP4 ? "mxfp4" : "nvfp4") + "> %a scaled %sa" +
         pair(s.byteA, s.threadA) + ", %b scaled %sb" +
         pair(s.byteB, s.threadB) +
         ", %c\n"
         "  %q = llvm.getelementptr %out[%t] : (!llvm.ptr, i32) -> !llvm.ptr, "
         "!llvm.array<4 x i32>\n"
         "  llvm.store %d, %q {alignment = 4 : i64} : vector<4xf32>, "
         "!llvm.ptr\n"
         "  gpu.return\n}\n}\n";
}

namespace {

/// Compiles gpu modules to PTX.
class PtxCompiler {
public:
  PtxCompiler() {
    mlir::fp4q::registerCompilerDialects(registry);
    mlir::registerAllToLLVMIRTranslations(registry);
    mlir::NVVM::registerNVVMTargetInterfaceExternalModels(registry);
    context = std::make_unique<mlir::MLIRContext>(
        registry, mlir::MLIRContext::Threading::DISABLED);
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  }

  std::string compile(const std::string &text, bool native) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
    EXPECT_TRUE(static_cast<bool>(module));
    if (!module)
      return "";
    mlir::PassManager manager(context.get());
    mlir::fp4q::FP4QLowerMicroOpsPassOptions options;
    options.mma = native ? mlir::fp4q::MmaLowering::Native
                         : mlir::fp4q::MmaLowering::Expansion;
    manager.addPass(mlir::fp4q::createFP4QLowerMicroOpsPass(options));
    manager.addPass(mlir::createCanonicalizerPass());
    manager.addPass(mlir::createCSEPass());
    manager.addNestedPass<mlir::gpu::GPUModuleOp>(
        mlir::createConvertGpuOpsToNVVMOps());
    manager.addPass(mlir::createReconcileUnrealizedCastsPass());
    mlir::GpuModuleToBinaryPassOptions binary;
    binary.compilationTarget = "isa";
    manager.addPass(mlir::createGpuModuleToBinaryPass(binary));
    bool compiled = mlir::succeeded(manager.run(*module));
    EXPECT_TRUE(compiled);
    std::string ptx;
    module->walk([&](mlir::gpu::BinaryOp op) {
      auto object = mlir::cast<mlir::gpu::ObjectAttr>(op.getObjects()[0]);
      ptx = object.getObject().getValue().str();
    });
    return ptx;
  }

private:
  mlir::DialectRegistry registry;
  std::unique_ptr<mlir::MLIRContext> context;
};

} // namespace

static Tile randomTile(std::mt19937 &rng, bool isMXFP4) {
  Tile tile = {sim::randomTile(rng, isMXFP4), {}};
  for (auto &row : tile.c)
    for (float &x : row)
      x = float(int(rng() % 2001) - 1000) / 16;
  return tile;
}

/// The words of all lanes, c behind those of the operands.
static std::vector<uint32_t> fragmentsOf(const Tile &tile, unsigned groups,
                                         const Selectors &s) {
  std::vector<uint32_t> input = sim::fragmentsOf(tile, groups, s, 12);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i)
      input[12 * lane + 8 + i] =
          bitsOf(tile.c[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2]);
  return input;
}

static std::vector<float> runOnSimulator(const std::string &ptx,
                                         const std::vector<uint32_t> &input) {
  sim::DeviceMemory memory;
  std::string error;
  std::unique_ptr<sim::Module> module = sim::Module::load(ptx, memory, error);
  EXPECT_TRUE(module) << error << "\n" << ptx;
  if (!module)
    return {};
  std::vector<float> out(32 * 4);
  uint64_t params[2] = {memory.allocate(input.size() * 4),
                        memory.allocate(out.size() * 4)};
  memory.write(params[0], input.data(), input.size() * 4);
  sim::LaunchConfig config;
  config.block.x = 32;
  sim::LaunchResult result =
      sim::launch(*module, 0, config, params, memory, sim::LaunchOptions());
  EXPECT_TRUE(result.ok()) << result.message();
  memory.read(params[1], out.data(), out.size() * 4);
  return out;
}

static void expectProduct(const Tile &tile, bool isMXFP4,
                          const std::vector<float> &d) {
  ASSERT_EQ(d.size(), 128u);
  ScaleType type = isMXFP4 ? ScaleType::E8M0 : ScaleType::E4M3;
  unsigned group = isMXFP4 ? 32 : 16;
  for (unsigned i = 0; i < 128; ++i) {
    unsigned lane = i / 4, row = lane / 4 + 8 * (i % 4 / 2);
    unsigned column = 2 * (lane % 4) + i % 2;
    double sum = tile.c[row][column], magnitude = std::fabs(sum);
    for (unsigned k = 0; k < 64; ++k) {
      double product = double(decodeE2M1(tile.a[row][k])) *
                       decodeScale(tile.sa[row][k / group], type) *
                       decodeE2M1(tile.b[column][k]) *
                       decodeScale(tile.sb[column][k / group], type);
      sum += product;
      magnitude += std::fabs(product);
    }
    ASSERT_LE(std::fabs(d[i] - sum), (64 + 2) * 0x1p-23 * magnitude)
        << "row " << row << ", column " << column;
  }
}

static void checkAllSelectors(bool isMXFP4) {
  PtxCompiler compiler;
  std::mt19937 rng(5);
  unsigned groups = isMXFP4 ? 2 : 4;
  for (unsigned byteA = 0; byteA < 4; byteA += groups)
    for (unsigned threadA = 0; threadA < 2; ++threadA)
      for (unsigned byteB = 0; byteB < 4; byteB += groups)
        for (unsigned threadB = 0; threadB < 4; ++threadB) {
          Selectors s = {byteA, threadA, byteB, threadB};
          Tile tile = randomTile(rng, isMXFP4);
          std::vector<uint32_t> input = fragmentsOf(tile, groups, s);
          for (bool native : {true, false}) {
            std::string ptx = compiler.compile(
                moduleText(isMXFP4, s, native ? "sm_120a" : "sm_80"), native);
            ASSERT_EQ(ptx.find("block_scale") != std::string::npos, native);
            expectProduct(tile, isMXFP4, runOnSimulator(ptx, input));
          }
        }
}

TEST(MmaBlockScaled, MXFP4OfAllSelectors) { checkAllSelectors(true); }
TEST(MmaBlockScaled, NVFP4OfAllSelectors) { checkAllSelectors(false); }
