//===- Pipelines.cpp - pass pipelines of fp4q -----------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/Pipelines.h"

#include "PipelineSteps.h"
#include "fp4q/Conversion/Passes.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Runtime/ArtifactFile.h"
#include "fp4q/Target/BackEnds.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace mlir::fp4q;

const ::fp4q::Target *
mlir::fp4q::findCPULevel(const CPUPipelineOptions &options,
                         std::string &error) {
  if (options.level == "native")
    return &::fp4q::bestCPULevel(
        llvm::Triple(llvm::sys::getProcessTriple()).getArchName().str(),
        ::fp4q::getHostCpuFeatures());
  // With the prefix it is the name of a target.
  StringRef level = options.level;
  level.consume_front("cpu:");
  const ::fp4q::Target *target = ::fp4q::findTarget(("cpu:" + level).str());
  if (target)
    return target;
  error = "unknown CPU level '" + options.level + "', expected native";
  for (const ::fp4q::Target &row :
       ArrayRef(::fp4q::targets, ::fp4q::numTargets))
    if (StringRef name = row.name; name.consume_front("cpu:"))
      error += ", " + name.str();
  return nullptr;
}

LogicalResult mlir::fp4q::setBackEnd(StringRef name, bool hasCPU, bool hasGPU,
                                     CPUPipelineOptions &cpu,
                                     GPUPipelineOptions &gpu,
                                     std::string &error) {
  if (name == "auto")
    return success();
  const ::fp4q::BackEnd *found = ::fp4q::findBackEnd(name);
  if (!found) {
    error = "unknown back end '" + name.str() + "', expected one of auto, " +
            ::fp4q::backEndNames();
    return failure();
  }
  bool isForCPU =
      *found == ::fp4q::BackEnd::Reference || *found == ::fp4q::BackEnd::CPU;
  if (isForCPU ? hasGPU : hasCPU) {
    error = "the back end '" + name.str() + "' is for " +
            (isForCPU ? "CPUs" : "GPUs") + ", but a target is a " +
            (isForCPU ? "GPU" : "CPU");
    return failure();
  }
  if (!isForCPU)
    gpu.backend = name.str();
  else
    cpu.backend = name.str();
  return success();
}

void mlir::fp4q::buildFP4QPreparationPipeline(OpPassManager &manager) {
  manager.addPass(createInlinerPass());
  manager.addPass(createSymbolDCEPass());
}

void mlir::fp4q::buildFP4QOptimizePipeline(
    OpPassManager &manager, const OptimizePipelineOptions &options) {
  // Unread inits become tensor.empty, so that equal operations become one.
  // Fusion is left to its pass, which reports it.
  GreedyRewriteConfig config;
  config.setUseTopDownTraversal();
  manager.addPass(createCanonicalizerPass(config, {kFuseTransformLabel.str()}));
  manager.addPass(createCSEPass());
  FP4QRaiseDequantPassOptions raiseDequant;
  raiseDequant.relaxed = options.relaxed;
  manager.addPass(createFP4QRaiseDequantPass(raiseDequant));
  FP4QRaiseMatmulPassOptions raiseMatmul;
  raiseMatmul.relaxed = options.relaxed;
  manager.addPass(createFP4QRaiseMatmulPass(raiseMatmul));
  FP4QFuseTransformPassOptions fuse;
  fuse.multiUse = options.multiUse;
  fuse.relaxed = options.relaxed;
  manager.addPass(createFP4QFuseTransformPass(fuse));
  FP4QAbsorbEpiloguePassOptions absorb;
  absorb.relaxed = options.relaxed;
  manager.addPass(createFP4QAbsorbEpiloguePass(absorb));
  FP4QFoldConstantsPassOptions fold;
  fold.maxElements = options.maxElements;
  fold.maxDequantElements = options.maxDequantElements;
  manager.addPass(createFP4QFoldConstantsPass(fold));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  if (options.mergeMatmuls) {
    // Quantizations of one activation have become one by now.
    manager.addPass(createFP4QMergeMatmulsPass());
    manager.addPass(createCanonicalizerPass());
  }
}

void mlir::fp4q::addBackEndSelection(OpPassManager &manager,
                                     const BackEndChoice &choice,
                                     bool optimize) {
  // arith and math operations on tensors, which do not bufferize.
  manager.addPass(createConvertElementwiseToLinalgPass());
  manager.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  FP4QSelectBackendPassOptions select;
  select.target = choice.target;
  select.backend = choice.backEnd;
  select.quantize = choice.quantize;
  select.matmul = choice.matmul;
  manager.addPass(createFP4QSelectBackendPass(select));
  FP4QLegalizeLayoutsPassOptions layouts;
  layouts.target = choice.target;
  manager.addPass(createFP4QLegalizeLayoutsPass(layouts));
  // What was inserted behind constants.
  FP4QFoldConstantsPassOptions fold;
  fold.layoutsOnly = true;
  if (optimize)
    manager.addPass(createFP4QFoldConstantsPass(fold));
  if (choice.packWeights) {
    manager.addPass(createFP4QPackWeightsPass());
    manager.addPass(createFP4QFoldConstantsPass(fold));
  }
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

/// fp4q -> linalg, but for operations that are left to the kernels.
static void addLowerToLinalg(OpPassManager &manager,
                             const BackEndChoice &choice, bool optimize) {
  addBackEndSelection(manager, choice, optimize);
  manager.addPass(createFP4QFuseDequantPass());
  manager.addPass(createFP4QDecomposeMatmulPass());
  manager.addPass(createFP4QTileToForallPass());
  manager.addPass(createConvertFP4QToLinalgPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  // What a row-wise loop repeats, such as the transpose of a shared block
  // transform, moves out of it.
  manager.addPass(createLoopInvariantCodeMotionPass());
}

static const BackEndChoice referencePath = {"cpu", "reference", "", "", false};

void mlir::fp4q::buildFP4QLowerToLinalgPipeline(OpPassManager &manager) {
  addLowerToLinalg(manager, referencePath, /*optimize=*/false);
}

void mlir::fp4q::buildFP4QToLinalgPipeline(OpPassManager &manager) {
  buildFP4QOptimizePipeline(manager, OptimizePipelineOptions());
  addLowerToLinalg(manager, referencePath, /*optimize=*/true);
}

void mlir::fp4q::addBufferization(OpPassManager &manager) {
  manager.addPass(createFP4QCopyRepeatedResultsPass());
  // The destination of a result is where it is computed, not a copy's source.
  manager.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  manager.addPass(bufferization::createOneShotBufferizePass(bufferize));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  bufferization::BufferResultsToOutParamsPassOptions outParams;
  outParams.hoistStaticAllocs = true;
  outParams.hoistDynamicAllocs = true;
  outParams.modifyPublicFunctions = true;
  outParams.addResultAttribute = true;
  manager.addPass(bufferization::createBufferResultsToOutParamsPass(outParams));
  manager.addPass(createCanonicalizerPass());
}

void mlir::fp4q::buildFP4QToCPUPipeline(OpPassManager &manager,
                                        const CPUPipelineOptions &options) {
  std::string error;
  const ::fp4q::Target *level = findCPULevel(options, error);
  if (!level) {
    // It says so, and nothing runs that needs to know the level.
    ConvertFP4QToVectorPassOptions toVector;
    toVector.chip = options.level;
    manager.addPass(createConvertFP4QToVectorPass(toVector));
    return;
  }
  buildFP4QPreparationPipeline(manager);
  manager.addPass(createFP4QAddShapeFunctionsPass());
  if (options.optimize)
    buildFP4QOptimizePipeline(manager, OptimizePipelineOptions());
  addLowerToLinalg(manager,
                   {level->name, options.backend, options.quantize,
                    options.matmul, options.packWeights},
                   options.optimize);
  addBufferization(manager);
  bufferization::buildBufferDeallocationPipeline(
      manager, bufferization::BufferDeallocationPipelineOptions());
  // Before outlining: only functions that users call get a C interface.
  manager.addNestedPass<func::FuncOp>(LLVM::createLLVMRequestCWrappersPass());
  ConvertFP4QToVectorPassOptions toVector;
  toVector.chip = level->name;
  manager.addPass(createConvertFP4QToVectorPass(toVector));
  if (options.parallel)
    manager.addPass(createFP4QOutlineParallelLoopsPass());
  OpPassManager &function = manager.nest<func::FuncOp>();
  function.addPass(createFP4QVectorizeTransposesPass());
  function.addPass(createFP4QLowerCopiesPass());
  function.addPass(createConvertLinalgToLoopsPass());
  function.addPass(createCanonicalizerPass());
  function.addPass(createLoopInvariantCodeMotionPass());
  function.addPass(createForallToForLoopPass());
  FP4QLowerMicroOpsPassOptions microOps;
  microOps.chip = level->name;
  function.addPass(createFP4QLowerMicroOpsPass(microOps));
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  manager.addPass(arith::createArithExpandOpsPass(expand));
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createConvertToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
}

void mlir::fp4q::registerPipelines() {
  PassPipelineRegistration<CPUPipelineOptions>(
      "fp4q-to-cpu", "Lower fp4q to the LLVM dialect for CPUs",
      buildFP4QToCPUPipeline);
  PassPipelineRegistration<GPUPipelineOptions>(
      "fp4q-to-gpu", "Lower fp4q to kernels for a GPU and host code",
      buildFP4QToGPUPipeline);
  PassPipelineRegistration<OptimizePipelineOptions>(
      "fp4q-optimize", "Rewrite fp4q and QDQ graphs to fused fp4q operations",
      buildFP4QOptimizePipeline);
  PassPipelineRegistration<>("fp4q-to-linalg",
                             "Lower fp4q to tiled linalg on tensors",
                             buildFP4QToLinalgPipeline);
}
