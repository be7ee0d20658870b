//===- RunFiles.h - call a compiled function on .npy files ------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TOOLS_FP4QRUN_RUNFILES_H
#define FP4Q_TOOLS_FP4QRUN_RUNFILES_H

#include "fp4q/Compiler/Pipelines.h"

#include "mlir/Support/LLVM.h"

#include <string>
#include <vector>

namespace mlir {
namespace fp4q {

/// What the command line of fp4q-run says.
struct RunOptions {
  std::string module;
  std::string entry;
  /// Of an artifact: the target whose code runs; empty for the best one. Of a
  /// module: the CPU level or the chip to compile for; empty for this machine.
  std::string target;
  /// "cpu", "gpu:N" or "sim".
  std::string device = "cpu";
  /// Of a module: what computes its operations.
  std::string backend = "auto";
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  /// Compile a module with --fp4q-optimize.
  bool optimize = true;
  /// Compile a module with pack-weights.
  bool packWeights = false;
  /// Print how long compiling and running took to standard error.
  bool time = false;
  /// Print what the simulator has counted to standard output.
  bool simReport = false;
};

/// Calls a function of a module or of an artifact on the inputs and writes the
/// outputs. On failure one line that names the culprit goes to standard error
/// and no output is left behind.
LogicalResult runFiles(const RunOptions &options);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_TOOLS_FP4QRUN_RUNFILES_H
