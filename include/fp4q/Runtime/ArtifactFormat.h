//===- ArtifactFormat.h - what an artifact contains -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The contract between the ahead-of-time compiler, which writes these
// structures, and the runtime, which reads them; docs/artifact.md describes the
// whole. Any change here raises FP4Q_ARTIFACT_FORMAT_VERSION.
//
// This header is plain C.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_RUNTIME_ARTIFACTFORMAT_H
#define FP4Q_RUNTIME_ARTIFACTFORMAT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The version of everything in this header and of the symbols' meaning.
#define FP4Q_ARTIFACT_FORMAT_VERSION 2

/// The last eight bytes of every artifact, of any version.
#define FP4Q_ARTIFACT_MAGIC "FP4QARTF"

/// How many 32-bit words describe the features of a CPU. On x86-64:
///   0, 1  CPUID leaf 1: ecx, edx          5, 6  leaf 7, subleaf 1: eax, edx
///   2-4   leaf 7, subleaf 0: ebx, ecx, edx
///   7, 8  leaf 0x80000001: ecx, edx       9     XCR0, bits 0 to 31
/// On other machines all words are 0.
#define FP4Q_CPU_FEATURE_WORDS 10

/// No artifact has code for more targets than this.
#define FP4Q_MAX_ARTIFACT_TARGETS 64

/// What one target of an artifact needs. The file has an array of these between
/// the shared object and the trailer.
typedef struct fp4q_artifact_target {
  /// As given to fp4q-compile: "cpu:x86-64-v3", padded with zeros.
  char name[32];
  /// DLPack's type of the device whose memory the functions take: 1, kDLCPU.
  int32_t device_type;
  /// The CPU must have all features that are set here.
  uint32_t cpu_features[FP4Q_CPU_FEATURE_WORDS];
} fp4q_artifact_target;

/// The end of the file. It and the targets in front of it are all that must be
/// known before any code of the artifact may run. Every version of the format
/// ends in the last three fields.
typedef struct fp4q_artifact_trailer {
  /// XXH3 (64 bits, seed 0) of the whole file without these eight bytes.
  uint64_t checksum;
  /// Bytes of the shared object, which start at offset 0.
  uint64_t payload_size;
  /// What wrote the file: "fp4q 0.1.0", padded with zeros.
  char producer[32];
  /// The targets in front of the trailer, and the size of one.
  uint32_t num_targets;
  uint32_t target_size;
  /// sizeof(fp4q_artifact_trailer) of that version.
  uint32_t trailer_size;
  uint32_t format_version;
  char magic[8];
} fp4q_artifact_trailer;

/// One argument or result.
typedef struct fp4q_value_desc {
  /// As in MLIR: "tensor<?x64xbf16>", or "f32" for a scalar.
  const char *type;
  /// `rank` sizes, -1 where only known at run time.
  const int64_t *shape;
  /// The `rank` sizes as the manifest has them: "64", "M", "ceildiv(M, 128)",
  /// or "?" for a size that depends on more than the sizes of the arguments.
  /// Sizes of one function that are the same symbol are equal.
  const char *const *dims;
  int32_t rank;
  /// DLPack's type code and width, and a second code that is taken as well:
  /// unsigned integers carry bf16, f8 and codes where a framework has no such
  /// type. Equal to dtype_code if there is none.
  uint8_t dtype_code;
  uint8_t dtype_bits;
  uint8_t alternate_code;
  /// Passed by value to the compiled code; a tensor of rank 0 to callers.
  uint8_t is_scalar;
} fp4q_value_desc;

/// Compiled code: takes the addresses of its arguments, each a memref
/// descriptor or, for a scalar, its value.
typedef void (*fp4q_packed_fn)(void **packed);

/// One function.
typedef struct fp4q_function_desc {
  /// FP4Q_ARTIFACT_FORMAT_VERSION of the artifact.
  uint32_t format_version;
  int32_t num_arguments;
  int32_t num_results;
  int32_t num_checks;
  /// DLPack's type of the device in whose memory its tensors are.
  int32_t device_type;
  const char *name;
  /// The arguments, then the results.
  const fp4q_value_desc *values;
  /// Takes the arguments, then the results.
  fp4q_packed_fn invoke;
  /// Takes the arguments, then a memref of int64: it stores the sizes of all
  /// results one after the other, then the number of the first check that
  /// failed, counted from 1, or 0, and both sizes that should have agreed. Null
  /// if there are no results.
  fp4q_packed_fn result_shapes;
  /// What each check says.
  const char *const *checks;
} fp4q_function_desc;

/// How many values result_shapes stores after the sizes.
#define FP4Q_NUM_CHECK_SLOTS 3

/// Code for a device, as data: what a driver loads, such as a cubin.
typedef struct fp4q_image_desc {
  const char *name;
  const void *data;
  uint64_t size;
} fp4q_image_desc;

/// The code for one target.
typedef struct fp4q_target_desc {
  /// What the file says of the target in front of the trailer.
  fp4q_artifact_target target;
  /// Images that the functions launch; none in code for CPUs.
  int32_t num_images;
  const fp4q_image_desc *images;
  /// As many for each target, in the same order and of the same signatures.
  const fp4q_function_desc *functions;
} fp4q_target_desc;

/// The exported constant `fp4q_artifact`.
typedef struct fp4q_artifact_desc {
  uint32_t format_version;
  int32_t num_functions;
  int32_t num_targets;
  const fp4q_target_desc *targets;
  /// The exported constant `fp4q_manifest`: JSON, ends in a zero byte.
  const char *manifest;
} fp4q_artifact_desc;

#ifdef __cplusplus
} // extern "C"
#endif

#endif // FP4Q_RUNTIME_ARTIFACTFORMAT_H
