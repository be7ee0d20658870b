//===- RunTool.cpp - run the linker, ptxas and the like -------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Support/RunTool.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

#include <optional>

using namespace mlir;

/// The first line of a file that has something to say.
static std::string firstLine(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return "";
  return (*buffer)->getBuffer().trim().split('\n').first.str();
}

llvm::LogicalResult fp4q::runTool(llvm::StringRef program,
                                  llvm::ArrayRef<llvm::StringRef> arguments,
                                  std::string &message) {
  llvm::SmallString<128> log;
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("fp4q-tool", "log", log)) {
    message = "no temporary file can be made: " + code.message();
    return llvm::failure();
  }
  llvm::FileRemover removeLog(log);
  llvm::SmallVector<llvm::StringRef> all = {program};
  llvm::append_range(all, arguments);
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(""), log.str(),
                                                log.str()};
  std::string reason;
  int status = llvm::sys::ExecuteAndWait(program, all, std::nullopt, redirects,
                                         /*SecondsToWait=*/0, /*MemoryLimit=*/0,
                                         &reason);
  if (status == 0)
    return llvm::success();
  message = firstLine(log);
  if (message.empty())
    message = reason;
  if (message.empty())
    message = "exit status " + std::to_string(status);
  return llvm::failure();
}
