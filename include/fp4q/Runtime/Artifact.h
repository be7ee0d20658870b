//===- Artifact.h - load compiled functions and call them -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An artifact is a shared object made by fp4q-compile. Loading one runs code of
// it, so load only what you trust: the checks here find files that are damaged
// or made for something else, not files that mean harm.
//
// Functions that can fail return 0 on success and 1 on failure. They then set
// `*error`, unless `error` is null, to one line that names the culprit. The
// text belongs to the runtime and lives until the next call that fails on the
// same thread, or until the thread ends.
//
// All functions may be called from any thread, and compiled functions may run
// on many threads at once; only unloading must wait for the last call.
//
// This header is plain C, with one small class for C++ at its end.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_RUNTIME_ARTIFACT_H
#define FP4Q_RUNTIME_ARTIFACT_H

#include "fp4q/Runtime/ArtifactFormat.h"
#include "fp4q/Runtime/DLPack.h"
#include "fp4q/Runtime/Export.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A loaded artifact.
typedef struct fp4q_artifact_handle fp4q_artifact_handle;

/// Loads the artifact at `path`, with its best code for this CPU: of the
/// targets whose features the CPU has, the one that uses most of them. Of code
/// for GPUs only, that for CUDA device 0 is taken, or any if there is no such
/// device: then the first call says so. Fails if
/// the file cannot be read, is no artifact, is truncated or otherwise differs
/// from what was written, has another format version, or has no code that can
/// run here. The file may be replaced while it is loaded, and several versions
/// of it may be loaded at once.
FP4Q_RUNTIME_EXPORT int32_t fp4q_artifact_load(const char *path,
                                               fp4q_artifact_handle **out,
                                               const char **error);

/// The same with the code for one target, such as "cpu:x86-64-v3" or "sm_90a",
/// or with the best for CUDA device N, "gpu:N" (0 for "gpu"); if `target` is
/// null or empty, with the best. Fails also if the artifact has no such code or
/// the CPU cannot run it. Whether the device can run code for the chip that is
/// named, the first call says.
FP4Q_RUNTIME_EXPORT int32_t
fp4q_artifact_load_target(const char *path, const char *target,
                          fp4q_artifact_handle **out, const char **error);

/// Unloads an artifact, with its functions; null is ignored.
FP4Q_RUNTIME_EXPORT void fp4q_artifact_unload(fp4q_artifact_handle *artifact);

/// The manifest, JSON, as long as the artifact is loaded.
FP4Q_RUNTIME_EXPORT const char *
fp4q_artifact_manifest(const fp4q_artifact_handle *artifact);

/// The target whose code is used, as long as the artifact is loaded.
FP4Q_RUNTIME_EXPORT const char *
fp4q_artifact_target_name(const fp4q_artifact_handle *artifact);

/// The functions of an artifact are numbered from 0.
FP4Q_RUNTIME_EXPORT int32_t
fp4q_artifact_num_functions(const fp4q_artifact_handle *artifact);

/// Function `index`, with its name, arguments and results, or null if there is
/// none; valid as long as the artifact is loaded.
FP4Q_RUNTIME_EXPORT const fp4q_function_desc *
fp4q_artifact_function(const fp4q_artifact_handle *artifact, int32_t index);

/// The function called `name`; if `name` is null or empty, the only one.
/// Otherwise fails with a list of those there are.
FP4Q_RUNTIME_EXPORT int32_t
fp4q_artifact_find(const fp4q_artifact_handle *artifact, const char *name,
                   const fp4q_function_desc **out, const char **error);

/// Stores the sizes of the results for these `n` arguments (no results among
/// them) one after the other; `capacity` is the room in `sizes`, at least the
/// sum of the ranks of the results. The arguments are checked as for a call;
/// their data is only read where a size depends on it.
FP4Q_RUNTIME_EXPORT int32_t fp4q_function_result_shapes(
    const fp4q_function_desc *function, const DLTensor *const *args, int32_t n,
    int64_t *sizes, int32_t capacity, const char **error);

/// Calls `function` on `n` tensors: its arguments, then its results, which the
/// caller has allocated, with the sizes that fp4q_function_result_shapes says.
/// Code for CPUs takes tensors in CPU memory (kDLCPU or kDLCUDAHost), code for
/// GPUs in the memory of one CUDA device (kDLCUDA), and may not have finished
/// when this returns: it is on `stream`, which is null for the default stream.
/// Scalars are tensors of rank 0 in CPU memory. Unsigned integers of the same
/// width are taken for bf16, for f8 scales and for integers. Tensors that are
/// row-major, contiguous and aligned to their elements are used where they are;
/// others are copied before the call, and results after it, in CPU memory; in
/// device memory they are an error. Two elements of results must not share
/// memory, nor may one of a result and one of an argument. Anything else is an
/// error, and then nothing has been written.
FP4Q_RUNTIME_EXPORT int32_t fp4q_function_call(
    const fp4q_function_desc *function, const DLTensor *const *args, int32_t n,
    void *stream, const char **error);

/// The exported functions of an artifact call these two, so that they are safe
/// also for hosts with a loader of their own: function `index` of the best code
/// for this CPU, or if a tensor is on a CUDA device and there is code for GPUs,
/// for that device; or an error if none can run here.
FP4Q_RUNTIME_EXPORT int32_t fp4q_artifact_call_function(
    const fp4q_artifact_desc *artifact, int32_t index,
    const DLTensor *const *args, int32_t n, void *stream, const char **error);
FP4Q_RUNTIME_EXPORT int32_t fp4q_artifact_function_result_shapes(
    const fp4q_artifact_desc *artifact, int32_t index,
    const DLTensor *const *args, int32_t n, int64_t *sizes, int32_t capacity,
    const char **error);

#ifdef __cplusplus
} // extern "C"

#include <memory>

namespace fp4q {

/// Unloads what it points to.
struct ArtifactDeleter {
  void operator()(fp4q_artifact_handle *artifact) const {
    fp4q_artifact_unload(artifact);
  }
};

/// Owns a loaded artifact.
using ArtifactPtr = std::unique_ptr<fp4q_artifact_handle, ArtifactDeleter>;

/// fp4q_artifact_load_target as an owner; null on failure.
inline ArtifactPtr loadArtifact(const char *path, const char **error,
                                const char *target = nullptr) {
  fp4q_artifact_handle *artifact = nullptr;
  fp4q_artifact_load_target(path, target, &artifact, error);
  return ArtifactPtr(artifact);
}

} // namespace fp4q
#endif

#endif // FP4Q_RUNTIME_ARTIFACT_H
