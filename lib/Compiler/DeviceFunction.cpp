//===- DeviceFunction.cpp - a function on a CUDA device -------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Modules are compiled to an artifact in a temporary file and loaded from
// there, so that the tools run on a GPU what users of artifacts run.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/DeviceFunction.h"

#include "fp4q/Compiler/AheadOfTime.h"
#include "fp4q/Runtime/Gpu.h"
#include "fp4q/Target/TargetInfo.h"

#include "mlir/AsmParser/AsmParser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

#include <cstdlib>
#include <dlfcn.h>

using namespace mlir;
using namespace mlir::fp4q;

static constexpr const char *kDriverVariable = "FP4Q_CUDA_DRIVER";
static constexpr const char *kChipVariable = "FP4Q_SIM_CHIP";

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

/// The simulator, which is installed beside the runtime.
static std::string findSimulator() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&fp4q_gpu_count), &info))
    return "";
  SmallString<128> path(info.dli_fname);
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "libfp4q_sim.so");
  return path.str().str();
}

/// Makes the simulator of a chip the CUDA driver, if none has been chosen.
static LogicalResult useSimulator(StringRef chip, std::string &error) {
  if (!llvm::sys::Process::GetEnv(kDriverVariable)) {
    std::string path = findSimulator();
    if (!llvm::sys::fs::exists(path)) {
      error = "device 'sim' needs libfp4q_sim.so, which is not at '" + path +
              "'; set FP4Q_CUDA_DRIVER to where it is";
      return failure();
    }
    ::setenv(kDriverVariable, path.c_str(), /*overwrite=*/1);
  }
  if (!chip.empty())
    ::setenv(kChipVariable, chip.str().c_str(), /*overwrite=*/1);
  // What it has to say is in the errors that are reported here.
  ::setenv("FP4Q_SIM_MESSAGES", "0", /*overwrite=*/0);
  return success();
}

FailureOr<CudaDevice> mlir::fp4q::findCudaDevice(StringRef text, StringRef chip,
                                                 std::string &error) {
  CudaDevice device;
  if (!chip.empty() && !findChip(chip, error))
    return failure();
  if (text == "sim") {
    if (failed(useSimulator(chip, error)))
      return failure();
  } else if (StringRef rest = text;
             !rest.consume_front("gpu") ||
             (!rest.empty() && (!rest.consume_front(":") ||
                                rest.getAsInteger(10, device.ordinal)))) {
    error = "unknown device '" + text.str() +
            "', expected one of cpu, gpu, gpu:N, sim";
    return failure();
  }
  fp4q_gpu_info info = {};
  info.size = sizeof(info);
  const char *message = nullptr;
  if (fp4q_gpu_describe(device.ordinal, &info, &message)) {
    error = "device '" + text.str() + "' cannot be used: " + message;
    return failure();
  }
  device.chip = chip.str();
  device.isSimulator = text == "sim";
  if (!chip.empty())
    return device;
  const ::fp4q::Target *best = ::fp4q::bestChip(info.major, info.minor);
  if (!best) {
    error = "device '" + text.str() + "' is sm_" +
            std::to_string(info.major * 10 + info.minor) +
            ", for which no code can be made, only for " + ::fp4q::chipNames();
    return failure();
  }
  device.chip = best->name;
  return device;
}

void mlir::fp4q::printMachine(llvm::raw_ostream &os) {
  std::string error;
  os << "cpu: " << findCPULevel(CPUPipelineOptions(), error)->name << '\n';
  int32_t count = 0;
  const char *message = nullptr;
  if (fp4q_gpu_count(&count, &message)) {
    os << "gpu: none: " << message << '\n';
    return;
  }
  for (int32_t ordinal = 0; ordinal < count; ++ordinal) {
    os << "gpu:" << ordinal << ": ";
    fp4q_gpu_info info = {};
    info.size = sizeof(info);
    if (fp4q_gpu_describe(ordinal, &info, &message)) {
      os << "none: " << message << '\n';
      continue;
    }
    const ::fp4q::Target *best = ::fp4q::bestChip(info.major, info.minor);
    os << (best ? best->name : "none") << " (" << info.name
       << ", driver of CUDA " << info.driver_version / 1000 << '.'
       << info.driver_version % 1000 / 10 << ")\n";
  }
}

FailureOr<std::string> mlir::fp4q::getSimulatorReport(std::string &error) {
  auto path = llvm::sys::Process::GetEnv(kDriverVariable);
  void *library =
      path ? ::dlopen(path->c_str(), RTLD_NOW | RTLD_NOLOAD) : nullptr;
  auto *report = library ? reinterpret_cast<const char *(*)()>(
                               ::dlsym(library, "fp4qSimReport"))
                         : nullptr;
  if (!report) {
    error = "there is no report: the CUDA driver is not the simulator";
    return failure();
  }
  return std::string(report());
}

//===----------------------------------------------------------------------===//
// DeviceFunction
//===----------------------------------------------------------------------===//

std::unique_ptr<DeviceFunction>
DeviceFunction::load(StringRef path, StringRef entry, StringRef chip,
                     const CudaDevice &device, std::string &error) {
  std::unique_ptr<DeviceFunction> loaded(new DeviceFunction(device));
  std::string target =
      chip.empty() ? "gpu:" + std::to_string(device.ordinal) : chip.str();
  const char *message = nullptr;
  loaded->artifact =
      ::fp4q::loadArtifact(path.str().c_str(), &message, target.c_str());
  if (!loaded->artifact ||
      fp4q_artifact_find(loaded->artifact.get(), entry.str().c_str(),
                         &loaded->function, &message)) {
    error = message;
    return nullptr;
  }
  const fp4q_function_desc &function = *loaded->function;
  for (int32_t i = 0; i < function.num_arguments + function.num_results; ++i) {
    FailureOr<ValueSpec> spec =
        getValueSpec(parseType(function.values[i].type, &loaded->context));
    if (failed(spec)) {
      error = "artifact '" + path.str() + "' has a value of type " +
              function.values[i].type;
      return nullptr;
    }
    (i < function.num_arguments ? loaded->signature.arguments
                                : loaded->signature.results)
        .push_back(*spec);
  }
  return loaded;
}

std::unique_ptr<DeviceFunction>
DeviceFunction::compile(ModuleOp module, StringRef entry,
                        const GPUPipelineOptions &options,
                        const CudaDevice &device) {
  auto fail = [&](const Twine &message) -> std::unique_ptr<DeviceFunction> {
    emitError(UnknownLoc::get(module.getContext())) << message;
    return nullptr;
  };
  FailureOr<func::FuncOp> function = findEntry(module, entry);
  if (failed(function))
    return nullptr;
  std::string name = function->getName().str();
  // Only what the entry calls is compiled.
  for (auto other : module.getOps<func::FuncOp>())
    if (other != *function)
      other.setPrivate();
  SmallString<128> path;
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("fp4q", "so", path))
    return fail("no temporary file can be made: " + code.message());
  llvm::FileRemover removePath(path);
  std::string error;
  std::optional<CompileTarget> target = parseTarget(device.chip, error);
  if (!target)
    return fail(error);
  AheadOfTimeOptions compile;
  compile.targets = {*target};
  compile.gpuPipeline.copyOptionValuesFrom(options);
  if (device.isSimulator)
    compile.gpuPipeline.cubin = CubinKind::Never;
  if (failed(compileAheadOfTime(module, compile, path)))
    return nullptr;
  auto loaded = load(path, name, device.chip, device, error);
  return loaded ? std::move(loaded) : fail(error);
}

DeviceFunction::~DeviceFunction() { releaseMemory(); }

void DeviceFunction::releaseMemory() {
  for (const Allocation &allocation : memory)
    fp4q_gpu_release(device.ordinal, allocation.device, nullptr);
  memory.clear();
  tensors.clear();
  sizes.clear();
}

/// Bytes of a tensor of these sizes.
static int64_t countBytes(const ValueSpec &spec, ArrayRef<int64_t> sizes) {
  int64_t bytes = spec.elementBytes();
  for (int64_t size : sizes)
    bytes *= size;
  return bytes;
}

/// DLPack's view of a tensor with the data at `ref.data`.
DLTensor DeviceFunction::makeTensor(size_t index, const TensorRef &ref) const {
  const fp4q_value_desc &desc = function->values[index];
  DLTensor tensor{};
  tensor.data = ref.data;
  tensor.device.device_type = decltype(DLDevice::device_type)(
      desc.is_scalar ? FP4Q_DL_CPU : FP4Q_DL_CUDA);
  tensor.device.device_id = desc.is_scalar ? 0 : device.ordinal;
  tensor.ndim = static_cast<int32_t>(ref.sizes.size());
  tensor.dtype = {desc.dtype_code, desc.dtype_bits, 1};
  tensor.shape = const_cast<int64_t *>(ref.sizes.data());
  return tensor;
}

static std::vector<const DLTensor *>
getAddresses(const std::vector<DLTensor> &tensors) {
  std::vector<const DLTensor *> addresses;
  for (const DLTensor &tensor : tensors)
    addresses.push_back(&tensor);
  return addresses;
}

LogicalResult DeviceFunction::getResultSizes(
    ArrayRef<TensorRef> arguments,
    SmallVectorImpl<SmallVector<int64_t>> &resultSizes, std::string &error) {
  std::vector<DLTensor> views;
  for (auto [i, ref] : llvm::enumerate(arguments))
    views.push_back(makeTensor(i, ref));
  std::vector<const DLTensor *> addresses = getAddresses(views);
  int64_t total = 0;
  for (const ValueSpec &spec : signature.results)
    total += spec.shape.size();
  std::vector<int64_t> flat(total);
  const char *message = nullptr;
  if (fp4q_function_result_shapes(function, addresses.data(), addresses.size(),
                                  flat.data(), total, &message)) {
    error = message;
    return failure();
  }
  resultSizes.clear();
  ArrayRef<int64_t> rest = flat;
  for (const ValueSpec &spec : signature.results) {
    resultSizes.emplace_back(rest.take_front(spec.shape.size()));
    rest = rest.drop_front(spec.shape.size());
  }
  return success();
}

LogicalResult DeviceFunction::upload(ArrayRef<TensorRef> arguments,
                                     ArrayRef<TensorRef> results,
                                     std::string &error) {
  releaseMemory();
  auto refs = llvm::concat<const TensorRef>(arguments, results);
  auto specs =
      llvm::concat<const ValueSpec>(signature.arguments, signature.results);
  // The tensors point to them.
  for (const TensorRef &ref : refs)
    sizes.push_back(ref.sizes);
  for (auto [i, ref, spec] : llvm::enumerate(refs, specs)) {
    TensorRef onDevice = {ref.data, sizes[i]};
    tensors.push_back(makeTensor(i, onDevice));
    tensors.back().shape = sizes[i].data();
    if (!spec.isTensor)
      continue;
    int64_t bytes = countBytes(spec, ref.sizes);
    const char *message = nullptr;
    void *allocated = nullptr;
    if (fp4q_gpu_allocate(device.ordinal, bytes, &allocated, &message)) {
      error = message;
      return failure();
    }
    memory.push_back({ref.data, allocated, bytes, i >= arguments.size()});
    tensors.back().data = allocated;
    if (fp4q_gpu_copy(device.ordinal, allocated, ref.data, bytes, &message)) {
      error = message;
      return failure();
    }
  }
  return success();
}

LogicalResult DeviceFunction::launch(std::string &error) {
  std::vector<const DLTensor *> addresses = getAddresses(tensors);
  const char *message = nullptr;
  if (!fp4q_function_call(function, addresses.data(), addresses.size(),
                          /*stream=*/nullptr, &message))
    return success();
  error = message;
  return failure();
}

LogicalResult DeviceFunction::synchronize(std::string &error) {
  const char *message = nullptr;
  if (!fp4q_gpu_synchronize(device.ordinal, /*stream=*/nullptr, &message))
    return success();
  error = message;
  return failure();
}

LogicalResult DeviceFunction::download(std::string &error) {
  for (const Allocation &allocation : memory) {
    const char *message = nullptr;
    if (!allocation.isResult ||
        !fp4q_gpu_copy(device.ordinal, allocation.host, allocation.device,
                       allocation.bytes, &message))
      continue;
    error = message;
    return failure();
  }
  return success();
}

LogicalResult DeviceFunction::invoke(ArrayRef<TensorRef> arguments,
                                     ArrayRef<TensorRef> results,
                                     std::string &error) {
  return success(succeeded(upload(arguments, results, error)) &&
                 succeeded(launch(error)) && succeeded(synchronize(error)) &&
                 succeeded(download(error)));
}
