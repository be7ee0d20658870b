//===- Gpu.h - run compiled kernels on NVIDIA GPUs --------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The CUDA driver API, loaded when it is first needed, so that a machine
// without a GPU runs everything else. The library is libcuda.so.1, or the one
// that the environment variable FP4Q_CUDA_DRIVER names: libfp4q_sim.so executes
// the same kernels on the CPU.
//
// Kernels run in the device's primary context, which PyTorch and the CUDA
// runtime use too, and on the caller's stream. Nothing here waits for the
// device unless it says so, so a call can be captured into a CUDA graph.
//
// Functions that can fail return 0 on success and 1 on failure, and then set
// `*error` as those of Artifact.h do. This header is plain C. All functions may
// be called from any thread.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_RUNTIME_GPU_H
#define FP4Q_RUNTIME_GPU_H

#include "fp4q/Runtime/Export.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

//===----------------------------------------------------------------------===//
// For hosts
//===----------------------------------------------------------------------===//

/// What a device is.
typedef struct fp4q_gpu_info {
  /// sizeof(fp4q_gpu_info), set by the caller: later versions add fields at the
  /// end and fill in only those that fit.
  uint32_t size;
  /// Compute capability, such as 9 and 0.
  int32_t major, minor;
  /// As CUDA_VERSION is written: 13000 is 13.0.
  int32_t driver_version;
  /// Ends in a zero byte.
  char name[256];
} fp4q_gpu_info;

/// How many devices there are. Fails if there is no driver, and says why.
FP4Q_RUNTIME_EXPORT int32_t fp4q_gpu_count(int32_t *count, const char **error);

/// Describes device `device`, numbered from 0 as the driver does.
FP4Q_RUNTIME_EXPORT int32_t fp4q_gpu_describe(int32_t device,
                                              fp4q_gpu_info *info,
                                              const char **error);

/// Memory of the device, aligned to 256 bytes; null for 0 bytes.
FP4Q_RUNTIME_EXPORT int32_t fp4q_gpu_allocate(int32_t device, int64_t bytes,
                                              void **out, const char **error);
/// Releases what fp4q_gpu_allocate returned; waits for the device.
FP4Q_RUNTIME_EXPORT int32_t fp4q_gpu_release(int32_t device, void *memory,
                                             const char **error);
/// Copies between host and device, or within the device: the driver tells by
/// the addresses. Returns after the copy.
FP4Q_RUNTIME_EXPORT int32_t fp4q_gpu_copy(int32_t device, void *to,
                                          const void *from, int64_t bytes,
                                          const char **error);
/// Waits for all work of the stream; null is the default stream. A fault in a
/// kernel is reported here at the latest, with the name of the kernel that was
/// launched last.
FP4Q_RUNTIME_EXPORT int32_t fp4q_gpu_synchronize(int32_t device, void *stream,
                                                 const char **error);

/// A host's allocator for workspace: stream-ordered, as PyTorch's is.
/// `allocate` returns null on failure.
typedef struct fp4q_gpu_allocator {
  void *(*allocate)(void *user, int32_t device, int64_t bytes, void *stream);
  void (*release)(void *user, int32_t device, void *memory, void *stream);
  void *user;
} fp4q_gpu_allocator;

/// Takes all further workspace from `allocator`, which is copied; null restores
/// the default, a memory pool of the driver that belongs to fp4q.
FP4Q_RUNTIME_EXPORT void
fp4q_set_gpu_allocator(const fp4q_gpu_allocator *allocator);

//===----------------------------------------------------------------------===//
// For compiled code
//===----------------------------------------------------------------------===//

/// Begins a call on this thread: launches go to `device` and `stream` (null is
/// the default stream) until fp4q_gpu_call_end. Calls may nest.
FP4Q_RUNTIME_EXPORT int32_t fp4q_gpu_call_begin(int32_t device, void *stream,
                                                const char **error);
/// Ends the call and releases its workspace, in the order of the stream. Fails
/// if anything in the call has failed, with the first error.
FP4Q_RUNTIME_EXPORT int32_t fp4q_gpu_call_end(const char **error);

/// The kernels of one chip, as a cubin, as PTX, or as both.
typedef struct fp4q_gpu_image {
  /// The full name: "sm_90a".
  const char *chip;
  /// Null if there is none.
  const void *cubin;
  uint64_t cubin_size;
  /// Ends in a zero byte; null if there is none.
  const char *ptx;
} fp4q_gpu_image;

/// The same kernels for several chips.
typedef struct fp4q_gpu_module {
  const fp4q_gpu_image *images;
  int32_t num_images;
  /// The runtime's own; null at first.
  void *state;
} fp4q_gpu_module;

/// One kernel of a module.
typedef struct fp4q_gpu_kernel {
  fp4q_gpu_module *module;
  const char *name;
  /// The runtime's own; null at first.
  void *state;
} fp4q_gpu_kernel;

/// Bytes in host memory that kernels read from the device's.
typedef struct fp4q_gpu_constant {
  const void *data;
  uint64_t size;
  /// The runtime's own; null at first.
  void *state;
} fp4q_gpu_constant;

/// Launches a kernel in the current call. An empty grid launches nothing. The
/// first launch on a device loads the module. `parameters` are the addresses of
/// the kernel's parameters. If anything in the call has failed before, does
/// nothing.
FP4Q_RUNTIME_EXPORT void
fp4q_gpu_launch(fp4q_gpu_kernel *kernel, int64_t grid_x, int64_t grid_y,
                int64_t grid_z, int64_t block_x, int64_t block_y,
                int64_t block_z, int32_t dynamic_shared, void **parameters);

/// The same in clusters of so many CTAs; a size of 0 is taken as 1.
FP4Q_RUNTIME_EXPORT void
fp4q_gpu_launch_cluster(fp4q_gpu_kernel *kernel, int64_t cluster_x,
                        int64_t cluster_y, int64_t cluster_z, int64_t grid_x,
                        int64_t grid_y, int64_t grid_z, int64_t block_x,
                        int64_t block_y, int64_t block_z,
                        int32_t dynamic_shared, void **parameters);

/// Device memory until the end of the current call, aligned to 256 bytes; null
/// if there is none, and then the call fails.
FP4Q_RUNTIME_EXPORT void *fp4q_gpu_workspace(int64_t bytes);

/// How many multiprocessors the device of the current call has; 1 if the call
/// has failed. Kernels choose their grids by it.
FP4Q_RUNTIME_EXPORT int32_t fp4q_gpu_multiprocessors(void);

/// The constant's copy in the memory of the current call's device, made by the
/// first use there; null if that fails, and then the call fails.
FP4Q_RUNTIME_EXPORT void *fp4q_gpu_constant_data(fp4q_gpu_constant *constant);

/// Copies device memory on the stream of the current call.
FP4Q_RUNTIME_EXPORT void fp4q_gpu_copy_async(void *to, const void *from,
                                             int64_t bytes);

/// Releases what the runtime keeps for a module and its kernels on all devices.
/// No call that uses them may be under way.
FP4Q_RUNTIME_EXPORT void fp4q_gpu_module_release(fp4q_gpu_module *module);
/// Releases the copies of a constant, likewise.
FP4Q_RUNTIME_EXPORT void fp4q_gpu_constant_release(fp4q_gpu_constant *constant);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // FP4Q_RUNTIME_GPU_H
