//===- GpuFunctionTest.cpp - functions on tensors in device memory --------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function as the compiler would describe it, whose kernel runs on the
// simulator.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/Artifact.h"
#include "fp4q/Runtime/Gpu.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

/// scale(x, y, n, factor): y[i] = x[i] * factor, one thread each.
static const char scalePtx[] = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry scale(.param .u64 px, .param .u64 py, .param .u64 pn,
                      .param .f32 pf) {
  .reg .pred %p; .reg .b32 %t; .reg .b64 %x, %y, %o, %i, %n;
  .reg .f32 %v, %f;
  ld.param.u64 %x, [px]; ld.param.u64 %y, [py]; ld.param.u64 %n, [pn];
  ld.param.f32 %f, [pf];
  mov.u32 %t, %tid.x; cvt.u64.u32 %i, %t;
  setp.ge.u64 %p, %i, %n;
  @%p ret;
  mul.wide.u32 %o, %t, 4;
  add.u64 %x, %x, %o; add.u64 %y, %y, %o;
  ld.global.f32 %v, [%x]; mul.rn.f32 %v, %v, %f; st.global.f32 [%y], %v;
  ret;
}
)";

static const fp4q_gpu_image image = {"sm_80", nullptr, 0, scalePtx};
static fp4q_gpu_module module = {&image, 1, nullptr};
static fp4q_gpu_kernel kernel = {&module, "scale", nullptr};

/// A memref descriptor of rank 1.
struct MemRef {
  void *allocated, *aligned;
  int64_t offset, size, stride;
};

/// scale(x: tensor<?xf32>, factor: f32) -> tensor<?xf32>
static void invokeScale(void **packed) {
  auto *x = static_cast<MemRef *>(packed[0]);
  auto *y = static_cast<MemRef *>(packed[2]);
  void *parameters[] = {&x->aligned, &y->aligned, &x->size, packed[1]};
  fp4q_gpu_launch(&kernel, x->size > 0, 1, 1, 32, 1, 1, 0, parameters);
}

static void scaleShapes(void **packed) {
  auto *sizes =
      static_cast<int64_t *>(static_cast<MemRef *>(packed[2])->aligned);
  sizes[0] = static_cast<MemRef *>(packed[0])->size;
  sizes[1] = sizes[2] = sizes[3] = 0;
}

static const int64_t shape[] = {-1};
static const char *const dims[] = {"M"};
static const fp4q_value_desc values[] = {
    {"tensor<?xf32>", shape, dims, 1, FP4Q_DL_FLOAT, 32, FP4Q_DL_FLOAT, 0},
    {"f32", nullptr, nullptr, 0, FP4Q_DL_FLOAT, 32, FP4Q_DL_FLOAT, 1},
    {"tensor<?xf32>", shape, dims, 1, FP4Q_DL_FLOAT, 32, FP4Q_DL_FLOAT, 0},
};
static const fp4q_function_desc scale = {FP4Q_ARTIFACT_FORMAT_VERSION,
                                         2,
                                         1,
                                         0,
                                         FP4Q_DL_CUDA,
                                         "scale",
                                         values,
                                         invokeScale,
                                         scaleShapes,
                                         nullptr};

namespace {

/// A tensor on device 0.
struct DeviceTensor {
  explicit DeviceTensor(std::vector<float> numbers)
      : size(int64_t(numbers.size())) {
    EXPECT_EQ(fp4q_gpu_allocate(0, size * 4, &dl.data, nullptr), 0);
    EXPECT_EQ(fp4q_gpu_copy(0, dl.data, numbers.data(), size * 4, nullptr), 0);
    dl.device.device_type = decltype(dl.device.device_type)(FP4Q_DL_CUDA);
    dl.ndim = 1;
    dl.dtype = {FP4Q_DL_FLOAT, 32, 1};
    dl.shape = &size;
  }
  ~DeviceTensor() { fp4q_gpu_release(0, dl.data, nullptr); }

  std::vector<float> read() const {
    std::vector<float> numbers(size);
    EXPECT_EQ(fp4q_gpu_copy(0, numbers.data(), dl.data, size * 4, nullptr), 0);
    return numbers;
  }

  int64_t size;
  DLTensor dl = {};
};

class GpuFunction : public testing::Test {
protected:
  static void SetUpTestSuite() {
    setenv("FP4Q_CUDA_DRIVER", FP4Q_SIMULATOR, 1);
    setenv("FP4Q_SIM_CHIP", "sm_90a", 1);
  }
  static void TearDownTestSuite() { fp4q_gpu_module_release(&module); }

  GpuFunction() {
    factorTensor.data = &factor;
    factorTensor.device.device_type =
        decltype(factorTensor.device.device_type)(FP4Q_DL_CPU);
    factorTensor.dtype = {FP4Q_DL_FLOAT, 32, 1};
  }

  std::string call(const DLTensor &x, const DLTensor &y) {
    const DLTensor *all[] = {&x, &factorTensor, &y};
    const char *error = nullptr;
    int32_t status = fp4q_function_call(&scale, all, 3, nullptr, &error);
    EXPECT_EQ(status, error ? 1 : 0);
    return error ? error : "";
  }

  float factor = 3;
  DLTensor factorTensor = {};
};

} // namespace

TEST_F(GpuFunction, Runs) {
  DeviceTensor x({1, 2, 5}), y({0, 0, 0});
  EXPECT_EQ(call(x.dl, y.dl), "");
  EXPECT_EQ(y.read(), (std::vector<float>{3, 6, 15}));
}

TEST_F(GpuFunction, TakesEmptyTensors) {
  DeviceTensor x({}), y({});
  EXPECT_EQ(call(x.dl, y.dl), "");
}

TEST_F(GpuFunction, RefusesHostTensors) {
  DeviceTensor x({1}), y({0});
  float host = 1;
  DLTensor onHost = x.dl;
  onHost.data = &host;
  onHost.device.device_type = decltype(onHost.device.device_type)(FP4Q_DL_CPU);
  EXPECT_EQ(call(onHost, y.dl),
            "argument #0 of 'scale' (tensor<?xf32>) is on DLPack device type "
            "1, but must be on 2");
  factorTensor.device.device_type =
      decltype(factorTensor.device.device_type)(FP4Q_DL_CUDA);
  EXPECT_EQ(call(x.dl, y.dl),
            "argument #1 of 'scale' (f32) is on DLPack device type 2, but must "
            "be in CPU memory (1 or 3)");
}

TEST_F(GpuFunction, RefusesTensorsOnSeveralDevices) {
  DeviceTensor x({1}), y({0});
  y.dl.device.device_id = 1;
  EXPECT_EQ(call(x.dl, y.dl),
            "result #0 of 'scale' (tensor<?xf32>) is on CUDA device 1, but "
            "others are on 0");
  x.dl.device.device_id = 1;
  EXPECT_EQ(call(x.dl, y.dl), "there is no CUDA device 1; this machine has 1, "
                              "numbered from 0");
}

TEST_F(GpuFunction, RefusesStridesAndMisalignment) {
  DeviceTensor x({1, 2, 3, 4}), y({0, 0});
  DLTensor strided = x.dl;
  int64_t two = 2;
  strided.shape = &two;
  strided.strides = &two;
  EXPECT_EQ(call(strided, y.dl),
            "argument #0 of 'scale' (tensor<?xf32>) has strides (2,) for shape "
            "(2,), but must be row-major and contiguous");
  DLTensor misaligned = x.dl;
  misaligned.shape = &two;
  misaligned.byte_offset = 2;
  EXPECT_EQ(call(misaligned, y.dl),
            "argument #0 of 'scale' (tensor<?xf32>) is misaligned: its address "
            "is no multiple of 16");
  misaligned.byte_offset = 8;
  EXPECT_EQ(call(misaligned, y.dl),
            "argument #0 of 'scale' (tensor<?xf32>) is misaligned: its address "
            "is no multiple of 16");
  EXPECT_EQ(y.read(), (std::vector<float>{0, 0}));
}

TEST_F(GpuFunction, RefusesNegativeDevices) {
  DeviceTensor x({1, 2}), y({0, 0});
  DLTensor nowhere = x.dl;
  nowhere.device.device_id = -7;
  EXPECT_EQ(call(nowhere, y.dl),
            "argument #0 of 'scale' (tensor<?xf32>) is on CUDA device -7, but "
            "devices are numbered from 0");
}

TEST_F(GpuFunction, ReportsFaults) {
  DeviceTensor x({1, 2}), y({0, 0});
  fp4q_gpu_kernel saved = kernel;
  kernel.name = "missing";
  kernel.state = nullptr;
  std::string error = call(x.dl, y.dl);
  EXPECT_EQ(error.find("kernel 'missing': cuModuleGetFunction failed: "), 0u)
      << error;
  kernel = saved;
}
