//===- gen-targets.cpp - the tables of docs/targets.md --------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints the page given as argument with what stands between the lines
// "<!-- table: NAME -->" and "<!-- end -->" made anew from the target table.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Target/BackEnds.h"

#include <fstream>
#include <iostream>

using namespace fp4q;

/// The names of the elements of a set, separated by commas.
template <typename E>
static std::string list(EnumSet<E> set) {
  std::string text;
  for (unsigned i = 0; !set.empty(); ++i) {
    auto element = static_cast<E>(i);
    if (set.contains(element))
      text += (text.empty() ? "" : ", ") + std::string(name(element));
    set = set - EnumSet<E>{element};
  }
  return text;
}

static std::string code(const std::string &text) {
  return text.empty() ? "" : "`" + text + "`";
}

static void printCPULevels(std::ostream &os) {
  os << "| target | architecture | LLVM CPU | LLVM features | features |\n"
        "|---|---|---|---|---|\n";
  for (size_t i = 0; i < numTargets; ++i)
    if (const Target &target = targets[i]; target.kind == TargetKind::CPU)
      os << "| `" << target.name << "` | "
         << (*target.architecture ? target.architecture : "any") << " | `"
         << target.cpu << "` | " << code(target.extensions) << " | "
         << list(target.features) << " |\n";
}

static void printChips(std::ostream &os) {
  os << "| target | PTX ISA | matrix instructions and conversions | formats of "
        "block-scaled MMA | shared memory, KiB: SM / block |\n"
        "|---|---|---|---|---|\n";
  for (size_t i = 0; i < numTargets; ++i)
    if (const Target &target = targets[i]; target.kind == TargetKind::GPU)
      os << "| `" << target.name << "` | " << target.ptxVersion / 10 << "."
         << target.ptxVersion % 10 << " | " << list(target.features) << " | "
         << list(target.mmaFormats) << " | " << target.sharedMemory << " / "
         << target.sharedMemoryPerBlock << " |\n";
}

static void printBackEnds(std::ostream &os) {
  constexpr Role roles[] = {Role::Quantize,    Role::GlobalScale,
                            Role::Transform,   Role::Dequantize,
                            Role::ScaleLayout, Role::Matmul};
  std::string rule = "|---|";
  os << "| target |";
  for (Role role : roles) {
    os << " " << name(role) << " |";
    rule += "---|";
  }
  os << "\n" << rule << "\n";
  for (size_t i = 0; i < numTargets; ++i) {
    os << "| `" << targets[i].name << "` |";
    for (Role role : roles) {
      std::string names;
      for (BackEnd backEnd : backEndsFor(backEndTable, targets[i], role))
        names += (names.empty() ? "" : ", ") + std::string(name(backEnd));
      os << " " << (names.empty() ? "none" : names) << " |";
    }
    os << "\n";
  }
}

/// Each row of the table of back ends.
static void printConstraints(std::ostream &os) {
  os << "| back end | roles | on | types | formats | transforms | scales are | "
        "recipes | scale layouts | K of matmul |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n";
  for (size_t i = 0; i < backEndTable.numImplementations; ++i) {
    const Implementation &row = backEndTable.implementations[i];
    bool quantizes = row.roles.contains(Role::Quantize);
    bool transforms = quantizes || row.roles.contains(Role::Transform);
    std::string needs = list(row.features);
    os << "| `" << name(row.backEnd) << "` | " << list(row.roles) << " | "
       << (row.kind == TargetKind::CPU ? "CPUs" : "GPUs")
       << (needs.empty() ? "" : " with " + needs) << " | " << list(row.types)
       << " | " << list(row.formats) << " | "
       << (transforms ? list(row.transforms) : "") << " | "
       << (quantizes ? list(row.scaleSources) : "") << " | "
       << (!quantizes      ? ""
           : row.anyRecipe ? "all"
                           : "the law")
       << " | " << list(row.scaleOrders)
       << (row.convertsInPlace ? "; converts memrefs" : "") << " | "
       << (!row.roles.contains(Role::Matmul) ? ""
           : row.multipleOfK == 1
               ? "any"
               : "padded to multiples of " + std::to_string(row.multipleOfK))
       << " |\n";
  }
}

static bool printTable(const std::string &table, std::ostream &os) {
  if (table == "cpu-levels")
    printCPULevels(os);
  else if (table == "chips")
    printChips(os);
  else if (table == "back-ends")
    printBackEnds(os);
  else if (table == "constraints")
    printConstraints(os);
  else
    return false;
  return true;
}

int main(int argc, char **argv) {
  std::ifstream page(argc == 2 ? argv[1] : "");
  if (!page) {
    std::cerr << "usage: fp4q-gen-targets PAGE.md\n";
    return 1;
  }
  const std::string begin = "<!-- table: ", close = " -->";
  bool isTable = false;
  for (std::string line; std::getline(page, line);) {
    isTable = isTable && line != "<!-- end -->";
    if (!isTable)
      std::cout << line << "\n";
    if (line.rfind(begin, 0) != 0 || line.size() < begin.size() + close.size())
      continue;
    isTable = true;
    std::string table =
        line.substr(begin.size(), line.size() - begin.size() - close.size());
    if (!printTable(table, std::cout)) {
      std::cerr << "fp4q-gen-targets: error: no table '" << table
                << "', expected cpu-levels, chips, "
                   "back-ends or constraints\n";
      return 1;
    }
  }
  return 0;
}
