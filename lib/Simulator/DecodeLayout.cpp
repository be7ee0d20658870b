//===- DecodeLayout.cpp - addresses of variables, and whole kernels -------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Machine.h"

#include <algorithm>
#include <functional>

using namespace fp4q::sim;

std::pair<uint32_t, const Variable *>
Decoder::resolve(const Variable *var) const {
  auto it = function.aliases.find({flat->instance, var});
  return it == function.aliases.end() ? std::make_pair(flat->instance, var)
                                      : it->second;
}

// The address of a variable in its space, plus the operand's offset.
uint64_t Decoder::addressOf(const RawOperand &op) {
  auto [instance, var] = resolve(op.var);
  uint64_t offset = uint64_t(op.offset);
  switch (var->space) {
  case Space::Shared:
    return sharedOffsets.at(var) + offset;
  case Space::Local:
    return localOffsets.at({instance, var}) + offset;
  case Space::Param: {
    auto local = localOffsets.find({instance, var});
    if (local != localOffsets.end())
      return local->second + offset;
    fail("unsupported use of the address of parameter `" +
         std::string(var->name) + "`");
  }
  default:
    return symbols.at(var->name) + offset;
  }
}

static void forEachVariable(const RawOperand &op,
                            const std::function<void(const Variable *)> &fn) {
  if (op.var)
    fn(op.var);
  for (const RawOperand &elem : op.elems)
    forEachVariable(elem, fn);
}

static uint64_t alignTo(uint64_t value, uint64_t align) {
  return (value + align - 1) / align * align;
}

// Shared variables get offsets in order of first use; `extern x[]`, the dynamic
// part, starts behind all of them. Local variables and the .param variables of
// call sequences share one frame per thread.
void Decoder::layoutVariables() {
  uint64_t shared = kSharedBase, frame = 0;
  uint32_t dynamicAlign = 16;
  std::vector<const Variable *> dynamic;
  std::unordered_map<const Variable *, uint32_t> params;
  for (const Variable *param : entry.params)
    params[param] = 0;
  for (const FlatInst &one : function.insts) {
    flat = &one;
    for (const RawOperand &op : one.raw->operands)
      forEachVariable(op, [&](const Variable *named) {
        auto [instance, var] = resolve(named);
        if (var->space == Space::Shared) {
          if (!sharedOffsets.emplace(var, 0).second)
            return;
          if (var->size == 0) {
            dynamic.push_back(var);
            dynamicAlign = std::max(dynamicAlign, var->align);
            return;
          }
          shared = alignTo(shared, var->align);
          sharedOffsets[var] = shared;
          shared += var->size;
        } else if (var->space == Space::Local ||
                   (var->space == Space::Param && !params.count(var))) {
          if (!localOffsets.emplace(std::make_pair(instance, var), 0).second)
            return;
          frame = alignTo(frame, std::max(var->align, 4u));
          localOffsets[{instance, var}] = frame;
          frame += var->size;
        }
      });
  }
  if (shared - kSharedBase > 48 * 1024)
    throw PtxError("kernel `" + std::string(entry.name) + "` uses " +
                       std::to_string(shared - kSharedBase) +
                       " bytes of static shared memory (at most 49152)",
                   entry.line);
  if (frame > 512 * 1024)
    throw PtxError("kernel `" + std::string(entry.name) + "` uses " +
                       std::to_string(frame) +
                       " bytes of local memory (at most 524288)",
                   entry.line);
  if (!dynamic.empty())
    shared = alignTo(shared, dynamicAlign);
  for (const Variable *var : dynamic)
    sharedOffsets[var] = shared;
  program->info.staticShared = uint32_t(shared - kSharedBase);
  program->info.localBytes = uint32_t(alignTo(frame, 16));
}

void Decoder::layoutParams() {
  uint64_t offset = 0;
  for (const Variable *param : entry.params) {
    offset = alignTo(offset, param->align);
    paramOffsets[param] = uint32_t(offset);
    program->info.params.push_back(
        {std::string(param->name), uint32_t(offset), uint32_t(param->size)});
    offset += param->size;
    if (offset > 32764)
      throw PtxError("parameters of `" + std::string(entry.name) +
                         "` take more than 32764 bytes",
                     entry.line);
  }
  program->info.paramBytes = uint32_t(offset);
}

static Dim3 toDim(const uint32_t (&dims)[3]) {
  return {dims[0], dims[1], dims[2]};
}

std::unique_ptr<Program> Decoder::decode() {
  program = std::make_unique<Program>();
  program->target = module.target;
  KernelInfo &info = program->info;
  info.name = std::string(entry.name);
  info.line = entry.line;
  info.requiredBlock = toDim(entry.reqntid);
  info.maxBlock = toDim(entry.maxntid);
  info.requiredCluster = toDim(entry.reqCluster);
  layoutParams();
  layoutVariables();
  // One Exit more, for control that runs off the end.
  uint32_t total = uint32_t(function.insts.size()) + 1;
  program->insts.resize(total);
  program->texts.resize(total);
  program->operandPool.resize(total);
  regUses.resize(total);
  for (uint32_t i = 0; i + 1 < total; ++i)
    decodeOne(i);
  Inst &last = program->insts.back();
  last.index = total - 1;
  last.line = entry.line;
  last.control = Control::Exit;
  last.cls = InstClass::Control;
  program->texts.back() = "end of function";
  analyze();
  return std::move(program);
}
