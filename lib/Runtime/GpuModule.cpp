//===- GpuModule.cpp - kernels and constants on the devices ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Modules are loaded when a kernel of theirs is first launched on a device, so
// an artifact with kernels loads on machines without a GPU. What the runtime
// keeps hangs on the `state` pointers of the artifact's own structures: a
// launch finds its function in two loads.
//
//===----------------------------------------------------------------------===//

#include "GpuModule.h"

#include "GpuImages.h"

#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

using namespace fp4q;

static std::string listChips(const fp4q_gpu_module &module) {
  std::string text;
  for (int32_t i = 0; i < module.num_images; ++i)
    text += (i ? ", " : "") + std::string(module.images[i].chip);
  return text;
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

namespace {

struct KernelState {
  std::atomic<CUfunction> functions[kMaxGpuDevices] = {};
  /// The dynamic shared memory that the function may use, where it was raised.
  std::atomic<int32_t> dynamicShared[kMaxGpuDevices] = {};
};

struct ConstantState {
  std::mutex mutex;
  std::atomic<void *> copies[kMaxGpuDevices] = {};
};

/// Everything that belongs to a module.
struct ModuleState {
  std::mutex mutex;
  CUmodule modules[kMaxGpuDevices] = {};
  std::vector<std::unique_ptr<KernelState>> kernels;
  std::vector<void **> slots;
};

} // namespace

/// A copy that outlives the artifact: errors of later calls name the kernel
/// that was launched last. Called under stateMutex.
static const char *internName(const char *name) {
  static std::set<std::string> &names = *new std::set<std::string>;
  return names.insert(name).first->c_str();
}

/// Guards the `state` of all modules, kernels and constants while it is set.
static std::mutex &stateMutex() {
  static std::mutex &mutex = *new std::mutex;
  return mutex;
}

/// The state behind `slot`; `make` makes it at first.
template <typename State, typename Make>
static State &getState(void *&slot, Make make) {
  void *state = __atomic_load_n(&slot, __ATOMIC_ACQUIRE);
  if (!state) {
    std::lock_guard<std::mutex> lock(stateMutex());
    state = slot;
    if (!state) {
      state = make();
      __atomic_store_n(&slot, state, __ATOMIC_RELEASE);
    }
  }
  return *static_cast<State *>(state);
}

static ModuleState &getState(fp4q_gpu_module &module) {
  return getState<ModuleState>(module.state, [] { return new ModuleState; });
}

static KernelState &getState(fp4q_gpu_kernel &kernel) {
  ModuleState &module = getState(*kernel.module);
  return getState<KernelState>(kernel.state, [&] {
    module.kernels.push_back(std::make_unique<KernelState>());
    kernel.name = internName(kernel.name);
    module.slots.push_back(&kernel.state);
    return module.kernels.back().get();
  });
}

static ConstantState &getState(fp4q_gpu_constant &constant) {
  return getState<ConstantState>(constant.state,
                                 [] { return new ConstantState; });
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

/// "8.7" of ".version 8.7".
static std::string ptxVersion(const char *ptx) {
  static const char directive[] = ".version ";
  const char *found = ptx ? std::strstr(ptx, directive) : nullptr;
  if (!found)
    return "of an unknown version";
  found += sizeof(directive) - 1;
  return std::string(found, std::strspn(found, "0123456789."));
}

/// What the driver says, in the user's terms.
static std::string describeLoad(const GpuDevice &device,
                                const ImageChoice &choice, CUresult result) {
  std::string text = "the kernels for " + std::string(choice.image->chip) +
                     " cannot be loaded as " +
                     (choice.isCubin ? "a cubin" : "PTX") + ": ";
  if (result == CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
    text += "they are of PTX " + ptxVersion(choice.image->ptx) +
            ", which is newer than the driver, which is of CUDA " +
            std::to_string(device.driver->version / 1000) + "." +
            std::to_string(device.driver->version % 1000 / 10) + "; ";
  return text + device.driver->describe("cuModuleLoadData", result);
}

/// Loads the first choice that the driver takes. The lock is held.
static CUmodule loadModule(const fp4q_gpu_module &module, GpuDevice &device,
                           std::string &error) {
  std::vector<ImageChoice> choices =
      chooseImages(module, device.major, device.minor);
  if (choices.empty())
    error = "there are no kernels for CUDA device " +
            std::to_string(device.ordinal) + ", which is " + device.chip() +
            "; there are kernels for " + listChips(module);
  RelaxedCapture relaxed(*device.driver);
  for (const ImageChoice &choice : choices) {
    CUmodule loaded = nullptr;
    CUresult result = device.driver->cuModuleLoadData(
        &loaded, choice.isCubin ? choice.image->cubin : choice.image->ptx);
    if (result == CUDA_SUCCESS)
      return loaded;
    // The last reason counts: PTX, where there is some, is what should work.
    error = describeLoad(device, choice, result);
  }
  return nullptr;
}

/// The function of a kernel on a device, looked up for the first time.
static CUfunction findFunction(fp4q_gpu_kernel &kernel, GpuDevice &device,
                               std::string &error) {
  ModuleState &state = getState(*kernel.module);
  std::lock_guard<std::mutex> lock(state.mutex);
  CUmodule &module = state.modules[device.ordinal];
  if (!module)
    module = loadModule(*kernel.module, device, error);
  if (!module)
    return nullptr;
  CUfunction function = nullptr;
  if (CUresult result =
          device.driver->cuModuleGetFunction(&function, module, kernel.name)) {
    error = device.driver->describe("cuModuleGetFunction", result);
    return nullptr;
  }
  return function;
}

CUfunction fp4q::getFunction(fp4q_gpu_kernel &kernel, GpuDevice &device,
                             int32_t dynamicShared, std::string &error) {
  // Up to here, a kernel need not ask.
  constexpr int32_t defaultShared = 48 * 1024;
  KernelState &state = getState(kernel);
  std::atomic<CUfunction> &slot = state.functions[device.ordinal];
  CUfunction function = slot.load(std::memory_order_acquire);
  if (!function) {
    function = findFunction(kernel, device, error);
    if (!function)
      return nullptr;
    slot.store(function, std::memory_order_release);
  }
  std::atomic<int32_t> &allowed = state.dynamicShared[device.ordinal];
  if (dynamicShared > defaultShared && dynamicShared > allowed.load()) {
    if (CUresult result = device.driver->cuFuncSetAttribute(
            function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
            dynamicShared)) {
      error = device.driver->describe("cuFuncSetAttribute", result) + " for " +
              std::to_string(dynamicShared) + " bytes of dynamic shared memory";
      return nullptr;
    }
    allowed.store(dynamicShared);
  }
  return function;
}

void *fp4q::getConstant(fp4q_gpu_constant &constant, GpuDevice &device,
                        std::string &error) {
  ConstantState &state = getState(constant);
  std::atomic<void *> &slot = state.copies[device.ordinal];
  if (void *copy = slot.load(std::memory_order_acquire))
    return copy;
  std::lock_guard<std::mutex> lock(state.mutex);
  if (void *copy = slot.load(std::memory_order_acquire))
    return copy;
  RelaxedCapture relaxed(*device.driver);
  auto fail = [&](const char *function, CUresult result) {
    error = std::to_string(constant.size) +
            " bytes of a constant: " + device.describe(function, result);
  };
  CUdeviceptr memory = 0;
  if (CUresult result = device.driver->cuMemAlloc_v2(&memory, constant.size)) {
    fail("cuMemAlloc", result);
    return nullptr;
  }
  const char *function = nullptr;
  if (CUresult result =
          device.copyFromHost(memory, constant.data, constant.size, function)) {
    fail(function, result);
    device.driver->cuMemFree_v2(memory);
    return nullptr;
  }
  void *copy = reinterpret_cast<void *>(memory);
  slot.store(copy, std::memory_order_release);
  return copy;
}

/// Runs `body` in the context of device `ordinal`, which is in use. Results are
/// ignored: at the end of the process the driver may have gone before us.
template <typename Body>
static void releaseOn(int32_t ordinal, Body body) {
  std::string error;
  GpuDevice *device = GpuDevice::get(ordinal, error);
  if (!device)
    return;
  CurrentContext context(*device);
  if (context.result() == CUDA_SUCCESS)
    body(*device->driver);
}

void fp4q_gpu_module_release(fp4q_gpu_module *module) {
  std::lock_guard<std::mutex> lock(stateMutex());
  std::unique_ptr<ModuleState> state(static_cast<ModuleState *>(module->state));
  if (!state)
    return;
  for (int32_t ordinal = 0; ordinal < kMaxGpuDevices; ++ordinal)
    if (CUmodule loaded = state->modules[ordinal])
      releaseOn(ordinal, [&](const CudaDriver &driver) {
        driver.cuModuleUnload(loaded);
      });
  for (void **slot : state->slots)
    *slot = nullptr;
  module->state = nullptr;
}

void fp4q_gpu_constant_release(fp4q_gpu_constant *constant) {
  std::lock_guard<std::mutex> lock(stateMutex());
  std::unique_ptr<ConstantState> state(
      static_cast<ConstantState *>(constant->state));
  if (!state)
    return;
  for (int32_t ordinal = 0; ordinal < kMaxGpuDevices; ++ordinal)
    if (void *copy = state->copies[ordinal].load())
      releaseOn(ordinal, [&](const CudaDriver &driver) {
        driver.cuMemFree_v2(reinterpret_cast<CUdeviceptr>(copy));
      });
  constant->state = nullptr;
}
