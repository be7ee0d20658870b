//===- DecisionsTest.cpp - one report for each decision of a pass ---------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CountRemarks.h"

#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"

using namespace mlir;
using namespace mlir::fp4q;

/// One operation without a request, two with one that can be met, one with one
/// that cannot.
static const char requests[] = R"mlir(
  func.func @f(%x: tensor<4x64xf32>, %g: tensor<f32>) {
    %0 = fp4q.global_scale ins(%x : tensor<4x64xf32>) outs(%g : tensor<f32>)
        -> tensor<f32>
    %1 = fp4q.global_scale ins(%x : tensor<4x64xf32>) outs(%g : tensor<f32>)
        {fp4q.backend = #fp4q.backend<"reference">} -> tensor<f32>
    %2 = fp4q.global_scale ins(%x : tensor<4x64xf32>) outs(%g : tensor<f32>)
        {fp4q.backend = #fp4q.backend<"reference">} -> tensor<f32>
    %3 = fp4q.global_scale ins(%x : tensor<4x64xf32>) outs(%g : tensor<f32>)
        {fp4q.backend = #fp4q.backend<"gpu-native">} -> tensor<f32>
    return
  }
)mlir";

TEST(Decisions, SelectBackendReportsEachChoiceOnce) {
  EXPECT_EQ(
      countRemarks(createFP4QSelectBackendPass(), requests),
      (RemarkCounts{{"back end chosen", 3}, {"back end not as requested", 1}}));
}

TEST(Decisions, SelectBackendCountsEachKindOfChoice) {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  MLIRContext context(registry);
  auto module = parseSourceString<ModuleOp>(requests, &context);
  ASSERT_TRUE(module);
  FailureOr<BackEndCounts> counts =
      selectBackEnds(*module, *::fp4q::findTarget("cpu"), BackEndRequests());
  ASSERT_TRUE(succeeded(counts));
  EXPECT_EQ(counts->fastest, 1u);
  EXPECT_EQ(counts->requested, 2u);
  EXPECT_EQ(counts->fallbacks, 1u);
  // What was chosen is a request now, which can be met.
  counts =
      selectBackEnds(*module, *::fp4q::findTarget("cpu"), BackEndRequests());
  ASSERT_TRUE(succeeded(counts));
  EXPECT_EQ(counts->requested, 4u);
}

TEST(Decisions, MaterializeScaleLayoutsReportsWhatItRewrites) {
  const char *text = R"mlir(
    func.func @f(%c: tensor<8x48xi8>, %z: tensor<1x2x512xf8E4M3FN>,
                 %s: tensor<8x6xf8E4M3FN>, %y: tensor<8x96xf32>) {
      %0 = fp4q.dequant
          ins(%c, %z : tensor<8x48xi8>, tensor<1x2x512xf8E4M3FN>)
          outs(%y : tensor<8x96xf32>)
          {group_size = 16 : i64,
           scale_layout = #fp4q.scale_layout<blocked_128x4>} -> tensor<8x96xf32>
      %1 = fp4q.dequant ins(%c, %s : tensor<8x48xi8>, tensor<8x6xf8E4M3FN>)
          outs(%y : tensor<8x96xf32>) -> tensor<8x96xf32>
      return
    }
  )mlir";
  EXPECT_EQ(countRemarks(createFP4QMaterializeScaleLayoutsPass(), text),
            (RemarkCounts{{"blocked scales made linear", 1}}));
}
