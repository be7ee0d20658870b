//===- SymbolicShapesTest.cpp - sizes as expressions of symbols -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/SymbolicShapes.h"

#include "fp4q/Compiler/Registration.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace {

class SymbolicShapes : public testing::Test {
protected:
  SymbolicShapes() : context(MLIRContext::Threading::DISABLED) {
    DialectRegistry registry;
    mlir::fp4q::registerCompilerDialects(registry);
    context.appendDialectRegistry(registry);
  }

  /// "[M, 64] [K] -> [M]" of the first function of the text.
  std::string shapesOf(StringRef text) {
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return "cannot be parsed";
    function = *module->getOps<func::FuncOp>().begin();
    mlir::fp4q::SymbolicShapes shapes =
        mlir::fp4q::getSymbolicShapes(function).front();
    std::string line;
    llvm::raw_string_ostream os(line);
    auto print = [&](const std::vector<std::vector<std::string>> &values) {
      for (const std::vector<std::string> &dims : values) {
        os << '[';
        llvm::interleaveComma(dims, os);
        os << "] ";
      }
    };
    print(shapes.arguments);
    os << "->";
    for (const std::vector<std::string> &dims : shapes.results) {
      os << " [";
      llvm::interleaveComma(dims, os);
      os << ']';
    }
    return line;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
};

} // namespace

TEST_F(SymbolicShapes, StaticAndScalars) {
  EXPECT_EQ(shapesOf("func.func @f(%x: tensor<4xf32>, %s: f32, "
                     "%t: tensor<f32>) -> tensor<4xf32> {\n"
                     "  return %x : tensor<4xf32>\n}"),
            "[4] [] [] -> [4]");
}

/// Sizes that no operation relates have symbols of their own.
TEST_F(SymbolicShapes, Unrelated) {
  EXPECT_EQ(shapesOf("func.func @f(%a: tensor<?x?x?xf32>, %b: tensor<?x8xf32>) "
                     "-> (tensor<?x8xf32>, tensor<?x?x?xf32>) {\n"
                     "  return %b, %a : tensor<?x8xf32>, tensor<?x?x?xf32>\n}"),
            "[B, M, K] [M2, 8] -> [M2, 8] [B, M, K]");
}

TEST_F(SymbolicShapes, RowsOfOneOperation) {
  EXPECT_EQ(shapesOf(R"mlir(
func.func @f(%codes: tensor<?x32xi8>, %other: tensor<?x4xf32>,
             %scales: tensor<?x2xf8E8M0FNU>) -> tensor<?x64xf32> {
  %zero = arith.constant 0 : index
  %m = tensor.dim %scales, %zero : tensor<?x2xf8E8M0FNU>
  %v = tensor.empty(%m) : tensor<?x64xf32>
  %r = fp4q.dequant
      ins(%codes, %scales : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      outs(%v : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %r : tensor<?x64xf32>
})mlir"),
            "[M, 32] [M2, 4] [M, 2] -> [M, 64]");
  EXPECT_EQ(mlir::fp4q::getScaleLayouts(function),
            (std::vector<std::string>{"", "", "linear", ""}));
}

/// What two operations demand together, through a value in between.
TEST_F(SymbolicShapes, Chain) {
  EXPECT_EQ(shapesOf(R"mlir(
func.func @f(%x: tensor<?x64xbf16>, %w: tensor<8x32xi8>,
             %ws: tensor<8x2xf8E8M0FNU>, %init: tensor<?x8xbf16>)
    -> tensor<?x8xbf16> {
  %zero = arith.constant 0 : index
  %m = tensor.dim %x, %zero : tensor<?x64xbf16>
  %c0 = tensor.empty(%m) : tensor<?x32xi8>
  %s0 = tensor.empty(%m) : tensor<?x2xf8E8M0FNU>
  %c, %s = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      outs(%c0, %s0 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  %y = fp4q.scaled_matmul ins(%c, %s, %w, %ws : tensor<?x32xi8>,
      tensor<?x2xf8E8M0FNU>, tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
      outs(%init : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return %y : tensor<?x8xbf16>
})mlir"),
            "[M, 64] [8, 32] [8, 2] [M, 8] -> [M, 8]");
  EXPECT_EQ(mlir::fp4q::getScaleLayouts(function),
            (std::vector<std::string>{"", "", "linear", "", ""}));
}

TEST_F(SymbolicShapes, BlockedScales) {
  EXPECT_EQ(
      shapesOf(R"mlir(
func.func @f(%linear: tensor<?x2xf8E8M0FNU>, %codes: tensor<?x32xi8>,
             %blocked: tensor<?x1x512xf8E8M0FNU>)
    -> (tensor<?x1x512xf8E8M0FNU>, tensor<?x64xf32>) {
  %zero = arith.constant 0 : index
  %rows = tensor.dim %linear, %zero : tensor<?x2xf8E8M0FNU>
  %c128 = arith.constant 128 : index
  %tiles = arith.ceildivui %rows, %c128 : index
  %b0 = tensor.empty(%tiles) : tensor<?x1x512xf8E8M0FNU>
  %b = fp4q.swizzle_scales ins(%linear : tensor<?x2xf8E8M0FNU>)
      outs(%b0 : tensor<?x1x512xf8E8M0FNU>) -> tensor<?x1x512xf8E8M0FNU>
  %m = tensor.dim %codes, %zero : tensor<?x32xi8>
  %v0 = tensor.empty(%m) : tensor<?x64xf32>
  %v = fp4q.dequant
      ins(%codes, %blocked : tensor<?x32xi8>, tensor<?x1x512xf8E8M0FNU>)
      outs(%v0 : tensor<?x64xf32>)
      {scale_layout = #fp4q.scale_layout<blocked_128x4>, group_size = 32 : i64}
      -> tensor<?x64xf32>
  return %b, %v : tensor<?x1x512xf8E8M0FNU>, tensor<?x64xf32>
})mlir"),
      "[M, 2] [M2, 32] [ceildiv(M2, 128), 1, 512] -> [ceildiv(M, 128), 1, 512] "
      "[M2, 64]");
  EXPECT_EQ(mlir::fp4q::getScaleLayouts(function),
            (std::vector<std::string>{"linear", "", "blocked_128x4",
                                      "blocked_128x4", ""}));
}

TEST_F(SymbolicShapes, PackedWeights) {
  EXPECT_EQ(shapesOf(R"mlir(
func.func @f(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
             %b: tensor<1x8x64xi8>, %sb: tensor<9x2xf8E8M0FNU>,
             %y: tensor<?x9xf32>, %w: tensor<?x32xi8>)
    -> (tensor<?x9xf32>, tensor<?x8x64xi8>) {
  %zero = arith.constant 0 : index
  %c = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : tensor<?x32xi8>,
      tensor<?x2xf8E8M0FNU>, tensor<1x8x64xi8>, tensor<9x2xf8E8M0FNU>)
      outs(%y : tensor<?x9xf32>)
      {b_layout = #fp4q.weight_layout<packed_16x8>} -> tensor<?x9xf32>
  %n = tensor.dim %w, %zero : tensor<?x32xi8>
  %c16 = arith.constant 16 : index
  %tiles = arith.ceildivui %n, %c16 : index
  %p0 = tensor.empty(%tiles) : tensor<?x8x64xi8>
  %p = fp4q.pack_weights ins(%w : tensor<?x32xi8>)
      outs(%p0 : tensor<?x8x64xi8>) -> tensor<?x8x64xi8>
  return %c, %p : tensor<?x9xf32>, tensor<?x8x64xi8>
})mlir"),
            "[M, 32] [M, 2] [1, 8, 64] [9, 2] [M, 9] [M2, 32] -> [M, 9] "
            "[ceildiv(M2, 16), 8, 64]");
  EXPECT_EQ(
      mlir::fp4q::getScaleLayouts(function),
      (std::vector<std::string>{"", "linear", "", "linear", "", "", "", ""}));
  EXPECT_EQ(mlir::fp4q::getWeightLayouts(function),
            (std::vector<std::string>{"", "", "packed_16x8", "", "", "", "",
                                      "packed_16x8"}));
}

/// An argument that must have a size that another operand's type says.
TEST_F(SymbolicShapes, DynamicThatMustBeANumber) {
  EXPECT_EQ(shapesOf(R"mlir(
func.func @f(%codes: tensor<4x32xi8>, %scales: tensor<?x2xf8E8M0FNU>)
    -> tensor<4x64xf32> {
  %v = tensor.empty() : tensor<4x64xf32>
  %r = fp4q.dequant
      ins(%codes, %scales : tensor<4x32xi8>, tensor<?x2xf8E8M0FNU>)
      outs(%v : tensor<4x64xf32>) -> tensor<4x64xf32>
  return %r : tensor<4x64xf32>
})mlir"),
            "[4, 32] [4, 2] -> [4, 64]");
}

TEST_F(SymbolicShapes, Arithmetic) {
  EXPECT_EQ(shapesOf(R"mlir(
func.func @f(%x: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %m = tensor.dim %x, %c0 : tensor<?x?xf32>
  %k = tensor.dim %x, %c1 : tensor<?x?xf32>
  %sum = arith.addi %m, %c3 : index
  %product = arith.muli %sum, %k : index
  %half = arith.divui %k, %c3 : index
  %y = tensor.empty(%product, %half) : tensor<?x?xf32>
  %z = tensor.empty(%sum) : tensor<?xf32>
  return %y, %z : tensor<?x?xf32>, tensor<?xf32>
})mlir"),
            "[M, K] -> [(M + 3) * K, floordiv(K, 3)] [M + 3]");
}

/// A size that is data.
TEST_F(SymbolicShapes, Unknown) {
  EXPECT_EQ(shapesOf(R"mlir(
func.func @f(%x: tensor<4xf32>, %n: tensor<1xindex>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %size = tensor.extract %n[%c0] : tensor<1xindex>
  %y = tensor.empty(%size) : tensor<?xf32>
  return %y : tensor<?xf32>
})mlir"),
            "[4] [1] -> [?]");
}

TEST_F(SymbolicShapes, SeveralBlocks) {
  EXPECT_EQ(shapesOf("func.func @f(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {\n"
                     "  cf.br ^next\n^next:\n"
                     "  return %x : tensor<?x4xf32>\n}"),
            "[D1, 4] -> [?, 4]");
}
