//===- DriverState.h - the one device of libfp4q_sim.so ---------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_DRIVERSTATE_H
#define FP4Q_LIB_SIMULATOR_DRIVERSTATE_H

#include "DriverTypes.h"

#include "fp4q/Simulator/Simulator.h"

#define FP4Q_SIM_EXPORT extern "C" __attribute__((visibility("default")))

struct CUfunc_st {
  CUmod_st *module;
  int kernel;
  uint32_t maxDynamicShared = 48 * 1024;
  fp4q::sim::Dim3 requiredCluster{0, 0, 0};
};
struct CUmod_st {
  std::unique_ptr<fp4q::sim::Module> module;
  std::vector<std::unique_ptr<CUfunc_st>> functions;
};
struct CUctx_st {};
struct CUmemPoolHandle_st {};
struct CUstream_st {};
struct CUevent_st {
  double time = 0; ///< seconds
};

namespace fp4q::sim {

struct DriverState {
  std::recursive_mutex mutex;
  DeviceMemory memory;
  LaunchOptions options;
  std::string chip = "sm_120a";
  unsigned multiprocessors = 1; ///< reported
  uint64_t totalMemory = uint64_t(16) << 30;
  unsigned cudaRelease = 132; ///< reported: major * 10 + minor
  bool showMessages = true;
  std::string message;
  CUresult messageCode = CUDA_SUCCESS; ///< what `message` explains
  std::string reports;                 ///< JSON objects, separated by commas
  std::string reportArray;
  CUctx_st context;
  CUmemPoolHandle_st defaultPool;
  std::vector<std::unique_ptr<CUmod_st>> modules;

  static DriverState &get();
  bool setOption(const std::string &name, const std::string &value);
  /// The newest PTX that the driver of this release takes, major * 10 + minor.
  unsigned newestPtx() const;
  /// Remembers the line, and shows it on stderr unless told not to.
  CUresult fail(CUresult code, const std::string &line);
};

} // namespace fp4q::sim

#endif // FP4Q_LIB_SIMULATOR_DRIVERSTATE_H
