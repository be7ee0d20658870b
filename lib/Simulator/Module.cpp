//===- Module.cpp - load PTX ----------------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include <algorithm>

using namespace fp4q::sim;

Module::~Module() {
  for (uint64_t address : variables)
    memory->release(address);
}

int Module::findKernel(const std::string &name) const {
  for (size_t i = 0; i < infos.size(); ++i)
    if (infos[i].name == name)
      return int(i);
  return -1;
}

bool Module::findVariable(const std::string &name, uint64_t &address,
                          uint64_t &size) const {
  for (uint64_t base : variables) {
    Allocation *block = memory->find(base);
    if (!block || block->name != name)
      continue;
    address = base;
    size = block->size;
    return true;
  }
  return false;
}

/// Module variables are zero where they have no initializer. PTX ISA, section
/// 5.4.4 "Initializers".
static uint64_t placeVariable(DeviceMemory &memory, const Variable &var) {
  uint64_t address = memory.allocate(var.size, std::string(var.name));
  std::vector<uint8_t> bytes(var.size, 0);
  std::copy_n(var.init.begin(), std::min(var.init.size(), bytes.size()),
              bytes.begin());
  memory.write(address, bytes.data(), bytes.size());
  return address;
}

static void relocate(DeviceMemory &memory, const Variable &var,
                     const SymbolTable &symbols) {
  for (const Variable::Reloc &reloc : var.relocs) {
    auto it = symbols.find(reloc.symbol);
    if (it == symbols.end())
      throw PtxError("unknown symbol `" + std::string(reloc.symbol) +
                         "` in initializer",
                     var.line);
    uint64_t value = it->second + uint64_t(reloc.addend);
    memory.write(symbols.at(var.name) + reloc.offset, &value, 8);
  }
}

std::unique_ptr<Module> Module::load(std::string ptx, DeviceMemory &memory,
                                     std::string &error) {
  std::unique_ptr<Module> module(new Module());
  module->memory = &memory;
  module->text = std::move(ptx);
  try {
    RawModule raw = parsePtx(module->text);
    module->chip = raw.target;
    module->version = raw.version;
    SymbolTable symbols;
    for (const Variable *var : raw.globals) {
      if (var->space == Space::Shared)
        continue;
      if (var->size == 0 || var->external)
        throw PtxError("unsupported external variable `" +
                           std::string(var->name) + "`",
                       var->line);
      if (symbols.count(var->name))
        throw PtxError("redefinition of `" + std::string(var->name) + "`",
                       var->line);
      uint64_t address = placeVariable(memory, *var);
      module->variables.push_back(address);
      symbols[var->name] = address;
    }
    for (const Variable *var : raw.globals)
      relocate(memory, *var, symbols);
    for (const Variable *var : raw.globals)
      if (var->space == Space::Const)
        memory.find(symbols[var->name])->readOnly = true;
    for (auto &fn : raw.functions) {
      if (!fn->entry || !fn->defined)
        continue;
      module->programs.push_back(Decoder(raw, symbols, *fn).decode());
      module->infos.push_back(module->programs.back()->info);
    }
  } catch (const PtxError &failure) {
    error = failure.what();
    return nullptr;
  }
  if (module->programs.empty()) {
    error = "PTX text has no .entry";
    return nullptr;
  }
  return module;
}
