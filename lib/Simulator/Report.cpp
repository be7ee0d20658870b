//===- Report.cpp - faults and counters as text ---------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <cstdio>

using namespace fp4q::sim;

std::string fp4q::sim::hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "0x%llx",
                static_cast<unsigned long long>(value));
  return text;
}

const char *fp4q::sim::faultName(FaultKind kind) {
  static const char *const names[] = {"out-of-bounds",
                                      "misaligned",
                                      "uninitialized",
                                      "shared-race",
                                      "async-pending",
                                      "async-leftover",
                                      "divergent-barrier",
                                      "deadlock",
                                      "mbarrier",
                                      "read-only",
                                      "budget",
                                      "trap",
                                      "illegal"};
  return names[size_t(kind)];
}

const char *fp4q::sim::className(InstClass cls) {
  static const char *const names[] = {
      "integer",      "float",       "half",         "convert",
      "move",         "predicate",   "control",      "barrier",
      "warp",         "matrix",      "mma",          "load-global",
      "store-global", "load-shared", "store-shared", "load-other",
      "store-other",  "atomic",      "async"};
  return names[size_t(cls)];
}

void fp4q::sim::raise(Warp &warp, const Inst &inst, FaultKind kind,
                      uint32_t lane, const std::string &what,
                      std::optional<uint64_t> address) {
  Fault fault;
  fault.kind = kind;
  fault.line = inst.line;
  fault.cta = warp.cta->id;
  fault.thread = warp.id * 32 + lane;
  fault.lane = lane;
  fault.address = address;
  fault.what = what;
  fault.instruction = warp.cta->launch->program.texts[inst.index];
  throw FaultException{fault};
}

void fp4q::sim::raiseMask(Warp &warp, const Inst &inst, FaultKind kind,
                          uint32_t mask, const std::string &what) {
  raise(warp, inst, kind, uint32_t(__builtin_ctz(mask)), what);
}

uint32_t fp4q::sim::selectorOperand(Warp &warp, const Inst &inst, uint32_t row,
                                    uint32_t most, uint32_t step,
                                    const char *what) {
  const uint32_t *lanes = warp.row32(row);
  for (unsigned lane = 0; lane < 32; ++lane)
    if (lanes[lane] != lanes[0] || lanes[lane] > most || lanes[lane] % step)
      raise(warp, inst, FaultKind::Illegal, lane,
            std::string(what) + " is " + std::to_string(lanes[lane]) +
                (step == 2 ? " (0 or 2, equal in all lanes)"
                           : " (0 to " + std::to_string(most) +
                                 ", equal in all lanes)"));
  return lanes[0];
}

std::string Fault::message() const {
  std::string text = std::string(faultName(kind)) + ": " + what;
  if (address)
    text += ", address " + hex(*address);
  text += ", CTA (" + std::to_string(cta.x) + "," + std::to_string(cta.y) +
          "," + std::to_string(cta.z) + "), thread " + std::to_string(thread) +
          " (warp " + std::to_string(thread / 32) + ", lane " +
          std::to_string(lane) + "), `" + instruction + "` at line " +
          std::to_string(line);
  return text;
}

uint64_t Counters::totalWarp() const {
  uint64_t sum = 0;
  for (uint64_t count : warpInsts)
    sum += count;
  return sum;
}

uint64_t Counters::totalLane() const {
  uint64_t sum = 0;
  for (uint64_t count : laneInsts)
    sum += count;
  return sum;
}

// Every field that is one number, once.
#define FP4Q_SIM_COUNTERS(X)                                                   \
  X(globalReadBytes, "global_read_bytes")                                      \
  X(globalWriteBytes, "global_write_bytes")                                    \
  X(sharedReadBytes, "shared_read_bytes")                                      \
  X(sharedWriteBytes, "shared_write_bytes")                                    \
  X(localBytes, "local_bytes")                                                 \
  X(globalRequests, "global_requests")                                         \
  X(globalSectors, "global_sectors")                                           \
  X(globalWriteRequests, "global_write_requests")                              \
  X(globalWriteSectors, "global_write_sectors")                                \
  X(sharedRequests, "shared_requests")                                         \
  X(sharedWavefronts, "shared_wavefronts")                                     \
  X(bankConflicts, "bank_conflicts")

void Counters::add(const Counters &other) {
  for (size_t i = 0; i < warpInsts.size(); ++i) {
    warpInsts[i] += other.warpInsts[i];
    laneInsts[i] += other.laneInsts[i];
  }
#define FP4Q_SIM_ADD(field, name) field += other.field;
  FP4Q_SIM_COUNTERS(FP4Q_SIM_ADD)
#undef FP4Q_SIM_ADD
}

static std::string quote(const std::string &text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    if (static_cast<unsigned char>(c) >= ' ')
      out += c;
  }
  return out + "\"";
}

/// One object a line.
static std::string accessesJson(const std::vector<AccessProfile> &accesses) {
  std::string text;
  for (const AccessProfile &access : accesses) {
    text += std::string(text.empty() ? "" : ",\n") +
            "    {\"instruction\": " + quote(access.instruction);
    const auto number = [&](const char *name, uint64_t value) {
      text += std::string(", \"") + name + "\": " + std::to_string(value);
    };
    number("line", access.line);
    number("loop", access.loop);
    number("lane_bytes", access.laneBytes);
    number("global_requests", access.globalRequests);
    number("global_sectors", access.globalSectors);
    number("least_sectors", access.leastSectors);
    number("shared_requests", access.sharedRequests);
    number("shared_wavefronts", access.sharedWavefronts);
    number("bank_conflicts", access.bankConflicts);
    text += "}";
  }
  return text + "\n";
}

std::string fp4q::sim::reportJson(const KernelInfo &kernel,
                                  const LaunchResult &result) {
  const Counters &counters = result.counters;
  std::string text = "{\n  \"kernel\": " + quote(kernel.name) +
                     ",\n  \"ok\": " + (result.ok() ? "true" : "false");
  const auto number = [&](const char *name, uint64_t value) {
    text += std::string(",\n  \"") + name + "\": " + std::to_string(value);
  };
  if (!result.ok())
    text += ",\n  \"message\": " + quote(result.message());
  if (result.fault) {
    const Fault &fault = *result.fault;
    text += ",\n  \"fault\": " + quote(faultName(fault.kind));
    number("line", fault.line);
    number("thread", fault.thread);
    text += ",\n  \"cta\": [" + std::to_string(fault.cta.x) + ", " +
            std::to_string(fault.cta.y) + ", " + std::to_string(fault.cta.z) +
            "]";
    if (fault.address)
      text += ",\n  \"address\": " + quote(hex(*fault.address));
  }
  number("registers", kernel.registers);
  number("static_shared", kernel.staticShared);
  number("warp_instructions", counters.totalWarp());
  number("lane_instructions", counters.totalLane());
#define FP4Q_SIM_SHOW(field, name) number(name, counters.field);
  FP4Q_SIM_COUNTERS(FP4Q_SIM_SHOW)
#undef FP4Q_SIM_SHOW
  text += ",\n  \"classes\": {";
  bool first = true;
  for (size_t i = 0; i < counters.warpInsts.size(); ++i) {
    if (!counters.warpInsts[i])
      continue;
    text += std::string(first ? "" : ", ") + quote(className(InstClass(i))) +
            ": " + std::to_string(counters.warpInsts[i]);
    first = false;
  }
  text += "}";
  if (!result.accesses.empty())
    text += ",\n  \"accesses\": [\n" + accessesJson(result.accesses) + "  ]";
  text += ",\n  \"seconds\": " + std::to_string(result.seconds) +
          ",\n  \"cpu_seconds\": " + std::to_string(result.cpuSeconds) + "\n}";
  return text;
}
