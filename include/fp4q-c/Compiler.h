//===- Compiler.h - C interface of the compiler and JIT -----------*- C -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The interface of libfp4q-c.so, in C11: from the text of a module to results
// in memory. Nothing of MLIR shows here; see Artifact.h for code that is
// compiled ahead of time, and Dialect.h for programs that use MLIR's own C API.
//
// Rules that hold for every function:
//  - Errors are returned, never thrown, and never end the process. A function
//    that fails writes to none of its outputs, and says why in
//    fp4q_last_error().
//  - Null pointers are errors, unless said otherwise. Destroying null does
//    nothing.
//  - Text goes in as UTF-8, null-terminated unless a length is given.
//  - Handles are opaque. A module keeps its context alive, and a function needs
//    neither of them, so handles are destroyed in any order.
//  - A context and its modules are used by one thread at a time; a compiled
//    function by any number of threads at once.
//  - A structure that may grow starts with its size and version, set by its
//    FP4Q_..._INIT. What an older program does not know keeps its default; a
//    version that the library does not know is an error.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_C_COMPILER_H
#define FP4Q_C_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Marks what libfp4q-c.so exports.
#define FP4Q_CAPI_EXPORTED __attribute__((visibility("default")))

//===----------------------------------------------------------------------===//
// Version, status, diagnostics
//===----------------------------------------------------------------------===//

/// The version of this interface. Within one version it only grows.
#define FP4Q_C_API_VERSION 1

/// FP4Q_C_API_VERSION of the library that is loaded.
FP4Q_CAPI_EXPORTED uint32_t fp4q_c_api_version(void);

/// The version of the library, as "fp4q 0.1.0 (LLVM 22.1.8)". Static storage.
FP4Q_CAPI_EXPORTED const char *fp4q_version(void);

/// What a function returns.
typedef int32_t fp4q_status;
enum {
  FP4Q_SUCCESS = 0,
  /// An argument of the call is wrong: null, of the wrong count, size or type.
  FP4Q_INVALID_ARGUMENT = 1,
  /// The module is wrong, or cannot be compiled; diagnostics say where and why.
  FP4Q_COMPILE_ERROR = 2,
  /// An artifact cannot be loaded.
  FP4Q_LOAD_ERROR = 3
};

/// Why the last call on this thread that failed did, in one line; "" if none
/// has. Valid until the next call on this thread.
FP4Q_CAPI_EXPORTED const char *fp4q_last_error(void);

/// How serious a diagnostic is.
typedef int32_t fp4q_severity;
enum { FP4Q_NOTE = 0, FP4Q_WARNING = 1, FP4Q_ERROR = 2, FP4Q_REMARK = 3 };

/// One message about a module.
typedef struct fp4q_diagnostic {
  fp4q_severity severity;
  /// Counted from 1; 0 where the place is not known.
  uint32_t line, column;
  /// "" where the place is not known.
  const char *file;
  const char *message;
} fp4q_diagnostic;

/// Receives diagnostics. The structure is valid during the call; the callback
/// must not call functions of this interface on the same context.
typedef void (*fp4q_diagnostic_fn)(void *user,
                                   const fp4q_diagnostic *diagnostic);

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

/// What modules live in: the dialects, and where diagnostics go.
typedef struct fp4q_context fp4q_context;

/// How a context behaves.
typedef struct fp4q_context_options {
  size_t struct_size;
  uint32_t version;
  /// 1: passes may run on several threads. Default 0.
  int32_t multithreading;
  /// Called with `user` for each diagnostic. Default null: they are dropped,
  /// and the first error of a call is in fp4q_last_error().
  fp4q_diagnostic_fn diagnostic;
  void *user;
} fp4q_context_options;

#define FP4Q_CONTEXT_OPTIONS_INIT {sizeof(fp4q_context_options), 1, 0, 0, 0}

/// Makes a context with fp4q and all dialects of MLIR. `options` may be null.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_context_create(
    const fp4q_context_options *options, fp4q_context **context);

FP4Q_CAPI_EXPORTED void fp4q_context_destroy(fp4q_context *context);

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

/// A module of MLIR.
typedef struct fp4q_module fp4q_module;

/// Parses and verifies `length` bytes of MLIR, text or bytecode. `name` stands
/// for a file name in diagnostics and may be null.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_module_parse(fp4q_context *context,
                                                 const char *source,
                                                 size_t length,
                                                 const char *name,
                                                 fp4q_module **module);

/// Parses and verifies the file at `path`.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_module_parse_file(fp4q_context *context,
                                                      const char *path,
                                                      fp4q_module **module);

FP4Q_CAPI_EXPORTED void fp4q_module_destroy(fp4q_module *module);

/// Runs a pass pipeline on the module, in the syntax of mlir-opt's
/// --pass-pipeline with or without "builtin.module(...)" round it: for example
/// "fp4q-to-cpu" or "canonicalize,cse". If it fails, the module is what the
/// passes before the failing one have made of it.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_module_run_pipeline(fp4q_module *module,
                                                        const char *pipeline);

/// Sets `text` to the module's text, to be freed by fp4q_string_free.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_module_print(const fp4q_module *module,
                                                 char **text);

FP4Q_CAPI_EXPORTED void fp4q_string_free(char *text);

//===----------------------------------------------------------------------===//
// Compiled functions
//===----------------------------------------------------------------------===//

/// One function of a module, compiled for this machine.
typedef struct fp4q_function fp4q_function;

/// How a function is compiled.
typedef struct fp4q_compile_options {
  size_t struct_size;
  uint32_t version;
  /// 1: loops run through fp4q_parallel_for of libfp4q_runtime.so, 0: on the
  /// caller's thread alone. Default 1.
  int32_t parallel;
} fp4q_compile_options;

#define FP4Q_COMPILE_OPTIONS_INIT {sizeof(fp4q_compile_options), 1, 1}

/// Compiles function `entry` of the module; null stands for its only public
/// function. The module itself stays as it is. `options` may be null.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_function_compile(
    const fp4q_module *module, const char *entry,
    const fp4q_compile_options *options, fp4q_function **function);

FP4Q_CAPI_EXPORTED void fp4q_function_destroy(fp4q_function *function);

/// The type of an element.
typedef int32_t fp4q_dtype;
enum {
  /// None of the below, such as f8E5M2; value_spec.type has its name.
  FP4Q_DTYPE_OTHER = 0,
  FP4Q_DTYPE_I8 = 1,
  FP4Q_DTYPE_I16 = 2,
  FP4Q_DTYPE_I32 = 3,
  FP4Q_DTYPE_I64 = 4,
  FP4Q_DTYPE_F16 = 5,
  FP4Q_DTYPE_BF16 = 6,
  FP4Q_DTYPE_F32 = 7,
  FP4Q_DTYPE_F64 = 8,
  FP4Q_DTYPE_F8E4M3FN = 9,
  FP4Q_DTYPE_F8E8M0FNU = 10
};

/// In place of a size: known only from the arguments of a call.
#define FP4Q_DYNAMIC_SIZE INT64_C(-1)

/// What a function takes or returns at one position.
typedef struct fp4q_value_spec {
  size_t struct_size;
  uint32_t version;
  fp4q_dtype dtype;
  /// Bytes of one element in memory.
  uint32_t element_bytes;
  /// 1 for a scalar such as f32, 0 for a tensor.
  int32_t is_scalar;
  /// Number of dimensions, 0 for a scalar.
  uint32_t rank;
  /// The `rank` sizes, or FP4Q_DYNAMIC_SIZE.
  const int64_t *sizes;
  /// As in MLIR: "tensor<?x64xbf16>".
  const char *type;
  /// Of functions of artifacts, else null: the `rank` sizes as texts, "64" or a
  /// symbol such as "M", as in the manifest (docs/artifact.md).
  const char *const *symbols;
} fp4q_value_spec;

#define FP4Q_VALUE_SPEC_INIT {sizeof(fp4q_value_spec), 1, 0, 0, 0, 0, 0, 0, 0}

FP4Q_CAPI_EXPORTED fp4q_status
fp4q_function_num_arguments(const fp4q_function *function, size_t *number);
FP4Q_CAPI_EXPORTED fp4q_status
fp4q_function_num_results(const fp4q_function *function, size_t *number);

/// Describes an argument in `spec`, which starts as FP4Q_VALUE_SPEC_INIT. What
/// it then points to lives as long as the function.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_function_argument(
    const fp4q_function *function, size_t index, fp4q_value_spec *spec);

/// Describes a result, as fp4q_function_argument does.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_function_result(
    const fp4q_function *function, size_t index, fp4q_value_spec *spec);

/// A tensor in the caller's memory, row-major and contiguous; or a scalar. It
/// is passed in arrays, so this structure never grows.
typedef struct fp4q_buffer {
  /// Aligned to an element. May be null if the tensor has no elements.
  void *data;
  /// How much memory there is at `data`; at least what the sizes need.
  size_t bytes;
  /// May be null if rank is 0.
  const int64_t *sizes;
  uint32_t rank;
} fp4q_buffer;

/// Computes the sizes of all results for arguments of the given sizes, one
/// result after the other, into `sizes`. `num_sizes` must be the sum of the
/// ranks of the results. The data of the arguments is read only where a size
/// depends on it. Arguments whose sizes contradict each other are an error.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_function_result_sizes(
    fp4q_function *function, const fp4q_buffer *arguments, size_t num_arguments,
    int64_t *sizes, size_t num_sizes);

/// Calls the function. The results are written to the caller's buffers, which
/// must have the sizes that fp4q_function_result_sizes computes, and overlap
/// neither each other nor an argument.
FP4Q_CAPI_EXPORTED fp4q_status fp4q_function_invoke(
    fp4q_function *function, const fp4q_buffer *arguments, size_t num_arguments,
    const fp4q_buffer *results, size_t num_results);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // FP4Q_C_COMPILER_H
