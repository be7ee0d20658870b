//===- compiler.c - the C interface, used as it should be -----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q-c/Compiler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

/* Two results, a dynamic dimension, and a scalar. */
static const char source[] =
    "func.func @quantize(%x: tensor<?x32xf32>, %gs: f32)\n"
    "    -> (tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>) {\n"
    "  %zero = arith.constant 0 : index\n"
    "  %rows = tensor.dim %x, %zero : tensor<?x32xf32>\n"
    "  %c = tensor.empty(%rows) : tensor<?x16xi8>\n"
    "  %s = tensor.empty(%rows) : tensor<?x1xf8E8M0FNU>\n"
    "  %six = arith.constant 6.0 : f32\n"
    "  %codes, %scales = fp4q.quantize_pack ins(%x : tensor<?x32xf32>)\n"
    "      global_scale(%gs : f32) scale_scale(%six : f32)\n"
    "      outs(%c, %s : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>)\n"
    "      -> tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>\n"
    "  return %codes, %scales : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>\n"
    "}\n";

static void require(int condition, const char *what, int line) {
  if (condition)
    return;
  fprintf(stderr, "line %d: not true: %s\n", line, what);
  fprintf(stderr, "last error: %s\n", fp4q_last_error());
  exit(1);
}
#define REQUIRE(condition) require((condition), #condition, __LINE__)

static fp4q_module *parse(fp4q_context *context) {
  fp4q_module *module = NULL;
  REQUIRE(fp4q_module_parse(context, source, strlen(source), NULL, &module) ==
          FP4Q_SUCCESS);
  return module;
}

static void print_specs(const fp4q_function *function) {
  size_t number = 0;
  fp4q_value_spec spec = FP4Q_VALUE_SPEC_INIT;
  REQUIRE(fp4q_function_num_arguments(function, &number) == FP4Q_SUCCESS);
  for (size_t i = 0; i < number; ++i) {
    REQUIRE(fp4q_function_argument(function, i, &spec) == FP4Q_SUCCESS);
    printf("argument %s: dtype %d, %u bytes, scalar %d, rank %u\n", spec.type,
           spec.dtype, spec.element_bytes, spec.is_scalar, spec.rank);
  }
  REQUIRE(fp4q_function_num_results(function, &number) == FP4Q_SUCCESS);
  for (size_t i = 0; i < number; ++i) {
    REQUIRE(fp4q_function_result(function, i, &spec) == FP4Q_SUCCESS);
    printf("result %s: dtype %d, sizes %d and %d\n", spec.type, spec.dtype,
           (int)spec.sizes[0], (int)spec.sizes[1]);
  }
}

enum { ROWS = 64 };

/* Quantizes ROWS rows, of which row i has the largest value 6 * 2^(i % 8). */
static int quantize_rows(void *function) {
  static thread_local float x[ROWS][32];
  static thread_local uint8_t codes[ROWS][16], scales[ROWS];
  for (int i = 0; i < ROWS; ++i)
    for (int j = 0; j < 32; ++j)
      x[i][j] = (float)(j % 7) * (float)(1 << i % 8);
  float global_scale = 1.0F;
  int64_t x_sizes[] = {ROWS, 32}, sizes[4] = {0};
  fp4q_buffer arguments[] = {{x, sizeof(x), x_sizes, 2},
                             {&global_scale, sizeof(float), NULL, 0}};
  REQUIRE(fp4q_function_result_sizes(function, arguments, 2, sizes, 4) ==
          FP4Q_SUCCESS);
  REQUIRE(sizes[0] == ROWS && sizes[1] == 16);
  REQUIRE(sizes[2] == ROWS && sizes[3] == 1);
  fp4q_buffer results[] = {{codes, sizeof(codes), sizes, 2},
                           {scales, sizeof(scales), sizes + 2, 2}};
  for (int round = 0; round < 50; ++round) {
    memset(codes, 0xA5, sizeof(codes));
    memset(scales, 0xA5, sizeof(scales));
    REQUIRE(fp4q_function_invoke(function, arguments, 2, results, 2) ==
            FP4Q_SUCCESS);
    for (int i = 0; i < ROWS; ++i) {
      /* 0 1 2 3 4 5 6 0 in units of the scale; 5 is a tie and goes to 4. */
      static const uint8_t expected[] = {0x20, 0x54, 0x66, 0x07};
      REQUIRE(scales[i] == 127 + i % 8);
      REQUIRE(memcmp(codes[i], expected, sizeof(expected)) == 0);
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  REQUIRE(argc == 2);
  const char *path = argv[1];
  REQUIRE(fp4q_c_api_version() == FP4Q_C_API_VERSION);
  printf("%s\n", fp4q_version());
  printf("no error yet: '%s'\n", fp4q_last_error());

  fp4q_context_options context_options = FP4Q_CONTEXT_OPTIONS_INIT;
  context_options.multithreading = 1;
  fp4q_context *context = NULL;
  REQUIRE(fp4q_context_create(&context_options, &context) == FP4Q_SUCCESS);
  fp4q_module *module = parse(context);

  fp4q_compile_options serial = FP4Q_COMPILE_OPTIONS_INIT;
  serial.parallel = 0;
  fp4q_function *functions[2] = {NULL, NULL};
  REQUIRE(fp4q_function_compile(module, NULL, NULL, &functions[0]) ==
          FP4Q_SUCCESS);
  REQUIRE(fp4q_function_compile(module, "quantize", &serial, &functions[1]) ==
          FP4Q_SUCCESS);
  print_specs(functions[0]);

  /* Compiling has left the module as it was; a pipeline changes it. */
  char *text = NULL;
  REQUIRE(fp4q_module_print(module, &text) == FP4Q_SUCCESS);
  REQUIRE(strstr(text, "fp4q.quantize_pack") != NULL);
  fp4q_string_free(text);
  REQUIRE(fp4q_module_run_pipeline(module, "canonicalize,cse") == FP4Q_SUCCESS);
  REQUIRE(fp4q_module_run_pipeline(module,
                                   "builtin.module(func.func(canonicalize))") ==
          FP4Q_SUCCESS);
  REQUIRE(fp4q_module_run_pipeline(module, "fp4q-to-cpu{parallel=false}") ==
          FP4Q_SUCCESS);
  REQUIRE(fp4q_module_print(module, &text) == FP4Q_SUCCESS);
  REQUIRE(strstr(text, "llvm.func @_mlir_ciface_quantize") != NULL);
  REQUIRE(strstr(text, "fp4q.quantize_pack") == NULL);

  /* What is printed can be parsed again, from a file too. */
  FILE *file = fopen(path, "w");
  REQUIRE(file && fputs(text, file) >= 0 && fclose(file) == 0);
  fp4q_module *again = NULL;
  REQUIRE(fp4q_module_parse_file(context, path, &again) == FP4Q_SUCCESS);
  fp4q_string_free(text);
  fp4q_module_destroy(again);

  /* Functions outlive their module and context, and run on many threads. */
  fp4q_module_destroy(module);
  fp4q_context_destroy(context);
  thrd_t threads[4];
  for (int i = 0; i < 4; ++i)
    REQUIRE(thrd_create(&threads[i], quantize_rows, functions[i % 2]) ==
            thrd_success);
  for (int i = 0; i < 4; ++i)
    REQUIRE(thrd_join(threads[i], NULL) == thrd_success);
  fp4q_function_destroy(functions[0]);
  fp4q_function_destroy(functions[1]);

  fp4q_context_destroy(NULL);
  fp4q_module_destroy(NULL);
  fp4q_function_destroy(NULL);
  fp4q_string_free(NULL);
  printf("done\n");
  return 0;
}
