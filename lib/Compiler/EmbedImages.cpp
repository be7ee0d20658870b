//===- EmbedImages.cpp - GPU kernels inside host code ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// gpu.binary @kernels <#fp4q.embed_images> becomes, in the structures of
// fp4q/Runtime/Gpu.h,
//
//   static const fp4q_gpu_image images[] = {{"sm_90a", cubin, size, ptx}, ...};
//   static fp4q_gpu_module kernels = {images, 1, NULL};
//
// with a global destructor that releases it, and each gpu.launch_func
//
//   static fp4q_gpu_kernel kernels_add = {&kernels, "add", NULL};
//   void *parameters[] = {&a, &b, ...};
//   fp4q_gpu_launch(&kernels_add, grid..., block..., shared, parameters);
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/EmbedImages.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QDialect.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/ModuleTranslation.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// The objects of one chip, as bytes.
struct Image {
  StringRef cubin, ptx;
};

/// The structures of fp4q/Runtime/Gpu.h as LLVM types and constants.
class RuntimeStructs {
public:
  explicit RuntimeStructs(llvm::Module &module)
      : module(module), context(module.getContext()),
        ptr(llvm::PointerType::getUnqual(context)),
        i32(llvm::Type::getInt32Ty(context)),
        i64(llvm::Type::getInt64Ty(context)) {}

  llvm::Constant *null() { return llvm::ConstantPointerNull::get(ptr); }

  /// A private global; `align` where the default of the type is too little.
  llvm::GlobalVariable *addGlobal(llvm::Constant *value, bool isConstant,
                                  const llvm::Twine &name = "",
                                  llvm::MaybeAlign align = {}) {
    auto *global = new llvm::GlobalVariable(
        module, value->getType(), isConstant,
        llvm::GlobalValue::InternalLinkage, value, name);
    if (align)
      global->setAlignment(align);
    return global;
  }

  /// The bytes, and a zero byte behind them.
  llvm::Constant *addText(StringRef text) {
    return addGlobal(llvm::ConstantDataArray::getString(context, text),
                     /*isConstant=*/true);
  }

  /// A fp4q_gpu_image.
  llvm::Constant *makeImage(StringRef chip, const Image &image) {
    llvm::Constant *cubin = null();
    // The driver reads an ELF file there.
    if (!image.cubin.empty())
      cubin = addGlobal(llvm::ConstantDataArray::getString(context, image.cubin,
                                                           /*AddNull=*/false),
                        /*isConstant=*/true, "", llvm::Align(16));
    return llvm::ConstantStruct::getAnon(
        {addText(chip), cubin, llvm::ConstantInt::get(i64, image.cubin.size()),
         image.ptx.empty() ? null() : addText(image.ptx)});
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
  llvm::PointerType *ptr;
  llvm::Type *i32, *i64;
};

} // namespace

static std::string getModuleName(StringRef binary) {
  return ("fp4q.gpu_module." + binary).str();
}

/// The chip and the bytes of every object, by chip.
static FailureOr<llvm::MapVector<StringRef, Image>>
collectImages(gpu::BinaryOp binary) {
  llvm::MapVector<StringRef, Image> images;
  for (Attribute attribute : binary.getObjectsAttr()) {
    auto object = cast<gpu::ObjectAttr>(attribute);
    auto target = dyn_cast<NVVM::NVVMTargetAttr>(object.getTarget());
    if (!target)
      return binary.emitOpError()
             << "has an object for " << object.getTarget()
             << ", but #fp4q.embed_images takes #nvvm.target only";
    Image &image = images[target.getChip()];
    bool isPTX = object.getFormat() == gpu::CompilationTarget::Assembly;
    if (!isPTX && object.getFormat() != gpu::CompilationTarget::Binary)
      return binary.emitOpError()
             << "has an object of format "
             << gpu::stringifyEnum(object.getFormat())
             << ", but #fp4q.embed_images takes assembly and bin only";
    StringRef &bytes = isPTX ? image.ptx : image.cubin;
    if (!bytes.empty())
      return binary.emitOpError() << "has two objects of format "
                                  << gpu::stringifyEnum(object.getFormat())
                                  << " for " << target.getChip();
    bytes = object.getObject().getValue();
  }
  return images;
}

/// void release(): gives back what the runtime keeps for the module.
static void addDestructor(RuntimeStructs &structs,
                          llvm::GlobalVariable *module) {
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(structs.context),
                                       /*isVarArg=*/false);
  auto *release =
      llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage,
                             module->getName() + ".release", structs.module);
  llvm::IRBuilder<> builder(
      llvm::BasicBlock::Create(structs.context, "", release));
  builder.CreateCall(
      structs.module.getOrInsertFunction(
          "fp4q_gpu_module_release",
          llvm::FunctionType::get(builder.getVoidTy(), {structs.ptr}, false)),
      {module});
  builder.CreateRetVoid();
  llvm::appendToGlobalDtors(structs.module, release, /*Priority=*/0);
}

/// The fp4q_gpu_kernel of `name`, one in the whole module.
static llvm::GlobalVariable *getKernel(RuntimeStructs &structs,
                                       StringRef binary, StringRef name) {
  std::string symbol = ("fp4q.gpu_kernel." + binary + "." + name).str();
  if (llvm::GlobalVariable *kernel =
          structs.module.getGlobalVariable(symbol, /*AllowInternal=*/true))
    return kernel;
  llvm::GlobalVariable *module = structs.module.getGlobalVariable(
      getModuleName(binary), /*AllowInternal=*/true);
  return structs.addGlobal(llvm::ConstantStruct::getAnon(
                               {module, structs.addText(name), structs.null()}),
                           /*isConstant=*/false, symbol);
}

/// The addresses of the values, on the stack.
static llvm::Value *makeParameters(llvm::IRBuilderBase &builder,
                                   ArrayRef<llvm::Value *> values) {
  // A launch may be in a loop: allocate once, in the entry block.
  llvm::Function *function = builder.GetInsertBlock()->getParent();
  llvm::IRBuilder<> entry(&function->getEntryBlock(),
                          function->getEntryBlock().begin());
  llvm::Type *ptr = builder.getPtrTy();
  auto *arrayType = llvm::ArrayType::get(ptr, values.size());
  llvm::Value *array = entry.CreateAlloca(arrayType);
  for (auto [i, value] : llvm::enumerate(values)) {
    llvm::Value *slot = entry.CreateAlloca(value->getType());
    builder.CreateStore(value, slot);
    builder.CreateStore(slot, builder.CreateConstInBoundsGEP2_64(
                                  arrayType, array, 0, unsigned(i)));
  }
  return array;
}

namespace {

struct EmbedImagesTranslation
    : public gpu::OffloadingLLVMTranslationAttrInterface::ExternalModel<
          EmbedImagesTranslation, EmbedImagesAttr> {
  LogicalResult embedBinary(Attribute, Operation *operation,
                            llvm::IRBuilderBase &,
                            LLVM::ModuleTranslation &translation) const {
    auto binary = cast<gpu::BinaryOp>(operation);
    FailureOr<llvm::MapVector<StringRef, Image>> images = collectImages(binary);
    if (failed(images))
      return failure();
    RuntimeStructs structs(*translation.getLLVMModule());
    SmallVector<llvm::Constant *> constants;
    for (const auto &[chip, image] : *images)
      constants.push_back(structs.makeImage(chip, image));
    llvm::Constant *table = structs.addGlobal(
        llvm::ConstantArray::get(
            llvm::ArrayType::get(constants[0]->getType(), constants.size()),
            constants),
        /*isConstant=*/true);
    llvm::GlobalVariable *module = structs.addGlobal(
        llvm::ConstantStruct::getAnon(
            {table, llvm::ConstantInt::get(structs.i32, constants.size()),
             structs.null()}),
        /*isConstant=*/false, getModuleName(binary.getName()));
    addDestructor(structs, module);
    return success();
  }

  LogicalResult launchKernel(Attribute, Operation *operation,
                             Operation *binaryOperation,
                             llvm::IRBuilderBase &builder,
                             LLVM::ModuleTranslation &translation) const {
    auto launch = cast<gpu::LaunchFuncOp>(operation);
    if (launch.getAsyncObject() || launch.getAsyncToken() ||
        !launch.getAsyncDependencies().empty())
      return launch.emitOpError()
             << "has a stream or tokens, but launches by #fp4q.embed_images "
                "are on the caller's stream";
    RuntimeStructs structs(*translation.getLLVMModule());
    llvm::GlobalVariable *kernel =
        getKernel(structs, cast<gpu::BinaryOp>(binaryOperation).getName(),
                  launch.getKernelName());

    SmallVector<llvm::Value *> arguments = {kernel};
    SmallVector<llvm::Type *> types = {structs.ptr};
    auto addSize = [&](Value size) {
      arguments.push_back(builder.CreateSExtOrTrunc(
          translation.lookupValue(size), structs.i64));
      types.push_back(structs.i64);
    };
    auto addSizes = [&](const gpu::KernelDim3 &sizes) {
      addSize(sizes.x);
      addSize(sizes.y);
      addSize(sizes.z);
    };
    bool hasClusters = launch.hasClusterSize();
    if (hasClusters)
      addSizes(launch.getClusterSizeOperandValues());
    addSizes(launch.getGridSizeOperandValues());
    addSizes(launch.getBlockSizeOperandValues());
    Value shared = launch.getDynamicSharedMemorySize();
    arguments.push_back(shared ? translation.lookupValue(shared)
                               : llvm::ConstantInt::get(structs.i32, 0));
    types.push_back(structs.i32);
    SmallVector<llvm::Value *> parameters;
    for (Value operand : launch.getKernelOperands())
      parameters.push_back(translation.lookupValue(operand));
    arguments.push_back(makeParameters(builder, parameters));
    types.push_back(structs.ptr);
    builder.CreateCall(
        structs.module.getOrInsertFunction(
            hasClusters ? "fp4q_gpu_launch_cluster" : "fp4q_gpu_launch",
            llvm::FunctionType::get(builder.getVoidTy(), types, false)),
        arguments);
    return success();
  }
};

} // namespace

void mlir::fp4q::registerEmbedImagesTranslation(DialectRegistry &registry) {
  registerGPUDialectTranslation(registry);
  registry.addExtension(+[](MLIRContext *context, FP4QDialect *) {
    EmbedImagesAttr::attachInterface<EmbedImagesTranslation>(*context);
  });
}
