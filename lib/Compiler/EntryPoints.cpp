//===- EntryPoints.cpp - the functions that an artifact exports -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which functions an artifact exports, and what describes them. The C entry
// points are a few instructions each: the runtime picks the code, checks and
// calls by the descriptors.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/EntryPoints.h"

#include "fp4q/Dialect/FP4Q/Transforms/ShapeFunctions.h"
#include "fp4q/Runtime/ArtifactFormat.h"
#include "fp4q/Runtime/DLPack.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

#include <dlfcn.h>

using namespace mlir;
using namespace mlir::fp4q;

static_assert(kNumCheckSlots == FP4Q_NUM_CHECK_SLOTS,
              "the shape functions are part of the artifact's format");

/// Whether the runtime, which this process has loaded, exports `symbol`.
static bool isRuntimeSymbol(const std::string &symbol) {
  return dlsym(RTLD_DEFAULT, symbol.c_str()) != nullptr;
}

/// Fails if `name` cannot be exported, next to the symbols in `taken`.
static LogicalResult claimSymbols(func::FuncOp function,
                                  const EntryPoint &entry,
                                  llvm::StringSet<> &taken) {
  if (!llvm::all_of(entry.name,
                    [](char c) { return llvm::isAlnum(c) || c == '_'; }))
    return function.emitError()
           << "public function '" << entry.name
           << "' cannot be exported: its name is not made of letters, digits "
              "and underscores";
  for (const std::string &symbol : {entry.symbol(), entry.shapesSymbol()})
    if (isRuntimeSymbol(symbol) || !taken.insert(symbol).second)
      return function.emitError() << "public function @" << entry.name
                                  << " cannot be exported: " << symbol
                                  << " exists already; rename it";
  return success();
}

FailureOr<std::vector<EntryPoint>>
mlir::fp4q::collectEntryPoints(ModuleOp module) {
  std::vector<EntryPoint> entries;
  SmallVector<func::FuncOp> functions;
  llvm::StringSet<> taken;
  taken.insert("fp4q_artifact");
  taken.insert("fp4q_manifest");
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal()) {
      function.emitError() << "function @" << function.getName()
                           << " has no body; an artifact must be complete";
      return failure();
    }
    if (!function.isPublic())
      continue;
    FailureOr<Signature> signature = getSignature(function);
    if (failed(signature))
      return failure();
    EntryPoint entry{function.getName().str(), *signature, {}, {}, {}, {}};
    if (failed(claimSymbols(function, entry, taken)))
      return failure();
    for (const SizeCheck &check : collectSizeChecks(function))
      entry.checks.push_back(check.describe());
    entry.scaleLayouts = getScaleLayouts(function);
    entry.weightLayouts = getWeightLayouts(function);
    entries.push_back(std::move(entry));
    functions.push_back(function);
  }
  if (entries.empty()) {
    module.emitError() << "the module has no public function with a body";
    return failure();
  }
  std::vector<SymbolicShapes> shapes = getSymbolicShapes(functions);
  for (auto [entry, shape] : llvm::zip_equal(entries, shapes))
    entry.shapes = std::move(shape);
  return entries;
}

namespace {

/// DLPack's code of an element type, and one that is taken as well.
struct TypeCodes {
  uint8_t code, alternate;
};

} // namespace

static TypeCodes getTypeCodes(Type type) {
  if (type.isBF16())
    return {FP4Q_DL_BFLOAT, FP4Q_DL_UINT};
  if (isa<Float8E4M3FNType>(type))
    return {FP4Q_DL_FLOAT8_E4M3FN, FP4Q_DL_UINT};
  if (isa<Float8E8M0FNUType>(type))
    return {FP4Q_DL_FLOAT8_E8M0FNU, FP4Q_DL_UINT};
  if (isa<FloatType>(type))
    return {FP4Q_DL_FLOAT, FP4Q_DL_FLOAT};
  return {FP4Q_DL_INT, FP4Q_DL_UINT};
}

namespace {

/// Builds the constants and functions of the interface, structures in the
/// layout of fp4q/Runtime/ArtifactFormat.h.
class ExportBuilder {
public:
  explicit ExportBuilder(llvm::Module &module)
      : module(module), context(module.getContext()), builder(context),
        ptr(builder.getPtrTy()), i32(builder.getInt32Ty()),
        i64(builder.getInt64Ty()) {}

  /// Nothing but the interface may be seen from outside, and nothing may have
  /// the names that the interface takes.
  void internalize() {
    for (llvm::GlobalValue &value : module.global_values()) {
      // LLVM's own lists, such as that of destructors, keep their linkage.
      if (value.isDeclaration() || value.getName().starts_with("llvm."))
        continue;
      value.setLinkage(llvm::GlobalValue::InternalLinkage);
      if (value.getName().starts_with("fp4q_"))
        value.setName("local." + value.getName());
    }
  }

  /// The table of functions for one target.
  void addDescriptors(ArrayRef<EntryPoint> entries, unsigned target,
                      int32_t deviceType) {
    SmallVector<llvm::Constant *> functions;
    for (const EntryPoint &entry : entries)
      functions.push_back(makeDescriptor(entry, deviceType));
    makeGlobal(
        llvm::ConstantArray::get(
            llvm::ArrayType::get(functions[0]->getType(), functions.size()),
            functions),
        getTableName(target), llvm::GlobalValue::ExternalLinkage);
  }

  void addExports(ArrayRef<EntryPoint> entries,
                  ArrayRef<::fp4q::ArtifactTarget> targets,
                  StringRef manifest) {
    SmallVector<llvm::Constant *> descriptors;
    for (auto [i, target] : llvm::enumerate(targets))
      descriptors.push_back(makeTarget(target, i));
    llvm::Constant *table = makeArray(descriptors[0]->getType(), descriptors);
    llvm::Constant *text =
        makeGlobal(llvm::ConstantDataArray::getString(context, manifest),
                   "fp4q_manifest", llvm::GlobalValue::ExternalLinkage);
    llvm::Constant *artifact =
        makeGlobal(llvm::ConstantStruct::getAnon(
                       {builder.getInt32(FP4Q_ARTIFACT_FORMAT_VERSION),
                        builder.getInt32(entries.size()),
                        builder.getInt32(targets.size()), table, text}),
                   "fp4q_artifact", llvm::GlobalValue::ExternalLinkage);
    for (auto [i, entry] : llvm::enumerate(entries)) {
      makeThunk(entry.symbol(), "fp4q_artifact_call_function", artifact, i,
                {ptr, i32, ptr, ptr});
      makeThunk(entry.shapesSymbol(), "fp4q_artifact_function_result_shapes",
                artifact, i, {ptr, i32, ptr, i32, ptr});
    }
  }

private:
  llvm::Constant *makeGlobal(llvm::Constant *value, StringRef name = "",
                             llvm::GlobalValue::LinkageTypes linkage =
                                 llvm::GlobalValue::PrivateLinkage) {
    return new llvm::GlobalVariable(module, value->getType(),
                                    /*isConstant=*/true, linkage, value, name);
  }

  /// One constant a text.
  llvm::Constant *makeString(StringRef text) {
    llvm::Constant *&string = strings[text];
    if (!string)
      string = makeGlobal(llvm::ConstantDataArray::getString(context, text));
    return string;
  }

  static std::string getTableName(unsigned target) {
    return "fp4q.functions." + std::to_string(target);
  }

  /// Null for an empty array: C has none.
  llvm::Constant *makeArray(llvm::Type *element,
                            ArrayRef<llvm::Constant *> elements) {
    if (elements.empty())
      return llvm::ConstantPointerNull::get(llvm::cast<llvm::PointerType>(ptr));
    return makeGlobal(llvm::ConstantArray::get(
        llvm::ArrayType::get(element, elements.size()), elements));
  }

  /// A fp4q_target_desc.
  llvm::Constant *makeTarget(const ::fp4q::ArtifactTarget &target,
                             unsigned number) {
    fp4q_artifact_target packed = ::fp4q::packTarget(target);
    static_assert(sizeof(packed) ==
                      sizeof(packed.name) + 4 + sizeof(packed.cpu_features),
                  "it has no padding");
    llvm::GlobalVariable *table = module.getNamedGlobal(getTableName(number));
    table->setLinkage(llvm::GlobalValue::InternalLinkage);
    return llvm::ConstantStruct::getAnon(
        {llvm::ConstantStruct::getAnon(
             {llvm::ConstantDataArray::getString(
                  context, StringRef(packed.name, sizeof(packed.name)),
                  /*AddNull=*/false),
              builder.getInt32(packed.device_type),
              llvm::ConstantDataArray::get(
                  context, ArrayRef<uint32_t>(packed.cpu_features))}),
         builder.getInt32(0), makeArray(ptr, {}), table});
  }

  /// A fp4q_value_desc.
  llvm::Constant *makeValue(const ValueSpec &spec,
                            ArrayRef<std::string> sizes) {
    SmallVector<llvm::Constant *> shape, dims;
    for (int64_t size : spec.shape)
      shape.push_back(
          builder.getInt64(ShapedType::isDynamic(size) ? -1 : size));
    for (const std::string &size : sizes)
      dims.push_back(makeString(size));
    TypeCodes codes = getTypeCodes(spec.elementType);
    return llvm::ConstantStruct::getAnon(
        {makeString(spec.str()), makeArray(i64, shape), makeArray(ptr, dims),
         builder.getInt32(spec.shape.size()), builder.getInt8(codes.code),
         builder.getInt8(spec.elementBytes() * 8),
         builder.getInt8(codes.alternate), builder.getInt8(!spec.isTensor)});
  }

  /// A fp4q_function_desc.
  llvm::Constant *makeDescriptor(const EntryPoint &entry, int32_t deviceType) {
    SmallVector<llvm::Constant *> values, checks;
    for (auto [spec, sizes] :
         llvm::zip_equal(entry.signature.arguments, entry.shapes.arguments))
      values.push_back(makeValue(spec, sizes));
    for (auto [spec, sizes] :
         llvm::zip_equal(entry.signature.results, entry.shapes.results))
      values.push_back(makeValue(spec, sizes));
    for (const std::string &check : entry.checks)
      checks.push_back(makeString(check));
    llvm::Constant *shapes =
        llvm::ConstantPointerNull::get(llvm::cast<llvm::PointerType>(ptr));
    if (!entry.signature.results.empty())
      shapes = makePacked(getResultShapesName(entry.name));
    return llvm::ConstantStruct::getAnon(
        {builder.getInt32(FP4Q_ARTIFACT_FORMAT_VERSION),
         builder.getInt32(entry.signature.arguments.size()),
         builder.getInt32(entry.signature.results.size()),
         builder.getInt32(checks.size()), builder.getInt32(deviceType),
         makeString(entry.name),
         makeArray(values.empty() ? ptr : values[0]->getType(), values),
         makePacked(entry.name), shapes, makeArray(ptr, checks)});
  }

  /// A fp4q_packed_fn that calls the C interface of the function `name`.
  llvm::Function *makePacked(StringRef name) {
    llvm::Function *callee = module.getFunction(("_mlir_ciface_" + name).str());
    auto *packed = llvm::Function::Create(
        llvm::FunctionType::get(builder.getVoidTy(), {ptr}, false),
        llvm::GlobalValue::InternalLinkage, "packed." + name, module);
    builder.SetInsertPoint(llvm::BasicBlock::Create(context, "", packed));
    SmallVector<llvm::Value *> arguments;
    for (llvm::Argument &argument : callee->args()) {
      llvm::Value *slot = builder.CreateConstInBoundsGEP1_64(
          ptr, packed->getArg(0), argument.getArgNo());
      llvm::Value *address = builder.CreateLoad(ptr, slot);
      llvm::Type *type = argument.getType();
      // Descriptors go by address, scalars by value.
      arguments.push_back(
          type->isPointerTy() ? address : builder.CreateLoad(type, address));
    }
    builder.CreateCall(callee, arguments);
    builder.CreateRetVoid();
    return packed;
  }

  /// int32_t `name`(parameters): calls `runtime` with the artifact and the
  /// number of the function in front.
  void makeThunk(StringRef name, StringRef runtime, llvm::Constant *artifact,
                 int32_t number, ArrayRef<llvm::Type *> parameters) {
    SmallVector<llvm::Type *> all = {ptr, i32};
    llvm::append_range(all, parameters);
    llvm::FunctionCallee callee = module.getOrInsertFunction(
        runtime, llvm::FunctionType::get(i32, all, false));
    auto *thunk = llvm::Function::Create(
        llvm::FunctionType::get(i32, parameters, false),
        llvm::GlobalValue::ExternalLinkage, name, module);
    builder.SetInsertPoint(llvm::BasicBlock::Create(context, "", thunk));
    SmallVector<llvm::Value *> arguments = {artifact, builder.getInt32(number)};
    for (llvm::Argument &argument : thunk->args())
      arguments.push_back(&argument);
    builder.CreateRet(builder.CreateCall(callee, arguments));
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
  llvm::IRBuilder<> builder;
  llvm::Type *ptr, *i32, *i64;
  llvm::StringMap<llvm::Constant *> strings;
};

} // namespace

void mlir::fp4q::addFunctionDescriptors(llvm::Module &module,
                                        ArrayRef<EntryPoint> entries,
                                        unsigned target, int32_t deviceType) {
  ExportBuilder builder(module);
  builder.internalize();
  builder.addDescriptors(entries, target, deviceType);
}

void mlir::fp4q::addArtifactExports(llvm::Module &module,
                                    ArrayRef<EntryPoint> entries,
                                    ArrayRef<::fp4q::ArtifactTarget> targets,
                                    StringRef manifest) {
  ExportBuilder(module).addExports(entries, targets, manifest);
}
