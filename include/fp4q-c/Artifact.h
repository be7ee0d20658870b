//===- Artifact.h - C interface of artifacts ----------------------*- C -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes a module's functions to an artifact (docs/artifact.md), loads
// artifacts, and calls their functions on DLPack tensors. The rules of
// Compiler.h hold here as well.
//
// Programs that only load artifacts need nothing of LLVM if they use
// fp4q/Runtime/Artifact.h of libfp4q_runtime.so instead, which this is made of.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_C_ARTIFACT_H
#define FP4Q_C_ARTIFACT_H

#include "fp4q-c/Compiler.h"
#include "fp4q/Runtime/DLPack.h"

#ifdef __cplusplus
extern "C" {
#endif

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// How an artifact is compiled.
typedef struct fp4q_artifact_options {
  size_t struct_size;
  uint32_t version;
  /// 1: loops run through fp4q_parallel_for, 0: on the caller's thread alone.
  /// Default 1.
  int32_t parallel;
  /// What there is code for, as fp4q-compile's --target: "cpu:x86-64-v3", or
  /// several separated by commas. Default null: "cpu".
  const char *targets;
} fp4q_artifact_options;

#define FP4Q_ARTIFACT_OPTIONS_INIT {sizeof(fp4q_artifact_options), 1, 1, 0}

/// Compiles all public functions of the module into an artifact at `path`,
/// which appears complete or, if this fails, stays as it was. The module itself
/// stays as it is. `options` may be null.
FP4Q_CAPI_EXPORTED fp4q_status
fp4q_artifact_write(const fp4q_module *module,
                    const fp4q_artifact_options *options, const char *path);

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

/// A loaded artifact. May be used by any number of threads at once.
typedef struct fp4q_artifact fp4q_artifact;

/// A public function of an artifact, which it belongs to.
typedef struct fp4q_entry fp4q_entry;

/// Loads the artifact at `path`, with its code for `target`; null stands for
/// the best for this CPU. Code of the file will run: load only what you trust.
/// Files that are damaged, of another format version or without code that can
/// run here fail with FP4Q_LOAD_ERROR.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_artifact_open(const char *path,
                                                  const char *target,
                                                  fp4q_artifact **artifact);

/// Unloads the artifact. Its functions, and texts that came from it, must not
/// be used any more, and no call of them may be under way.
FP4Q_CAPI_EXPORTED void fp4q_artifact_close(fp4q_artifact *artifact);

/// The manifest, JSON (docs/artifact.md); lives as long as the artifact.
FP4Q_CAPI_EXPORTED fp4q_status
fp4q_artifact_get_manifest(const fp4q_artifact *artifact, const char **json);

/// The target whose code is used; lives as long as the artifact.
FP4Q_CAPI_EXPORTED fp4q_status
fp4q_artifact_get_target(const fp4q_artifact *artifact, const char **target);

FP4Q_CAPI_EXPORTED fp4q_status
fp4q_artifact_get_num_entries(const fp4q_artifact *artifact, size_t *number);

/// Entry `index`, from 0.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_artifact_get_entry(
    const fp4q_artifact *artifact, size_t index, const fp4q_entry **entry);

/// The entry called `name`; null stands for the only one.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_artifact_find_entry(
    const fp4q_artifact *artifact, const char *name, const fp4q_entry **entry);

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

FP4Q_CAPI_EXPORTED fp4q_status fp4q_entry_name(const fp4q_entry *entry,
                                               const char **name);
FP4Q_CAPI_EXPORTED fp4q_status fp4q_entry_num_arguments(const fp4q_entry *entry,
                                                        size_t *number);
FP4Q_CAPI_EXPORTED fp4q_status fp4q_entry_num_results(const fp4q_entry *entry,
                                                      size_t *number);

/// Describes an argument in `spec`, which starts as FP4Q_VALUE_SPEC_INIT. What
/// it then points to lives as long as the artifact.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_entry_argument(const fp4q_entry *entry,
                                                   size_t index,
                                                   fp4q_value_spec *spec);

/// Describes a result, as fp4q_entry_argument does.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_entry_result(const fp4q_entry *entry,
                                                 size_t index,
                                                 fp4q_value_spec *spec);

/// Computes the sizes of all results for these arguments, one result after the
/// other, into `sizes`. `num_sizes` must be the sum of the ranks of the
/// results.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_entry_result_sizes(
    const fp4q_entry *entry, const DLTensor *const *arguments,
    size_t num_arguments, int64_t *sizes, size_t num_sizes);

/// Calls the function on its arguments and then its results, which have the
/// sizes that fp4q_entry_result_sizes computes. Which tensors are
/// taken, docs/artifact.md says: any strides and addresses in CPU memory, and
/// scalars as tensors of rank 0. A call that is refused has written nothing.
/// `stream` is ignored by code for CPUs, and may be null.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_entry_invoke(const fp4q_entry *entry,
                                                 const DLTensor *const *tensors,
                                                 size_t num_tensors,
                                                 void *stream);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // FP4Q_C_ARTIFACT_H
