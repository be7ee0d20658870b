//===- BackEnds.cpp - who can do what on which target ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Target/BackEnds.h"

#include <algorithm>

using namespace fp4q;

static constexpr EnumSet<Role> allRoles = {
    Role::Quantize,    Role::GlobalScale, Role::Transform,   Role::Dequantize,
    Role::ScaleLayout, Role::Matmul,      Role::WeightLayout};
static constexpr EnumSet<FloatType> allTypes = {FloatType::BF16, FloatType::F16,
                                                FloatType::F32};
static constexpr EnumSet<Format> allFormats = {Format::MXFP4, Format::NVFP4,
                                               Format::Other};
static constexpr EnumSet<TransformKind> allTransforms = {
    TransformKind::None, TransformKind::Shared, TransformKind::PerBlock};
static constexpr EnumSet<ScaleSource> allSources = {ScaleSource::Computed,
                                                    ScaleSource::Given};
static constexpr EnumSet<ScaleOrder> linear = {ScaleOrder::Linear};

static constexpr EnumSet<Format> hardwareFormats = {Format::MXFP4,
                                                    Format::NVFP4};

// The faster of two rows first.
static constexpr Implementation table[] = {
    {BackEnd::CPU,
     {Role::Quantize, Role::Transform, Role::Dequantize},
     TargetKind::CPU,
     /*features=*/{},
     allTypes,
     allFormats,
     allTransforms,
     allSources,
     /*anyRecipe=*/true,
     linear},
    {BackEnd::CPU,
     {Role::Matmul},
     TargetKind::CPU,
     /*features=*/{},
     allTypes,
     hardwareFormats,
     allTransforms,
     allSources,
     /*anyRecipe=*/true,
     linear,
     /*multipleOfK=*/32,
     /*automatic=*/true,
     /*convertsInPlace=*/false,
     /*takesPackedWeights=*/true},
    {BackEnd::Reference, allRoles, TargetKind::CPU, /*features=*/{}, allTypes,
     allFormats, allTransforms, allSources, /*anyRecipe=*/true, linear,
     /*multipleOfK=*/1, /*automatic=*/true, /*convertsInPlace=*/true,
     /*takesPackedWeights=*/true},
    {BackEnd::GPUNative,
     {Role::Matmul},
     TargetKind::GPU,
     {Feature::MMABlockScale},
     allTypes,
     hardwareFormats,
     allTransforms,
     allSources,
     /*anyRecipe=*/true,
     linear},
    {BackEnd::GPUPortable,
     {Role::Matmul},
     TargetKind::GPU,
     {Feature::MMABF16},
     allTypes,
     hardwareFormats,
     allTransforms,
     allSources,
     /*anyRecipe=*/true,
     linear},
    {BackEnd::GPUPortable,
     {Role::Quantize, Role::GlobalScale, Role::Transform, Role::Dequantize,
      Role::ScaleLayout},
     TargetKind::GPU,
     /*features=*/{},
     allTypes,
     allFormats,
     allTransforms,
     allSources,
     /*anyRecipe=*/true,
     linear},
};

const BackEndTable fp4q::backEndTable = {table,
                                         sizeof(table) / sizeof(table[0])};

/// Why the kernels cannot run on the target, or an empty string.
static std::string whyNotOn(const Implementation &implementation,
                            const Target &target) {
  if (implementation.kind != target.kind)
    return implementation.kind == TargetKind::CPU ? "is for CPUs"
                                                  : "is for GPUs";
  EnumSet<Feature> missing = implementation.features - target.features;
  for (unsigned i = 0; !missing.empty(); ++i) {
    auto feature = static_cast<Feature>(i);
    if (missing.contains(feature))
      return std::string("needs ") + name(feature) + ", which " + target.name +
             " lacks";
  }
  return "";
}

/// Why the kernels cannot take operands that nothing can convert, or an empty
/// string.
static std::string whyNotAsTheyLie(const Implementation &implementation,
                                   const Work &work) {
  EnumSet<ScaleOrder> taken = implementation.scaleOrders;
  if (work.isVector && !taken.contains(ScaleOrder::Linear))
    return "does not take linear scales, the only ones of a vector";
  if (!work.isInPlace || implementation.convertsInPlace)
    return "";
  for (ScaleOrder order : {ScaleOrder::Linear, ScaleOrder::Blocked128x4})
    if (work.scaleOrders.contains(order) && !taken.contains(order))
      return std::string("does not take ") + name(order) + " scales in memrefs";
  if (work.role == Role::Matmul && work.k % implementation.multipleOfK != 0)
    return "takes K in multiples of " +
           std::to_string(implementation.multipleOfK) +
           " and cannot pad memrefs from " + std::to_string(work.k);
  return "";
}

std::string fp4q::whyNot(const Implementation &implementation,
                         const Target &target, const Work &work) {
  std::string reason = whyNotOn(implementation, target);
  if (!reason.empty())
    return reason;
  Role role = work.role;
  if (!implementation.roles.contains(role))
    return std::string("has no kernel for ") + name(role);
  bool isLayout = role == Role::ScaleLayout || role == Role::WeightLayout;
  if (!isLayout && !implementation.types.contains(work.type))
    return std::string("does not take ") + name(work.type);
  bool hasFormat = role == Role::Quantize || role == Role::Dequantize ||
                   role == Role::Matmul;
  Format format = formatOf(work.scaleType, work.groupSize);
  if (hasFormat && !implementation.formats.contains(format)) {
    if (format != Format::Other)
      return std::string("does not take ") + name(format);
    return std::string("does not take ") +
           (work.scaleType == ScaleType::E8M0 ? "e8m0" : "e4m3") +
           " scales of groups of " + std::to_string(work.groupSize);
  }
  if (work.hasPackedWeights && !implementation.takesPackedWeights)
    return "does not take packed weights";
  if (hasFormat) {
    reason = whyNotAsTheyLie(implementation, work);
    if (!reason.empty())
      return reason;
  }
  if ((role == Role::Quantize || role == Role::Transform) &&
      !implementation.transforms.contains(work.transform))
    return work.transform == TransformKind::None ? "does not quantize without "
                                                   "a transform"
           : work.transform == TransformKind::Shared
               ? "does not take a transform"
               : "does not take a transform of each block";
  if (role != Role::Quantize)
    return "";
  if (!implementation.scaleSources.contains(work.scaleSource))
    return work.scaleSource == ScaleSource::Given ? "does not take given scales"
                                                  : "does not compute scales";
  if (!implementation.anyRecipe && work.recipe != Recipe())
    return "takes no recipe but the law";
  return "";
}

Choice fp4q::chooseBackEnd(const BackEndTable &table, const Target &target,
                           const Work &work, BackEnd backEnd) {
  Choice choice;
  choice.reason = std::string(name(backEnd)) + " has no kernels";
  // Of several reasons, that of the row which comes closest.
  int closest = -1;
  for (size_t i = 0; i < table.numImplementations; ++i) {
    const Implementation &row = table.implementations[i];
    if (row.backEnd != backEnd)
      continue;
    std::string reason = whyNot(row, target, work);
    if (reason.empty())
      return {&row, ""};
    bool hasRole = row.roles.contains(work.role);
    int closeness = hasRole + (hasRole && whyNotOn(row, target).empty());
    if (closeness <= closest)
      continue;
    closest = closeness;
    choice.reason = std::string(name(backEnd)) + " " + reason;
  }
  return choice;
}

Choice fp4q::chooseBackEnd(const BackEndTable &table, const Target &target,
                           const Work &work) {
  Choice choice;
  EnumSet<BackEnd> seen;
  for (size_t i = 0; i < table.numImplementations; ++i) {
    const Implementation &row = table.implementations[i];
    if (row.automatic && whyNot(row, target, work).empty()) {
      choice.implementation = &row;
      return choice;
    }
    if (seen.contains(row.backEnd))
      continue;
    seen = seen | EnumSet<BackEnd>{row.backEnd};
    Choice declined = chooseBackEnd(table, target, work, row.backEnd);
    std::string reason = declined.reason;
    if (declined.implementation && !declined.implementation->automatic)
      reason = std::string(name(row.backEnd)) + " is used on request only";
    else if (declined.implementation)
      continue; // A later row of the same back end can.
    choice.reason += (choice.reason.empty() ? "" : "; ") + reason;
  }
  return choice;
}

std::vector<BackEnd> fp4q::backEndsFor(const BackEndTable &table,
                                       const Target &target, Role role) {
  std::vector<BackEnd> found;
  for (size_t i = 0; i < table.numImplementations; ++i) {
    const Implementation &row = table.implementations[i];
    if (row.roles.contains(role) && whyNotOn(row, target).empty() &&
        std::find(found.begin(), found.end(), row.backEnd) == found.end())
      found.push_back(row.backEnd);
  }
  return found;
}

bool fp4q::hasBackEnd(const BackEndTable &table, const Target &target,
                      BackEnd backEnd) {
  for (size_t i = 0; i < table.numImplementations; ++i) {
    const Implementation &row = table.implementations[i];
    if (row.backEnd == backEnd && whyNotOn(row, target).empty())
      return true;
  }
  return false;
}

const BackEnd *fp4q::findBackEnd(std::string_view text) {
  for (const BackEnd &backEnd : allBackEnds)
    if (name(backEnd) == text)
      return &backEnd;
  return nullptr;
}

std::string fp4q::backEndNames() {
  std::string names;
  for (BackEnd backEnd : allBackEnds)
    names += (names.empty() ? "" : ", ") + std::string(name(backEnd));
  return names;
}

const char *fp4q::name(BackEnd backEnd) {
  switch (backEnd) {
  case BackEnd::Reference:
    return "reference";
  case BackEnd::CPU:
    return "cpu";
  case BackEnd::GPUPortable:
    return "gpu-portable";
  case BackEnd::GPUNative:
    return "gpu-native";
  }
  return "";
}

const char *fp4q::name(Role role) {
  switch (role) {
  case Role::Quantize:
    return "quantize";
  case Role::GlobalScale:
    return "global scale";
  case Role::Transform:
    return "transform";
  case Role::Dequantize:
    return "dequantize";
  case Role::ScaleLayout:
    return "scale layout";
  case Role::Matmul:
    return "matmul";
  case Role::WeightLayout:
    return "weight layout";
  }
  return "";
}

const char *fp4q::name(FloatType type) {
  switch (type) {
  case FloatType::BF16:
    return "bf16";
  case FloatType::F16:
    return "f16";
  case FloatType::F32:
    return "f32";
  }
  return "";
}

const char *fp4q::name(TransformKind transform) {
  switch (transform) {
  case TransformKind::None:
    return "none";
  case TransformKind::Shared:
    return "shared";
  case TransformKind::PerBlock:
    return "of each block";
  }
  return "";
}

const char *fp4q::name(ScaleSource source) {
  switch (source) {
  case ScaleSource::Computed:
    return "computed";
  case ScaleSource::Given:
    return "given";
  }
  return "";
}

const char *fp4q::name(ScaleOrder order) {
  switch (order) {
  case ScaleOrder::Linear:
    return "linear";
  case ScaleOrder::Blocked128x4:
    return "blocked";
  }
  return "";
}
