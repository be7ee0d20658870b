//===- Simulator.h - PTX kernels on the CPU ---------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A functional simulator: PTX text in, results and a report out, with checks
// that hardware does not make. docs/simulator.md says what is executed, how it
// is defined where PTX leaves it open, and what each check means.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_SIMULATOR_SIMULATOR_H
#define FP4Q_SIMULATOR_SIMULATOR_H

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace fp4q::sim {

/// Extents of a grid, a cluster (in CTAs) or a CTA (in threads).
struct Dim3 {
  uint32_t x = 1;
  uint32_t y = 1;
  uint32_t z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

/// One block of device memory. `valid` has one byte per byte of `data`: 0 where
/// nothing was ever written.
struct Allocation {
  uint64_t base = 0;
  uint64_t size = 0;
  bool readOnly = false; ///< a .const variable or a kernel's parameters
  std::string name;      ///< of a module's variable; empty otherwise
  std::vector<uint8_t> data;
  std::vector<uint8_t> valid;
  /// By 256 bytes: 1 where all of them are known to be written.
  std::vector<uint8_t> whole;

  bool contains(uint64_t address, uint64_t bytes) const {
    return address >= base && bytes <= size && address - base <= size - bytes;
  }
};

/// Device memory: allocations with gaps between them, so that an access outside
/// one never falls into another. Addresses are no host pointers. Allocation and
/// release must not run at the same time as a launch.
class DeviceMemory {
public:
  /// The lowest address handed out; the shared and local windows lie below.
  static constexpr uint64_t kBase = uint64_t(1) << 44;

  /// Reserves `size` bytes, aligned to 256, all of them uninitialized.
  uint64_t allocate(uint64_t size, std::string name = "");
  /// Releases the allocation that starts here; false if there is none.
  bool release(uint64_t address);
  /// The allocation that holds the address, or null.
  Allocation *find(uint64_t address) const;
  /// The allocation with the highest base at or below the address, or null.
  Allocation *findBelow(uint64_t address) const;
  /// Host to device; false unless the whole range lies in one allocation.
  bool write(uint64_t address, const void *source, uint64_t size);
  /// Device to host; false as above. Uninitialized bytes read as 0xCD.
  bool read(uint64_t address, void *target, uint64_t size) const;
  /// Bytes allocated now.
  uint64_t allocated() const { return total; }

private:
  std::vector<std::unique_ptr<Allocation>> blocks; ///< by address
  uint64_t nextBase = kBase;
  uint64_t total = 0;
};

/// A parameter of a kernel in its parameter buffer.
struct ParamInfo {
  std::string name;
  uint32_t offset = 0;
  uint32_t size = 0;
};

/// What a launch must know of a kernel.
struct KernelInfo {
  std::string name;
  unsigned line = 0;
  std::vector<ParamInfo> params;
  uint32_t paramBytes = 0;
  uint32_t staticShared = 0;
  uint32_t localBytes = 0; ///< per thread
  uint32_t registers = 0;  ///< 32-bit registers per thread after allocation
  Dim3 requiredBlock{0, 0, 0};
  Dim3 maxBlock{0, 0, 0};
  Dim3 requiredCluster{0, 0, 0};
};

struct Program;

/// A parsed and decoded PTX module; its variables live in the DeviceMemory it
/// was loaded into.
class Module {
public:
  /// Parses, checks and decodes. Returns null and one line in `error`, which
  /// ends in " at line N", on text that is no PTX or that is not supported.
  static std::unique_ptr<Module> load(std::string ptx, DeviceMemory &memory,
                                      std::string &error);
  ~Module();

  /// The chip of the .target directive, such as "sm_90a".
  const std::string &target() const { return chip; }
  /// major * 10 + minor of the .version directive.
  unsigned ptxVersion() const { return version; }
  const std::vector<KernelInfo> &kernels() const { return infos; }
  /// The index of a kernel, or -1.
  int findKernel(const std::string &name) const;
  /// Address and size of a module's variable; false if there is none.
  bool findVariable(const std::string &name, uint64_t &address,
                    uint64_t &size) const;
  const Program &program(int kernel) const { return *programs[kernel]; }

private:
  Module() = default;
  std::string text;
  std::string chip;
  unsigned version = 0;
  std::vector<KernelInfo> infos;
  std::vector<std::unique_ptr<Program>> programs;
  std::vector<uint64_t> variables;
  DeviceMemory *memory = nullptr;
};

/// The kinds of fault a launch can end in.
enum class FaultKind : uint8_t {
  OutOfBounds,
  Misaligned,
  Uninitialized, ///< memory or a register
  SharedRace,
  AsyncPending,  ///< access to the target of an unfinished cp.async
  AsyncLeftover, ///< a thread exits with unfinished copies
  DivergentBarrier,
  Deadlock,
  Mbarrier, ///< misuse of an mbarrier object
  ReadOnly,
  Budget, ///< the instruction budget is used up
  Trap,
  Illegal, ///< operand values an instruction does not allow
};

/// The spelling of a kind in reports, such as "shared-race".
const char *faultName(FaultKind kind);

/// A fault with its place.
struct Fault {
  FaultKind kind = FaultKind::Illegal;
  unsigned line = 0; ///< of the PTX text
  Dim3 cta{0, 0, 0};
  uint32_t thread = 0; ///< linear index within the CTA
  uint32_t lane = 0;
  std::optional<uint64_t> address;
  std::string what; ///< the finding itself
  std::string instruction;

  /// One line with everything above.
  std::string message() const;
};

/// The classes instructions are counted by.
enum class InstClass : uint8_t {
  Integer,
  Float,
  Half,
  Convert,
  Move,
  Predicate,
  Control,
  Barrier,
  Warp,   ///< shfl, vote, match, redux
  Matrix, ///< ldmatrix, stmatrix, movmatrix
  Mma,
  LoadGlobal,
  StoreGlobal,
  LoadShared,
  StoreShared,
  LoadOther,
  StoreOther,
  Atomic,
  Async,
  Count,
};

/// The spelling of a class in reports, such as "load-global".
const char *className(InstClass cls);

/// What a launch did. Sums over all CTAs; independent of the host threads.
struct Counters {
  std::array<uint64_t, size_t(InstClass::Count)> warpInsts{};
  std::array<uint64_t, size_t(InstClass::Count)> laneInsts{};
  uint64_t globalReadBytes = 0;
  uint64_t globalWriteBytes = 0;
  uint64_t sharedReadBytes = 0;
  uint64_t sharedWriteBytes = 0;
  uint64_t localBytes = 0;
  uint64_t globalRequests = 0;      ///< warp-wide accesses to global memory
  uint64_t globalSectors = 0;       ///< 32-byte sectors those touched
  uint64_t globalWriteRequests = 0; ///< those of them that write
  uint64_t globalWriteSectors = 0;
  uint64_t sharedRequests = 0;
  uint64_t sharedWavefronts = 0; ///< passes over the 32 banks
  uint64_t bankConflicts = 0;    ///< wavefronts beyond the least possible

  uint64_t totalWarp() const;
  uint64_t totalLane() const;
  void add(const Counters &other);
};

/// What the accesses to memory of one instruction did, over all CTAs. Those of
/// cp.async are of both kinds.
struct AccessProfile {
  std::string instruction; ///< such as "ld.global.v4.b32"
  unsigned line = 0;       ///< of the PTX text
  unsigned loop = 0; ///< line of the first instruction of the innermost loop
                     ///< around it; 0 if there is none
  uint32_t laneBytes = 0; ///< that a lane accesses
  uint64_t globalRequests = 0;
  uint64_t globalSectors = 0;
  /// The sectors that the requests' bytes, each counted once a request, would
  /// take if they lay one behind the other.
  uint64_t leastSectors = 0;
  uint64_t sharedRequests = 0;
  uint64_t sharedWavefronts = 0;
  uint64_t bankConflicts = 0; ///< wavefronts beyond the least possible

  void add(const AccessProfile &other);
};

struct LaunchConfig {
  Dim3 grid;
  Dim3 block;
  Dim3 cluster{0, 0, 0};        ///< zeros: as the kernel says, or 1
  bool explicitCluster = false; ///< set by launch(): clusters were asked for
  uint32_t dynamicShared = 0;
  bool cooperative = false; ///< all CTAs make progress together
};

struct LaunchOptions {
  bool checks = true;
  bool profile = false; ///< fill LaunchResult::accesses
  unsigned threads = 0; ///< host threads; 0: as many as there are cores
  /// Warp instructions a CTA (or cluster) may execute.
  uint64_t budget = uint64_t(1) << 30;
};

struct LaunchResult {
  std::string error; ///< why the launch was refused; empty if it was not
  std::optional<Fault> fault;
  Counters counters;
  std::vector<AccessProfile> accesses; ///< by line, if profiled
  double seconds = 0;                  ///< elapsed
  double cpuSeconds = 0;               ///< of all host threads
  bool ok() const { return error.empty() && !fault; }
  /// The error or the fault as one line.
  std::string message() const { return fault ? fault->message() : error; }
};

/// Runs a kernel to its end. `params` holds KernelInfo::paramBytes bytes.
LaunchResult launch(const Module &module, int kernel,
                    const LaunchConfig &config, const void *params,
                    DeviceMemory &memory, const LaunchOptions &options);

/// Report as JSON: kernel, ok, message, counters, accesses if profiled.
std::string reportJson(const KernelInfo &kernel, const LaunchResult &result);

/// The first words of all instructions that are decoded ("add", "ld", ...), and
/// the spellings of all types (".f32", ...): what tests must cover.
std::vector<std::string> mnemonics();
std::vector<std::string> typeSpellings();

/// The limits of a chip. Never fails: unknown chips get the least.
struct ChipLimits {
  uint32_t maxShared; ///< static + dynamic bytes per CTA
  unsigned maxCluster;
};
ChipLimits chipLimits(const std::string &target);

} // namespace fp4q::sim

#endif // FP4Q_SIMULATOR_SIMULATOR_H
