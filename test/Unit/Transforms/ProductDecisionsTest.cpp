//===- ProductDecisionsTest.cpp - decisions on products, counted ----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CountRemarks.h"

#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::fp4q;

/// A product, %c, of %a with scales %sa and of constants.
#define FP4Q_TEST_PRODUCT(NAME, BYTE)                                          \
  "%b" NAME " = arith.constant dense<" BYTE "> : tensor<2x8xi8>\n"             \
  "%sb" NAME " = arith.constant dense<1.0> : tensor<2x1xf8E8M0FNU>\n"          \
  "%c" NAME " = fp4q.scaled_matmul ins(%a, %sa, %b" NAME ", %sb" NAME          \
  " : tensor<4x8xi8>, tensor<4x1xf8E8M0FNU>, tensor<2x8xi8>,"                  \
  "   tensor<2x1xf8E8M0FNU>) outs(%i : tensor<4x2xf32>) -> tensor<4x2xf32>\n"

/// Two roundings that are absorbed, and a widening behind one, which is not;
/// three products of one activation.
static const char products[] =
    "func.func @f(%a: tensor<4x8xi8>, %sa: tensor<4x1xf8E8M0FNU>,"
    "    %i: tensor<4x2xf32>, %n: tensor<4x2xbf16>)"
    "    -> (tensor<4x2xbf16>, tensor<4x2xf32>, tensor<4x2xf32>) {\n"
    // clang-format off
    FP4Q_TEST_PRODUCT("0", "1") FP4Q_TEST_PRODUCT("1", "2")
    FP4Q_TEST_PRODUCT("2", "3")
    // clang-format on
    "%r0 = arith.truncf %c0 : tensor<4x2xf32> to tensor<4x2xbf16>\n"
    "%r1 = arith.truncf %c1 : tensor<4x2xf32> to tensor<4x2xbf16>\n"
    "%w1 = arith.extf %r1 : tensor<4x2xbf16> to tensor<4x2xf32>\n"
    "return %r0, %w1, %c2"
    "    : tensor<4x2xbf16>, tensor<4x2xf32>, tensor<4x2xf32>\n}";

TEST(ProductDecisions, AbsorbEpilogueReportsEachStep) {
  EXPECT_EQ(countRemarks(createFP4QAbsorbEpiloguePass(), products),
            (RemarkCounts{{"absorbed into the product", 2},
                          {"not absorbed into the product", 1}}));
}

TEST(ProductDecisions, MergeMatmulsReportsEachProduct) {
  EXPECT_EQ(countRemarks(createFP4QMergeMatmulsPass(), products),
            (RemarkCounts{{"product merged", 3}}));
}

TEST(ProductDecisions, FuseDequantReportsEachProduct) {
  const char *text = R"mlir(
    func.func @f(%x: tensor<4x512xf32>, %c: tensor<512x64xi8>,
                 %s: tensor<512x8xf8E4M3FN>, %y: tensor<4x128xf32>,
                 %v: tensor<4x16xf32>, %d: tensor<16x64xi8>,
                 %t: tensor<16x8xf8E4M3FN>, %z: tensor<4x128xf32>)
        -> (tensor<4x128xf32>, tensor<4x128xf32>) {
      %e = tensor.empty() : tensor<512x128xf32>
      %0 = fp4q.dequant ins(%c, %s : tensor<512x64xi8>, tensor<512x8xf8E4M3FN>)
          outs(%e : tensor<512x128xf32>) -> tensor<512x128xf32>
      %1 = linalg.matmul ins(%x, %0 : tensor<4x512xf32>, tensor<512x128xf32>)
          outs(%y : tensor<4x128xf32>) -> tensor<4x128xf32>
      %g = tensor.empty() : tensor<16x128xf32>
      %2 = fp4q.dequant ins(%d, %t : tensor<16x64xi8>, tensor<16x8xf8E4M3FN>)
          outs(%g : tensor<16x128xf32>) -> tensor<16x128xf32>
      %3 = linalg.matmul ins(%v, %2 : tensor<4x16xf32>, tensor<16x128xf32>)
          outs(%z : tensor<4x128xf32>) -> tensor<4x128xf32>
      return %1, %3 : tensor<4x128xf32>, tensor<4x128xf32>
    }
  )mlir";
  EXPECT_EQ(countRemarks(createFP4QFuseDequantPass(), text),
            (RemarkCounts{{"dequant fused into the product", 1},
                          {"dequant not fused into the product", 1}}));
}
