//===- CountRemarks.h - run a pass and count its decisions ------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TEST_UNIT_TRANSFORMS_COUNTREMARKS_H
#define FP4Q_TEST_UNIT_TRANSFORMS_COUNTREMARKS_H

#include "fp4q/Compiler/Registration.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

/// How often each decision was reported, by its name.
using RemarkCounts = std::map<std::string, unsigned>;

/// A streamer of MLIR's remark engine that only counts.
class RemarkCounter : public mlir::remark::detail::MLIRRemarkStreamerBase {
public:
  explicit RemarkCounter(RemarkCounts &counts) : counts(counts) {}
  void streamOptimizationRemark(
      const mlir::remark::detail::Remark &remark) override {
    ++counts[remark.getRemarkName().str()];
  }

private:
  RemarkCounts &counts;
};

/// Runs the pass on a module and counts its remarks. Empty, with a test
/// failure, if the text is wrong or the pass fails.
inline RemarkCounts countRemarks(std::unique_ptr<mlir::Pass> pass,
                                 llvm::StringRef text) {
  RemarkCounts counts;
  mlir::DialectRegistry registry;
  mlir::fp4q::registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  // `all` alone would enable none of the four.
  std::string filter = pass->getArgument().str();
  mlir::remark::RemarkCategories categories{filter, filter, filter, filter,
                                            filter};
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  mlir::PassManager manager(&context);
  manager.addPass(std::move(pass));
  if (failed(mlir::remark::enableOptimizationRemarks(
          context, std::make_unique<RemarkCounter>(counts),
          std::make_unique<mlir::remark::RemarkEmittingPolicyAll>(),
          categories)) ||
      !module || failed(manager.run(*module))) {
    ADD_FAILURE() << "the module cannot be parsed, or the pass has failed";
    return {};
  }
  return counts;
}

#endif // FP4Q_TEST_UNIT_TRANSFORMS_COUNTREMARKS_H
