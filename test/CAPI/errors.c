//===- errors.c - the C interface, used as it should not be ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "calls.h"
#include "fp4q-c/Compiler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both arguments have a dynamic dimension that must be the same. */
static const char source[] =
    "func.func @dequantize(%c: tensor<?x16xi8>, %s: tensor<?x1xf8E8M0FNU>)\n"
    "    -> tensor<?x32xf32> {\n"
    "  %zero = arith.constant 0 : index\n"
    "  %rows = tensor.dim %c, %zero : tensor<?x16xi8>\n"
    "  %v0 = tensor.empty(%rows) : tensor<?x32xf32>\n"
    "  %v = fp4q.dequant ins(%c, %s : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>)\n"
    "      outs(%v0 : tensor<?x32xf32>) -> tensor<?x32xf32>\n"
    "  return %v : tensor<?x32xf32>\n"
    "}\n";

static void diagnose(void *user, const fp4q_diagnostic *diagnostic) {
  (void)user;
  printf("diagnostic %d at %s:%u:%u: %s\n", diagnostic->severity,
         diagnostic->file, diagnostic->line, diagnostic->column,
         diagnostic->message);
}

static fp4q_status parse(fp4q_context *context, const char *text,
                         fp4q_module **module) {
  return fp4q_module_parse(context, text, strlen(text), "in.mlir", module);
}

static void test_contexts(void) {
  fp4q_context *context = NULL;
  show(fp4q_context_create(NULL, NULL));
  fp4q_context_options options = FP4Q_CONTEXT_OPTIONS_INIT;
  options.struct_size = 4;
  show(fp4q_context_create(&options, &context));
  options.struct_size = sizeof(options);
  options.version = 2;
  show(fp4q_context_create(&options, &context));
  MUST(!context);
}

static void test_modules(fp4q_context *context, const char *missing) {
  fp4q_module *module = NULL;
  show(parse(NULL, source, &module));
  show(fp4q_module_parse(context, NULL, 0, NULL, &module));
  show(parse(context, source, NULL));
  show(fp4q_module_parse_file(context, NULL, &module));
  show(fp4q_module_parse_file(context, missing, &module));
  show(fp4q_module_parse_file(context, "/", &module));
  show(parse(context, "func.func @f(", &module));
  show(fp4q_module_parse(context, "ML\357R\1\2\3", 7, "x.mlirbc", &module));
  MUST(!module);

  MUST(parse(context, source, &module) == FP4Q_SUCCESS);
  show(fp4q_module_run_pipeline(NULL, "cse"));
  show(fp4q_module_run_pipeline(module, NULL));
  show(fp4q_module_run_pipeline(module, "fp4q-to-abacus"));
  show(fp4q_module_run_pipeline(module, "builtin.module(cse"));
  show(fp4q_module_run_pipeline(module, "fp4q-to-cpu{threads=2}"));
  show(fp4q_module_print(module, NULL));
  show(fp4q_module_print(NULL, NULL));
  fp4q_module_destroy(module);
}

static void test_compile(fp4q_context *context) {
  fp4q_module *module = NULL;
  fp4q_function *function = NULL;
  MUST(parse(context, source, &module) == FP4Q_SUCCESS);
  show(fp4q_function_compile(NULL, "dequantize", NULL, &function));
  show(fp4q_function_compile(module, "dequantize", NULL, NULL));
  show(fp4q_function_compile(module, "quantize", NULL, &function));
  fp4q_compile_options options = FP4Q_COMPILE_OPTIONS_INIT;
  options.version = 0;
  show(fp4q_function_compile(module, "dequantize", &options, &function));
  fp4q_module_destroy(module);
  MUST(parse(context, "func.func @f(%m: memref<4xf32>) { return }", &module) ==
       FP4Q_SUCCESS);
  show(fp4q_function_compile(module, NULL, NULL, &function));
  fp4q_module_destroy(module);
  MUST(!function);
}

static void test_signature(const fp4q_function *function) {
  size_t number = 0;
  fp4q_value_spec spec = FP4Q_VALUE_SPEC_INIT;
  show(fp4q_function_num_arguments(NULL, &number));
  show(fp4q_function_num_results(function, NULL));
  show(fp4q_function_argument(function, 2, &spec));
  show(fp4q_function_result(function, 1, &spec));
  show(fp4q_function_argument(function, 0, NULL));
  show(fp4q_function_result(NULL, 0, &spec));
  spec.struct_size = 0;
  show(fp4q_function_result(function, 0, &spec));
}

static void test_calls(fp4q_function *function) {
  static uint8_t codes[3][16], scales[3];
  static float values[3][33];
  int64_t codes_sizes[] = {3, 16}, scales_sizes[] = {3, 1};
  int64_t values_sizes[] = {3, 32}, sizes[2];
  const fp4q_buffer good[] = {{codes, sizeof(codes), codes_sizes, 2},
                              {scales, sizeof(scales), scales_sizes, 2}};
  const fp4q_buffer out = {values, sizeof(values), values_sizes, 2};

  show(fp4q_function_result_sizes(NULL, good, 2, sizes, 2));
  show(fp4q_function_result_sizes(function, good, 1, sizes, 2));
  show(fp4q_function_result_sizes(function, good, 2, sizes, 3));
  show(fp4q_function_result_sizes(function, good, 2, NULL, 2));
  show(fp4q_function_result_sizes(function, NULL, 2, sizes, 2));

  int64_t fewer[] = {2, 1}, wrong[] = {3, 17}, negative[] = {-1, 16};
  int64_t huge[] = {INT64_MAX, 16};
  struct {
    size_t argument;
    fp4q_buffer buffer;
  } bad[] = {
      {0, {codes, sizeof(codes), codes_sizes, 1}},
      {0, {codes, sizeof(codes), NULL, 2}},
      {0, {codes, sizeof(codes), wrong, 2}},
      {0, {codes, sizeof(codes), negative, 2}},
      {0, {codes, sizeof(codes), huge, 2}},
      {0, {codes, sizeof(codes) - 1, codes_sizes, 2}},
      {1, {NULL, sizeof(scales), scales_sizes, 2}},
      {1, {scales, sizeof(scales), fewer, 2}},
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
    fp4q_buffer arguments[] = {good[0], good[1]};
    arguments[bad[i].argument] = bad[i].buffer;
    show(fp4q_function_invoke(function, arguments, 2, &out, 1));
  }

  fp4q_buffer result = out;
  result.sizes = fewer;
  show(fp4q_function_invoke(function, good, 2, &result, 1));
  int64_t more[] = {2, 32};
  result.sizes = more;
  show(fp4q_function_invoke(function, good, 2, &result, 1));
  result = out;
  result.data = (char *)values + 1;
  result.bytes -= 1;
  show(fp4q_function_invoke(function, good, 2, &result, 1));
  result = out;
  fp4q_buffer inside = {values[1], 48, codes_sizes, 2};
  fp4q_buffer arguments[] = {inside, good[1]};
  show(fp4q_function_invoke(function, arguments, 2, &result, 1));
  show(fp4q_function_invoke(function, good, 2, NULL, 1));
  show(fp4q_function_invoke(function, good, 2, &out, 0));
  show(fp4q_function_invoke(NULL, good, 2, &out, 1));

  /* After all that, a correct call works, of no rows too. */
  int64_t none[3][2] = {{0, 16}, {0, 1}, {0, 32}};
  fp4q_buffer empty[] = {{NULL, 0, none[0], 2}, {NULL, 0, none[1], 2}};
  fp4q_buffer empty_out = {NULL, 0, none[2], 2};
  memset(codes, 0x22, sizeof(codes));
  memset(scales, 130, sizeof(scales));
  printf("%d %d %g\n", fp4q_function_invoke(function, empty, 2, &empty_out, 1),
         fp4q_function_invoke(function, good, 2, &out, 1),
         ((float *)values)[95]);
}

int main(int argc, char **argv) {
  (void)argc;
  test_contexts();
  fp4q_context *context = NULL, *quiet = NULL;
  fp4q_context_options options = FP4Q_CONTEXT_OPTIONS_INIT;
  options.diagnostic = diagnose;
  MUST(fp4q_context_create(&options, &context) == FP4Q_SUCCESS);
  MUST(fp4q_context_create(NULL, &quiet) == FP4Q_SUCCESS);
  test_modules(context, argv[1]);
  test_compile(context);

  fp4q_module *module = NULL;
  fp4q_function *function = NULL;
  MUST(parse(quiet, source, &module) == FP4Q_SUCCESS);
  MUST(fp4q_function_compile(module, "", NULL, &function) == FP4Q_SUCCESS);
  test_signature(function);
  test_calls(function);
  /* Without a callback nothing is printed. */
  show(parse(quiet, "\"", &module));
  printf("%d failures\n", failures);
  fp4q_function_destroy(function);
  fp4q_module_destroy(module);
  fp4q_context_destroy(context);
  fp4q_context_destroy(quiet);
  return 0;
}
