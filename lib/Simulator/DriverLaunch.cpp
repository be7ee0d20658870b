//===- DriverLaunch.cpp - modules and launches of the driver API ----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverState.h"

#include "fp4q/Simulator/SimDriver.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace fp4q::sim;

using Lock = std::lock_guard<std::recursive_mutex>;

DriverState &DriverState::get() {
  // Never destroyed: programs call in from destructors of their own.
  static DriverState *state = [] {
    auto *made = new DriverState;
    for (const char *name : {"checks", "threads", "budget", "chip", "sms",
                             "messages", "profile", "memory", "cuda"}) {
      std::string variable = "FP4Q_SIM_";
      for (const char *c = name; *c; ++c)
        variable += char(*c - 'a' + 'A');
      if (const char *value = std::getenv(variable.c_str()))
        if (!made->setOption(name, value))
          std::fprintf(stderr, "fp4q-sim: bad value `%s` of %s\n", value,
                       variable.c_str());
    }
    return made;
  }();
  return *state;
}

bool DriverState::setOption(const std::string &name, const std::string &value) {
  if (name == "chip") {
    unsigned number = 0;
    if (std::sscanf(value.c_str(), "sm_%u", &number) != 1 || number < 70)
      return false;
    chip = value;
    return true;
  }
  if (name == "cuda") {
    unsigned major = 0, minor = 0;
    char end = 0;
    if (std::sscanf(value.c_str(), "%u.%u%c", &major, &minor, &end) != 2 ||
        major < 11 || major > 13 || minor > 9)
      return false;
    cudaRelease = major * 10 + minor;
    return true;
  }
  char *end = nullptr;
  unsigned long long number = std::strtoull(value.c_str(), &end, 10);
  if (value.empty() || *end || value[0] == '-')
    return false;
  if (name == "checks" && number <= 1)
    options.checks = number;
  else if (name == "profile" && number <= 1)
    options.profile = number;
  else if (name == "sms" && number > 0 && number <= 1024)
    multiprocessors = unsigned(number);
  else if (name == "messages" && number <= 1)
    showMessages = number;
  else if (name == "memory" && number > 0)
    totalMemory = number;
  else if (name == "threads" && number <= 1024)
    options.threads = unsigned(number);
  else if (name == "budget" && number > 0)
    options.budget = number;
  else
    return false;
  return true;
}

// PTX ISA, "Release Notes": 7.0 came with CUDA 11.0 and 8.0 with 12.0; 12.6
// brought no new one.
unsigned DriverState::newestPtx() const {
  bool behind = cudaRelease / 10 == 12 && cudaRelease % 10 >= 6;
  return cudaRelease - 40 - behind;
}

CUresult DriverState::fail(CUresult code, const std::string &line) {
  message = line;
  messageCode = code;
  if (showMessages)
    std::fprintf(stderr, "fp4q-sim: %s\n", line.c_str());
  return code;
}

//===----------------------------------------------------------------------===//
// Configuration and findings
//===----------------------------------------------------------------------===//

FP4Q_SIM_EXPORT int fp4qSimSetOption(const char *name, const char *value) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  return !name || !value || !state.setOption(name, value);
}

FP4Q_SIM_EXPORT const char *fp4qSimLastMessage(void) {
  return DriverState::get().message.c_str();
}

FP4Q_SIM_EXPORT const char *fp4qSimReport(void) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  state.reportArray = "[" + state.reports + "]";
  return state.reportArray.c_str();
}

FP4Q_SIM_EXPORT void fp4qSimResetReport(void) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  state.reports.clear();
  state.message.clear();
  state.messageCode = CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT const char *fp4qSimInstructionSet(void) {
  static const std::string text = [] {
    const auto array = [](const std::vector<std::string> &words) {
      std::string list;
      for (const std::string &word : words)
        list += (list.empty() ? "\"" : ", \"") + word + "\"";
      return "[" + list + "]";
    };
    return "{\"mnemonics\": " + array(mnemonics()) +
           ", \"types\": " + array(typeSpellings()) + "}";
  }();
  return text.c_str();
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

FP4Q_SIM_EXPORT CUresult cuModuleLoadData(CUmodule *module, const void *image) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  if (!module || !image)
    return CUDA_ERROR_INVALID_VALUE;
  const char *text = static_cast<const char *>(image);
  static const unsigned char fatbin[] = {0x50, 0xed, 0x55, 0xba};
  if (!std::strncmp(text, "\177ELF", 4) ||
      !std::strncmp(text, reinterpret_cast<const char *>(fatbin), 4))
    return state.fail(CUDA_ERROR_INVALID_IMAGE,
                      "the simulator runs PTX text, not cubins");
  auto owned = std::make_unique<CUmod_st>();
  std::string error;
  owned->module = Module::load(text, state.memory, error);
  if (!owned->module)
    return state.fail(CUDA_ERROR_INVALID_PTX, error);
  unsigned version = owned->module->ptxVersion(), newest = state.newestPtx();
  if (version > newest)
    return state.fail(CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
                      "PTX " + std::to_string(version / 10) + "." +
                          std::to_string(version % 10) +
                          " is newer than the option cuda allows, which is " +
                          std::to_string(newest / 10) + "." +
                          std::to_string(newest % 10));
  for (size_t i = 0; i < owned->module->kernels().size(); ++i) {
    auto fn = std::make_unique<CUfunc_st>();
    fn->module = owned.get();
    fn->kernel = int(i);
    owned->functions.push_back(std::move(fn));
  }
  *module = owned.get();
  state.modules.push_back(std::move(owned));
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuModuleLoadDataEx(CUmodule *module, const void *image,
                                            unsigned, int *, void **) {
  return cuModuleLoadData(module, image);
}

FP4Q_SIM_EXPORT CUresult cuLibraryLoadData(CUlibrary *library,
                                           const void *image, int *, void **,
                                           unsigned, int *, void **, unsigned) {
  return cuModuleLoadData(library, image);
}

FP4Q_SIM_EXPORT CUresult cuModuleUnload(CUmodule module) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  auto it = std::find_if(state.modules.begin(), state.modules.end(),
                         [&](auto &m) { return m.get() == module; });
  if (it == state.modules.end())
    return CUDA_ERROR_INVALID_HANDLE;
  state.modules.erase(it);
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuLibraryUnload(CUlibrary library) {
  return cuModuleUnload(library);
}

FP4Q_SIM_EXPORT CUresult cuModuleGetFunction(CUfunction *function,
                                             CUmodule module,
                                             const char *name) {
  if (!function || !module || !name)
    return CUDA_ERROR_INVALID_VALUE;
  int kernel = module->module->findKernel(name);
  if (kernel < 0)
    return CUDA_ERROR_NOT_FOUND;
  *function = module->functions[kernel].get();
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuLibraryGetKernel(CUkernel *kernel, CUlibrary library,
                                            const char *name) {
  return cuModuleGetFunction(kernel, library, name);
}

FP4Q_SIM_EXPORT CUresult cuLibraryGetModule(CUmodule *module,
                                            CUlibrary library) {
  if (!module || !library)
    return CUDA_ERROR_INVALID_VALUE;
  *module = library;
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuKernelGetFunction(CUfunction *function,
                                             CUkernel kernel) {
  if (!function || !kernel)
    return CUDA_ERROR_INVALID_VALUE;
  *function = kernel;
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr *address,
                                              size_t *bytes, CUmodule module,
                                              const char *name) {
  uint64_t base = 0, size = 0;
  if (!module || !name)
    return CUDA_ERROR_INVALID_VALUE;
  if (!module->module->findVariable(name, base, size))
    return CUDA_ERROR_NOT_FOUND;
  if (address)
    *address = base;
  if (bytes)
    *bytes = size;
  return CUDA_SUCCESS;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

// CUfunction_attribute
enum : int {
  kMaxThreadsPerBlock = 0,
  kSharedSize = 1,
  kConstSize = 2,
  kLocalSize = 3,
  kNumRegs = 4,
  kMaxDynamicShared = 8,
  kCarveout = 9,
  kClusterSizeMustBeSet = 10,
  kClusterWidth = 11,
  kClusterHeight = 12,
  kClusterDepth = 13,
  kNonPortableCluster = 14,
};

FP4Q_SIM_EXPORT CUresult cuFuncGetAttribute(int *value, int attribute,
                                            CUfunction function) {
  if (!value || !function)
    return CUDA_ERROR_INVALID_VALUE;
  const KernelInfo &info =
      function->module->module->kernels()[function->kernel];
  switch (attribute) {
  case kMaxThreadsPerBlock:
    *value = info.maxBlock.x ? int(info.maxBlock.count()) : 1024;
    break;
  case kSharedSize:
    *value = int(info.staticShared);
    break;
  case kLocalSize:
    *value = int(info.localBytes);
    break;
  case kNumRegs:
    *value = int(std::min(info.registers, 255u));
    break;
  case kMaxDynamicShared:
    *value = int(function->maxDynamicShared);
    break;
  default:
    *value = 0;
  }
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuFuncSetAttribute(CUfunction function, int attribute,
                                            int value) {
  DriverState &state = DriverState::get();
  if (!function || value < 0)
    return CUDA_ERROR_INVALID_VALUE;
  const Module &module = *function->module->module;
  const KernelInfo &info = module.kernels()[function->kernel];
  switch (attribute) {
  case kMaxDynamicShared: {
    uint32_t limit = chipLimits(module.target()).maxShared;
    if (uint64_t(value) + info.staticShared > limit)
      return state.fail(CUDA_ERROR_INVALID_VALUE,
                        "kernel `" + info.name +
                            "`: " + std::to_string(value + info.staticShared) +
                            " bytes of shared memory are above the " +
                            std::to_string(limit) + " of " + module.target());
    function->maxDynamicShared = uint32_t(value);
    return CUDA_SUCCESS;
  }
  case kClusterWidth:
    function->requiredCluster.x = unsigned(value);
    return CUDA_SUCCESS;
  case kClusterHeight:
    function->requiredCluster.y = unsigned(value);
    return CUDA_SUCCESS;
  case kClusterDepth:
    function->requiredCluster.z = unsigned(value);
    return CUDA_SUCCESS;
  case kCarveout:
  case kNonPortableCluster:
    return CUDA_SUCCESS;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
}

// Kernels of a library are the functions of a module here.
FP4Q_SIM_EXPORT CUresult cuKernelGetAttribute(int *value, int attribute,
                                              CUkernel kernel, CUdevice) {
  return cuFuncGetAttribute(value, attribute, kernel);
}
FP4Q_SIM_EXPORT CUresult cuKernelSetAttribute(int attribute, int value,
                                              CUkernel kernel, CUdevice) {
  return cuFuncSetAttribute(kernel, attribute, value);
}
FP4Q_SIM_EXPORT CUresult cuFuncGetModule(CUmodule *module,
                                         CUfunction function) {
  if (!module || !function)
    return CUDA_ERROR_INVALID_VALUE;
  *module = function->module;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuFuncGetName(const char **name, CUfunction function) {
  if (!name || !function)
    return CUDA_ERROR_INVALID_VALUE;
  const Module &module = *function->module->module;
  *name = module.kernels()[function->kernel].name.c_str();
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuFuncSetCacheConfig(CUfunction function, int) {
  return function ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

FP4Q_SIM_EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(
    int *blocks, CUfunction function, int threads, size_t) {
  if (!blocks || !function || threads <= 0)
    return CUDA_ERROR_INVALID_VALUE;
  *blocks = 1;
  return CUDA_SUCCESS;
}

//===----------------------------------------------------------------------===//
// Launch
//===----------------------------------------------------------------------===//

static CUresult codeOf(FaultKind kind) {
  switch (kind) {
  case FaultKind::OutOfBounds:
  case FaultKind::ReadOnly:
    return CUDA_ERROR_ILLEGAL_ADDRESS;
  case FaultKind::Misaligned:
    return CUDA_ERROR_MISALIGNED_ADDRESS;
  case FaultKind::Budget:
  case FaultKind::Deadlock:
    return CUDA_ERROR_LAUNCH_TIMEOUT;
  default:
    return CUDA_ERROR_LAUNCH_FAILED;
  }
}

// `params` has one pointer per parameter; `extra` is the other way to pass
// them, a buffer (CU_LAUNCH_PARAM_BUFFER_POINTER 1 and _SIZE 2, ended by 0).
static CUresult run(CUfunction function, const LaunchConfig &config,
                    void **params, void **extra) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  if (!function)
    return CUDA_ERROR_INVALID_HANDLE;
  const Module &module = *function->module->module;
  const KernelInfo &info = module.kernels()[function->kernel];
  std::vector<uint8_t> buffer(info.paramBytes + 8);
  if (extra) {
    const void *source = nullptr;
    size_t size = 0;
    for (; *extra; extra += 2) {
      if (*extra == reinterpret_cast<void *>(1))
        source = extra[1];
      else if (*extra == reinterpret_cast<void *>(2))
        size = *static_cast<size_t *>(extra[1]);
    }
    if (!source || size < info.paramBytes)
      return state.fail(CUDA_ERROR_INVALID_VALUE,
                        "kernel `" + info.name + "` takes " +
                            std::to_string(info.paramBytes) +
                            " bytes of parameters, got " +
                            std::to_string(size));
    std::memcpy(buffer.data(), source, info.paramBytes);
  } else {
    for (size_t i = 0; i < info.params.size(); ++i) {
      if (!params || !params[i])
        return state.fail(CUDA_ERROR_INVALID_VALUE, "kernel `" + info.name +
                                                        "` has no parameter " +
                                                        std::to_string(i));
      std::memcpy(&buffer[info.params[i].offset], params[i],
                  info.params[i].size);
    }
  }
  if (config.dynamicShared > function->maxDynamicShared)
    return state.fail(
        CUDA_ERROR_INVALID_VALUE,
        "kernel `" + info.name + "`: " + std::to_string(config.dynamicShared) +
            " bytes of dynamic shared memory are above the " +
            std::to_string(function->maxDynamicShared) +
            " that CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES allows");
  LaunchResult result = launch(module, function->kernel, config, buffer.data(),
                               state.memory, state.options);
  if (!state.reports.empty())
    state.reports += ",\n";
  state.reports += reportJson(info, result);
  if (result.fault)
    return state.fail(codeOf(result.fault->kind), result.message());
  if (!result.ok())
    return state.fail(CUDA_ERROR_INVALID_VALUE, result.message());
  return CUDA_SUCCESS;
}

static LaunchConfig makeConfig(CUfunction function, unsigned gx, unsigned gy,
                               unsigned gz, unsigned bx, unsigned by,
                               unsigned bz, unsigned shared) {
  LaunchConfig config;
  config.grid = {gx, gy, gz};
  config.block = {bx, by, bz};
  config.dynamicShared = shared;
  if (function && function->requiredCluster.x)
    config.cluster = {function->requiredCluster.x,
                      std::max(function->requiredCluster.y, 1u),
                      std::max(function->requiredCluster.z, 1u)};
  return config;
}

FP4Q_SIM_EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned gx,
                                        unsigned gy, unsigned gz, unsigned bx,
                                        unsigned by, unsigned bz,
                                        unsigned shared, CUstream,
                                        void **params, void **extra) {
  return run(function, makeConfig(function, gx, gy, gz, bx, by, bz, shared),
             params, extra);
}

FP4Q_SIM_EXPORT CUresult cuLaunchCooperativeKernel(
    CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
    unsigned by, unsigned bz, unsigned shared, CUstream, void **params) {
  LaunchConfig config = makeConfig(function, gx, gy, gz, bx, by, bz, shared);
  config.cooperative = true;
  return run(function, config, params, nullptr);
}

FP4Q_SIM_EXPORT CUresult cuLaunchKernelEx(const CUlaunchConfig *launch,
                                          CUfunction function, void **params,
                                          void **extra) {
  if (!launch || (launch->numAttrs && !launch->attrs))
    return CUDA_ERROR_INVALID_VALUE;
  LaunchConfig config =
      makeConfig(function, launch->gridDimX, launch->gridDimY, launch->gridDimZ,
                 launch->blockDimX, launch->blockDimY, launch->blockDimZ,
                 launch->sharedMemBytes);
  for (unsigned i = 0; i < launch->numAttrs; ++i) {
    const CUlaunchAttribute &attr = launch->attrs[i];
    if (attr.id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION)
      config.cluster = {attr.value.clusterDim.x, attr.value.clusterDim.y,
                        attr.value.clusterDim.z};
    else if (attr.id == CU_LAUNCH_ATTRIBUTE_COOPERATIVE)
      config.cooperative = attr.value.cooperative;
  }
  return run(function, config, params, extra);
}
