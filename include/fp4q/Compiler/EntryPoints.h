//===- EntryPoints.h - the functions that an artifact exports ---*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_ENTRYPOINTS_H
#define FP4Q_COMPILER_ENTRYPOINTS_H

#include "fp4q/Compiler/Signature.h"

#include <string>
#include <vector>

namespace llvm {
class Module;
} // namespace llvm

namespace mlir {
namespace fp4q {

/// A public function, as it was before lowering.
struct EntryPoint {
  std::string name;
  Signature signature;
  /// What its size checks say, see ShapeFunctions.h.
  std::vector<std::string> checks;

  /// The name that the artifact exports: fp4q_NAME.
  std::string symbol() const { return "fp4q_" + name; }
  /// The export that computes the sizes of the results.
  std::string shapesSymbol() const { return symbol() + "__result_shapes"; }
};

/// The public functions of a module that has not been lowered yet. Fails, with
/// a diagnostic, if there are none, if one cannot be called from outside
/// (getSignature), if its name is no C identifier or its exported name is taken
/// by the runtime or by another export, or if any function has no body.
FailureOr<std::vector<EntryPoint>> collectEntryPoints(ModuleOp module);

/// The manifest, JSON: versions, the target, and every function's arguments and
/// results with dtype, shape ("?" where dynamic) and layout.
std::string makeManifest(ArrayRef<EntryPoint> entries, StringRef target);

/// Adds to the lowered module what an artifact exports: the C entry points, the
/// table of functions and the manifest (fp4q/Runtime/ArtifactFormat.h). All
/// other definitions become internal.
void addArtifactExports(llvm::Module &module, ArrayRef<EntryPoint> entries,
                        StringRef manifest);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_ENTRYPOINTS_H
