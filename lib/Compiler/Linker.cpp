//===- Linker.cpp - shared objects by the system's linker -----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/Linker.h"

#include "fp4q/Runtime/ParallelFor.h"
#include "fp4q/Support/RunTool.h"

#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

#include <dlfcn.h>

using namespace mlir;
using namespace mlir::fp4q;

/// The path of a C compiler, or an empty string and an error.
static std::string findDriver(std::string &error) {
  if (auto given = llvm::sys::Process::GetEnv("FP4Q_LINKER")) {
    if (auto path = llvm::sys::findProgramByName(*given))
      return *path;
    error = "FP4Q_LINKER is '" + *given + "', which is no program";
    return "";
  }
  for (StringRef name : {"cc", "clang-22", "clang", "gcc"})
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  error = "no linker was found: tried cc, clang-22, clang and gcc in PATH; "
          "set FP4Q_LINKER to a C compiler";
  return "";
}

/// The file of the runtime that this process uses.
static std::string findRuntime() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&fp4q_parallel_for), &info))
    return "";
  return info.dli_fname;
}

LogicalResult mlir::fp4q::linkSharedObject(StringRef object, StringRef output,
                                           std::string &error) {
  std::string driver = findDriver(error);
  if (driver.empty())
    return failure();
  std::string runtime = findRuntime();
  // No start files: what they would run is not in an artifact. Every symbol
  // must be found now rather than when the artifact is loaded.
  StringRef arguments[] = {
      "-shared",
      "-nostartfiles",
      "-s",
      object,
      runtime,
      "-lm",
      "-Wl,-Bsymbolic,-z,defs,-z,now,-z,relro,-z,noexecstack",
      "-Wl,--build-id=none",
      "-o",
      output};
  if (succeeded(runTool(driver, arguments, error)))
    return success();
  error = "'" + driver + "' cannot link the artifact: " + error;
  return failure();
}
