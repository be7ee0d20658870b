//===- Artifact.cpp - load compiled functions -----------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/Artifact.h"

#include "Descriptor.h"
#include "LastError.h"
#include "fp4q/Runtime/ArtifactFile.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <memory>

using namespace fp4q;

struct fp4q_artifact_handle {
  ~fp4q_artifact_handle() {
    if (library)
      ::dlclose(library);
  }

  void *library = nullptr;
  const fp4q_artifact_desc *desc = nullptr;
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

int32_t fp4q_artifact_load(const char *path, fp4q_artifact_handle **out,
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
    if (!checkArtifactFile(file.fd, path, message))
      return fail(error, std::move(message));
    artifact->library = openLibrary(file.fd);
    if (!artifact->library)
      return fail(error, name + "cannot be loaded: " + ::dlerror());
    artifact->desc = static_cast<const fp4q_artifact_desc *>(
        ::dlsym(artifact->library, "fp4q_artifact"));
    if (!artifact->desc ||
        artifact->desc->format_version != FP4Q_ARTIFACT_FORMAT_VERSION)
      return fail(error, name + "is damaged: it has no table of functions");
    *out = artifact.release();
    return 0;
  });
}

void fp4q_artifact_unload(fp4q_artifact_handle *artifact) { delete artifact; }

const char *fp4q_artifact_manifest(const fp4q_artifact_handle *artifact) {
  return artifact->desc->manifest;
}

int32_t fp4q_artifact_num_functions(const fp4q_artifact_handle *artifact) {
  return artifact->desc->num_functions;
}

const fp4q_function_desc *
fp4q_artifact_function(const fp4q_artifact_handle *artifact, int32_t index) {
  if (index < 0 || index >= artifact->desc->num_functions)
    return nullptr;
  return &artifact->desc->functions[index];
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
