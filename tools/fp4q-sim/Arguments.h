//===- Arguments.h - the command line of fp4q-sim ---------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TOOLS_FP4Q_SIM_ARGUMENTS_H
#define FP4Q_TOOLS_FP4Q_SIM_ARGUMENTS_H

#include "fp4q/Runtime/Npy.h"
#include "fp4q/Simulator/Simulator.h"

#include <stdexcept>

/// A mistake of the user: one line.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One --arg: a device buffer, or a value.
struct KernelArgument {
  std::string spec;           ///< as written
  bool buffer = false;        ///< in:, out: or inout:
  std::vector<uint8_t> value; ///< of a scalar
  fp4q::NpyArray array;       ///< of a buffer: what goes in
  bool initialized = false;   ///< in: or inout:
  std::string output;         ///< file for out: and inout:, else empty
  uint64_t address = 0;       ///< of the buffer
};

struct Arguments {
  std::string file;
  std::string entry;
  fp4q::sim::LaunchConfig config;
  fp4q::sim::LaunchOptions options;
  std::vector<KernelArgument> arguments;
  bool json = false;
  bool help = false;
};

/// Parses the command line and reads the input arrays. Throws UsageError.
Arguments parseArguments(int argc, char **argv);

/// The text of --help.
extern const char *const usageText;

#endif // FP4Q_TOOLS_FP4Q_SIM_ARGUMENTS_H
