//===- BuildId.cpp - what compiled this ---------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BuildId.inc"

/// A hash of the sources of the compiler. It is part of the keys of the cache,
/// so that no compiler takes another one's output for its own.
extern const char *const fp4q_python_build_id;
const char *const fp4q_python_build_id = FP4Q_BUILD_ID;
