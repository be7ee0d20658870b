//===- Artifact.cpp - artifacts in the C interface ------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime checks calls; here are only null pointers and numbers.
//
//===----------------------------------------------------------------------===//

#include "fp4q-c/Artifact.h"

#include "Internal.h"

#include "fp4q/Compiler/AheadOfTime.h"
#include "fp4q/Runtime/Artifact.h"

#include <vector>

using namespace mlir;
using namespace mlir::fp4q;

struct fp4q_entry {
  const fp4q_function_desc *desc;
};

struct fp4q_artifact {
  ::fp4q::ArtifactPtr handle;
  std::vector<fp4q_entry> entries;
};

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

fp4q_status fp4q_artifact_write(const fp4q_module *module,
                                const fp4q_artifact_options *options,
                                const char *path) {
  if (!module || !path)
    return failOnNull("fp4q_artifact_write", !module ? "module" : "path");
  fp4q_artifact_options full = FP4Q_ARTIFACT_OPTIONS_INIT;
  if (options)
    if (auto status = readVersioned("fp4q_artifact_options", *options, full))
      return status;
  AheadOfTimeOptions compile;
  compile.pipeline.parallel = full.parallel != 0;
  std::string error;
  auto targets = parseTargets(full.targets ? full.targets : "cpu", error);
  if (!targets)
    return fail(FP4Q_INVALID_ARGUMENT, error);
  compile.targets = std::move(*targets);
  CAPIContext &shared = *module->shared;
  shared.firstError.clear();
  OwningOpRef<ModuleOp> copy = module->op.get().clone();
  if (failed(compileAheadOfTime(*copy, compile, path)))
    return failWithDiagnostic(shared, "the module cannot be compiled");
  return FP4Q_SUCCESS;
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

fp4q_status fp4q_artifact_open(const char *path, const char *target,
                               fp4q_artifact **artifact) {
  if (!path || !artifact)
    return failOnNull("fp4q_artifact_open", !path ? "path" : "artifact");
  const char *error = nullptr;
  ::fp4q::ArtifactPtr handle = ::fp4q::loadArtifact(path, &error, target);
  if (!handle)
    return fail(FP4Q_LOAD_ERROR, error);
  auto loaded = std::make_unique<fp4q_artifact>();
  for (int32_t i = 0; i < fp4q_artifact_num_functions(handle.get()); ++i)
    loaded->entries.push_back({fp4q_artifact_function(handle.get(), i)});
  loaded->handle = std::move(handle);
  *artifact = loaded.release();
  return FP4Q_SUCCESS;
}

void fp4q_artifact_close(fp4q_artifact *artifact) { delete artifact; }

fp4q_status fp4q_artifact_get_manifest(const fp4q_artifact *artifact,
                                       const char **json) {
  if (!artifact || !json)
    return failOnNull("fp4q_artifact_get_manifest",
                      !artifact ? "artifact" : "json");
  *json = fp4q_artifact_manifest(artifact->handle.get());
  return FP4Q_SUCCESS;
}

fp4q_status fp4q_artifact_get_target(const fp4q_artifact *artifact,
                                     const char **target) {
  if (!artifact || !target)
    return failOnNull("fp4q_artifact_get_target",
                      !artifact ? "artifact" : "target");
  *target = fp4q_artifact_target_name(artifact->handle.get());
  return FP4Q_SUCCESS;
}

fp4q_status fp4q_artifact_get_num_entries(const fp4q_artifact *artifact,
                                          size_t *number) {
  if (!artifact || !number)
    return failOnNull("fp4q_artifact_get_num_entries",
                      !artifact ? "artifact" : "number");
  *number = artifact->entries.size();
  return FP4Q_SUCCESS;
}

fp4q_status fp4q_artifact_get_entry(const fp4q_artifact *artifact, size_t index,
                                    const fp4q_entry **entry) {
  if (!artifact || !entry)
    return failOnNull("fp4q_artifact_get_entry",
                      !artifact ? "artifact" : "entry");
  if (index >= artifact->entries.size())
    return fail(FP4Q_INVALID_ARGUMENT,
                "entry #" + Twine(index) +
                    " does not exist; the artifact has " +
                    Twine(artifact->entries.size()));
  *entry = &artifact->entries[index];
  return FP4Q_SUCCESS;
}

fp4q_status fp4q_artifact_find_entry(const fp4q_artifact *artifact,
                                     const char *name,
                                     const fp4q_entry **entry) {
  if (!artifact || !entry)
    return failOnNull("fp4q_artifact_find_entry",
                      !artifact ? "artifact" : "entry");
  const fp4q_function_desc *found = nullptr;
  const char *error = nullptr;
  if (fp4q_artifact_find(artifact->handle.get(), name, &found, &error))
    return fail(FP4Q_INVALID_ARGUMENT, error);
  for (const auto &candidate : artifact->entries)
    if (candidate.desc == found)
      *entry = &candidate;
  return FP4Q_SUCCESS;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

fp4q_status fp4q_entry_name(const fp4q_entry *entry, const char **name) {
  if (!entry || !name)
    return failOnNull("fp4q_entry_name", !entry ? "entry" : "name");
  *name = entry->desc->name;
  return FP4Q_SUCCESS;
}

fp4q_status fp4q_entry_num_arguments(const fp4q_entry *entry, size_t *number) {
  if (!entry || !number)
    return failOnNull("fp4q_entry_num_arguments", !entry ? "entry" : "number");
  *number = entry->desc->num_arguments;
  return FP4Q_SUCCESS;
}

fp4q_status fp4q_entry_num_results(const fp4q_entry *entry, size_t *number) {
  if (!entry || !number)
    return failOnNull("fp4q_entry_num_results", !entry ? "entry" : "number");
  *number = entry->desc->num_results;
  return FP4Q_SUCCESS;
}

static fp4q_dtype toDType(const fp4q_value_desc &value) {
  switch (value.dtype_code << 8 | value.dtype_bits) {
  case FP4Q_DL_INT << 8 | 8:
    return FP4Q_DTYPE_I8;
  case FP4Q_DL_INT << 8 | 16:
    return FP4Q_DTYPE_I16;
  case FP4Q_DL_INT << 8 | 32:
    return FP4Q_DTYPE_I32;
  case FP4Q_DL_INT << 8 | 64:
    return FP4Q_DTYPE_I64;
  case FP4Q_DL_FLOAT << 8 | 16:
    return FP4Q_DTYPE_F16;
  case FP4Q_DL_FLOAT << 8 | 32:
    return FP4Q_DTYPE_F32;
  case FP4Q_DL_FLOAT << 8 | 64:
    return FP4Q_DTYPE_F64;
  case FP4Q_DL_BFLOAT << 8 | 16:
    return FP4Q_DTYPE_BF16;
  case FP4Q_DL_FLOAT8_E4M3FN << 8 | 8:
    return FP4Q_DTYPE_F8E4M3FN;
  case FP4Q_DL_FLOAT8_E8M0FNU << 8 | 8:
    return FP4Q_DTYPE_F8E8M0FNU;
  default:
    return FP4Q_DTYPE_OTHER;
  }
}

/// Describes value `index` of the `number` at `values`.
static fp4q_status describe(const char *kind, const fp4q_value_desc *values,
                            size_t number, size_t index, fp4q_value_spec &out) {
  if (index >= number)
    return fail(FP4Q_INVALID_ARGUMENT,
                Twine(kind) + " #" + Twine(index) +
                    " does not exist; the function has " + Twine(number));
  const fp4q_value_desc &value = values[index];
  static_assert(FP4Q_DYNAMIC_SIZE == -1, "it is what artifacts have");
  fp4q_value_spec full = FP4Q_VALUE_SPEC_INIT;
  full.dtype = toDType(value);
  full.element_bytes = value.dtype_bits / 8;
  full.is_scalar = value.is_scalar;
  full.rank = value.rank;
  full.sizes = value.shape;
  full.type = value.type;
  full.symbols = value.dims;
  return writeVersioned("fp4q_value_spec", full, out);
}

fp4q_status fp4q_entry_argument(const fp4q_entry *entry, size_t index,
                                fp4q_value_spec *spec) {
  if (!entry || !spec)
    return failOnNull("fp4q_entry_argument", !entry ? "entry" : "spec");
  const fp4q_function_desc &desc = *entry->desc;
  return describe("argument", desc.values, desc.num_arguments, index, *spec);
}

fp4q_status fp4q_entry_result(const fp4q_entry *entry, size_t index,
                              fp4q_value_spec *spec) {
  if (!entry || !spec)
    return failOnNull("fp4q_entry_result", !entry ? "entry" : "spec");
  const fp4q_function_desc &desc = *entry->desc;
  return describe("result", desc.values + desc.num_arguments, desc.num_results,
                  index, *spec);
}

/// As many as the runtime can count, which refuses that many.
static int32_t toCount(size_t number) {
  return static_cast<int32_t>(std::min<size_t>(number, INT32_MAX));
}

fp4q_status fp4q_entry_result_sizes(const fp4q_entry *entry,
                                    const DLTensor *const *arguments,
                                    size_t num_arguments, int64_t *sizes,
                                    size_t num_sizes) {
  if (!entry)
    return failOnNull("fp4q_entry_result_sizes", "entry");
  const fp4q_function_desc &desc = *entry->desc;
  size_t expected = 0;
  for (int32_t i = 0; i < desc.num_results; ++i)
    expected += desc.values[desc.num_arguments + i].rank;
  if (num_sizes != expected)
    return fail(FP4Q_INVALID_ARGUMENT,
                "the ranks of the results add up to " + Twine(expected) +
                    ", but num_sizes is " + Twine(num_sizes));
  if (num_sizes && !sizes)
    return failOnNull("fp4q_entry_result_sizes", "sizes");
  const char *error = nullptr;
  if (::fp4q_function_result_shapes(&desc, arguments, toCount(num_arguments),
                                    sizes, toCount(num_sizes), &error))
    return fail(FP4Q_INVALID_ARGUMENT, error);
  return FP4Q_SUCCESS;
}

fp4q_status fp4q_entry_invoke(const fp4q_entry *entry,
                              const DLTensor *const *tensors,
                              size_t num_tensors, void *stream) {
  if (!entry)
    return failOnNull("fp4q_entry_invoke", "entry");
  const char *error = nullptr;
  if (::fp4q_function_call(entry->desc, tensors, toCount(num_tensors), stream,
                           &error))
    return fail(FP4Q_INVALID_ARGUMENT, error);
  return FP4Q_SUCCESS;
}
