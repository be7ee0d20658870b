//===- fp4q-compile.cpp - compile a module into an artifact ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/AheadOfTime.h"
#include "fp4q/Compiler/LoadModule.h"
#include "fp4q/Compiler/Version.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

using namespace mlir;
using namespace mlir::fp4q;

static llvm::cl::OptionCategory category("fp4q-compile options");
static llvm::cl::opt<std::string> input(llvm::cl::Positional,
                                        llvm::cl::desc("<module.mlir>"),
                                        llvm::cl::Required,
                                        llvm::cl::cat(category));
static llvm::cl::opt<std::string>
    targets("target", llvm::cl::value_desc("target,..."),
            llvm::cl::desc("cpu (default), cpu:LEVEL, cpu:native or a chip, "
                           "such as sm_90a; of several the best for its CPU "
                           "and its GPU is picked when the artifact is "
                           "loaded"),
            llvm::cl::init("cpu"), llvm::cl::cat(category));
static llvm::cl::opt<std::string>
    backend("backend", llvm::cl::value_desc("name"),
            llvm::cl::desc("What computes the operations: auto (default), "
                           "reference or cpu, gpu-portable or gpu-native; see "
                           "docs/targets.md"),
            llvm::cl::init("auto"), llvm::cl::cat(category));
static llvm::cl::opt<bool>
    packWeights("pack-weights",
                llvm::cl::desc("Lay constant weights out as products of one "
                               "row on CPUs stream them"),
                llvm::cl::cat(category));
static llvm::cl::opt<EmitKind> emit(
    "emit", llvm::cl::desc("What to write:"),
    llvm::cl::values(
        clEnumValN(EmitKind::SharedObject, "so", "an artifact (default)"),
        clEnumValN(EmitKind::MLIR, "mlir", "the LLVM dialect"),
        clEnumValN(EmitKind::LLVM, "llvm", "optimized LLVM IR"),
        clEnumValN(EmitKind::PTX, "ptx", "the kernels for one chip, as PTX"),
        clEnumValN(EmitKind::Cubin, "cubin",
                   "the kernels for one chip, by ptxas")),
    llvm::cl::init(EmitKind::SharedObject), llvm::cl::cat(category));
static llvm::cl::opt<CubinKind>
    cubin("cubin",
          llvm::cl::desc("Whether artifacts hold a cubin beside the PTX:"),
          llvm::cl::values(clEnumValN(CubinKind::Auto, "auto",
                                      "if ptxas is found (default)"),
                           clEnumValN(CubinKind::Always, "always",
                                      "fail without ptxas"),
                           clEnumValN(CubinKind::Never, "never", "PTX only")),
          llvm::cl::init(CubinKind::Auto), llvm::cl::cat(category));
static llvm::cl::opt<std::string>
    ptxas("ptxas", llvm::cl::value_desc("program"),
          llvm::cl::desc("The ptxas to run (default: that of CUDA_HOME, or in "
                         "PATH)"),
          llvm::cl::cat(category));
static llvm::cl::opt<std::string>
    output("o", llvm::cl::value_desc("file"), llvm::cl::Required,
           llvm::cl::desc("Where the output goes ('-' for text: standard "
                          "output)"),
           llvm::cl::cat(category));

static const char overview[] =
    "Compiles the public functions of an MLIR module into one shared object,\n"
    "which fp4q-run and libfp4q_runtime.so load: see docs/artifact.md.\n\n"
    "It is linked by the C compiler that FP4Q_LINKER names, else by cc,\n"
    "clang-22, clang or gcc, whichever is first found in PATH.\n\n"
    "Example: fp4q-compile linear.mlir --target=cpu:x86-64-v3 -o linear.so\n";

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::HideUnrelatedOptions(category);
  llvm::cl::SetVersionPrinter(
      [](llvm::raw_ostream &os) { os << getVersion() << '\n'; });
  llvm::cl::ParseCommandLineOptions(argc, argv, overview);

  AheadOfTimeOptions options;
  options.emit = emit;
  options.gpuPipeline.cubin = cubin;
  options.gpuPipeline.ptxas = ptxas;
  std::string error;
  std::optional<std::vector<CompileTarget>> parsed =
      parseTargets(targets, error);
  if (!parsed) {
    llvm::errs() << "fp4q-compile: error: " << error << '\n';
    return 1;
  }
  options.targets = *parsed;
  auto isGPU = [](const CompileTarget &target) { return target.isGPU; };
  if (failed(setBackEnd(backend, !llvm::all_of(*parsed, isGPU),
                        llvm::any_of(*parsed, isGPU), options.pipeline,
                        options.gpuPipeline, error))) {
    llvm::errs() << "fp4q-compile: error: " << error << '\n';
    return 1;
  }
  options.pipeline.packWeights = packWeights;
  if (packWeights && llvm::all_of(*parsed, isGPU)) {
    llvm::errs() << "fp4q-compile: error: --pack-weights is for CPUs, but each "
                    "target is a GPU\n";
    return 1;
  }
  LoadedModule module("fp4q-compile");
  return failed(module.load(input)) ||
         failed(compileAheadOfTime(module.get(), options, output));
}
