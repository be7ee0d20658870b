//===- DriverStream.cpp - streams and events of the driver API ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Work runs when it is enqueued: streams are in order with the host, and events
// are the times at which they were recorded.
//
//===----------------------------------------------------------------------===//

#include "DriverState.h"

#include <chrono>
#include <utility>

using namespace fp4q::sim;

FP4Q_SIM_EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned) {
  if (!stream)
    return CUDA_ERROR_INVALID_VALUE;
  *stream = new CUstream_st;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuStreamCreateWithPriority(CUstream *stream,
                                                    unsigned flags, int) {
  return cuStreamCreate(stream, flags);
}
FP4Q_SIM_EXPORT CUresult cuStreamDestroy_v2(CUstream stream) {
  delete stream;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuStreamSynchronize(CUstream) { return CUDA_SUCCESS; }
FP4Q_SIM_EXPORT CUresult cuStreamQuery(CUstream) { return CUDA_SUCCESS; }
FP4Q_SIM_EXPORT CUresult cuStreamWaitEvent(CUstream, CUevent, unsigned) {
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuStreamGetFlags(CUstream, unsigned *flags) {
  if (!flags)
    return CUDA_ERROR_INVALID_VALUE;
  *flags = 0;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuStreamGetPriority(CUstream, int *priority) {
  if (!priority)
    return CUDA_ERROR_INVALID_VALUE;
  *priority = 0;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuStreamGetCtx(CUstream, CUcontext *context) {
  if (!context)
    return CUDA_ERROR_INVALID_VALUE;
  *context = &DriverState::get().context;
  return CUDA_SUCCESS;
}
// What came before in the stream is done already.
FP4Q_SIM_EXPORT CUresult cuLaunchHostFunc(CUstream, void (*function)(void *),
                                          void *data) {
  if (!function)
    return CUDA_ERROR_INVALID_VALUE;
  function(data);
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuStreamAddCallback(CUstream stream,
                                             void (*callback)(CUstream,
                                                              CUresult, void *),
                                             void *data, unsigned) {
  if (!callback)
    return CUDA_ERROR_INVALID_VALUE;
  callback(stream, CUDA_SUCCESS, data);
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuEventCreate(CUevent *event, unsigned) {
  if (!event)
    return CUDA_ERROR_INVALID_VALUE;
  *event = new CUevent_st;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuEventDestroy_v2(CUevent event) {
  delete event;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuEventRecord(CUevent event, CUstream) {
  if (!event)
    return CUDA_ERROR_INVALID_HANDLE;
  std::chrono::duration<double> now =
      std::chrono::steady_clock::now().time_since_epoch();
  event->time = now.count();
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuEventSynchronize(CUevent) { return CUDA_SUCCESS; }
FP4Q_SIM_EXPORT CUresult cuEventQuery(CUevent) { return CUDA_SUCCESS; }
FP4Q_SIM_EXPORT CUresult cuEventElapsedTime_v2(float *milliseconds,
                                               CUevent start, CUevent end) {
  if (!milliseconds || !start || !end)
    return CUDA_ERROR_INVALID_VALUE;
  *milliseconds = float((end->time - start->time) * 1e3);
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent start,
                                            CUevent end) {
  return cuEventElapsedTime_v2(milliseconds, start, end);
}

//===----------------------------------------------------------------------===//
// Graphs: work runs when it is enqueued, so nothing can be captured.
//===----------------------------------------------------------------------===//

static CUresult refuseGraph(const char *function) {
  return DriverState::get().fail(CUDA_ERROR_NOT_SUPPORTED,
                                 std::string(function) +
                                     ": CUDA graphs are not simulated");
}

FP4Q_SIM_EXPORT CUresult cuStreamIsCapturing(CUstream, int *status) {
  if (!status)
    return CUDA_ERROR_INVALID_VALUE;
  *status = 0; // CU_STREAM_CAPTURE_STATUS_NONE
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuThreadExchangeStreamCaptureMode(int *mode) {
  static thread_local int current = 0; // CU_STREAM_CAPTURE_MODE_GLOBAL
  if (!mode || *mode < 0 || *mode > 2)
    return CUDA_ERROR_INVALID_VALUE;
  std::swap(*mode, current);
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuStreamBeginCapture_v2(CUstream, int) {
  return refuseGraph("cuStreamBeginCapture");
}
FP4Q_SIM_EXPORT CUresult cuStreamEndCapture(CUstream, void **) {
  return refuseGraph("cuStreamEndCapture");
}
FP4Q_SIM_EXPORT CUresult cuGraphCreate(void **, unsigned) {
  return refuseGraph("cuGraphCreate");
}
FP4Q_SIM_EXPORT CUresult cuGraphInstantiateWithFlags(void **, void *,
                                                     unsigned long long) {
  return refuseGraph("cuGraphInstantiateWithFlags");
}
FP4Q_SIM_EXPORT CUresult cuGraphLaunch(void *, CUstream) {
  return refuseGraph("cuGraphLaunch");
}
