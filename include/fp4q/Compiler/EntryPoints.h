//===- EntryPoints.h - the functions that an artifact exports ---*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_ENTRYPOINTS_H
#define FP4Q_COMPILER_ENTRYPOINTS_H

#include "fp4q/Compiler/Signature.h"
#include "fp4q/Compiler/SymbolicShapes.h"
#include "fp4q/Runtime/ArtifactFile.h"

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
  SymbolicShapes shapes;
  /// Of arguments and then results, see getScaleLayouts.
  std::vector<std::string> scaleLayouts;
  /// The same, see getWeightLayouts.
  std::vector<std::string> weightLayouts;

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

/// The manifest, JSON: versions, the targets, and every function's arguments
/// and results with dtype, symbolic shape and layout.
std::string makeManifest(ArrayRef<EntryPoint> entries,
                         ArrayRef<::fp4q::ArtifactTarget> targets);

/// Adds to the lowered module, which is code for target number `target`, the
/// descriptors of its functions, whose tensors are in the memory of a device of
/// DLPack's type `deviceType`. All other definitions become internal.
void addFunctionDescriptors(llvm::Module &module, ArrayRef<EntryPoint> entries,
                            unsigned target, int32_t deviceType);

/// Adds to a module with the descriptors for all targets what an artifact
/// exports: the C entry points, the table of targets and the manifest
/// (fp4q/Runtime/ArtifactFormat.h).
void addArtifactExports(llvm::Module &module, ArrayRef<EntryPoint> entries,
                        ArrayRef<::fp4q::ArtifactTarget> targets,
                        StringRef manifest);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_ENTRYPOINTS_H
