//===- DeviceMemory.cpp - allocations -------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Simulator/Simulator.h"

#include <algorithm>
#include <cstring>

using namespace fp4q::sim;

// Unmapped addresses between two allocations: an index that is off by less than
// this is found out rather than read from a neighbor.
static constexpr uint64_t kGap = uint64_t(1) << 20;
static constexpr uint64_t kAlign = 256;
static constexpr uint64_t kWhole = 256; // bytes for one entry of `whole`

uint64_t DeviceMemory::allocate(uint64_t size, std::string name) {
  auto block = std::make_unique<Allocation>();
  block->base = nextBase;
  block->size = size;
  block->name = std::move(name);
  block->data.assign(size, 0xCD);
  block->valid.assign(size, 0);
  block->whole.assign(size / kWhole + 1, 0);
  nextBase += (size + kAlign - 1) / kAlign * kAlign + kGap;
  total += size;
  blocks.push_back(std::move(block));
  return blocks.back()->base;
}

bool DeviceMemory::release(uint64_t address) {
  Allocation *block = find(address);
  if (!block || block->base != address)
    return false;
  total -= block->size;
  auto it = std::find_if(blocks.begin(), blocks.end(),
                         [&](auto &b) { return b.get() == block; });
  blocks.erase(it);
  return true;
}

Allocation *DeviceMemory::findBelow(uint64_t address) const {
  auto it = std::upper_bound(
      blocks.begin(), blocks.end(), address,
      [](uint64_t value, auto &block) { return value < block->base; });
  return it == blocks.begin() ? nullptr : std::prev(it)->get();
}

Allocation *DeviceMemory::find(uint64_t address) const {
  Allocation *block = findBelow(address);
  bool inside =
      block && address - block->base < std::max<uint64_t>(block->size, 1);
  return inside ? block : nullptr;
}

bool DeviceMemory::write(uint64_t address, const void *source, uint64_t size) {
  if (size == 0)
    return true;
  Allocation *block = find(address);
  if (!block || !block->contains(address, size))
    return false;
  std::memcpy(&block->data[address - block->base], source, size);
  uint64_t at = address - block->base;
  std::memset(&block->valid[at], 1, size);
  for (uint64_t i = (at + kWhole - 1) / kWhole; i < (at + size) / kWhole; ++i)
    block->whole[i] = 1;
  return true;
}

bool DeviceMemory::read(uint64_t address, void *target, uint64_t size) const {
  if (size == 0)
    return true;
  Allocation *block = find(address);
  if (!block || !block->contains(address, size))
    return false;
  std::memcpy(target, &block->data[address - block->base], size);
  return true;
}
