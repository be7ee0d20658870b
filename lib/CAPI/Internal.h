//===- Internal.h - what the sources of the C interface share ---*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_CAPI_INTERNAL_H
#define FP4Q_LIB_CAPI_INTERNAL_H

#include "fp4q-c/Compiler.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace mlir {
namespace fp4q {

/// What a fp4q_context refers to. Modules and functions share it.
struct CAPIContext {
  explicit CAPIContext(const fp4q_context_options &options);

  fp4q_context_options options;
  /// The first error since the call began, as "file:line:column: message".
  std::string firstError;
  MLIRContext context;
};

/// Sets fp4q_last_error() and returns `status`.
fp4q_status fail(fp4q_status status, const Twine &message);

/// Fails with the first error among the diagnostics of this call, or with
/// `otherwise` if there was none.
fp4q_status failWithDiagnostic(CAPIContext &context, const Twine &otherwise);

/// Fails because `what`, a parameter of `function`, is null.
fp4q_status failOnNull(const char *function, const char *what);

/// Copies into `full`, which holds the defaults, as much of a caller's
/// structure as both sides know. Every such structure starts with its size and
/// version.
template <typename Struct>
fp4q_status readVersioned(const char *name, const Struct &given, Struct &full) {
  constexpr size_t header = offsetof(Struct, version) + sizeof(given.version);
  if (given.struct_size < header)
    return fail(FP4Q_INVALID_ARGUMENT, Twine(name) + ".struct_size is " +
                                           Twine(given.struct_size) +
                                           ", expected sizeof(" + name + ")");
  if (given.version != full.version)
    return fail(FP4Q_INVALID_ARGUMENT,
                Twine(name) + ".version is " + Twine(given.version) +
                    ", but this library knows version " + Twine(full.version));
  std::memcpy(&full, &given, std::min(given.struct_size, sizeof(Struct)));
  return FP4Q_SUCCESS;
}

/// Copies as much of `full` into a caller's structure as both sides know.
template <typename Struct>
fp4q_status writeVersioned(const char *name, const Struct &full, Struct &out) {
  Struct ignored = full;
  if (auto status = readVersioned(name, out, ignored))
    return status;
  // Its size and version stay as they are.
  constexpr size_t header = offsetof(Struct, version) + sizeof(out.version);
  std::memcpy(reinterpret_cast<char *>(&out) + header,
              reinterpret_cast<const char *>(&full) + header,
              std::min(out.struct_size, sizeof(Struct)) - header);
  return FP4Q_SUCCESS;
}

} // namespace fp4q
} // namespace mlir

struct fp4q_context {
  std::shared_ptr<mlir::fp4q::CAPIContext> shared;
};

struct fp4q_module {
  std::shared_ptr<mlir::fp4q::CAPIContext> shared;
  mlir::OwningOpRef<mlir::ModuleOp> op;
};

#endif // FP4Q_LIB_CAPI_INTERNAL_H
