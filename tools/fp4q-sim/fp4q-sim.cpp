//===- fp4q-sim.cpp - run any PTX on the CPU ------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

using namespace fp4q;
using namespace fp4q::sim;

static std::string readText(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(stream)),
                   std::istreambuf_iterator<char>());
  if (!stream.good() && !stream.eof())
    throw UsageError(path + ": cannot be read");
  return text;
}

static int findEntry(const Arguments &args, const Module &module) {
  const auto &kernels = module.kernels();
  std::string names;
  for (const KernelInfo &kernel : kernels)
    names += (names.empty() ? "" : ", ") + kernel.name;
  if (args.entry.empty() && kernels.size() == 1)
    return 0;
  int index = module.findKernel(args.entry);
  if (index < 0)
    throw UsageError((args.entry.empty()
                          ? "expected --entry=NAME"
                          : "--entry=" + args.entry + ": no such kernel") +
                     " (in " + args.file + ": " + names + ")");
  return index;
}

/// Allocates the buffers and lays out the kernel's parameters.
static std::vector<uint8_t>
bindArguments(Arguments &args, const KernelInfo &kernel, DeviceMemory &memory) {
  if (args.arguments.size() != kernel.params.size())
    throw UsageError("kernel `" + kernel.name + "` takes " +
                     std::to_string(kernel.params.size()) + " arguments, got " +
                     std::to_string(args.arguments.size()) + " --arg");
  std::vector<uint8_t> params(kernel.paramBytes);
  for (size_t i = 0; i < args.arguments.size(); ++i) {
    KernelArgument &arg = args.arguments[i];
    const ParamInfo &param = kernel.params[i];
    if (arg.buffer) {
      arg.address = memory.allocate(arg.array.data.size());
      if (arg.initialized)
        memory.write(arg.address, arg.array.data.data(), arg.array.data.size());
      arg.value.resize(8);
      std::memcpy(arg.value.data(), &arg.address, 8);
    }
    if (arg.value.size() != param.size)
      throw UsageError("--arg=" + arg.spec + " has " +
                       std::to_string(arg.value.size()) +
                       " bytes, but parameter `" + param.name + "` takes " +
                       std::to_string(param.size));
    std::memcpy(&params[param.offset], arg.value.data(), param.size);
  }
  return params;
}

static void writeOutputs(Arguments &args, DeviceMemory &memory) {
  for (KernelArgument &arg : args.arguments) {
    if (arg.output.empty())
      continue;
    memory.read(arg.address, arg.array.data.data(), arg.array.data.size());
    std::string error;
    if (!writeNpy(arg.output, arg.array.type, arg.array.shape,
                  arg.array.data.data(), error))
      throw UsageError("--arg=" + arg.spec + ": " + error);
  }
}

static int run(int argc, char **argv) {
  Arguments args = parseArguments(argc, argv);
  if (args.help) {
    std::fputs(usageText, stdout);
    return 0;
  }
  DeviceMemory memory;
  std::string error;
  std::unique_ptr<Module> module =
      Module::load(readText(args.file), memory, error);
  if (!module)
    throw UsageError(args.file + ": " + error);
  int kernel = findEntry(args, *module);
  const KernelInfo &info = module->kernels()[kernel];
  std::vector<uint8_t> params = bindArguments(args, info, memory);
  LaunchResult result =
      launch(*module, kernel, args.config, params.data(), memory, args.options);
  if (args.json)
    std::printf("%s\n", reportJson(info, result).c_str());
  if (!result.ok())
    throw UsageError(args.file + ": " + result.message());
  writeOutputs(args, memory);
  return 0;
}

int main(int argc, char **argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "fp4q-sim: error: %s\n", error.what());
    return 1;
  }
}
