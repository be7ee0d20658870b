//===- GPUPipeline.cpp - from tensors to kernels and host code ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PipelineSteps.h"
#include "fp4q/Compiler/GPUModule.h"
#include "fp4q/Compiler/Pipelines.h"
#include "fp4q/Conversion/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Target/BackEnds.h"

#include "mlir/Conversion/GPUCommon/GPUCommonPass.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::fp4q;

const ::fp4q::Target *mlir::fp4q::findChip(StringRef chip, std::string &error) {
  const ::fp4q::Target *target = ::fp4q::findTarget(chip);
  if (target && target->kind == ::fp4q::TargetKind::GPU)
    return target;
  error = "unknown chip '" + chip.str() + "', expected one of " +
          ::fp4q::chipNames();
  return nullptr;
}

/// fp4q on memrefs -> kernels as PTX, and as cubins.
static void addKernels(OpPassManager &manager, const ::fp4q::Target &target,
                       const GPUPipelineOptions &options) {
  ConvertFP4QToGPUPassOptions toGPU;
  toGPU.chip = target.name;
  manager.addPass(createConvertFP4QToGPUPass(toGPU));
  manager.addPass(createKernelCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createFP4QUseGPUMemoryPass());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  manager.addPass(arith::createArithExpandOpsPass(expand));
  addGPUModulePasses(manager, target,
                     options.backend ==
                             ::fp4q::name(::fp4q::BackEnd::GPUPortable)
                         ? MmaLowering::Expansion
                         : getMmaLowering(target));
  GpuModuleToBinaryPassOptions binary;
  binary.compilationTarget = "isa";
  manager.addPass(createGpuModuleToBinaryPass(binary));
  if (options.cubin == CubinKind::Never)
    return;
  FP4QAssemblePtxPassOptions assemble;
  assemble.ptxas = options.ptxas;
  assemble.optional = options.cubin == CubinKind::Auto && options.ptxas.empty();
  manager.addPass(createFP4QAssemblePtxPass(assemble));
}

void mlir::fp4q::buildFP4QToGPUPipeline(OpPassManager &manager,
                                        const GPUPipelineOptions &options) {
  std::string error;
  const ::fp4q::Target *target = findChip(options.chip, error);
  if (!target) {
    // It says so, and nothing runs that needs to know the chip.
    ConvertFP4QToGPUPassOptions toGPU;
    toGPU.chip = options.chip;
    manager.addPass(createConvertFP4QToGPUPass(toGPU));
    return;
  }
  buildFP4QPreparationPipeline(manager);
  manager.addPass(createFP4QAddShapeFunctionsPass());
  if (options.optimize)
    buildFP4QOptimizePipeline(manager, OptimizePipelineOptions());
  addBackEndSelection(
      manager,
      {target->name, options.backend, options.quantize, options.matmul},
      options.optimize);
  addBufferization(manager);
  // Before others are added: only functions that users call get a C interface.
  manager.addNestedPass<func::FuncOp>(LLVM::createLLVMRequestCWrappersPass());
  addKernels(manager, *target, options);
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createGpuToLLVMConversionPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
}
