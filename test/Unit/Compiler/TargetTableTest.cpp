//===- TargetTableTest.cpp - LLVM understands the target table ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Target/TargetInfo.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

#include <gtest/gtest.h>

static llvm::Triple tripleOf(const fp4q::Target &target) {
  if (target.kind == fp4q::TargetKind::GPU)
    return llvm::Triple("nvptx64-nvidia-cuda");
  llvm::StringRef architecture = target.architecture;
  return llvm::Triple((architecture.empty() ? "x86_64" : architecture.str()) +
                      "-unknown-linux-gnu");
}

static std::unique_ptr<llvm::TargetMachine>
createMachine(const fp4q::Target &target, llvm::StringRef features) {
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargets();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllAsmPrinters();
  std::string error;
  const llvm::Target *found =
      llvm::TargetRegistry::lookupTarget(tripleOf(target), error);
  EXPECT_TRUE(found) << error;
  return std::unique_ptr<llvm::TargetMachine>(
      found->createTargetMachine(tripleOf(target), target.cpu, features,
                                 llvm::TargetOptions(), llvm::Reloc::PIC_));
}

TEST(TargetTable, LLVMKnowsEveryCPUAndFeature) {
  for (const fp4q::Target &target :
       llvm::ArrayRef(fp4q::targets, fp4q::numTargets)) {
    auto machine = createMachine(target, "");
    const llvm::MCSubtargetInfo &info = *machine->getMCSubtargetInfo();
    EXPECT_TRUE(info.isCPUStringValid(target.cpu)) << target.name;
    std::string all = fp4q::llvmFeatures(target);
    for (llvm::StringRef feature : llvm::split(all, ',')) {
      if (feature.empty())
        continue;
      llvm::StringRef name = feature.drop_front();
      EXPECT_EQ(feature.front(), '+') << target.name;
      EXPECT_TRUE(
          llvm::any_of(info.getAllProcessorFeatures(),
                       [&](const auto &known) { return name == known.Key; }))
          << target.name << " " << name.str();
    }
  }
}

TEST(TargetTable, EveryChipCompilesWithItsPTXVersion) {
  for (const fp4q::Target &target :
       llvm::ArrayRef(fp4q::targets, fp4q::numTargets)) {
    if (target.kind != fp4q::TargetKind::GPU)
      continue;
    auto machine = createMachine(target, fp4q::llvmFeatures(target));
    llvm::LLVMContext context;
    llvm::Module module("m", context);
    module.setTargetTriple(tripleOf(target));
    module.setDataLayout(machine->createDataLayout());
    auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), false);
    auto *function = llvm::Function::Create(
        type, llvm::Function::ExternalLinkage, "kernel", module);
    function->setCallingConv(llvm::CallingConv::PTX_Kernel);
    llvm::ReturnInst::Create(context,
                             llvm::BasicBlock::Create(context, "", function));
    llvm::SmallString<0> text;
    llvm::raw_svector_ostream os(text);
    llvm::legacy::PassManager manager;
    ASSERT_FALSE(machine->addPassesToEmitFile(
        manager, os, nullptr, llvm::CodeGenFileType::AssemblyFile));
    // LLVM ends the program if the chip needs a later version.
    manager.run(module);
    std::string version = ".version " + std::to_string(target.ptxVersion / 10) +
                          "." + std::to_string(target.ptxVersion % 10);
    EXPECT_TRUE(text.str().contains(version)) << text.str().str();
    EXPECT_TRUE(text.str().contains(std::string(".target ") + target.name));
  }
}
