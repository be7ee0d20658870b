//===- AheadOfTime.cpp - compile a module into an artifact ----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/AheadOfTime.h"

#include "fp4q/Compiler/EntryPoints.h"
#include "fp4q/Compiler/LargeConstants.h"
#include "fp4q/Compiler/Linker.h"
#include "fp4q/Runtime/ArtifactFile.h"
#include "fp4q/Target/TargetInfo.h"

#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace mlir::fp4q;

static_assert(std::tuple_size_v<::fp4q::CpuFeatureWords> ==
                  std::tuple_size_v<decltype(CompileTarget::cpuFeatures)>,
              "the target table and the artifact describe the same CPU");

/// Whether createMachine can make code for the target.
static bool canCompileFor(const ::fp4q::Target &target) {
  StringRef architecture = target.architecture;
  return target.kind == ::fp4q::TargetKind::CPU &&
         (architecture.empty() || architecture == "x86_64");
}

std::optional<CompileTarget> mlir::fp4q::parseTarget(StringRef text,
                                                     std::string &error) {
  if (text == "cpu:native") {
    CompileTarget target{text.str(), llvm::sys::getHostCPUName().str(), "",
                         ::fp4q::getHostCpuFeatures()};
    for (const auto &[feature, enabled] : llvm::sys::getHostCPUFeatures())
      target.features += (target.features.empty() ? "" : ",") +
                         std::string(enabled ? "+" : "-") + feature.str();
    return target;
  }
  const ::fp4q::Target *found = ::fp4q::findTarget(text);
  if (found && canCompileFor(*found))
    return CompileTarget{found->name, found->cpu, ::fp4q::llvmFeatures(*found),
                         found->cpuFeatures};
  error = "unknown target '" + text.str() + "', expected one of cpu, ";
  for (const ::fp4q::Target &target :
       ArrayRef(::fp4q::targets, ::fp4q::numTargets))
    if (canCompileFor(target))
      error += std::string(target.name) + ", ";
  error += "cpu:native";
  return std::nullopt;
}

/// An error that concerns no place in the module.
static InFlightDiagnostic emitPlainError(ModuleOp module) {
  return mlir::emitError(UnknownLoc::get(module.getContext()));
}

static std::unique_ptr<llvm::TargetMachine>
createMachine(ModuleOp module, const CompileTarget &target) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found || !triple.isX86()) {
    emitPlainError(module) << "no code can be generated for " << triple.str()
                           << ": only x86-64 is known";
    return nullptr;
  }
  return std::unique_ptr<llvm::TargetMachine>(found->createTargetMachine(
      triple, target.cpu, target.features, llvm::TargetOptions(),
      llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
}

static std::unique_ptr<llvm::Module> translate(ModuleOp module,
                                               llvm::LLVMContext &context,
                                               llvm::TargetMachine &machine) {
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  std::unique_ptr<llvm::Module> translated =
      translateModuleToLLVMIR(module, context);
  if (!translated)
    return nullptr;
  translated->setTargetTriple(machine.getTargetTriple());
  translated->setDataLayout(machine.createDataLayout());
  return translated;
}

/// Writes the text of `print` to `output`, all of it or nothing.
static LogicalResult writeText(ModuleOp module, StringRef output,
                               llvm::function_ref<void(raw_ostream &)> print) {
  llvm::Error error =
      llvm::writeToOutput(output, [&](raw_ostream &os) -> llvm::Error {
        print(os);
        return llvm::Error::success();
      });
  if (!error)
    return success();
  return emitPlainError(module)
         << "output '" << output
         << "' cannot be written: " << llvm::toString(std::move(error));
}

static LogicalResult writeObject(ModuleOp module, llvm::Module &translated,
                                 llvm::TargetMachine &machine, StringRef path) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  llvm::legacy::PassManager manager;
  if (code || machine.addPassesToEmitFile(manager, os, nullptr,
                                          llvm::CodeGenFileType::ObjectFile))
    return emitPlainError(module) << "object file '" << path
                                  << "' cannot be written: " << code.message();
  manager.run(translated);
  os.close();
  if (!os.has_error())
    return success();
  code = os.error();
  os.clear_error();
  return emitPlainError(module) << "object file '" << path
                                << "' cannot be written: " << code.message();
}

/// Makes the artifact beside `output` and renames it once it is complete.
static LogicalResult writeArtifact(ModuleOp module, llvm::Module &translated,
                                   llvm::TargetMachine &machine,
                                   const CompileTarget &target,
                                   StringRef producer, StringRef output) {
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(output, status) &&
      status.type() != llvm::sys::fs::file_type::regular_file)
    return emitPlainError(module)
           << "output '" << output << "' is not a regular file";
  SmallString<128> object, library;
  std::error_code code =
      llvm::sys::fs::createUniqueFile(output + ".%%%%%%.tmp", library);
  if (code)
    return emitPlainError(module)
           << "output '" << output << "' cannot be written: " << code.message();
  llvm::FileRemover removeLibrary(library);
  code = llvm::sys::fs::createTemporaryFile("fp4q", "o", object);
  if (code)
    return emitPlainError(module)
           << "no temporary file can be made: " << code.message();
  llvm::FileRemover removeObject(object);
  if (failed(writeObject(module, translated, machine, object)))
    return failure();
  std::string error;
  if (failed(linkSharedObject(object, library, error)) ||
      !::fp4q::sealArtifact(library.str().str(), target.name, producer.str(),
                            target.cpuFeatures, error))
    return emitPlainError(module) << error;
  code = llvm::sys::fs::rename(library, output);
  if (code)
    return emitPlainError(module)
           << "output '" << output << "' cannot be written: " << code.message();
  removeLibrary.releaseFile();
  return success();
}

LogicalResult mlir::fp4q::compileAheadOfTime(ModuleOp module,
                                             const AheadOfTimeOptions &options,
                                             StringRef output) {
  PassManager preparation(module.getContext());
  buildFP4QPreparationPipeline(preparation);
  if (failed(preparation.run(module)))
    return failure();
  // The operations do not outlive the lowering, so they are described now.
  FailureOr<std::vector<EntryPoint>> entries = collectEntryPoints(module);
  if (failed(entries))
    return failure();
  std::unique_ptr<llvm::TargetMachine> machine =
      createMachine(module, options.target);
  if (!machine)
    return failure();

  PassManager manager(module.getContext());
  buildFP4QToCPUPipeline(manager, options.pipeline);
  if (failed(manager.run(module)))
    return failure();
  if (options.emit == EmitKind::MLIR)
    return writeText(module, output,
                     [&](raw_ostream &os) { module.print(os); });

  LargeConstants constants;
  if (failed(constants.detach(module)))
    return failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> translated =
      translate(module, context, *machine);
  if (!translated)
    return failure();
  addArtifactExports(*translated, *entries,
                     makeManifest(*entries, options.target.name));
  auto optimize =
      makeOptimizingTransformer(/*optLevel=*/3, /*sizeLevel=*/0, machine.get());
  if (llvm::Error error = optimize(translated.get()))
    return module.emitError() << "the code cannot be optimized: "
                              << llvm::toString(std::move(error));
  constants.attach(*translated);
  if (options.emit == EmitKind::LLVM)
    return writeText(module, output, [&](raw_ostream &os) {
      translated->print(os, /*AAW=*/nullptr);
    });
  return writeArtifact(module, *translated, *machine, options.target,
                       "fp4q " FP4Q_VERSION, output);
}
