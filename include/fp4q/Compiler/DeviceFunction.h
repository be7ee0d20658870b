//===- DeviceFunction.h - a function on a CUDA device -----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_DEVICEFUNCTION_H
#define FP4Q_COMPILER_DEVICEFUNCTION_H

#include "fp4q/Compiler/Jit.h"
#include "fp4q/Runtime/Artifact.h"

#include <string>

namespace mlir {
namespace fp4q {

/// A CUDA device, by its number, and the target to make code for.
struct CudaDevice {
  int32_t ordinal = 0;
  /// The chip, in full.
  std::string chip;
  /// It runs PTX only.
  bool isSimulator = false;
};

/// The device that `text` names: "gpu", "gpu:N", or "sim", which makes the
/// simulator beside the runtime's library the CUDA driver of this process and
/// so must come before anything that needs one. `chip`, unless it is empty, is
/// what to make code for, and what the simulator is to be; otherwise that is
/// the best target for the device. Fails, with a sentence in `error`, if there
/// is no such device or target.
FailureOr<CudaDevice> findCudaDevice(StringRef text, StringRef chip,
                                     std::string &error);

/// Prints the target for this machine's CPU, and for every CUDA device, or why
/// there is none, a line each: "cpu: cpu:x86-64-v4", "gpu:0: sm_90a (NVIDIA
/// H200, driver of CUDA 13.0)".
void printMachine(llvm::raw_ostream &os);

/// What the simulator has counted so far, JSON; fails, with a sentence in
/// `error`, if it is not the driver of this process.
FailureOr<std::string> getSimulatorReport(std::string &error);

/// A function of an artifact with code for CUDA devices, and memory of one
/// device for the tensors of a call.
class DeviceFunction {
public:
  /// The function `entry` of the artifact at `path`, see fp4q_artifact_find.
  /// `chip` asks for the code for one chip; if it is empty, the best for the
  /// device is taken. Null with a sentence in `error`.
  static std::unique_ptr<DeviceFunction> load(StringRef path, StringRef entry,
                                              StringRef chip,
                                              const CudaDevice &device,
                                              std::string &error);

  /// Compiles `entry` of `module`, which is lowered in place, for the device's
  /// chip. Errors are diagnostics of the module's context.
  static std::unique_ptr<DeviceFunction>
  compile(ModuleOp module, StringRef entry, const GPUPipelineOptions &options,
          const CudaDevice &device);
  ~DeviceFunction();

  StringRef getName() const { return function->name; }
  const Signature &getSignature() const { return signature; }

  /// As JitFunction's. Data is not read.
  LogicalResult getResultSizes(ArrayRef<TensorRef> arguments,
                               SmallVectorImpl<SmallVector<int64_t>> &sizes,
                               std::string &error);

  /// Allocates memory of the device for tensors in host memory and copies all
  /// of them there, results too. Scalars stay where they are.
  LogicalResult upload(ArrayRef<TensorRef> arguments,
                       ArrayRef<TensorRef> results, std::string &error);
  /// Calls the function on the tensors that were uploaded, on the default
  /// stream. Does not wait.
  LogicalResult launch(std::string &error);
  /// Waits for all launches.
  LogicalResult synchronize(std::string &error);
  /// Copies the results back to where they were uploaded from.
  LogicalResult download(std::string &error);

  /// upload, launch, synchronize, download.
  LogicalResult invoke(ArrayRef<TensorRef> arguments,
                       ArrayRef<TensorRef> results, std::string &error);

private:
  explicit DeviceFunction(const CudaDevice &device) : device(device) {}

  DLTensor makeTensor(size_t index, const TensorRef &ref) const;
  void releaseMemory();

  CudaDevice device;
  MLIRContext context;
  ::fp4q::ArtifactPtr artifact;
  const fp4q_function_desc *function = nullptr;
  Signature signature;

  /// The tensors of the call; those in `memory` are on the device.
  std::vector<DLTensor> tensors;
  std::vector<SmallVector<int64_t>> sizes;
  struct Allocation {
    void *host;
    void *device;
    int64_t bytes;
    bool isResult;
  };
  std::vector<Allocation> memory;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_DEVICEFUNCTION_H
