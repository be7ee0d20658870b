//===- GPUKernels.h - run lowered operations on the simulator ---*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TEST_UNIT_CODEGEN_GPUKERNELS_H
#define FP4Q_TEST_UNIT_CODEGEN_GPUKERNELS_H

#include "fp4q/Simulator/Simulator.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fp4q {

/// An argument: the bytes of an array, or of a scalar f32.
struct GPUArgument {
  void *data;
  size_t bytes;
};

/// Lowers MLIR to PTX, and runs it.
class GPUCompiler {
public:
  GPUCompiler();
  ~GPUCompiler();

  /// The PTX of the gpu.module that results from `text`: a module with
  /// functions that call level-1 operations on memrefs of static shape, or with
  /// a gpu.module. Failures are gtest's, and then it is empty.
  std::string compile(const std::string &text, const std::string &chip);

  /// Runs the launches of `function` of the module last compiled, one after the
  /// other, on the simulator with all checks. What arrays hold beforehand is
  /// copied to the device only if `initialized`, and back afterwards.
  bool run(const std::string &function,
           const std::vector<GPUArgument> &arguments,
           const std::vector<bool> &initialized);

  /// The same, and what each kernel's instructions accessed goes to profiles().
  bool profile(const std::string &function,
               const std::vector<GPUArgument> &arguments,
               const std::vector<bool> &initialized);

  /// The names of the kernels that the last run launched.
  const std::vector<std::string> &launched() const;
  /// Of each of them, the accesses to memory by instruction.
  const std::vector<std::vector<sim::AccessProfile>> &profiles() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace fp4q

#endif // FP4Q_TEST_UNIT_CODEGEN_GPUKERNELS_H
