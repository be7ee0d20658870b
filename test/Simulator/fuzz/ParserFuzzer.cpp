//===- ParserFuzzer.cpp - PTX text that nobody wrote ----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libFuzzer target: whatever the text, Module::load ends with a module or with
// an error of one line.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Simulator/Simulator.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fp4q::sim::DeviceMemory memory;
  std::string error;
  auto module = fp4q::sim::Module::load(
      std::string(reinterpret_cast<const char *>(data), size), memory, error);
  bool oneLine = !error.empty() && error.find('\n') == std::string::npos;
  if (!module && !oneLine)
    std::abort();
  return 0;
}
