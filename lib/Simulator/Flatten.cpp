//===- Flatten.cpp - inline the calls of a kernel -------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include <algorithm>

using namespace fp4q::sim;

static constexpr size_t kMaxInstructions = 1 << 18;

namespace {
class Flattener {
public:
  Flattener(const RawModule &module, FlatFunction &out)
      : module(module), out(out) {}
  void inlineBody(const RawFunction &fn, uint32_t instance);

private:
  void inlineCall(const RawFunction &fn, const RawInst &raw, uint32_t regBase,
                  uint32_t instance);
  static uint32_t findLabel(const RawFunction &fn, const RawInst &raw,
                            unsigned scope, std::string_view name);

  const RawModule &module;
  FlatFunction &out;
  std::vector<const RawFunction *> stack;
  uint32_t instances = 0;
};
} // namespace

// Labels are seen from the scope of their block outwards.
uint32_t Flattener::findLabel(const RawFunction &fn, const RawInst &raw,
                              unsigned scope, std::string_view name) {
  for (;;) {
    auto it = fn.labels.find({scope, name});
    if (it != fn.labels.end())
      return it->second;
    if (scope == 0)
      throw PtxError("unknown label `" + std::string(name) + "`", raw.line);
    scope = fn.scopeParents[scope];
  }
}

static const RawOperand &nameOperand(const RawInst &raw, size_t index) {
  if (index >= raw.operands.size() ||
      raw.operands[index].kind != RawOperand::Name)
    throw PtxError("expected a name as operand of `" + raw.text + "`",
                   raw.line);
  return raw.operands[index];
}

void Flattener::inlineBody(const RawFunction &fn, uint32_t instance) {
  if (std::find(stack.begin(), stack.end(), &fn) != stack.end())
    throw PtxError("unsupported recursion: `" + std::string(fn.name) +
                       "` calls itself",
                   fn.line);
  stack.push_back(&fn);
  uint32_t regBase = uint32_t(out.regs.size());
  out.regs.insert(out.regs.end(), fn.regs.begin(), fn.regs.end());
  out.regNames.insert(out.regNames.end(), fn.regNames.begin(),
                      fn.regNames.end());
  std::vector<uint32_t> place(fn.insts.size() + 1);
  std::vector<uint32_t> branches, returns;
  for (size_t i = 0; i < fn.insts.size(); ++i) {
    const RawInst &raw = fn.insts[i];
    place[i] = uint32_t(out.insts.size());
    if (out.insts.size() > kMaxInstructions)
      throw PtxError("kernel is too large", raw.line);
    if (raw.words[0] == "call") {
      inlineCall(fn, raw, regBase, instance);
      continue;
    }
    FlatInst flat;
    flat.raw = &raw;
    flat.fn = &fn;
    flat.regBase = regBase;
    flat.instance = instance;
    flat.guarded = raw.pred >= 0;
    if (raw.words[0] == "bra" || raw.words[0] == "brx")
      branches.push_back(place[i]);
    if (raw.words[0] == "ret" && stack.size() > 1) {
      flat.jump = true;
      returns.push_back(place[i]);
    }
    out.insts.push_back(std::move(flat));
  }
  place[fn.insts.size()] = uint32_t(out.insts.size());
  for (uint32_t at : branches) {
    FlatInst &flat = out.insts[at];
    const RawInst &raw = *flat.raw;
    if (raw.words[0] == "bra") {
      uint32_t to = findLabel(fn, raw, raw.scope, nameOperand(raw, 0).name);
      flat.target = int32_t(place[to]);
      continue;
    }
    std::string_view list = nameOperand(raw, 1).name;
    unsigned scope = raw.scope;
    auto it = fn.branchTargets.find({scope, list});
    for (; it == fn.branchTargets.end() && scope;
         it = fn.branchTargets.find({scope, list}))
      scope = fn.scopeParents[scope];
    if (it == fn.branchTargets.end())
      throw PtxError("unknown .branchtargets `" + std::string(list) + "`",
                     raw.line);
    for (std::string_view name : it->second)
      flat.targets.push_back(
          int32_t(place[findLabel(fn, raw, raw.scope, name)]));
  }
  for (uint32_t at : returns)
    out.insts[at].target = int32_t(out.insts.size());
  stack.pop_back();
}

// call{.uni} (results), function, (arguments); arguments are .param variables
// of the caller, which the callee's formals become other names of.
void Flattener::inlineCall(const RawFunction &fn, const RawInst &raw,
                           uint32_t regBase, uint32_t instance) {
  size_t at = 0;
  const auto isList = [&](size_t i) {
    return i < raw.operands.size() && raw.operands[i].kind == RawOperand::List;
  };
  const RawOperand *results = isList(at) ? &raw.operands[at++] : nullptr;
  const RawOperand &callee = nameOperand(raw, at++);
  const RawOperand *args = isList(at) ? &raw.operands[at++] : nullptr;
  auto it = module.functionNames.find(callee.name);
  if (it == module.functionNames.end() || !it->second->defined)
    throw PtxError("unsupported call of `" + std::string(callee.name) +
                       "`, which this module does not define",
                   raw.line);
  const RawFunction &target = *it->second;
  uint32_t inner = ++instances;
  const auto bind = [&](const RawOperand *list,
                        const std::vector<const Variable *> &formals) {
    size_t count = list ? list->elems.size() : 0;
    if (count != formals.size())
      throw PtxError("`" + std::string(target.name) + "` takes " +
                         std::to_string(formals.size()) + " arguments, got " +
                         std::to_string(count),
                     raw.line);
    for (size_t i = 0; i < count; ++i) {
      const RawOperand &actual = list->elems[i];
      if (actual.kind != RawOperand::Var || actual.var->space != Space::Param ||
          actual.var->size != formals[i]->size)
        throw PtxError("unsupported argument " + std::to_string(i) +
                           " of call (not a .param variable of its size)",
                       raw.line);
      std::pair<uint32_t, const Variable *> key{instance, actual.var};
      auto known = out.aliases.find(key);
      out.aliases[{inner, formals[i]}] =
          known == out.aliases.end() ? key : known->second;
    }
  };
  bind(results, target.results);
  bind(args, target.params);
  size_t guard = out.insts.size();
  if (raw.pred >= 0) {
    FlatInst skip;
    skip.raw = &raw;
    skip.fn = &fn;
    skip.regBase = regBase;
    skip.instance = instance;
    skip.jump = skip.invert = skip.guarded = true;
    out.insts.push_back(skip);
  }
  inlineBody(target, inner);
  if (raw.pred >= 0)
    out.insts[guard].target = int32_t(out.insts.size());
}

FlatFunction fp4q::sim::flatten(const RawModule &module,
                                const RawFunction &entry) {
  FlatFunction out;
  out.entry = &entry;
  Flattener(module, out).inlineBody(entry, 0);
  return out;
}
