//===- Machine.h - the state of running warps -------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lanes of a warp that stand at the same instruction form a fragment; a warp
// is its fragments. The fragment at the lowest instruction runs first, so that
// fragments meet again where control flow joins, and a blocked fragment waits
// for the lanes its instruction needs: independent thread scheduling, PTX ISA
// section 3.2.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_MACHINE_H
#define FP4Q_LIB_SIMULATOR_MACHINE_H

#include "Program.h"
#include "Shared.h"

#include <atomic>
#include <cstring>

namespace fp4q::sim {

// Generic addresses: windows below DeviceMemory::kBase. Shared addresses (the
// 32-bit ones) carry the cluster rank plus one in bits 24 up; 0 there means the
// own CTA. Variables start behind the kilobyte that sm_90 and later reserve.
constexpr uint64_t kSharedWindow = uint64_t(1) << 40;
constexpr uint64_t kLocalWindow = uint64_t(1) << 41;
constexpr uint64_t kWindowSize = uint64_t(1) << 32;
constexpr uint32_t kSharedBase = 1024;

/// Thrown by the execution functions; launch() makes a Fault of it.
struct FaultException {
  Fault fault;
};

struct Cta;
struct Cluster;

/// What a fragment waits for.
enum class Wait : uint8_t {
  None,
  Lanes,      ///< the other lanes its instruction needs
  CtaBarrier, ///< barrier `barrier`
  Cluster,
};

struct Fragment {
  uint32_t pc = 0;
  uint32_t mask = 0;
  Wait wait = Wait::None;
  uint8_t barrier = 0;
};

/// One cp.async of a warp that is not complete. Each lane has its own groups.
struct AsyncCopy {
  uint32_t mask = 0; ///< lanes whose copy is pending
  uint32_t bytes = 0;
  uint32_t line = 0;
  uint32_t index = 0; ///< of the instruction
  uint32_t group[32];
  uint32_t target[32]; ///< shared offset
  uint8_t data[32][16];
  /// Lanes whose copy an mbarrier of the CTA tracks (cp.async.mbarrier.arrive):
  /// its offset, and the phase that waits for the copy.
  uint32_t tracked = 0;
  uint32_t mbarrier[32];
  uint64_t phase[32];
  uint32_t trackClock = 0; ///< of the warp when it handed the copy over
};

/// A warp's copies that are not complete, oldest first, in a ring: copies come
/// and go in a loop's every turn.
class CopyQueue {
public:
  size_t size() const { return count; }
  AsyncCopy &operator[](size_t i) {
    return ring[(head + i) & (ring.size() - 1)];
  }
  /// A new youngest copy; its fields are those of some earlier one.
  AsyncCopy &push();
  void popOldest() {
    ++head;
    --count;
  }
  void clear() { count = 0; }

private:
  std::vector<AsyncCopy> ring; ///< a power of two of them, or none
  size_t head = 0, count = 0;
};

struct Warp {
  uint8_t *file = nullptr;     ///< Program::rows rows
  uint32_t *preds = nullptr;   ///< lane masks
  uint32_t *defined = nullptr; ///< lane masks by tracked slot
  Cta *cta = nullptr;
  uint32_t id = 0;        ///< within the CTA
  uint32_t clusterId = 0; ///< within the cluster: indexes clocks
  uint32_t live = 0;
  uint32_t carry = 0; ///< CC.CF by lane
  std::vector<Fragment> fragments;
  uint32_t current = 0;                 ///< index of the running fragment
  bool yielded = false;                 ///< a try_wait failed
  uint64_t clusterPhase = ~uint64_t(0); ///< in which it arrived
  /// Where an instruction's last global access fell, by index modulo the size.
  Allocation *lastGlobal[8] = {};
  std::vector<uint32_t> clock; ///< Vector clock, by cluster-wide warp
  CopyQueue copies;
  uint32_t groups[32]; ///< committed, by lane

  uint32_t *row32(uint32_t row) {
    return reinterpret_cast<uint32_t *>(file + size_t(row) * kRowBytes);
  }
  uint64_t *row64(uint32_t row) {
    return reinterpret_cast<uint64_t *>(file + size_t(row) * kRowBytes);
  }
};

/// bar.sync's barriers. PTX ISA, section 9.7.13.1.
struct Barrier {
  uint32_t arrived = 0;      ///< threads
  uint32_t arrivedWarps = 0; ///< threads, counted in whole warps
  uint32_t expected = 0;     ///< threads, as the instruction says; 0: all
  uint32_t votes = 0;        ///< bar.red: threads whose predicate holds
  uint32_t line = 0;
  std::vector<uint32_t> clock;

  void clear() {
    arrived = arrivedWarps = expected = votes = line = 0;
    clock.clear();
  }
};

/// An mbarrier object. PTX ISA, section 9.7.13.15.
struct Mbarrier {
  uint32_t expected = 0;
  uint32_t nextExpected = 0; ///< after arrive_drop
  uint32_t pending = 0;
  int64_t tx = 0;
  uint64_t phase = 0;
  std::vector<uint32_t> clock;     ///< of the arrivals of this phase
  std::vector<uint32_t> completed; ///< of the phases that are complete
  bool tracksCopies = false;
};

/// What all CTAs of a launch share.
struct Launch {
  const Program &program;
  LaunchConfig config;
  LaunchOptions options;
  DeviceMemory &memory;
  const uint8_t *params;
  uint64_t paramAddress; ///< of the parameters as an allocation
  uint32_t warpsPerCta;
  uint32_t sharedBytes;
};

struct Cta {
  const Launch *launch = nullptr;
  Cluster *cluster = nullptr;
  Dim3 id;
  uint32_t rank = 0; ///< within the cluster
  SharedMemory shared;
  std::vector<Warp> warps;
  std::vector<uint8_t> files; ///< register files, predicates, tracked masks
  std::vector<uint8_t> local; ///< [thread][frame]
  std::vector<uint8_t> localValid;
  Barrier barriers[16];
  std::unordered_map<uint32_t, Mbarrier> mbarriers; ///< by shared offset
  uint32_t liveThreads = 0;
};

/// How often an instruction was executed.
struct Execution {
  uint64_t warps = 0;
  uint64_t idle = 0; ///< lanes of these that took no part
};

/// CTAs that run together on one host thread.
struct Cluster {
  std::vector<std::unique_ptr<Cta>> ctas;
  uint32_t arrived = 0; ///< threads at barrier.cluster
  uint32_t liveThreads = 0;
  uint64_t phase = 0;
  std::vector<uint32_t> clock;     ///< of the arrivals
  std::vector<uint32_t> completed; ///< of the last complete phase
  /// What clocks start from: no mark that earlier CTAs left in the shadows of
  /// shared memory is later.
  uint32_t clockBase = 0;
  /// Changes that may let a waiting warp go on; no change means deadlock.
  uint64_t events = 0;
  uint64_t executed = 0;
  Counters counters;
  std::vector<Execution> executions; ///< by instruction
  /// By instruction if the launch profiles, else empty.
  std::vector<AccessProfile> accesses;
};

/// Raises a fault of one lane.
[[noreturn]] void raise(Warp &warp, const Inst &inst, FaultKind kind,
                        uint32_t lane, const std::string &what,
                        std::optional<uint64_t> address = std::nullopt);
/// The same of the lowest lane of a mask.
[[noreturn]] void raiseMask(Warp &warp, const Inst &inst, FaultKind kind,
                            uint32_t mask, const std::string &what);

/// A selector of a block-scaled mma, which must be the same legal constant (at
/// most `most`, a multiple of `step`) in every lane.
uint32_t selectorOperand(Warp &warp, const Inst &inst, uint32_t row,
                         uint32_t most, uint32_t step, const char *what);

/// "0x1234"
std::string hex(uint64_t value);

//===----------------------------------------------------------------------===//
// Memory. Addresses are those of the instruction's space.
//===----------------------------------------------------------------------===//

/// How an access is checked and recorded.
enum class Access : uint8_t { Read, Write, Atomic };

/// The bytes of a shared address, checked; `cta` receives the owner.
uint8_t *sharedBytes(Warp &warp, const Inst &inst, uint32_t lane,
                     uint64_t address, uint32_t size, Access access,
                     const void *value = nullptr);
/// The bytes of a global or const address.
uint8_t *globalBytes(Warp &warp, const Inst &inst, uint32_t lane,
                     uint64_t address, uint32_t size, Access access);
/// The bytes of a local address.
uint8_t *localBytes(Warp &warp, const Inst &inst, uint32_t lane,
                    uint64_t address, uint32_t size, Access access);
/// Any space.
uint8_t *memoryBytes(Warp &warp, const Inst &inst, uint32_t lane, Space space,
                     uint64_t address, uint32_t size, Access access,
                     const void *value = nullptr);
/// The space a generic address falls into; the address within it.
Space splitGeneric(uint64_t generic, uint64_t &address);
/// The CTA of a cluster that a shared address names, and the offset in it.
Cta &sharedOwner(Warp &warp, const Inst &inst, uint32_t lane, uint64_t address,
                 uint32_t &offset);

/// The 32-byte sectors that one warp-wide access touches.
uint32_t countSectors(uint32_t mask, const uint64_t *addresses, uint32_t size);
/// The wavefronts beyond the first that these lanes take in one pass over banks
/// of 1 << shift bytes.
uint32_t countConflicts(uint32_t lanes, const uint64_t *addresses,
                        unsigned shift);

/// Adds a warp-wide access to the profile of its instruction.
void profileGlobal(AccessProfile &profile, uint32_t mask,
                   const uint64_t *addresses, uint32_t size, uint64_t sectors);
void profileShared(AccessProfile &profile, uint32_t size, uint64_t passes,
                   uint64_t conflicts);
/// Of each instruction, the one that the innermost loop around it begins with
/// in the text; -1 for those in no loop.
std::vector<int32_t> innermostLoops(const std::vector<Inst> &insts);
/// The profiles of instructions that accessed memory, with their places.
std::vector<AccessProfile> namedProfiles(const Program &program,
                                         std::vector<AccessProfile> profiles);

/// Issues one lane's cp.async of copy.bytes bytes, `bytes` of which are read.
void issueCopy(Warp &warp, const Inst &inst, uint32_t lane, uint64_t to,
               uint64_t from, uint32_t bytes, AsyncCopy &copy);
/// Hands a lane's copies to the mbarrier at an offset of its CTA: they become
/// visible when a thread has waited for that phase.
void trackCopies(Warp &warp, uint32_t lane, uint32_t mbarrier, uint64_t phase);
/// Completes the copies of a CTA that an mbarrier tracks for earlier phases.
void completeTracked(Cta &cta, uint32_t mbarrier, uint64_t phase);
/// Completes the lanes' async copies whose group is below `upTo` [lane].
void completeCopies(Warp &warp, uint32_t mask, const uint32_t *upTo);

//===----------------------------------------------------------------------===//
// Scheduling.
//===----------------------------------------------------------------------===//

/// bar.sync, bar.arrive and bar.red by the lanes of the mask. True if the lanes
/// go on; otherwise they wait for the barrier.
bool arriveBarrier(Warp &warp, const Inst &inst, uint32_t mask);
/// barrier.cluster.arrive.
void arriveCluster(Warp &warp, uint32_t mask);
/// True if the lanes may pass barrier.cluster.wait.
bool passCluster(Warp &warp, const Inst &inst, uint32_t mask);
/// Lanes leave the kernel; barriers that waited for them alone complete.
void exitLanes(Warp &warp, const Inst &inst, uint32_t mask);

/// Runs CTAs that make progress together to their end.
void runGang(std::vector<std::unique_ptr<Cluster>> &gang);

/// Joins b into a, element by element.
inline void joinClock(std::vector<uint32_t> &a,
                      const std::vector<uint32_t> &b) {
  if (a.size() < b.size())
    a.resize(b.size(), 0);
  for (size_t i = 0; i < b.size(); ++i)
    a[i] = a[i] < b[i] ? b[i] : a[i];
}
/// What follows is later than what came before.
inline void tick(Warp &warp) { ++warp.clock[warp.clusterId]; }

} // namespace fp4q::sim

#endif // FP4Q_LIB_SIMULATOR_MACHINE_H
