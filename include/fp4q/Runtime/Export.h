//===- Export.h - what libfp4q_runtime.so exports ---------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_RUNTIME_EXPORT_H
#define FP4Q_RUNTIME_EXPORT_H

/// Marks a function of the runtime's C ABI; everything else stays hidden.
#define FP4Q_RUNTIME_EXPORT __attribute__((visibility("default")))

#endif // FP4Q_RUNTIME_EXPORT_H
