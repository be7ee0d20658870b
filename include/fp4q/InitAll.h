//===- InitAll.h - registration of all of fp4q ------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The only list of the dialects, interfaces, passes and pipelines of fp4q.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_INITALL_H
#define FP4Q_INITALL_H

#include "fp4q/Compiler/GPUModule.h"
#include "fp4q/Compiler/Pipelines.h"
#include "fp4q/Conversion/FP4QToLLVM.h"
#include "fp4q/Conversion/Passes.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QDialect.h"
#include "fp4q/Dialect/FP4Q/Transforms/Interfaces.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/IR/DialectRegistry.h"

namespace mlir {
namespace fp4q {

/// The fp4q dialect and the interfaces that passes need of it. Upstream's
/// dialects and extensions are the caller's to register.
inline void registerAllDialects(DialectRegistry &registry) {
  registry.insert<FP4QDialect>();
  registerBufferizableOpInterfaceExternalModels(registry);
  registerConvertFP4QToLLVMInterface(registry);
  registerTilingInterfaceExternalModels(registry);
}

/// All passes and pipelines of fp4q, in the global pass registry.
inline void registerAllPasses() {
  registerFP4QTransformsPasses();
  registerFP4QConversionPasses();
  registerGPUModulePipeline();
  registerPipelines();
}

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_INITALL_H
