//===- AheadOfTime.h - compile a module into an artifact --------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_AHEADOFTIME_H
#define FP4Q_COMPILER_AHEADOFTIME_H

#include "fp4q/Compiler/Pipelines.h"

#include "mlir/IR/BuiltinOps.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
namespace fp4q {

/// What code is generated for.
struct CompileTarget {
  /// In full: "cpu:x86-64-v3", "sm_90a".
  std::string name;
  /// LLVM's names of the CPU and of features beyond it. For a chip, of the
  /// host's.
  std::string cpu, features;
  /// What the CPU must have, see FP4Q_CPU_FEATURE_WORDS.
  std::array<uint32_t, 10> cpuFeatures;
  /// Whether it is a chip.
  bool isGPU = false;
};

/// The target that `text` names: "cpu", "cpu:LEVEL" with a level of the target
/// table, "cpu:native", or a chip. Otherwise nothing, and a sentence that lists
/// those there are in `error`.
std::optional<CompileTarget> parseTarget(StringRef text, std::string &error);

/// What comes out of the compiler.
enum class EmitKind {
  MLIR,        ///< the LLVM dialect, as text; for one target
  LLVM,        ///< LLVM IR after optimization, as text; of all targets
  PTX,         ///< the kernels for one chip, as text
  Cubin,       ///< the kernels for one chip, by ptxas
  SharedObject ///< an artifact, docs/artifact.md
};

/// The targets that a list names, separated by commas. Otherwise nothing, and a
/// sentence in `error`: also if one is named twice, or there are too many.
std::optional<std::vector<CompileTarget>> parseTargets(StringRef text,
                                                       std::string &error);

/// Options of compileAheadOfTime.
struct AheadOfTimeOptions {
  /// At least one. The runtime picks the best one for its CPU.
  std::vector<CompileTarget> targets;
  EmitKind emit = EmitKind::SharedObject;
  /// The level is that of each target for CPUs, the chip that of each other.
  CPUPipelineOptions pipeline;
  GPUPipelineOptions gpuPipeline;
};

/// Compiles all public functions of `module`, which is lowered, to the file
/// `output` ("-": text and cubins to standard output). Errors are diagnostics
/// of the module's context, and then the file is as it was before.
LogicalResult compileAheadOfTime(ModuleOp module,
                                 const AheadOfTimeOptions &options,
                                 StringRef output);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_AHEADOFTIME_H
