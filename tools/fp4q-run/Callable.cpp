//===- Callable.cpp - a function of a module or of an artifact ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Callable.h"

#include "fp4q/Compiler/DeviceFunction.h"
#include "fp4q/Compiler/LoadModule.h"
#include "fp4q/Runtime/Artifact.h"

#include "mlir/AsmParser/AsmParser.h"
#include "llvm/BinaryFormat/Magic.h"

using namespace mlir;
using namespace mlir::fp4q;

/// By its contents; a damaged artifact is at least called one.
static bool isArtifact(StringRef path) {
  llvm::file_magic magic;
  if (!llvm::identify_magic(path, magic) &&
      magic == llvm::file_magic::elf_shared_object)
    return true;
  return path.ends_with(".so");
}

LogicalResult mlir::fp4q::reportError(const Twine &message) {
  llvm::errs() << "fp4q-run: error: " << message << '\n';
  return failure();
}

LogicalResult Callable::readSignature(ModuleOp module, StringRef entry) {
  FailureOr<func::FuncOp> function = findEntry(module, entry);
  if (failed(function))
    return failure();
  name = function->getName().str();
  FailureOr<Signature> found = mlir::fp4q::getSignature(*function);
  if (failed(found))
    return failure();
  signature = *found;
  return success();
}

namespace {

/// A function of a module, compiled when it is prepared.
class ModuleFunction : public Callable {
public:
  LogicalResult open(const Callable::Options &given) {
    options.optimize = given.optimize;
    options.packWeights = given.packWeights;
    GPUPipelineOptions unused;
    std::string error;
    if (failed(setBackEnd(given.backend, /*hasCPU=*/true, /*hasGPU=*/false,
                          options, unused, error)))
      return reportError(error);
    StringRef path = given.path, target = given.target;
    if (!target.empty() && !target.consume_front("cpu:") && target != "cpu")
      return reportError("--target=" + target + " is no CPU level, and '" +
                         path +
                         "' is a module, which is compiled for this machine");
    if (!target.empty())
      options.level = target == "cpu" ? "x86-64" : target.str();
    return failure(failed(module.load(path)) ||
                   failed(readSignature(module.get(), given.entry)));
  }

  LogicalResult prepare() override {
    auto compiled = JitFunction::compile(module.get(), name, options);
    if (failed(compiled))
      return failure();
    function = std::move(*compiled);
    return success();
  }

  LogicalResult getResultSizes(ArrayRef<TensorRef> arguments,
                               SmallVectorImpl<SmallVector<int64_t>> &sizes,
                               std::string &error) override {
    return function->getResultSizes(arguments, sizes, error);
  }

  LogicalResult invoke(ArrayRef<TensorRef> arguments,
                       ArrayRef<TensorRef> results,
                       std::string &error) override {
    return function->invoke(arguments, results, error);
  }

private:
  LoadedModule module{"fp4q-run"};
  CPUPipelineOptions options;
  std::unique_ptr<JitFunction> function;
};

/// A function of an artifact.
class ArtifactFunction : public Callable {
public:
  LogicalResult open(const Callable::Options &options) {
    StringRef path = options.path, entry = options.entry,
              target = options.target;
    const char *error = nullptr;
    artifact =
        ::fp4q::loadArtifact(path.str().c_str(), &error, target.str().c_str());
    if (!artifact || fp4q_artifact_find(artifact.get(), entry.str().c_str(),
                                        &function, &error))
      return reportError(error);
    name = function->name;
    for (int32_t i = 0; i < numTensors(); ++i) {
      FailureOr<ValueSpec> spec =
          getValueSpec(parseType(function->values[i].type, &context));
      if (failed(spec))
        return reportError("artifact '" + path + "' has a value of type " +
                           function->values[i].type);
      (i < function->num_arguments ? signature.arguments : signature.results)
          .push_back(*spec);
    }
    return success();
  }

  LogicalResult prepare() override { return success(); }

  LogicalResult getResultSizes(ArrayRef<TensorRef> arguments,
                               SmallVectorImpl<SmallVector<int64_t>> &sizes,
                               std::string &error) override {
    Tensors tensors(*function, arguments, {});
    int64_t total = 0;
    for (const ValueSpec &spec : signature.results)
      total += spec.shape.size();
    std::vector<int64_t> flat(total);
    const char *message = nullptr;
    if (fp4q_function_result_shapes(function, tensors.pointers.data(),
                                    tensors.pointers.size(), flat.data(), total,
                                    &message)) {
      error = message;
      return failure();
    }
    sizes.clear();
    ArrayRef<int64_t> rest = flat;
    for (const ValueSpec &spec : signature.results) {
      sizes.emplace_back(rest.take_front(spec.shape.size()));
      rest = rest.drop_front(spec.shape.size());
    }
    return success();
  }

  LogicalResult invoke(ArrayRef<TensorRef> arguments,
                       ArrayRef<TensorRef> results,
                       std::string &error) override {
    Tensors tensors(*function, arguments, results);
    const char *message = nullptr;
    if (!fp4q_function_call(function, tensors.pointers.data(),
                            tensors.pointers.size(), /*stream=*/nullptr,
                            &message))
      return success();
    error = message;
    return failure();
  }

private:
  /// DLPack's view of the tensors of a call.
  struct Tensors {
    Tensors(const fp4q_function_desc &function, ArrayRef<TensorRef> arguments,
            ArrayRef<TensorRef> results) {
      tensors.reserve(arguments.size() + results.size());
      for (const TensorRef &ref :
           llvm::concat<const TensorRef>(arguments, results)) {
        const fp4q_value_desc &desc = function.values[tensors.size()];
        DLTensor tensor{};
        tensor.data = ref.data;
        tensor.device.device_type =
            decltype(DLDevice::device_type)(FP4Q_DL_CPU);
        tensor.ndim = ref.sizes.size();
        tensor.dtype = {desc.dtype_code, desc.dtype_bits, 1};
        tensor.shape = const_cast<int64_t *>(ref.sizes.data());
        tensors.push_back(tensor);
        pointers.push_back(&tensors.back());
      }
    }

    std::vector<DLTensor> tensors;
    std::vector<const DLTensor *> pointers;
  };

  int32_t numTensors() const {
    return function->num_arguments + function->num_results;
  }

  MLIRContext context;
  ::fp4q::ArtifactPtr artifact;
  const fp4q_function_desc *function = nullptr;
};

/// A function of a module or of an artifact, on a CUDA device.
class FunctionOnDevice : public Callable {
public:
  LogicalResult open(const Callable::Options &given) {
    std::string error;
    FailureOr<CudaDevice> found =
        findCudaDevice(given.device, given.target, error);
    if (failed(found))
      return reportError(error);
    device = *found;
    if (!isArtifact(given.path)) {
      pipeline.optimize = given.optimize;
      CPUPipelineOptions unused;
      if (failed(setBackEnd(given.backend, /*hasCPU=*/false, /*hasGPU=*/true,
                            unused, pipeline, error)))
        return reportError(error);
      return failure(failed(module.load(given.path)) ||
                     failed(readSignature(module.get(), given.entry)));
    }
    function = DeviceFunction::load(given.path, given.entry, given.target,
                                    device, error);
    if (!function)
      return reportError(error);
    name = function->getName().str();
    signature = function->getSignature();
    return success();
  }

  LogicalResult prepare() override {
    if (!function)
      function = DeviceFunction::compile(module.get(), name, pipeline, device);
    return success(function != nullptr);
  }

  LogicalResult getResultSizes(ArrayRef<TensorRef> arguments,
                               SmallVectorImpl<SmallVector<int64_t>> &sizes,
                               std::string &error) override {
    return function->getResultSizes(arguments, sizes, error);
  }

  LogicalResult invoke(ArrayRef<TensorRef> arguments,
                       ArrayRef<TensorRef> results,
                       std::string &error) override {
    return function->invoke(arguments, results, error);
  }

private:
  LoadedModule module{"fp4q-run"};
  CudaDevice device;
  GPUPipelineOptions pipeline;
  std::unique_ptr<DeviceFunction> function;
};

} // namespace
template <typename Kind>
static std::unique_ptr<Callable> openAs(const Callable::Options &options) {
  auto callable = std::make_unique<Kind>();
  if (failed(callable->open(options)))
    return nullptr;
  return callable;
}

std::unique_ptr<Callable> Callable::open(const Options &options) {
  // What was compiled before is as it is.
  std::string asked;
  if (options.backend != "auto")
    asked = "--backend=" + options.backend.str();
  if (options.packWeights)
    asked = "--pack-weights";
  if (!options.optimize)
    asked = "--no-optimize";
  if (!asked.empty() && isArtifact(options.path)) {
    (void)reportError(asked + " is for modules, but '" + options.path +
                      "' is an artifact, which is compiled already");
    return nullptr;
  }
  if (!options.device.empty() && options.device != "cpu") {
    if (!options.packWeights)
      return openAs<FunctionOnDevice>(options);
    (void)reportError("--pack-weights is for CPUs, but the device is " +
                      options.device);
    return nullptr;
  }
  return isArtifact(options.path) ? openAs<ArtifactFunction>(options)
                                  : openAs<ModuleFunction>(options);
}
