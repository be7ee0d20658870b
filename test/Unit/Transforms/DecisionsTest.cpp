//===- DecisionsTest.cpp - one report for each decision of a pass ---------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../lib/TestBackEnds.h"
#include "CountRemarks.h"

#include "fp4q/Dialect/FP4Q/Transforms/LegalizeLayouts.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"

#include "mlir/IR/Verifier.h"

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

/// A quantizer, and two products of what it makes: K = 48, so that kernels pad
/// it; blocked scales of the weight.
static const char layouts[] = R"mlir(
  func.func @f(%x: tensor<4x48xbf16>, %b: tensor<8x24xi8>,
               %z: tensor<1x1x512xf8E4M3FN>, %c: tensor<4x24xi8>,
               %s: tensor<4x3xf8E4M3FN>, %y: tensor<4x8xbf16>)
      -> (tensor<4x8xbf16>, tensor<4x8xbf16>) {
    %q:2 = fp4q.quantize_pack ins(%x : tensor<4x48xbf16>)
        outs(%c, %s : tensor<4x24xi8>, tensor<4x3xf8E4M3FN>)
        -> tensor<4x24xi8>, tensor<4x3xf8E4M3FN>
    %0 = fp4q.scaled_matmul
        ins(%q#0, %q#1, %b, %z : tensor<4x24xi8>, tensor<4x3xf8E4M3FN>,
            tensor<8x24xi8>, tensor<1x1x512xf8E4M3FN>)
        outs(%y : tensor<4x8xbf16>)
        {b_scale_layout = #fp4q.scale_layout<blocked_128x4>,
         group_size = 16 : i64} -> tensor<4x8xbf16>
    %1 = fp4q.scaled_matmul
        ins(%q#0, %q#1, %b, %z : tensor<4x24xi8>, tensor<4x3xf8E4M3FN>,
            tensor<8x24xi8>, tensor<1x1x512xf8E4M3FN>)
        outs(%y : tensor<4x8xbf16>)
        {b_scale_layout = #fp4q.scale_layout<blocked_128x4>,
         group_size = 16 : i64} -> tensor<4x8xbf16>
    return %0, %1 : tensor<4x8xbf16>, tensor<4x8xbf16>
  }
)mlir";

/// What legalizeLayouts inserts into `layouts` for a target.
static LayoutCounts legalize(const char *name,
                             const ::fp4q::BackEndTable &table) {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  auto module = parseSourceString<ModuleOp>(layouts, &context);
  const ::fp4q::Target &target = *::fp4q::findTarget(name);
  EXPECT_TRUE(
      succeeded(selectBackEnds(*module, target, BackEndRequests(), table)));
  FailureOr<LayoutCounts> counts = legalizeLayouts(*module, target, table);
  EXPECT_TRUE(succeeded(counts));
  EXPECT_TRUE(succeeded(verify(*module)));
  return counts.value_or(LayoutCounts());
}

TEST(Decisions, LegalizeLayoutsCountsWhatItInserts) {
  // Linear: the weight's scales for each of the two products; both codes and
  // both scales padded, once for both products.
  LayoutCounts counts = legalize("cpu", ::fp4q::backEndTable);
  EXPECT_EQ(counts.converted, 2u);
  EXPECT_EQ(counts.padded, 4u);
  EXPECT_EQ(counts.absorbed, 0u);
  // Blocked: those of the activation, which the quantizer then writes.
  counts = legalize("sm_120a", ::fp4q::testBackEnds);
  EXPECT_EQ(counts.converted, 2u);
  EXPECT_EQ(counts.padded, 4u);
  EXPECT_EQ(counts.absorbed, 1u);
}
