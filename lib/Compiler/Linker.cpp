//===- Linker.cpp - shared objects by the system's linker -----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/Linker.h"

#include "fp4q/Runtime/ParallelFor.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
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

/// The first line of a file that has something to say.
static std::string firstLine(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return "";
  return (*buffer)->getBuffer().trim().split('\n').first.str();
}

LogicalResult mlir::fp4q::linkSharedObject(StringRef object, StringRef output,
                                           std::string &error) {
  std::string driver = findDriver(error);
  if (driver.empty())
    return failure();
  std::string runtime = findRuntime();
  // No start files: an artifact has no constructors. Every symbol must be
  // found now rather than when the artifact is loaded.
  SmallVector<StringRef> arguments = {
      driver,
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
  SmallString<128> log;
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("fp4q-link", "log", log)) {
    error = "no temporary file can be made: " + code.message();
    return failure();
  }
  llvm::FileRemover removeLog(log);
  std::optional<StringRef> redirects[] = {StringRef(""), log.str(), log.str()};
  int status = llvm::sys::ExecuteAndWait(driver, arguments, std::nullopt,
                                         redirects, /*SecondsToWait=*/0,
                                         /*MemoryLimit=*/0, &error);
  if (status == 0)
    return success();
  std::string line = firstLine(log);
  error = "'" + driver + "' cannot link the artifact: " +
          (line.empty() ? "exit status " + std::to_string(status) : line);
  return failure();
}
