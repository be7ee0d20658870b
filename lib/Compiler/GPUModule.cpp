//===- GPUModule.cpp - from kernels to PTX --------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/GPUModule.h"

#include "PipelineSteps.h"
#include "fp4q/Compiler/Pipelines.h"
#include "fp4q/Conversion/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::fp4q;

MmaLowering mlir::fp4q::getMmaLowering(const ::fp4q::Target &target) {
  return target.features.contains(::fp4q::Feature::MMABlockScale)
             ? MmaLowering::Native
             : MmaLowering::Expansion;
}

std::unique_ptr<Pass> mlir::fp4q::createKernelCanonicalizerPass() {
  GreedyRewriteConfig config;
  config.setUseTopDownTraversal(false);
  return createCanonicalizerPass(config);
}

void mlir::fp4q::addGPUModulePasses(OpPassManager &manager,
                                    const ::fp4q::Target &target,
                                    MmaLowering mma) {
  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  FP4QLowerMicroOpsPassOptions microOps;
  microOps.chip = target.name;
  microOps.mma = mma;
  kernels.addPass(createFP4QLowerMicroOpsPass(microOps));
  kernels.addPass(createKernelCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createLoopInvariantCodeMotionPass());
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addPass(createConvertGpuOpsToNVVMOps());
  kernels.addPass(createKernelCanonicalizerPass());
  kernels.addPass(createFP4QAttachLoopAnnotationsPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());
}

namespace {
struct GPUModuleOptions : public PassPipelineOptions<GPUModuleOptions> {
  PassOptions::Option<std::string> chip{
      *this, "chip", llvm::cl::desc("The chip of the kernels"),
      llvm::cl::init("sm_90a")};
};
} // namespace

void mlir::fp4q::registerGPUModulePipeline() {
  PassPipelineRegistration<GPUModuleOptions>(
      "fp4q-lower-gpu-modules",
      "Lower the kernels of convert-fp4q-to-gpu to NVVM",
      [](OpPassManager &manager, const GPUModuleOptions &options) {
        std::string error;
        if (const ::fp4q::Target *target = findChip(options.chip, error))
          return addGPUModulePasses(manager, *target);
        // It says what is wrong.
        ConvertFP4QToGPUPassOptions toGPU;
        toGPU.chip = options.chip;
        manager.addPass(createConvertFP4QToGPUPass(toGPU));
      });
}
