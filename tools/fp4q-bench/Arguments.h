//===- Arguments.h - the command line of fp4q-bench -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TOOLS_BENCH_ARGUMENTS_H
#define FP4Q_TOOLS_BENCH_ARGUMENTS_H

#include "Cases.h"

#include "fp4q/Compiler/DeviceFunction.h"

#include <optional>

namespace mlir {
namespace fp4q {
namespace bench {

/// What the user asks for.
struct Arguments {
  std::vector<Case> cases;
  /// Where the cases run; none: on this machine's CPU.
  std::optional<CudaDevice> device;
  /// Each case runs with each of these numbers of threads; once on a device.
  std::vector<int> threads;
  /// A case is repeated for at least so long, warm.
  double minSeconds = 0;
  /// Where the JSON goes; "-" is stdout.
  std::string output;
};

/// Parses the command line; --help and unknown options end the program. A value
/// that is not allowed gives nothing, and one line on stderr that says which.
std::optional<Arguments> parseArguments(int argc, char **argv);

} // namespace bench
} // namespace fp4q
} // namespace mlir

#endif // FP4Q_TOOLS_BENCH_ARGUMENTS_H
