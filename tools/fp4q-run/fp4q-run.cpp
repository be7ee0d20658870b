//===- fp4q-run.cpp - compile and call a function on .npy files -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunFiles.h"

#include "fp4q/Compiler/DeviceFunction.h"
#include "fp4q/Compiler/Version.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

static llvm::cl::OptionCategory category("fp4q-run options");
static llvm::cl::opt<std::string>
    module(llvm::cl::Positional, llvm::cl::desc("<module.mlir | artifact.so>"),
           llvm::cl::cat(category));
static llvm::cl::opt<bool> probe(
    "probe",
    llvm::cl::desc("Print what this machine can run, and do nothing else"),
    llvm::cl::cat(category));
static llvm::cl::opt<std::string>
    entry("entry", llvm::cl::value_desc("name"),
          llvm::cl::desc("Function to call (default: the only public one)"),
          llvm::cl::cat(category));
static llvm::cl::opt<std::string>
    target("target", llvm::cl::value_desc("target"),
           llvm::cl::desc("Code of an artifact to run, or the CPU level or "
                          "chip to compile a module for (default: the best for "
                          "the device)"),
           llvm::cl::cat(category));
static llvm::cl::opt<std::string>
    device("device", llvm::cl::value_desc("device"),
           llvm::cl::desc("Where to run: cpu (default), gpu:N, a CUDA device, "
                          "or sim, the simulator of one"),
           llvm::cl::init("cpu"), llvm::cl::cat(category));
static llvm::cl::opt<std::string>
    backend("backend", llvm::cl::value_desc("name"),
            llvm::cl::desc("What computes the operations of a module: auto "
                           "(default), reference or cpu, gpu-portable or "
                           "gpu-native"),
            llvm::cl::init("auto"), llvm::cl::cat(category));
static llvm::cl::list<std::string>
    inputs("input", llvm::cl::value_desc("file.npy"),
           llvm::cl::desc("An argument of the function, in order"),
           llvm::cl::cat(category));
static llvm::cl::list<std::string>
    outputs("output", llvm::cl::value_desc("file.npy"),
            llvm::cl::desc("Where a result goes, in order"),
            llvm::cl::cat(category));
static llvm::cl::opt<bool>
    noOptimize("no-optimize",
               llvm::cl::desc("Compile a module as it is written"),
               llvm::cl::cat(category));
static llvm::cl::opt<bool>
    packWeights("pack-weights",
                llvm::cl::desc("Of a module for CPUs: lay constant weights out "
                               "as products of one row stream them"),
                llvm::cl::cat(category));
static llvm::cl::opt<bool>
    timing("time", llvm::cl::desc("Print the time of compiling and running"),
           llvm::cl::cat(category));

enum class ReportKind { None, JSON };
static llvm::cl::opt<ReportKind>
    simReport("sim-report",
              llvm::cl::desc("Print what the simulator has counted:"),
              llvm::cl::values(clEnumValN(ReportKind::JSON, "json", "as JSON")),
              llvm::cl::init(ReportKind::None), llvm::cl::cat(category));

static const char overview[] =
    "Compiles a function of an MLIR module for this machine, or loads one of\n"
    "an artifact of fp4q-compile, calls it on .npy files and writes its\n"
    "results as .npy files.\n\n"
    "bf16 travels as uint16, packed codes and f8 scales as uint8, f16, f32 "
    "and\n"
    "integers as themselves, scalars as 0-d arrays. FP4Q_NUM_THREADS limits\n"
    "the threads.\n\n"
    "Example: fp4q-run linear.mlir --entry=quantize --input=x.npy\n"
    "           --output=codes.npy --output=scales.npy\n";

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::HideUnrelatedOptions(category);
  llvm::cl::SetVersionPrinter(
      [](llvm::raw_ostream &os) { os << mlir::fp4q::getVersion() << '\n'; });
  llvm::cl::ParseCommandLineOptions(argc, argv, overview);
  if (probe) {
    mlir::fp4q::printMachine(llvm::outs());
    return 0;
  }
  if (module.empty()) {
    llvm::errs() << "fp4q-run: error: expected a module or an artifact; see "
                    "--help\n";
    return 1;
  }
  mlir::fp4q::RunOptions options = {module,
                                    entry,
                                    target,
                                    device,
                                    backend,
                                    inputs,
                                    outputs,
                                    !noOptimize,
                                    packWeights,
                                    timing,
                                    simReport == ReportKind::JSON};
  return mlir::failed(mlir::fp4q::runFiles(options));
}
