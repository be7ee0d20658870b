//===- GpuTest.cpp - kernels through the CUDA driver API ------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The simulator is the driver. A process has one driver, so what needs another
// one runs in a process of its own, a death test.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/Gpu.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <thread>
#include <vector>

/// add(x, y, n): y[i] = x[i] + 1 for i < n, one thread each.
static const char addPtx[] = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry add(.param .u64 px, .param .u64 py, .param .u32 pn) {
  .reg .pred %p; .reg .b32 %i, %n, %c, %t, %v; .reg .b64 %x, %y, %o;
  ld.param.u64 %x, [px]; ld.param.u64 %y, [py]; ld.param.u32 %n, [pn];
  mov.u32 %c, %ctaid.x; mov.u32 %t, %tid.x; mad.lo.u32 %i, %c, 32, %t;
  setp.ge.u32 %p, %i, %n;
  @%p ret;
  mul.wide.u32 %o, %i, 4;
  add.u64 %x, %x, %o; add.u64 %y, %y, %o;
  ld.global.u32 %v, [%x]; add.u32 %v, %v, 1; st.global.u32 [%y], %v;
  ret;
}
)";

namespace {

/// The module of `addPtx`, as a compiler would emit it.
struct AddModule {
  explicit AddModule(const char *chip = "sm_80", const char *cubin = nullptr)
      : image{chip, cubin, cubin ? std::strlen(cubin) : 0, addPtx} {}
  ~AddModule() { fp4q_gpu_module_release(&module); }

  void launch(void *x, void *y, int32_t n) {
    void *parameters[] = {&x, &y, &n};
    fp4q_gpu_launch(&kernel, (n + 31) / 32, 1, 1, 32, 1, 1, 0, parameters);
  }

  fp4q_gpu_image image;
  fp4q_gpu_module module = {&image, 1, nullptr};
  fp4q_gpu_kernel kernel = {&module, "add", nullptr};
};

/// Numbers on the device.
class DeviceArray {
public:
  explicit DeviceArray(std::vector<int32_t> values) : size(values.size()) {
    const char *error = nullptr;
    EXPECT_EQ(fp4q_gpu_allocate(0, size * 4, &data, &error), 0) << error;
    EXPECT_EQ(fp4q_gpu_copy(0, data, values.data(), size * 4, &error), 0)
        << error;
  }
  ~DeviceArray() { EXPECT_EQ(fp4q_gpu_release(0, data, nullptr), 0); }

  std::vector<int32_t> read() const {
    std::vector<int32_t> values(size);
    const char *error = nullptr;
    EXPECT_EQ(fp4q_gpu_copy(0, values.data(), data, size * 4, &error), 0)
        << error;
    return values;
  }

  void *data = nullptr;

private:
  size_t size;
};

/// Runs `body` in a call on device 0; its error, or "".
template <typename Body>
std::string inCall(Body body) {
  const char *error = "";
  if (fp4q_gpu_call_begin(0, nullptr, &error))
    return error;
  body();
  return fp4q_gpu_call_end(&error) ? error : "";
}

class Gpu : public testing::Test {
protected:
  static void SetUpTestSuite() {
    setenv("FP4Q_CUDA_DRIVER", FP4Q_SIMULATOR, 1);
    setenv("FP4Q_SIM_CHIP", "sm_90a", 1);
  }
};

/// Runs in processes of their own.
class GpuDeathTest : public testing::Test {
protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

} // namespace

TEST_F(Gpu, DescribesDevices) {
  int32_t count = 0;
  const char *error = nullptr;
  ASSERT_EQ(fp4q_gpu_count(&count, &error), 0) << error;
  EXPECT_EQ(count, 1);
  fp4q_gpu_info info = {};
  info.size = sizeof(info);
  ASSERT_EQ(fp4q_gpu_describe(0, &info, &error), 0) << error;
  EXPECT_EQ(info.major, 9);
  EXPECT_EQ(info.minor, 0);
  EXPECT_STRNE(info.name, "");
  EXPECT_EQ(fp4q_gpu_describe(1, &info, &error), 1);
  EXPECT_STREQ(error, "there is no CUDA device 1; this machine has 1, numbered "
                      "from 0");
  info.size = 4;
  EXPECT_EQ(fp4q_gpu_describe(0, &info, &error), 1);
  EXPECT_NE(std::string(error).find("fp4q_gpu_info has size 4"),
            std::string::npos);
}

TEST_F(Gpu, LaunchesKernels) {
  AddModule add;
  DeviceArray x({1, 2, 3, 40}), y({0, 0, 0, -1});
  EXPECT_EQ(inCall([&] {
              add.launch(x.data, y.data, 3);
              add.launch(y.data, x.data, 2);
            }),
            "");
  const char *error = nullptr;
  ASSERT_EQ(fp4q_gpu_synchronize(0, nullptr, &error), 0) << error;
  EXPECT_EQ(y.read(), (std::vector<int32_t>{2, 3, 4, -1}));
  EXPECT_EQ(x.read(), (std::vector<int32_t>{3, 4, 3, 40}));
}

TEST_F(Gpu, EmptyGridsLaunchNothing) {
  AddModule add;
  EXPECT_EQ(inCall([&] { add.launch(nullptr, nullptr, 0); }), "");
  EXPECT_EQ(add.kernel.state, nullptr);
}

TEST_F(Gpu, ModulesAreLoadedOnceAndAgain) {
  AddModule add;
  DeviceArray x({1}), y({0});
  EXPECT_EQ(inCall([&] { add.launch(x.data, y.data, 1); }), "");
  void *state = add.kernel.state;
  EXPECT_NE(state, nullptr);
  EXPECT_EQ(inCall([&] { add.launch(x.data, y.data, 1); }), "");
  EXPECT_EQ(add.kernel.state, state);
  fp4q_gpu_module_release(&add.module);
  EXPECT_EQ(add.kernel.state, nullptr);
  EXPECT_EQ(inCall([&] { add.launch(y.data, x.data, 1); }), "");
  EXPECT_EQ(x.read(), std::vector<int32_t>{3});
}

TEST_F(Gpu, FallsBackToPtxWhereTheCubinIsRefused) {
  AddModule add("sm_90a", "no cubin");
  DeviceArray x({1}), y({0});
  EXPECT_EQ(inCall([&] { add.launch(x.data, y.data, 1); }), "");
  EXPECT_EQ(y.read(), std::vector<int32_t>{2});
}

TEST_F(Gpu, MissingChipsAreNamed) {
  AddModule add("sm_120a");
  int32_t launched = 0;
  EXPECT_EQ(inCall([&] {
              add.launch(&launched, &launched, 1);
              add.launch(nullptr, nullptr, 1); // Does nothing.
            }),
            "kernel 'add': there are no kernels for CUDA device 0, which is "
            "sm_90; there are kernels for sm_120a");
}

TEST_F(Gpu, MissingKernelsAreNamed) {
  AddModule add;
  add.kernel.name = "sub";
  std::string error = inCall([&] { add.launch(&add, &add, 1); });
  EXPECT_EQ(error.find("kernel 'sub': cuModuleGetFunction failed: "), 0u)
      << error;
}

TEST_F(Gpu, RefusesOversizedGrids) {
  AddModule add;
  EXPECT_EQ(inCall([&] {
              fp4q_gpu_launch(&add.kernel, int64_t(1) << 40, 1, 1, 32, 1, 1, 0,
                              nullptr);
            }),
            "kernel 'add': a grid or block of 1099511627776 is too large");
}

TEST_F(Gpu, FaultsNameTheKernel) {
  AddModule add;
  DeviceArray x({1});
  // The simulator runs kernels at once, and so reports their faults at once.
  std::string error = inCall([&] { add.launch(x.data, nullptr, 1); });
  EXPECT_EQ(error.find("kernel 'add': cuLaunchKernel failed: "
                       "CUDA_ERROR_ILLEGAL_ADDRESS ("),
            0u)
      << error;
}

TEST_F(Gpu, WorkspaceLastsForTheCall) {
  AddModule add;
  DeviceArray x({5}), y({0});
  EXPECT_EQ(inCall([&] {
              EXPECT_EQ(fp4q_gpu_workspace(0), nullptr);
              void *middle = fp4q_gpu_workspace(4);
              ASSERT_NE(middle, nullptr);
              add.launch(x.data, middle, 1);
              add.launch(middle, y.data, 1);
              EXPECT_GE(fp4q_gpu_multiprocessors(), 1);
            }),
            "");
  EXPECT_EQ(y.read(), std::vector<int32_t>{7});
  EXPECT_EQ(fp4q_gpu_workspace(4), nullptr) << "outside any call";
}

TEST_F(Gpu, WorkspaceThatIsTooLargeFailsTheCall) {
  std::string error =
      inCall([] { EXPECT_EQ(fp4q_gpu_workspace(INT64_MAX), nullptr); });
  EXPECT_EQ(error.find("9223372036854775807 bytes of workspace: "), 0u)
      << error;
}

TEST_F(Gpu, HostsBringTheirAllocator) {
  struct Host {
    std::vector<void *> allocated, released;
  } host;
  fp4q_gpu_allocator allocator;
  allocator.user = &host;
  allocator.allocate = [](void *user, int32_t device, int64_t bytes, void *) {
    EXPECT_EQ(device, 0);
    void *memory = nullptr;
    fp4q_gpu_allocate(device, bytes, &memory, nullptr);
    static_cast<Host *>(user)->allocated.push_back(memory);
    return memory;
  };
  allocator.release = [](void *user, int32_t device, void *memory, void *) {
    fp4q_gpu_release(device, memory, nullptr);
    static_cast<Host *>(user)->released.push_back(memory);
  };
  fp4q_set_gpu_allocator(&allocator);
  EXPECT_EQ(inCall([&] {
              fp4q_gpu_workspace(16);
              EXPECT_TRUE(host.released.empty());
            }),
            "");
  fp4q_set_gpu_allocator(nullptr);
  EXPECT_EQ(host.allocated.size(), 1u);
  EXPECT_EQ(host.allocated, host.released);
}

TEST_F(Gpu, ConstantsAreCopiedOnce) {
  AddModule add;
  int32_t host[] = {7, 8};
  fp4q_gpu_constant constant = {host, sizeof(host), nullptr};
  DeviceArray y({0, 0});
  EXPECT_EQ(inCall([&] {
              void *copy = fp4q_gpu_constant_data(&constant);
              ASSERT_NE(copy, nullptr);
              host[0] = 100; // No longer looked at.
              EXPECT_EQ(fp4q_gpu_constant_data(&constant), copy);
              add.launch(copy, y.data, 2);
            }),
            "");
  EXPECT_EQ(y.read(), (std::vector<int32_t>{8, 9}));
  fp4q_gpu_constant_release(&constant);
  EXPECT_EQ(constant.state, nullptr);
  fp4q_gpu_constant_release(&constant);
}

TEST_F(Gpu, CopiesWithinTheDevice) {
  DeviceArray x({1, 2, 3}), y({0, 0, 0});
  EXPECT_EQ(inCall([&] {
              fp4q_gpu_copy_async(y.data, x.data, 8);
              fp4q_gpu_copy_async(nullptr, nullptr, 0);
            }),
            "");
  EXPECT_EQ(y.read(), (std::vector<int32_t>{1, 2, 0}));
  std::string error =
      inCall([&] { fp4q_gpu_copy_async(y.data, x.data, 1 << 20); });
  EXPECT_EQ(error.find("cuMemcpyAsync failed: "), 0u) << error;
}

TEST_F(Gpu, CallsNestAndNeedABegin) {
  const char *error = nullptr;
  EXPECT_EQ(fp4q_gpu_call_end(&error), 1);
  EXPECT_STREQ(error, "fp4q_gpu_call_end without fp4q_gpu_call_begin");
  AddModule add("sm_120a");
  EXPECT_EQ(inCall([&] {
              // The failure belongs to the inner call.
              EXPECT_NE(inCall([&] { add.launch(&add, &add, 1); }), "");
            }),
            "");
}

TEST_F(Gpu, ManyThreadsAtOnce) {
  AddModule add;
  std::vector<std::thread> threads;
  for (int32_t i = 0; i < 8; ++i)
    threads.emplace_back([&add, i] {
      DeviceArray x({i}), y({0});
      for (int32_t repeat = 0; repeat < 20; ++repeat)
        EXPECT_EQ(inCall([&] { add.launch(x.data, y.data, 1); }), "");
      EXPECT_EQ(y.read(), std::vector<int32_t>{i + 1});
    });
  for (std::thread &thread : threads)
    thread.join();
}

namespace {
/// What a thread does at its very end.
struct LastCalls {
  ~LastCalls() {
    void *now = nullptr;
    EXPECT_EQ(getCurrent(&now), 0);
    EXPECT_EQ(now, context);
    const char *error = nullptr;
    EXPECT_EQ(fp4q_gpu_call_begin(7, nullptr, &error), 1);
    EXPECT_STREQ(error, "there is no CUDA device 7; this machine has 1, "
                        "numbered from 0");
    EXPECT_EQ(fp4q_gpu_call_begin(7, nullptr, nullptr), 1) << "nobody asks why";
    EXPECT_EQ(inCall([] {}), "");
  }
  int (*getCurrent)(void **) = nullptr;
  void *context = nullptr;
};
} // namespace

// Artifacts that nobody unloads are released when the process ends, after the
// objects of its first thread. Neither the runtime nor the simulator may need
// theirs then.
TEST_F(Gpu, CallsAtTheEndOfAThread) {
  std::thread([] {
    static thread_local LastCalls last;
    last.context = nullptr; // Made before, so destroyed after, those objects.
    EXPECT_EQ(inCall([] {}), "");
    const char *error = nullptr;
    EXPECT_EQ(fp4q_gpu_call_begin(7, nullptr, &error), 1);
    void *driver = dlopen(FP4Q_SIMULATOR, RTLD_NOW);
    auto retain = reinterpret_cast<int (*)(void **, int)>(
        dlsym(driver, "cuDevicePrimaryCtxRetain"));
    auto push =
        reinterpret_cast<int (*)(void *)>(dlsym(driver, "cuCtxPushCurrent_v2"));
    last.getCurrent =
        reinterpret_cast<int (*)(void **)>(dlsym(driver, "cuCtxGetCurrent"));
    EXPECT_EQ(retain(&last.context, 0), 0);
    EXPECT_EQ(push(last.context), 0);
  }).join();
}

/// Prints why device 0 cannot be used, and exits with the runtime's status.
static void reportCount(const char *driver) {
  setenv("FP4Q_CUDA_DRIVER", driver, 1);
  int32_t count = 0;
  const char *error = "";
  int32_t status = fp4q_gpu_count(&count, &error);
  std::string first = error;
  // The reason is the same the second time.
  if (fp4q_gpu_call_begin(0, nullptr, &error) != status || first != error)
    status = 2;
  fputs(error, stderr);
  exit(status);
}

TEST_F(GpuDeathTest, MissingDriver) {
  EXPECT_EXIT(reportCount("/nonexistent/libcuda.so"),
              testing::ExitedWithCode(1),
              "FP4Q_CUDA_DRIVER names '/nonexistent/libcuda.so', which cannot "
              "be loaded: ");
}

TEST_F(GpuDeathTest, NotADriver) {
  EXPECT_EXIT(reportCount("libc.so.6"), testing::ExitedWithCode(1),
              "CUDA driver 'libc.so.6' has no cuInit");
}
