// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything of the dialect, for the generated page reference/dialect.md.

include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.td"
include "fp4q/Dialect/FP4Q/IR/FP4QOps.td"
include "fp4q/Dialect/FP4Q/IR/FP4QRuntimeOps.td"
