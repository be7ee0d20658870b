//===- GpuErrorsTest.cpp - what is said when the driver fails -------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The driver is FakeDriver.cpp. Each case has a process of its own, since a
// process has one driver.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/Gpu.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <dlfcn.h>
#include <string>

static const fp4q_gpu_image images[] = {
    {"sm_80", nullptr, 0, "// kernels\n.version 8.7\n.target sm_80\n"}};
static fp4q_gpu_module module = {images, 1, nullptr};
static fp4q_gpu_kernel kernel = {&module, "add", nullptr};

/// One launch with this much dynamic shared memory; the error, or "".
static std::string launch(int32_t shared = 0) {
  const char *error = "";
  if (fp4q_gpu_call_begin(0, nullptr, &error))
    return error;
  fp4q_gpu_launch(&kernel, 1, 1, 1, 32, 1, 1, shared, nullptr);
  return fp4q_gpu_call_end(&error) ? error : "";
}

static std::string useConstant() {
  static const char data[16] = {};
  static fp4q_gpu_constant constant = {data, sizeof(data), nullptr};
  const char *error = "";
  if (fp4q_gpu_call_begin(0, nullptr, &error))
    return error;
  fp4q_gpu_constant_data(&constant);
  return fp4q_gpu_call_end(&error) ? error : "";
}

static std::string synchronize() {
  const char *error = "";
  return fp4q_gpu_synchronize(0, nullptr, &error) ? error : "";
}

static std::string allocate() {
  const char *error = "";
  void *memory = nullptr;
  return fp4q_gpu_allocate(0, 8, &memory, &error) ? error : "";
}

/// Ends the process with what `body` returns on stderr.
template <typename Body>
[[noreturn]] static void runWith(const char *errors, Body body) {
  setenv("FP4Q_CUDA_DRIVER", FP4Q_FAKE_DRIVER, 1);
  setenv("FP4Q_FAKE_ERRORS", errors, 1);
  std::string text = body();
  fprintf(stderr, "<%s>", text.c_str());
  std::_Exit(0);
}

/// The whole message, in which nothing has a meaning.
static testing::Matcher<const std::string &> says(const std::string &text) {
  return testing::Eq("<" + text + ">");
}

namespace {
class GpuErrorsDeathTest : public testing::Test {
protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};
} // namespace

#define EXPECT_SAYS(errors, body, text)                                        \
  EXPECT_EXIT(runWith(errors, body), testing::ExitedWithCode(0), says(text))

TEST_F(GpuErrorsDeathTest, NothingFails) {
  EXPECT_SAYS(
      "",
      [] { return launch() + launch(1 << 16) + useConstant() + allocate(); },
      "");
}

TEST_F(GpuErrorsDeathTest, NoDevice) {
  EXPECT_SAYS(
      "cuInit=100", [] { return launch(); },
      "there is no CUDA device on this machine");
}

TEST_F(GpuErrorsDeathTest, DriverThatDoesNotFitItsModule) {
  EXPECT_SAYS(
      "cuInit=803", [] { return launch(); },
      "CUDA driver '" FP4Q_FAKE_DRIVER "' cannot be used: cuInit failed: "
      "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (as asked for)");
}

TEST_F(GpuErrorsDeathTest, DeviceThatCannotBeUsed) {
  EXPECT_SAYS(
      "cuDevicePrimaryCtxRetain=2", [] { return launch(); },
      "CUDA device 0 cannot be used: cuDevicePrimaryCtxRetain failed: "
      "CUDA_ERROR_OUT_OF_MEMORY (as asked for)");
}

TEST_F(GpuErrorsDeathTest, PtxNewerThanTheDriver) {
  EXPECT_SAYS(
      "cuModuleLoadData=222", [] { return launch(); },
      "kernel 'add': the kernels for sm_80 cannot be loaded as PTX: "
      "they are of PTX 8.7, which is newer than the driver, which is "
      "of CUDA 12.4; cuModuleLoadData failed: "
      "CUDA_ERROR_UNSUPPORTED_PTX_VERSION (as asked for)");
}

TEST_F(GpuErrorsDeathTest, SharedMemory) {
  EXPECT_SAYS(
      "cuFuncSetAttribute=2", [] { return launch(1 << 16); },
      "kernel 'add': cuFuncSetAttribute failed: "
      "CUDA_ERROR_OUT_OF_MEMORY (as asked for) for 65536 bytes of "
      "dynamic shared memory");
}

TEST_F(GpuErrorsDeathTest, OutOfMemory) {
  EXPECT_SAYS(
      "cuMemAlloc_v2=2", [] { return launch() + allocate(); },
      "8 bytes of device memory: cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY "
      "(as asked for)");
  EXPECT_SAYS(
      "cuMemAlloc_v2=2", [] { return launch() + useConstant(); },
      "16 bytes of a constant: cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY (as "
      "asked for)");
}

// On a stream of its own, relaxed, and done before anybody can see it.
TEST_F(GpuErrorsDeathTest, CopiesOfConstantsWaitForNoOtherStream) {
  EXPECT_SAYS(
      "",
      [] {
        void *library = dlopen(FP4Q_FAKE_DRIVER, RTLD_NOW);
        auto calls =
            reinterpret_cast<const char *(*)()>(dlsym(library, "fakeCalls"));
        return useConstant() + useConstant() + calls();
      },
      "mode 2 cuMemcpyHtoDAsync_v2(own) cuStreamSynchronize(own) mode 0 ");
  EXPECT_SAYS(
      "cuStreamCreate=2", [] { return useConstant(); },
      "16 bytes of a constant: cuStreamCreate failed: "
      "CUDA_ERROR_OUT_OF_MEMORY (as asked for)");
  EXPECT_SAYS(
      "cuMemcpyHtoDAsync_v2=2", [] { return useConstant(); },
      "16 bytes of a constant: cuMemcpyHtoDAsync failed: "
      "CUDA_ERROR_OUT_OF_MEMORY (as asked for)");
  EXPECT_SAYS(
      "cuStreamSynchronize=700", [] { return launch() + useConstant(); },
      "16 bytes of a constant: cuStreamSynchronize failed: "
      "CUDA_ERROR_ILLEGAL_ADDRESS (as asked for); the kernel launched last is "
      "'add'");
}

TEST_F(GpuErrorsDeathTest, FaultsSurfaceWithTheKernelsName) {
  EXPECT_SAYS(
      "cuStreamSynchronize=700", [] { return launch() + synchronize(); },
      "cuStreamSynchronize failed: CUDA_ERROR_ILLEGAL_ADDRESS (as "
      "asked for); the kernel launched last is 'add'");
  // Before any launch there is none to blame.
  EXPECT_SAYS(
      "cuStreamSynchronize=700", [] { return synchronize(); },
      "cuStreamSynchronize failed: CUDA_ERROR_ILLEGAL_ADDRESS (as "
      "asked for)");
}
