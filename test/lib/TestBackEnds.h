//===- TestBackEnds.h - a table of back ends for tests ----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All four back ends, each with constraints of its own, so that tests of the
// choice do not depend on which kernels fp4q has. No kernel stands behind it.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TEST_LIB_TESTBACKENDS_H
#define FP4Q_TEST_LIB_TESTBACKENDS_H

#include "fp4q/Target/BackEnds.h"

namespace fp4q {

inline constexpr EnumSet<FloatType> testAnyType = {
    FloatType::BF16, FloatType::F16, FloatType::F32};
inline constexpr EnumSet<Format> testHardwareFormats = {Format::MXFP4,
                                                        Format::NVFP4};
inline constexpr EnumSet<TransformKind> testAnyTransform = {
    TransformKind::None, TransformKind::Shared, TransformKind::PerBlock};
inline constexpr EnumSet<ScaleSource> testAnySource = {ScaleSource::Computed,
                                                       ScaleSource::Given};

inline constexpr Implementation testImplementations[] = {
    // Reads blocked scales only, and K in steps of 128; no f32 result.
    {BackEnd::GPUNative,
     {Role::Matmul},
     TargetKind::GPU,
     {Feature::MMABlockScale},
     {FloatType::BF16, FloatType::F16},
     testHardwareFormats,
     {},
     {},
     true,
     {ScaleOrder::Blocked128x4},
     128},
    // Quantizes bf16 by the law, and fuses a shared transform.
    {BackEnd::GPUNative,
     {Role::Quantize},
     TargetKind::GPU,
     {Feature::ConvertE2M1},
     {FloatType::BF16},
     testHardwareFormats,
     {TransformKind::None, TransformKind::Shared},
     {ScaleSource::Computed},
     false,
     {ScaleOrder::Linear, ScaleOrder::Blocked128x4}},
    {BackEnd::GPUPortable,
     {Role::Quantize, Role::Dequantize, Role::Transform, Role::GlobalScale,
      Role::ScaleLayout},
     TargetKind::GPU,
     {},
     testAnyType,
     testHardwareFormats,
     testAnyTransform,
     testAnySource,
     true,
     {ScaleOrder::Linear}},
    {BackEnd::GPUPortable,
     {Role::Matmul},
     TargetKind::GPU,
     {Feature::MMABF16},
     testAnyType,
     testHardwareFormats,
     {},
     {},
     true,
     {ScaleOrder::Linear},
     32},
    {BackEnd::CPU,
     {Role::Quantize, Role::Matmul},
     TargetKind::CPU,
     {Feature::AVX512VNNI},
     {FloatType::BF16, FloatType::F32},
     testHardwareFormats,
     testAnyTransform,
     {ScaleSource::Computed},
     true,
     {ScaleOrder::Linear},
     32},
    // Writes and reads blocked scales only.
    {BackEnd::CPU,
     {Role::Quantize, Role::Dequantize},
     TargetKind::CPU,
     {Feature::DotProd},
     {FloatType::BF16},
     testHardwareFormats,
     {TransformKind::None},
     testAnySource,
     true,
     {ScaleOrder::Blocked128x4}},
    {BackEnd::Reference,
     {Role::Quantize, Role::GlobalScale, Role::Transform, Role::Dequantize,
      Role::ScaleLayout, Role::Matmul},
     TargetKind::CPU,
     {},
     testAnyType,
     {Format::MXFP4, Format::NVFP4, Format::Other},
     testAnyTransform,
     testAnySource,
     true,
     {ScaleOrder::Linear},
     /*multipleOfK=*/1,
     /*automatic=*/true,
     /*convertsInPlace=*/true},
    // Computed on the host: never chosen by itself.
    {BackEnd::Reference,
     {Role::Quantize, Role::GlobalScale, Role::Transform, Role::Dequantize,
      Role::ScaleLayout, Role::Matmul},
     TargetKind::GPU,
     {},
     testAnyType,
     {Format::MXFP4, Format::NVFP4, Format::Other},
     testAnyTransform,
     testAnySource,
     true,
     {ScaleOrder::Linear},
     /*multipleOfK=*/1,
     /*automatic=*/false,
     /*convertsInPlace=*/true},
};

inline constexpr BackEndTable testBackEnds = {
    testImplementations,
    sizeof(testImplementations) / sizeof(testImplementations[0])};

} // namespace fp4q

#endif // FP4Q_TEST_LIB_TESTBACKENDS_H
