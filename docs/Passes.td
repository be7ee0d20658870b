// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All passes, for the generated page reference/passes.md.

include "fp4q/Conversion/Passes.td"
include "fp4q/Dialect/FP4Q/Transforms/Passes.td"
