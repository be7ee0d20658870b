//===- calls.h - calls that must succeed, and that must fail ----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TEST_CAPI_CALLS_H
#define FP4Q_TEST_CAPI_CALLS_H

#include "fp4q-c/Compiler.h"

#include <stdio.h>
#include <stdlib.h>

static int failures = 0;

/* What has to hold for the cases to mean anything. */
static void must(int condition, int line) {
  if (condition)
    return;
  printf("line %d: %s\n", line, fp4q_last_error());
  exit(1);
}
#define MUST(condition) must((condition), __LINE__)

/* Prints what a call that must fail returned. */
static void show(fp4q_status status) {
  printf("%d %s\n", status, fp4q_last_error());
  failures += status != FP4Q_SUCCESS;
}

#endif // FP4Q_TEST_CAPI_CALLS_H
