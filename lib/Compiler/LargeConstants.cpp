//===- LargeConstants.cpp - weights as data of the object file ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/LargeConstants.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Smaller constants stay where the optimizer can look into them.
constexpr size_t kLargeBytes = 4096;

/// The bytes of the value in memory, empty if it has none of its own: a splat
/// is stored as one element.
static ArrayRef<char> getBytes(Attribute value) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? blob->getData() : ArrayRef<char>();
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  return dense && !dense.isSplat() ? dense.getRawData() : ArrayRef<char>();
}

LogicalResult LargeConstants::detach(ModuleOp module) {
  detached.clear();
  auto result = success();
  module.walk([&](LLVM::GlobalOp global) {
    auto value = dyn_cast_or_null<ElementsAttr>(global.getValueOrNull());
    if (!value || !global.getConstant() ||
        !value.getElementType().isIntOrIndexOrFloat())
      return;
    Type element = value.getElementType();
    int64_t bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
    ArrayRef<char> bytes = getBytes(value);
    size_t expected = value.getNumElements() * llvm::divideCeil(bits, 8);
    if (isa<DenseResourceElementsAttr>(value) && bytes.size() != expected) {
      result = global.emitError()
               << "a constant of type " << value.getType() << " has "
               << expected << " bytes, but its resource has " << bytes.size();
      return;
    }
    if (bytes.size() < kLargeBytes || bytes.size() != expected)
      return;
    detached.push_back({global.getSymName().str(), bytes});
    global.removeValueAttr();
    global.setLinkage(LLVM::Linkage::External);
  });
  return result;
}

void LargeConstants::unify(llvm::Module &module) {
  for (const Constant &constant : detached) {
    llvm::GlobalVariable *declared = module.getNamedGlobal(constant.name);
    if (!declared)
      continue;
    auto [entry, isNew] = numbers.try_emplace(
        {constant.bytes.data(), constant.bytes.size()}, constants.size());
    std::string name = "fp4q.constant." + std::to_string(entry->second);
    if (isNew)
      constants.push_back({name, constant.bytes});
    declared->setAlignment(llvm::Align(64));
    if (llvm::GlobalVariable *same = module.getNamedGlobal(name)) {
      declared->replaceAllUsesWith(same);
      declared->eraseFromParent();
    } else {
      declared->setName(name);
    }
  }
}

void LargeConstants::attach(llvm::Module &module) const {
  llvm::Type *byte = llvm::Type::getInt8Ty(module.getContext());
  for (const Constant &constant : constants) {
    llvm::GlobalVariable *declared = module.getNamedGlobal(constant.name);
    if (!declared)
      continue; // Nothing uses it, so the optimizer has removed it.
    llvm::Constant *data = llvm::ConstantDataArray::getRaw(
        StringRef(constant.bytes.data(), constant.bytes.size()),
        constant.bytes.size(), byte);
    auto *defined =
        new llvm::GlobalVariable(module, data->getType(), /*isConstant=*/true,
                                 llvm::GlobalValue::InternalLinkage, data);
    defined->setAlignment(llvm::Align(64));
    defined->takeName(declared);
    declared->replaceAllUsesWith(defined);
    declared->eraseFromParent();
  }
}
