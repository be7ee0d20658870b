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
#include "fp4q/Runtime/DLPack.h"
#include "fp4q/Target/TargetInfo.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"
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

/// Whether code can be made for the target: of CPUs, by createMachine.
static bool canCompileFor(const ::fp4q::Target &target) {
  StringRef architecture = target.architecture;
  return target.kind == ::fp4q::TargetKind::GPU || architecture.empty() ||
         architecture == "x86_64";
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
  if (found && found->kind == ::fp4q::TargetKind::GPU)
    return CompileTarget{found->name,
                         ::fp4q::findTarget("cpu")->cpu,
                         "",
                         {},
                         /*isGPU=*/true};
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

std::optional<std::vector<CompileTarget>>
mlir::fp4q::parseTargets(StringRef text, std::string &error) {
  std::vector<CompileTarget> targets;
  SmallVector<StringRef> names;
  text.split(names, ',');
  for (StringRef name : names) {
    std::optional<CompileTarget> target = parseTarget(name, error);
    if (!target)
      return std::nullopt;
    if (llvm::any_of(targets, [&](const CompileTarget &other) {
          return other.name == target->name;
        })) {
      error = "target '" + target->name + "' is given twice";
      return std::nullopt;
    }
    targets.push_back(std::move(*target));
  }
  return targets;
}

/// An error that concerns no place in the module.
static InFlightDiagnostic emitPlainError(ModuleOp module) {
  return mlir::emitError(UnknownLoc::get(module.getContext()));
}

static std::unique_ptr<llvm::TargetMachine>
createMachine(ModuleOp module, StringRef cpu, StringRef features) {
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
      triple, cpu, features, llvm::TargetOptions(), llvm::Reloc::PIC_,
      std::nullopt, llvm::CodeGenOptLevel::Default));
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
                                   ArrayRef<::fp4q::ArtifactTarget> targets,
                                   StringRef output) {
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
      !::fp4q::sealArtifact(library.str().str(), targets, "fp4q " FP4Q_VERSION,
                            error))
    return emitPlainError(module) << error;
  code = llvm::sys::fs::rename(library, output);
  if (code)
    return emitPlainError(module)
           << "output '" << output << "' cannot be written: " << code.message();
  removeLibrary.releaseFile();
  return success();
}

namespace {

/// Compiles one module for one target after the other into one LLVM module.
class Compilation {
public:
  Compilation(ModuleOp module, const AheadOfTimeOptions &options)
      : module(module), options(options) {}

  LogicalResult run(StringRef output);

private:
  /// Lowers `lowered`, a copy of the module, and adds its code.
  LogicalResult addTarget(ModuleOp lowered, unsigned number);

  ModuleOp module;
  const AheadOfTimeOptions &options;
  std::vector<EntryPoint> entries;
  LargeConstants constants;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> combined;
};

} // namespace

static LogicalResult lower(ModuleOp module, const AheadOfTimeOptions &options,
                           const CompileTarget &target) {
  PassManager manager(module.getContext());
  if (target.isGPU) {
    GPUPipelineOptions pipeline;
    pipeline.copyOptionValuesFrom(options.gpuPipeline);
    pipeline.chip = target.name;
    if (options.emit == EmitKind::PTX)
      pipeline.cubin = CubinKind::Never;
    if (options.emit == EmitKind::Cubin)
      pipeline.cubin = CubinKind::Always;
    buildFP4QToGPUPipeline(manager, pipeline);
  } else {
    CPUPipelineOptions pipeline;
    pipeline.copyOptionValuesFrom(options.pipeline);
    pipeline.level = StringRef(target.name).split(':').second.str();
    buildFP4QToCPUPipeline(manager, pipeline);
  }
  return manager.run(module);
}

/// Writes the kernels of a lowered module for a chip.
static LogicalResult writeKernels(ModuleOp module, EmitKind emit,
                                  StringRef output) {
  gpu::CompilationTarget format = emit == EmitKind::PTX
                                      ? gpu::CompilationTarget::Assembly
                                      : gpu::CompilationTarget::Binary;
  SmallVector<StringRef> found;
  for (auto binary : module.getOps<gpu::BinaryOp>())
    for (Attribute attribute : binary.getObjectsAttr()) {
      auto object = cast<gpu::ObjectAttr>(attribute);
      if (object.getFormat() == format)
        found.push_back(object.getObject().getValue());
    }
  if (found.size() != 1)
    return emitPlainError(module)
           << (found.empty() ? "the module has no kernels"
                             : "the module has several modules of kernels");
  return writeText(module, output, [&](raw_ostream &os) {
    // PTX ends in a zero byte, for those who load it.
    os << (emit == EmitKind::PTX ? found.front().rtrim('\0') : found.front());
  });
}

/// DLPack's type of the device whose memory the functions take.
static int32_t getDeviceType(const CompileTarget &target) {
  return target.isGPU ? FP4Q_DL_CUDA : FP4Q_DL_CPU;
}

LogicalResult Compilation::addTarget(ModuleOp lowered, unsigned number) {
  const CompileTarget &target = options.targets[number];
  std::unique_ptr<llvm::TargetMachine> machine =
      createMachine(module, target.cpu, target.features);
  if (!machine || failed(lower(lowered, options, target)) ||
      failed(constants.detach(lowered)))
    return failure();
  std::unique_ptr<llvm::Module> translated =
      translate(lowered, context, *machine);
  if (!translated)
    return failure();
  constants.unify(*translated);
  addFunctionDescriptors(*translated, entries, number, getDeviceType(target));
  // Each function says what it is for, since they will share a module.
  for (llvm::Function &function : *translated) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.cpu);
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
  }
  auto optimize =
      makeOptimizingTransformer(/*optLevel=*/3, /*sizeLevel=*/0, machine.get());
  if (llvm::Error error = optimize(translated.get()))
    return module.emitError() << "the code cannot be optimized: "
                              << llvm::toString(std::move(error));
  if (!combined)
    combined = std::move(translated);
  else if (llvm::Linker::linkModules(*combined, std::move(translated)))
    return module.emitError("the code for several targets cannot be combined");
  return success();
}

static std::string listNames(ArrayRef<CompileTarget> targets) {
  std::string names;
  for (const CompileTarget &target : targets)
    names += (names.empty() ? "" : ", ") + target.name;
  return names;
}

LogicalResult Compilation::run(StringRef output) {
  PassManager preparation(module.getContext());
  buildFP4QPreparationPipeline(preparation);
  if (failed(preparation.run(module)))
    return failure();
  // The operations do not outlive the lowering, so they are described now.
  FailureOr<std::vector<EntryPoint>> found = collectEntryPoints(module);
  if (failed(found))
    return failure();
  entries = std::move(*found);
  if (options.emit == EmitKind::MLIR) {
    if (options.targets.size() != 1)
      return emitPlainError(module)
             << "the LLVM dialect can be written for one target, not for "
             << options.targets.size();
    if (failed(lower(module, options, options.targets.front())))
      return failure();
    return writeText(module, output,
                     [&](raw_ostream &os) { module.print(os); });
  }

  if (options.emit == EmitKind::PTX || options.emit == EmitKind::Cubin) {
    if (options.targets.size() != 1 || !options.targets.front().isGPU)
      return emitPlainError(module)
             << "kernels are written for one chip; the targets are "
             << listNames(options.targets);
    if (failed(lower(module, options, options.targets.front())))
      return failure();
    return writeKernels(module, options.emit, output);
  }

  std::vector<::fp4q::ArtifactTarget> targets;
  SmallVector<OwningOpRef<ModuleOp>> copies;
  for (auto [i, target] : llvm::enumerate(options.targets)) {
    targets.push_back({target.name, getDeviceType(target), target.cpuFeatures});
    // The last one may spoil the module.
    ModuleOp lowered = module;
    if (i + 1 < options.targets.size())
      lowered = *copies.emplace_back(module.clone());
    if (failed(addTarget(lowered, i)))
      return failure();
  }
  addArtifactExports(*combined, entries, targets,
                     makeManifest(entries, targets));
  constants.attach(*combined);
  if (options.emit == EmitKind::LLVM)
    return writeText(module, output, [&](raw_ostream &os) {
      combined->print(os, /*AAW=*/nullptr);
    });
  // What all targets share runs everywhere.
  std::unique_ptr<llvm::TargetMachine> machine =
      createMachine(module, ::fp4q::findTarget("cpu")->cpu, "");
  if (!machine)
    return failure();
  return writeArtifact(module, *combined, *machine, targets, output);
}

LogicalResult mlir::fp4q::compileAheadOfTime(ModuleOp module,
                                             const AheadOfTimeOptions &options,
                                             StringRef output) {
  return Compilation(module, options).run(output);
}
