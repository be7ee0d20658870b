// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The micro-ops, for the generated page reference/micro-ops.md.

include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.td"
