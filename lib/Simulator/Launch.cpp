//===- Launch.cpp - run a grid --------------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>

using namespace fp4q::sim;

// Shared memory per CTA: CUDA C++ Programming Guide, "Technical Specifications
// per Compute Capability", "maximum amount of shared memory per thread block".
ChipLimits fp4q::sim::chipLimits(const std::string &target) {
  unsigned sm = unsigned(std::strtoul(target.c_str() + 3, nullptr, 10));
  uint32_t kilobytes = 48;
  if (sm >= 120 || sm == 86 || sm == 89)
    kilobytes = 99;
  else if (sm >= 90)
    kilobytes = 227;
  else if (sm >= 80)
    kilobytes = 163;
  else if (sm == 75)
    kilobytes = 64;
  else if (sm >= 70)
    kilobytes = 96;
  return {kilobytes * 1024, sm >= 90 ? 16u : 1u};
}

static std::string show(const Dim3 &dim) {
  return std::to_string(dim.x) + "," + std::to_string(dim.y) + "," +
         std::to_string(dim.z);
}

static bool given(const Dim3 &dim) { return dim.x != 0; }

static bool same(const Dim3 &a, const Dim3 &b) {
  return a.x == b.x && a.y == b.y && a.z == b.z;
}

/// Why the launch is refused, or "".
static std::string validate(const Program &program, LaunchConfig &config) {
  const KernelInfo &info = program.info;
  std::string kernel = "kernel `" + info.name + "`: ";
  const Dim3 &grid = config.grid, &block = config.block;
  if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffff || grid.y > 65535 ||
      grid.z > 65535)
    return kernel + "grid " + show(grid) +
           " is outside 1,1,1 to 2147483647,65535,65535";
  if (!block.count() || block.x > 1024 || block.y > 1024 || block.z > 64 ||
      block.count() > 1024)
    return kernel + "block " + show(block) +
           " is outside 1,1,1 to 1024,1024,64, or has more than 1024 threads";
  if (given(info.requiredBlock) && !same(info.requiredBlock, block))
    return kernel + "block " + show(block) + " is not the .reqntid " +
           show(info.requiredBlock);
  if (given(info.maxBlock) && block.count() > info.maxBlock.count())
    return kernel + "block " + show(block) + " is above the .maxntid " +
           show(info.maxBlock);
  ChipLimits limits = chipLimits(program.target);
  config.explicitCluster = given(config.cluster) || given(info.requiredCluster);
  if (!given(config.cluster))
    config.cluster =
        given(info.requiredCluster) ? info.requiredCluster : Dim3();
  const Dim3 &cluster = config.cluster;
  if (given(info.requiredCluster) && !same(info.requiredCluster, cluster))
    return kernel + "cluster " + show(cluster) +
           " is not the .reqnctapercluster " + show(info.requiredCluster);
  if (!cluster.count() || cluster.count() > limits.maxCluster)
    return kernel + "cluster " + show(cluster) + " has not 1 to " +
           std::to_string(limits.maxCluster) + " CTAs (" + program.target + ")";
  if (grid.x % cluster.x || grid.y % cluster.y || grid.z % cluster.z)
    return kernel + "grid " + show(grid) + " is no multiple of cluster " +
           show(cluster);
  uint64_t shared = uint64_t(info.staticShared) + config.dynamicShared;
  if (shared > limits.maxShared)
    return kernel + std::to_string(shared) + " bytes of shared memory (" +
           std::to_string(info.staticShared) + " static) are above the " +
           std::to_string(limits.maxShared) + " of " + program.target;
  return "";
}

//===----------------------------------------------------------------------===//
// State of a CTA
//===----------------------------------------------------------------------===//

static size_t fileBytes(const Program &program) {
  return size_t(program.rows) * kRowBytes;
}
static size_t warpBytes(const Program &program) {
  size_t words = program.preds + program.trackedSlots;
  return fileBytes(program) + (words * 4 + 63) / 64 * 64;
}

static uint32_t specialValue(Special special, const Launch &launch,
                             const Cta &cta, uint32_t warp, uint32_t lane) {
  const LaunchConfig &config = launch.config;
  const Dim3 &block = config.block, &grid = config.grid;
  const Dim3 &cluster = config.cluster;
  uint32_t thread = warp * 32 + lane;
  Dim3 inCluster{cta.id.x % cluster.x, cta.id.y % cluster.y,
                 cta.id.z % cluster.z};
  switch (special) {
  case Special::TidX:
    return thread % block.x;
  case Special::TidY:
    return thread / block.x % block.y;
  case Special::TidZ:
    return thread / block.x / block.y;
  case Special::NtidX:
    return block.x;
  case Special::NtidY:
    return block.y;
  case Special::NtidZ:
    return block.z;
  case Special::CtaidX:
    return cta.id.x;
  case Special::CtaidY:
    return cta.id.y;
  case Special::CtaidZ:
    return cta.id.z;
  case Special::NctaidX:
    return grid.x;
  case Special::NctaidY:
    return grid.y;
  case Special::NctaidZ:
    return grid.z;
  case Special::LaneId:
    return lane;
  case Special::WarpId:
    return warp;
  case Special::NwarpId:
    return launch.warpsPerCta;
  case Special::SmId:
  case Special::GridId:
    return 0;
  case Special::NsmId:
    return 1;
  case Special::LanemaskEq:
    return 1u << lane;
  case Special::LanemaskLe:
    return (2u << lane) - 1;
  case Special::LanemaskLt:
    return (1u << lane) - 1;
  case Special::LanemaskGe:
    return ~((1u << lane) - 1);
  case Special::LanemaskGt:
    return ~((2u << lane) - 1);
  case Special::ClusteridX:
    return cta.id.x / cluster.x;
  case Special::ClusteridY:
    return cta.id.y / cluster.y;
  case Special::ClusteridZ:
    return cta.id.z / cluster.z;
  case Special::NclusteridX:
    return grid.x / cluster.x;
  case Special::NclusteridY:
    return grid.y / cluster.y;
  case Special::NclusteridZ:
    return grid.z / cluster.z;
  case Special::ClusterCtaidX:
    return inCluster.x;
  case Special::ClusterCtaidY:
    return inCluster.y;
  case Special::ClusterCtaidZ:
    return inCluster.z;
  case Special::ClusterNctaidX:
    return cluster.x;
  case Special::ClusterNctaidY:
    return cluster.y;
  case Special::ClusterNctaidZ:
    return cluster.z;
  case Special::ClusterCtarank:
    return cta.rank;
  case Special::ClusterNctarank:
    return uint32_t(cluster.count());
  case Special::DynamicSmemSize:
    return config.dynamicShared;
  case Special::TotalSmemSize:
    return launch.sharedBytes;
  default:
    return 0; // clocks are no rows
  }
}

/// A cluster's memory, allocated once per host thread.
static std::unique_ptr<Cluster> makeCluster(const Launch &launch) {
  auto cluster = std::make_unique<Cluster>();
  const Program &program = launch.program;
  cluster->executions.resize(program.insts.size());
  if (launch.options.profile)
    cluster->accesses.resize(program.insts.size());
  uint32_t count = uint32_t(launch.config.cluster.count());
  for (uint32_t rank = 0; rank < count; ++rank) {
    auto cta = std::make_unique<Cta>();
    cta->launch = &launch;
    cta->cluster = cluster.get();
    cta->rank = rank;
    cta->warps.resize(launch.warpsPerCta);
    // 64 bytes more to align to.
    cta->files.resize(warpBytes(program) * launch.warpsPerCta + 64);
    uint8_t *base = cta->files.data();
    base += -reinterpret_cast<uintptr_t>(base) & 63;
    for (uint32_t w = 0; w < launch.warpsPerCta; ++w) {
      Warp &warp = cta->warps[w];
      warp.cta = cta.get();
      warp.id = w;
      warp.clusterId = rank * launch.warpsPerCta + w;
      warp.file = base + warpBytes(program) * w;
      warp.preds = reinterpret_cast<uint32_t *>(warp.file + fileBytes(program));
      warp.defined = warp.preds + program.preds;
      std::memcpy(warp.file, program.constants.data(),
                  program.constants.size() * 4);
    }
    cluster->ctas.push_back(std::move(cta));
  }
  return cluster;
}

static void resetCta(Cta &cta) {
  const Launch &launch = *cta.launch;
  const Program &program = launch.program;
  uint32_t threads = uint32_t(launch.config.block.count());
  uint32_t clusterWarps =
      launch.warpsPerCta * uint32_t(launch.config.cluster.count());
  uint32_t base = cta.cluster->clockBase;
  cta.shared.reset(launch.sharedBytes, clusterWarps, program.granuleShift,
                   launch.options.checks, /*fresh=*/base == 0);
  cta.local.assign(size_t(launch.warpsPerCta) * 32 * program.info.localBytes,
                   0xCD);
  cta.localValid.assign(cta.local.size(), 0);
  cta.mbarriers.clear();
  for (Barrier &barrier : cta.barriers)
    barrier.clear();
  cta.liveThreads = threads;
  for (Warp &warp : cta.warps) {
    uint32_t lanes = std::min(threads - warp.id * 32, 32u);
    warp.live = lanes == 32 ? ~0u : (1u << lanes) - 1;
    warp.fragments.assign(1, Fragment());
    warp.fragments[0].mask = warp.live;
    warp.clock.assign(clusterWarps, base);
    ++warp.clock[warp.clusterId];
    warp.clusterPhase = ~uint64_t(0);
    warp.copies.clear();
    warp.carry = 0;
    std::memset(warp.groups, 0, sizeof(warp.groups));
    std::memset(warp.preds, 0, (program.preds + program.trackedSlots) * 4);
    warp.preds[kPredTrue] = ~0u;
    for (const SpecialUse &use : program.specials) {
      bool wide = use.special == Special::GridId;
      for (uint32_t lane = 0; lane < 32; ++lane) {
        uint32_t value = specialValue(use.special, launch, cta, warp.id, lane);
        if (wide)
          warp.row64(use.row)[lane] = value;
        else
          warp.row32(use.row)[lane] = value;
      }
    }
  }
}

/// Makes the cluster the one of this index in the grid.
static void resetCluster(Cluster &cluster, uint64_t index) {
  const Launch &launch = *cluster.ctas[0]->launch;
  const Dim3 &grid = launch.config.grid, &size = launch.config.cluster;
  uint32_t nx = grid.x / size.x, ny = grid.y / size.y;
  Dim3 first{uint32_t(index % nx) * size.x, uint32_t(index / nx % ny) * size.y,
             uint32_t(index / nx / ny) * size.z};
  // A warp's own clock is the latest there is of it. Marks hold 28 bits.
  for (auto &cta : cluster.ctas)
    for (Warp &warp : cta->warps)
      if (!warp.clock.empty())
        cluster.clockBase =
            std::max(cluster.clockBase, warp.clock[warp.clusterId]);
  if (cluster.clockBase > 1 << 27)
    cluster.clockBase = 0;
  cluster.arrived = 0;
  cluster.phase = 0;
  cluster.clock.clear();
  cluster.completed.clear();
  cluster.events = cluster.executed = 0;
  cluster.liveThreads =
      uint32_t(launch.config.block.count() * cluster.ctas.size());
  for (auto &cta : cluster.ctas) {
    cta->id = {first.x + cta->rank % size.x,
               first.y + cta->rank / size.x % size.y,
               first.z + cta->rank / size.x / size.y};
    resetCta(*cta);
  }
}

//===----------------------------------------------------------------------===//
// The grid
//===----------------------------------------------------------------------===//

namespace {
/// Clusters are handed out in order. After a fault, those before the faulty one
/// still run, so that the fault reported is the first one's.
struct Grid {
  Grid(const Launch &launch, uint64_t clusters)
      : launch(launch), clusters(clusters) {}

  const Launch &launch;
  uint64_t clusters;
  std::atomic<uint64_t> next{0};
  std::atomic<uint64_t> failed{~uint64_t(0)};
  std::mutex mutex;
  std::optional<Fault> fault;
  Counters counters;
  std::vector<AccessProfile> accesses; ///< by instruction, or empty
  double cpuSeconds = 0;

  void work();
  void finish(Cluster &cluster);
  void fail(uint64_t index, const Fault &found);
};
} // namespace

void Grid::finish(Cluster &cluster) {
  const Program &program = launch.program;
  Counters &sum = cluster.counters;
  for (const Inst &inst : program.insts) {
    const Execution &one = cluster.executions[inst.index];
    sum.warpInsts[size_t(inst.cls)] += one.warps;
    sum.laneInsts[size_t(inst.cls)] += 32 * one.warps - one.idle;
  }
  std::lock_guard<std::mutex> lock(mutex);
  counters.add(sum);
  accesses.resize(cluster.accesses.size());
  for (size_t i = 0; i < accesses.size(); ++i)
    accesses[i].add(cluster.accesses[i]);
}

void Grid::fail(uint64_t index, const Fault &found) {
  std::lock_guard<std::mutex> lock(mutex);
  if (index < failed) {
    failed = index;
    fault = found;
  }
}

/// CPU time of the calling thread. The process's would count whatever other
/// threads the program has, such as those of a BLAS that spin.
static double threadSeconds() {
#ifdef CLOCK_THREAD_CPUTIME_ID
  timespec now;
  if (!clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now))
    return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
#endif
  return double(std::clock()) / CLOCKS_PER_SEC;
}

void Grid::work() {
  double start = threadSeconds();
  std::vector<std::unique_ptr<Cluster>> gang;
  uint64_t per = launch.config.cooperative ? clusters : 1;
  while (gang.size() < per)
    gang.push_back(makeCluster(launch));
  for (;;) {
    uint64_t index = next.fetch_add(per);
    if (index >= clusters || index > failed)
      break;
    try {
      for (uint64_t i = 0; i < per; ++i)
        resetCluster(*gang[i], index + i);
      runGang(gang);
    } catch (const FaultException &exception) {
      fail(index, exception.fault);
    }
  }
  for (auto &cluster : gang)
    finish(*cluster);
  double spent = threadSeconds() - start;
  std::lock_guard<std::mutex> lock(mutex);
  cpuSeconds += spent;
}

LaunchResult fp4q::sim::launch(const Module &module, int kernel,
                               const LaunchConfig &wanted, const void *params,
                               DeviceMemory &memory,
                               const LaunchOptions &options) {
  LaunchResult result;
  const Program &program = module.program(kernel);
  LaunchConfig config = wanted;
  result.error = validate(program, config);
  uint64_t clusters =
      result.error.empty() ? config.grid.count() / config.cluster.count() : 0;
  if (result.error.empty() && config.cooperative &&
      clusters * config.block.count() > 1 << 20)
    result.error = "kernel `" + program.info.name +
                   "`: a cooperative grid of more than 1048576 threads";
  if (!result.error.empty())
    return result;
  auto start = std::chrono::steady_clock::now();
  uint64_t paramAddress = memory.allocate(program.info.paramBytes);
  memory.write(paramAddress, params, program.info.paramBytes);
  if (Allocation *block = memory.find(paramAddress))
    block->readOnly = true;
  uint32_t shared = program.info.staticShared + config.dynamicShared;
  Launch state{program,
               config,
               options,
               memory,
               static_cast<const uint8_t *>(params),
               paramAddress,
               uint32_t((config.block.count() + 31) / 32),
               shared};
  Grid grid(state, clusters);
  unsigned threads =
      options.threads ? options.threads : std::thread::hardware_concurrency();
  if (config.cooperative)
    threads = 1;
  threads = unsigned(std::min<uint64_t>(std::max(threads, 1u), clusters));
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < threads; ++i)
    pool.emplace_back([&grid] { grid.work(); });
  grid.work();
  for (std::thread &thread : pool)
    thread.join();
  memory.release(paramAddress);
  result.fault = grid.fault;
  result.counters = grid.counters;
  result.accesses = namedProfiles(program, std::move(grid.accesses));
  std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - start;
  result.seconds = elapsed.count();
  result.cpuSeconds = grid.cpuSeconds;
  return result;
}
