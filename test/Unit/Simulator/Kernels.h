//===- Kernels.h - small kernels for the simulator's tests ------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TEST_UNIT_SIMULATOR_KERNELS_H
#define FP4Q_TEST_UNIT_SIMULATOR_KERNELS_H

#include "fp4q/Simulator/Simulator.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace fp4q::sim {

/// A kernel k(in, out) around a body. %in and %out are the addresses of this
/// thread's words: `inWords` and `outWords` 32-bit words each. Registers:
/// %r0-63
/// (.b32), %d0-15 (.b64), %h0-15 (.b16), %b0-7 (.b8), %p0-7.
inline std::string makeKernel(const std::string &body, unsigned inWords,
                              unsigned outWords,
                              const std::string &target = "sm_120a") {
  return ".version 8.8\n.target " + target +
         "\n.address_size 64\n"
         ".visible .entry k(.param .u64 in, .param .u64 out) {\n"
         ".reg .b32 %r<64>, %t; .reg .b64 %d<16>, %in, %out, %o;\n"
         ".reg .b16 %h<16>; .reg .b8 %b<8>; .reg .pred %p<8>;\n"
         ".shared .align 16 .b8 sm[4096];\n"
         "ld.param.u64 %in, [in]; ld.param.u64 %out, [out];\n"
         "mov.u32 %t, %tid.x; mul.wide.u32 %o, %t, " +
         std::to_string(4 * inWords) +
         "; add.u64 %in, %in, %o;\n"
         "mul.wide.u32 %o, %t, " +
         std::to_string(4 * outWords) + "; add.u64 %out, %out, %o;\n" + body +
         "\nret;\n}\n";
}

struct Outcome {
  std::vector<uint32_t> words;
  LaunchResult result;
};

/// Runs a kernel of makeKernel in one CTA.
inline Outcome runKernel(const std::string &ptx,
                         const std::vector<uint32_t> &input, size_t outWords,
                         unsigned threads = 32,
                         const LaunchOptions &options = {}) {
  Outcome outcome;
  DeviceMemory memory;
  std::string error;
  std::unique_ptr<Module> module = Module::load(ptx, memory, error);
  EXPECT_TRUE(module) << error;
  if (!module)
    return outcome;
  uint64_t params[2] = {memory.allocate(input.size() * 4),
                        memory.allocate(outWords * 4)};
  memory.write(params[0], input.data(), input.size() * 4);
  LaunchConfig config;
  config.block.x = threads;
  outcome.result = launch(*module, 0, config, params, memory, options);
  outcome.words.resize(outWords);
  memory.read(params[1], outcome.words.data(), outWords * 4);
  return outcome;
}

/// The kind of fault a body ends in, or "none".
inline std::string faultOf(const std::string &body, unsigned threads = 32) {
  Outcome outcome =
      runKernel(makeKernel(body, 4, 4, "sm_90a"),
                std::vector<uint32_t>(4 * threads), 4 * threads, threads);
  EXPECT_EQ(outcome.result.error, "");
  return outcome.result.fault ? faultName(outcome.result.fault->kind) : "none";
}

} // namespace fp4q::sim

#endif // FP4Q_TEST_UNIT_SIMULATOR_KERNELS_H
