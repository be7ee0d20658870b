//===- Artifact.cpp - load compiled functions -----------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/Artifact.h"

#include "Descriptor.h"
#include "GpuDevice.h"
#include "LastError.h"
#include "fp4q/Runtime/ArtifactFile.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <memory>
#include <vector>

using namespace fp4q;

struct fp4q_artifact_handle {
  ~fp4q_artifact_handle() {
    if (library)
      ::dlclose(library);
  }

  void *library = nullptr;
  const fp4q_artifact_desc *desc = nullptr;
  /// The code that is used.
  const fp4q_target_desc *target = nullptr;
};

/// Loads the file that was checked, not one that has its name by now. The
/// system's loader takes a name that it has seen for the library that it has,
/// so no name is used twice: a number is spelled in ways to say "here".
static void *openLibrary(int fd) {
  static std::atomic<uint64_t> numLoads{1};
  std::string name = "/proc/self/fd/";
  for (uint64_t number = numLoads++; number != 0; number >>= 1)
    name += number & 1 ? "./" : ".//";
  return ::dlopen((name + std::to_string(fd)).c_str(), RTLD_NOW | RTLD_LOCAL);
}

/// Whether the table of the library is for the targets of the file.
static bool hasTargets(const fp4q_artifact_desc &desc,
                       const std::vector<ArtifactTarget> &targets) {
  if (desc.num_targets != int32_t(targets.size()))
    return false;
  for (size_t i = 0; i < targets.size(); ++i) {
    fp4q_artifact_target packed = packTarget(targets[i]);
    if (std::memcmp(&desc.targets[i].target, &packed, sizeof(packed)) != 0)
      return false;
  }
  return true;
}

/// The number of the best target for a CUDA device. On failure -1, with what
/// follows "artifact 'PATH' " in `error`.
static int selectForDevice(const std::vector<ArtifactTarget> &targets,
                           int32_t ordinal, std::string &error) {
  std::string reason;
  GpuDevice *device = GpuDevice::get(ordinal, reason);
  if (device)
    return selectGpuTarget(targets, ordinal, device->major, device->minor,
                           getHostCpuFeatures(), error);
  error =
      "cannot run on CUDA device " + std::to_string(ordinal) + ": " + reason;
  return -1;
}

/// N of "gpu:N", 0 of "gpu"; -1 of anything else.
static int32_t parseDevice(const std::string &text) {
  if (text == "gpu")
    return 0;
  size_t digits = text.size() - std::min<size_t>(text.size(), 4);
  if (text.compare(0, 4, "gpu:") != 0 || digits < 1 || digits > 4 ||
      text.find_first_not_of("0123456789", 4) != std::string::npos)
    return -1;
  return std::stoi(text.substr(4));
}

/// The number of the target to use, see fp4q_artifact_load_target.
static int selectWanted(const std::vector<ArtifactTarget> &targets,
                        const std::string &wanted, std::string &error) {
  int32_t ordinal = parseDevice(wanted);
  if (ordinal >= 0)
    return selectForDevice(targets, ordinal, error);
  bool isForGpus = true;
  for (const ArtifactTarget &target : targets)
    isForGpus &= target.deviceType == FP4Q_DL_CUDA;
  if (!wanted.empty() || !isForGpus)
    return selectTarget(targets, wanted, getHostCpuFeatures(), error);
  // Machines without a GPU can load and look at the code too: what is missing
  // is reported by calls.
  std::string ignored;
  if (!GpuDevice::get(0, ignored))
    return 0;
  return selectForDevice(targets, 0, error);
}

int32_t fp4q_artifact_load_target(const char *path, const char *target,
                                  fp4q_artifact_handle **out,
                                  const char **error) {
  return guard(error, [&]() -> int32_t {
    if (!path || !out)
      return fail(error, "fp4q_artifact_load expects a path and a place for "
                         "the handle, but got a null pointer");
    *out = nullptr;
    std::string name = std::string("artifact '") + path + "' ";
    auto artifact = std::make_unique<fp4q_artifact_handle>();
    // Without O_NONBLOCK, a named pipe would wait for a writer.
    Descriptor file(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.fd < 0)
      return fail(error, name + "cannot be opened: " + std::strerror(errno));
    std::string message;
    std::vector<ArtifactTarget> targets;
    if (!checkArtifactFile(file.fd, path, targets, message))
      return fail(error, std::move(message));
    int selected = selectWanted(targets, target ? target : "", message);
    if (selected < 0)
      return fail(error, name + message);
    artifact->library = openLibrary(file.fd);
    if (!artifact->library)
      return fail(error, name + "cannot be loaded: " + ::dlerror());
    artifact->desc = static_cast<const fp4q_artifact_desc *>(
        ::dlsym(artifact->library, "fp4q_artifact"));
    if (!artifact->desc ||
        artifact->desc->format_version != FP4Q_ARTIFACT_FORMAT_VERSION ||
        !hasTargets(*artifact->desc, targets))
      return fail(error, name + "is damaged: it has no table of functions, or "
                                "one for other targets");
    artifact->target = &artifact->desc->targets[selected];
    *out = artifact.release();
    return 0;
  });
}

int32_t fp4q_artifact_load(const char *path, fp4q_artifact_handle **out,
                           const char **error) {
  return fp4q_artifact_load_target(path, /*target=*/nullptr, out, error);
}

void fp4q_artifact_unload(fp4q_artifact_handle *artifact) { delete artifact; }

const char *fp4q_artifact_manifest(const fp4q_artifact_handle *artifact) {
  return artifact->desc->manifest;
}

const char *fp4q_artifact_target_name(const fp4q_artifact_handle *artifact) {
  return artifact->target->target.name;
}

int32_t fp4q_artifact_num_functions(const fp4q_artifact_handle *artifact) {
  return artifact->desc->num_functions;
}

const fp4q_function_desc *
fp4q_artifact_function(const fp4q_artifact_handle *artifact, int32_t index) {
  if (index < 0 || index >= artifact->desc->num_functions)
    return nullptr;
  return &artifact->target->functions[index];
}

int32_t fp4q_artifact_find(const fp4q_artifact_handle *artifact,
                           const char *name, const fp4q_function_desc **out,
                           const char **error) {
  return guard(error, [&]() -> int32_t {
    std::string wanted = name ? name : "";
    int32_t count = fp4q_artifact_num_functions(artifact);
    std::string known;
    for (int32_t i = 0; i < count; ++i) {
      const fp4q_function_desc *function = fp4q_artifact_function(artifact, i);
      if (wanted == function->name || (wanted.empty() && count == 1)) {
        *out = function;
        return 0;
      }
      known += (i ? ", @" : "@") + std::string(function->name);
    }
    *out = nullptr;
    if (wanted.empty())
      return fail(error,
                  "the artifact has several entries, name one of " + known);
    return fail(error,
                "unknown entry '" + wanted + "', expected one of " + known);
  });
}

//===----------------------------------------------------------------------===//
// What the exported functions of artifacts call
//===----------------------------------------------------------------------===//

/// The CUDA device that the first tensor on any is on, or -1.
static int32_t findDevice(const DLTensor *const *args, int32_t n) {
  for (int32_t i = 0; args && i < n; ++i)
    if (args[i] && args[i]->device.device_type == FP4Q_DL_CUDA)
      return args[i]->device.device_id;
  return -1;
}

/// The number of the code for these tensors. Where there is none for the kind
/// of device that they are on, any that runs here will say so.
static int selectForTensors(const std::vector<ArtifactTarget> &targets,
                            const DLTensor *const *args, int32_t n,
                            std::string &error) {
  int32_t device = findDevice(args, n);
  for (const ArtifactTarget &target : targets)
    if (device >= 0 && target.deviceType == FP4Q_DL_CUDA)
      return selectForDevice(targets, device, error);
  return selectWanted(targets, "", error);
}

/// Function `index` of the best code for these tensors, or null and an error.
static const fp4q_function_desc *
pickFunction(const fp4q_artifact_desc *artifact, int32_t index,
             const DLTensor *const *args, int32_t n, const char **error) {
  if (artifact->format_version != FP4Q_ARTIFACT_FORMAT_VERSION) {
    fail(error, "the artifact has format version " +
                    std::to_string(artifact->format_version) +
                    ", but this runtime calls version " +
                    std::to_string(FP4Q_ARTIFACT_FORMAT_VERSION));
    return nullptr;
  }
  std::vector<ArtifactTarget> targets;
  for (int32_t i = 0; i < artifact->num_targets; ++i)
    targets.push_back(unpackTarget(artifact->targets[i].target));
  std::string message;
  int selected = selectForTensors(targets, args, n, message);
  if (selected >= 0)
    return &artifact->targets[selected].functions[index];
  fail(error, "the artifact " + message);
  return nullptr;
}

int32_t fp4q_artifact_call_function(const fp4q_artifact_desc *artifact,
                                    int32_t index, const DLTensor *const *args,
                                    int32_t n, void *stream,
                                    const char **error) {
  return guard(error, [&]() -> int32_t {
    const fp4q_function_desc *function =
        pickFunction(artifact, index, args, n, error);
    return function ? fp4q_function_call(function, args, n, stream, error) : 1;
  });
}

int32_t fp4q_artifact_function_result_shapes(const fp4q_artifact_desc *artifact,
                                             int32_t index,
                                             const DLTensor *const *args,
                                             int32_t n, int64_t *sizes,
                                             int32_t capacity,
                                             const char **error) {
  return guard(error, [&]() -> int32_t {
    const fp4q_function_desc *function =
        pickFunction(artifact, index, args, n, error);
    return function ? fp4q_function_result_shapes(function, args, n, sizes,
                                                  capacity, error)
                    : 1;
  });
}
