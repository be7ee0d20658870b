//===- Profile.cpp - the accesses to memory by instruction ----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a launch that profiles adds to its counters: sectors and wavefronts of
// each instruction, and the loop it is in. Loops are strongly connected sets of
// instructions; those within a loop are found again without the edges to its
// entry.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <algorithm>

using namespace fp4q::sim;

void AccessProfile::add(const AccessProfile &other) {
  laneBytes = std::max(laneBytes, other.laneBytes);
  globalRequests += other.globalRequests;
  globalSectors += other.globalSectors;
  leastSectors += other.leastSectors;
  sharedRequests += other.sharedRequests;
  sharedWavefronts += other.sharedWavefronts;
  bankConflicts += other.bankConflicts;
}

void fp4q::sim::profileGlobal(AccessProfile &profile, uint32_t mask,
                              const uint64_t *addresses, uint32_t size,
                              uint64_t sectors) {
  profile.laneBytes = size;
  ++profile.globalRequests;
  profile.globalSectors += sectors;
  std::vector<uint64_t> begins;
  for (; mask; mask &= mask - 1)
    begins.push_back(addresses[__builtin_ctz(mask)]);
  std::sort(begins.begin(), begins.end());
  uint64_t bytes = 0, covered = 0; // up to which address
  for (uint64_t begin : begins) {
    uint64_t end = begin + size;
    if (end > covered)
      bytes += end - std::max(begin, covered);
    covered = std::max(covered, end);
  }
  profile.leastSectors += (bytes + 31) / 32;
}

void fp4q::sim::profileShared(AccessProfile &profile, uint32_t size,
                              uint64_t passes, uint64_t conflicts) {
  profile.laneBytes = size;
  ++profile.sharedRequests;
  profile.sharedWavefronts += passes + conflicts;
  profile.bankConflicts += conflicts;
}

std::vector<AccessProfile>
fp4q::sim::namedProfiles(const Program &program,
                         std::vector<AccessProfile> profiles) {
  std::vector<AccessProfile> named;
  if (profiles.empty())
    return named;
  std::vector<int32_t> loops = innermostLoops(program.insts);
  for (size_t i = 0; i < profiles.size(); ++i) {
    AccessProfile &profile = profiles[i];
    if (!profile.globalRequests && !profile.sharedRequests)
      continue;
    profile.instruction = program.texts[i];
    profile.line = program.insts[i].line;
    profile.loop = loops[i] < 0 ? 0 : program.insts[loops[i]].line;
    named.push_back(std::move(profile));
  }
  std::sort(named.begin(), named.end(),
            [](const AccessProfile &a, const AccessProfile &b) {
              return a.line < b.line;
            });
  return named;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {
/// The strongly connected sets of a graph: Tarjan's algorithm with a stack of
/// its own, since a kernel may have many thousand instructions.
class Components {
public:
  using Edges = std::vector<std::vector<uint32_t>>;

  explicit Components(const Edges &edges)
      : edges(edges), order(edges.size(), 0), low(edges.size(), 0),
        component(edges.size(), -1) {
    for (uint32_t node = 0; node < edges.size(); ++node)
      if (!order[node])
        visit(node);
  }

  std::vector<int32_t> take() { return std::move(component); }

private:
  struct Frame {
    uint32_t node;
    size_t next; ///< edge to follow
  };

  void enter(uint32_t node) {
    order[node] = low[node] = ++visited;
    open.push_back(node);
    frames.push_back({node, 0});
  }
  void visit(uint32_t root) {
    enter(root);
    while (!frames.empty()) {
      uint32_t node = frames.back().node;
      if (frames.back().next < edges[node].size()) {
        uint32_t to = edges[node][frames.back().next++];
        if (!order[to])
          enter(to);
        else if (component[to] < 0)
          low[node] = std::min(low[node], order[to]);
        continue;
      }
      frames.pop_back();
      if (!frames.empty())
        low[frames.back().node] = std::min(low[frames.back().node], low[node]);
      if (low[node] == order[node])
        close(node);
    }
  }
  void close(uint32_t node) {
    uint32_t member;
    do {
      member = open.back();
      open.pop_back();
      component[member] = count;
    } while (member != node);
    ++count;
  }

  const Edges &edges;
  std::vector<uint32_t> order, low; ///< 0: not visited
  std::vector<int32_t> component;
  std::vector<uint32_t> open;
  std::vector<Frame> frames;
  uint32_t visited = 0;
  int32_t count = 0;
};
} // namespace

std::vector<int32_t> fp4q::sim::innermostLoops(const std::vector<Inst> &insts) {
  Components::Edges edges(insts.size());
  for (uint32_t i = 0; i < insts.size(); ++i)
    forSuccessors(insts, i, [&](uint32_t to) { edges[i].push_back(to); });
  std::vector<int32_t> loops(insts.size(), -1);
  for (bool changed = true; changed;) {
    changed = false;
    std::vector<int32_t> component = Components(edges).take();
    // A component's first instruction, its entry, and whether it has a cycle.
    struct Loop {
      int32_t first = -1, entry = -1;
      bool cyclic = false;
    };
    std::vector<Loop> found(insts.size());
    for (uint32_t i = 0; i < insts.size(); ++i)
      if (Loop &loop = found[component[i]]; loop.first < 0)
        loop.first = int32_t(i);
    for (uint32_t i = 0; i < insts.size(); ++i)
      for (uint32_t to : edges[i]) {
        Loop &loop = found[component[to]];
        if (component[i] == component[to])
          loop.cyclic = true;
        else
          loop.entry = int32_t(to);
      }
    for (uint32_t i = 0; i < insts.size(); ++i) {
      const Loop &loop = found[component[i]];
      if (loop.cyclic)
        loops[i] = loop.first;
      changed |= loop.cyclic;
      std::vector<uint32_t> inner;
      for (uint32_t to : edges[i]) {
        const Loop &other = found[component[to]];
        int32_t entry = other.entry < 0 ? other.first : other.entry;
        if (component[i] != component[to] || int32_t(to) != entry)
          inner.push_back(to);
      }
      edges[i].swap(inner);
    }
  }
  return loops;
}
