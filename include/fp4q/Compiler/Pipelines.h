//===- Pipelines.h - pass pipelines of fp4q ---------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One builder per target. fp4q-opt, the JIT, the ahead-of-time compiler and the
// language bindings call these and no other list of passes.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_PIPELINES_H
#define FP4Q_COMPILER_PIPELINES_H

#include "mlir/Pass/PassOptions.h"
#include "mlir/Support/LLVM.h"

#include <string>

namespace fp4q {
struct Target;
} // namespace fp4q

namespace mlir {
class OpPassManager;

namespace fp4q {

/// Options of --fp4q-optimize, also of the pipelines that begin with it.
struct OptimizePipelineOptions
    : public PassPipelineOptions<OptimizePipelineOptions> {
  PassOptions::Option<bool> multiUse{
      *this, "multi-use",
      llvm::cl::desc("Fuse a transform whose result has other uses, too"),
      llvm::cl::init(false)};
  PassOptions::Option<bool> relaxed{
      *this, "relaxed",
      llvm::cl::desc("Treat every operation as if it had fp4q.relaxed"),
      llvm::cl::init(false)};
  PassOptions::Option<int64_t> maxElements{
      *this, "max-elements",
      llvm::cl::desc(
          "Fold operations on constants of at most so many elements"),
      llvm::cl::init(int64_t(1) << 26)};
  PassOptions::Option<int64_t> maxDequantElements{
      *this, "max-dequant-elements",
      llvm::cl::desc("Fold fp4q.dequant to at most so many elements"),
      llvm::cl::init(4096)};
  PassOptions::Option<bool> mergeMatmuls{
      *this, "merge-matmuls",
      llvm::cl::desc("Multiply one activation by several weights at once"),
      llvm::cl::init(false)};
};

/// Options of --fp4q-to-cpu.
struct CPUPipelineOptions : public PassPipelineOptions<CPUPipelineOptions> {
  PassOptions::Option<std::string> backend{
      *this, "backend",
      llvm::cl::desc("What computes the operations: reference, cpu, or auto "
                     "(default): the fastest"),
      llvm::cl::init("auto")};
  PassOptions::Option<std::string> quantize{
      *this, "quantize",
      llvm::cl::desc("The back end of all operations but scaled_matmul")};
  PassOptions::Option<std::string> matmul{
      *this, "matmul", llvm::cl::desc("The back end of scaled_matmul")};
  PassOptions::Option<std::string> level{
      *this, "level",
      llvm::cl::desc("CPU level that kernels are for, such as x86-64-v3, or "
                     "native (default)"),
      llvm::cl::init("native")};
  PassOptions::Option<bool> parallel{
      *this, "parallel",
      llvm::cl::desc("Run loops through the runtime's fp4q_parallel_for"),
      llvm::cl::init(true)};
  PassOptions::Option<bool> optimize{
      *this, "optimize",
      llvm::cl::desc("Begin with --fp4q-optimize; false is for comparisons"),
      llvm::cl::init(true)};
  PassOptions::Option<bool> packWeights{
      *this, "pack-weights",
      llvm::cl::desc("Lay constant weights out as products of one row stream "
                     "them"),
      llvm::cl::init(false)};
};

/// Which cubins to make beside the PTX.
enum class CubinKind {
  /// If ptxas is found; else there is a warning.
  Auto,
  Always,
  Never,
};

/// Options of --fp4q-to-gpu.
struct GPUPipelineOptions : public PassPipelineOptions<GPUPipelineOptions> {
  PassOptions::Option<std::string> chip{
      *this, "chip", llvm::cl::desc("The chip, such as sm_90a"),
      llvm::cl::init("sm_90a")};
  PassOptions::Option<std::string> backend{
      *this, "backend",
      llvm::cl::desc("gpu-portable, gpu-native, or auto (default): native "
                     "where the chip has it"),
      llvm::cl::init("auto")};
  PassOptions::Option<std::string> quantize{
      *this, "quantize",
      llvm::cl::desc("The back end of all operations but scaled_matmul")};
  PassOptions::Option<std::string> matmul{
      *this, "matmul", llvm::cl::desc("The back end of scaled_matmul")};
  PassOptions::Option<CubinKind> cubin{
      *this, "cubin", llvm::cl::desc("Whether to make a cubin beside the PTX"),
      llvm::cl::init(CubinKind::Auto),
      llvm::cl::values(
          clEnumValN(CubinKind::Auto, "auto", "if ptxas is found"),
          clEnumValN(CubinKind::Always, "always", "fail without ptxas"),
          clEnumValN(CubinKind::Never, "never", "PTX only"))};
  PassOptions::Option<std::string> ptxas{
      *this, "ptxas",
      llvm::cl::desc("The ptxas to run (default: that of CUDA_HOME, or in "
                     "PATH)"),
      llvm::cl::init("")};
  PassOptions::Option<bool> optimize{
      *this, "optimize",
      llvm::cl::desc("Begin with --fp4q-optimize; false is for comparisons"),
      llvm::cl::init(true)};
};

/// The row of the target table for the chip, or null, and then what is wrong in
/// `error`.
const ::fp4q::Target *findChip(llvm::StringRef chip, std::string &error);

/// The row of the target table for the level, or null, and then what is wrong
/// in `error`.
const ::fp4q::Target *findCPULevel(const CPUPipelineOptions &options,
                                   std::string &error);

/// Sets the back end of both pipelines by its name: "auto", or one for the kind
/// of all targets. `hasCPU` and `hasGPU` say which kinds there are. Otherwise
/// fails with a sentence in `error`.
LogicalResult setBackEnd(llvm::StringRef name, bool hasCPU, bool hasGPU,
                         CPUPipelineOptions &cpu, GPUPipelineOptions &gpu,
                         std::string &error);

/// Inlines calls and drops private functions that nothing calls any more. The
/// pipelines begin with it, since results of private functions have no caller
/// that could allocate them.
void buildFP4QPreparationPipeline(OpPassManager &manager);

/// The rewrites of docs/optimizer.md on tensors. Every pipeline below begins
/// with it, since back ends expect operations in its form.
void buildFP4QOptimizePipeline(OpPassManager &manager,
                               const OptimizePipelineOptions &options);

/// fp4q on tensors -> linalg, tiled into parallel loops, on tensors, without
/// --fp4q-optimize.
void buildFP4QLowerToLinalgPipeline(OpPassManager &manager);

/// The same after --fp4q-optimize.
void buildFP4QToLinalgPipeline(OpPassManager &manager);

/// fp4q on tensors -> the LLVM dialect, by the back ends asked for. With a
/// level that findCPULevel does not find the pipeline fails. Public functions
/// get a C interface (_mlir_ciface_NAME), take their tensor arguments as memref
/// descriptors and return their results through further memref arguments that
/// the caller allocates.
void buildFP4QToCPUPipeline(OpPassManager &manager,
                            const CPUPipelineOptions &options);

/// fp4q on tensors -> the LLVM dialect for the host, and a gpu.binary with the
/// kernels. Tensors are in the device's memory, scalars in the host's. Public
/// functions get the C interface that buildFP4QToCPUPipeline gives them; what
/// they call of the runtime, in fp4q/Runtime/Gpu.h, is for the device and the
/// stream of the call that is under way.
void buildFP4QToGPUPipeline(OpPassManager &manager,
                            const GPUPipelineOptions &options);

/// Registers --fp4q-optimize, --fp4q-to-linalg, --fp4q-to-cpu and
/// --fp4q-to-gpu.
void registerPipelines();

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_PIPELINES_H
