//===- AssemblePtx.cpp - cubins beside the PTX of a gpu.binary ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// gpu-module-to-binary makes PTX or a cubin. An artifact holds both: the cubin
// loads fast, the PTX runs on later drivers and chips and on the simulator. So
// LLVM makes the PTX, once, and ptxas the cubin out of it, here.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Conversion/Passes.h"
#include "fp4q/Support/RunTool.h"
#include "fp4q/Target/TargetInfo.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QASSEMBLEPTXPASS
#include "fp4q/Conversion/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

/// Where the CUDA Toolkit may be, besides PATH: the variables that upstream's
/// gpu-module-to-binary looks at.
static constexpr StringLiteral toolkitVariables[] = {"CUDA_ROOT", "CUDA_HOME",
                                                     "CUDA_PATH"};

/// The path of ptxas, or an empty string and an error.
static std::string findPtxas(StringRef chosen, std::string &error) {
  if (!chosen.empty()) {
    if (auto path = llvm::sys::findProgramByName(chosen))
      return *path;
    error = "option ptxas is '" + chosen.str() + "', which is no program";
    return "";
  }
  for (StringRef variable : toolkitVariables) {
    auto toolkit = llvm::sys::Process::GetEnv(variable);
    if (!toolkit || toolkit->empty())
      continue;
    SmallString<128> path(*toolkit);
    llvm::sys::path::append(path, "bin", "ptxas");
    if (llvm::sys::fs::can_execute(path))
      return path.str().str();
  }
  if (auto path = llvm::sys::findProgramByName("ptxas"))
    return *path;
  error = "ptxas was not found: set CUDA_HOME to a CUDA Toolkit, 12.9 or "
          "newer, or put its bin folder into PATH";
  return "";
}

static constexpr StringLiteral kSplitOption = "--split-compile=0";

/// A temporary file that is removed with this object.
namespace {
struct TemporaryFile {
  std::error_code create(StringRef suffix) {
    std::error_code code =
        llvm::sys::fs::createTemporaryFile("fp4q-kernels", suffix, path);
    if (!code)
      remover.setFile(path);
    return code;
  }

  SmallString<128> path;
  llvm::FileRemover remover;
};
} // namespace

/// Whether ptxas means by its message that it is older than the chip or the
/// PTX.
static bool meansTooOld(StringRef message) {
  return message.contains("Unsupported .version") ||
         message.contains("is not defined for option 'gpu-name'");
}

/// The cubin for `chip`, or nothing and an error.
static std::optional<std::string> assemble(StringRef ptxas, StringRef chip,
                                           int level, StringRef ptx,
                                           std::string &error) {
  TemporaryFile source, result;
  std::error_code code = source.create("ptx");
  if (!code)
    code = result.create("cubin");
  if (!code) {
    llvm::raw_fd_ostream os(source.path, code);
    os << ptx;
    os.close();
    if (os.has_error()) {
      code = os.error();
      os.clear_error();
    }
  }
  if (code) {
    error = "no temporary file can be written: " + code.message();
    return std::nullopt;
  }
  std::string arch = ("-arch=" + chip).str();
  std::string optimization = "-O" + std::to_string(level);
  // Kernels side by side, on all cores: the same code as one after the other.
  // An older ptxas has no such option.
  SmallVector<StringRef> arguments = {arch, optimization, source.path,
                                      "-o", result.path,  kSplitOption};
  LogicalResult assembled = runTool(ptxas, arguments, error);
  if (failed(assembled) && StringRef(error).contains("split-compile")) {
    arguments.pop_back();
    assembled = runTool(ptxas, arguments, error);
  }
  if (failed(assembled)) {
    const ::fp4q::Target *target = ::fp4q::findTarget(chip);
    if (target && meansTooOld(error))
      error = "'" + ptxas.str() + "' is too old for " + chip.str() +
              ", which needs a CUDA Toolkit of release " +
              ::fp4q::cudaRelease(target->ptxVersion) + " or later: " + error;
    else
      error = "'" + ptxas.str() + "' fails for " + chip.str() + ": " + error;
    return std::nullopt;
  }
  auto cubin = llvm::MemoryBuffer::getFile(result.path);
  if (!cubin || (*cubin)->getBufferSize() == 0) {
    error = "'" + ptxas.str() + "' has written no cubin for " + chip.str();
    return std::nullopt;
  }
  return (*cubin)->getBuffer().str();
}

namespace {

struct FP4QAssemblePtxPass
    : public mlir::fp4q::impl::FP4QAssemblePtxPassBase<FP4QAssemblePtxPass> {
  using FP4QAssemblePtxPassBase::FP4QAssemblePtxPassBase;

  void runOnOperation() override {
    std::string error;
    tool = findPtxas(ptxas, error);
    for (auto binary : getOperation().getOps<gpu::BinaryOp>())
      if (failed(addCubins(binary, error)))
        return signalPassFailure();
  }

private:
  /// `error` says why there is no ptxas, if there is none.
  LogicalResult addCubins(gpu::BinaryOp binary, std::string error) {
    SmallVector<Attribute> objects;
    DenseSet<Attribute> haveCubin;
    for (Attribute attribute : binary.getObjectsAttr()) {
      auto object = cast<gpu::ObjectAttr>(attribute);
      if (object.getFormat() == gpu::CompilationTarget::Binary)
        haveCubin.insert(object.getTarget());
    }
    for (Attribute attribute : binary.getObjectsAttr()) {
      objects.push_back(attribute);
      auto object = cast<gpu::ObjectAttr>(attribute);
      auto target = dyn_cast<NVVM::NVVMTargetAttr>(object.getTarget());
      if (!target || object.getFormat() != gpu::CompilationTarget::Assembly ||
          haveCubin.contains(target))
        continue;
      if (tool.empty() && optional) {
        binary.emitWarning()
            << "the kernels are PTX only, which the driver compiles at their "
               "first use: "
            << error;
        return success();
      }
      std::optional<std::string> cubin;
      if (!tool.empty())
        cubin = assemble(tool, target.getChip(), target.getO(),
                         object.getObject().getValue(), error);
      if (!cubin)
        return binary.emitOpError() << "cannot be assembled: " << error;
      objects.push_back(gpu::ObjectAttr::get(
          &getContext(), target, gpu::CompilationTarget::Binary,
          StringAttr::get(&getContext(), *cubin), object.getProperties(),
          object.getKernels()));
      ++numAssembled;
    }
    binary.setObjectsAttr(ArrayAttr::get(&getContext(), objects));
    return success();
  }

  /// Empty if there is none.
  std::string tool;
};

} // namespace
