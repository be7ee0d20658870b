//===- artifact.c - artifacts through the C interface ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q-c/Artifact.h"
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

/* Two functions, sizes that must agree, and a scalar. */
static const char source[] =
    "func.func @dequantize(%c: tensor<?x16xi8>, %s: tensor<?x1xf8E8M0FNU>,\n"
    "                      %g: f32) -> tensor<?x32xf32> {\n"
    "  %zero = arith.constant 0 : index\n"
    "  %rows = tensor.dim %c, %zero : tensor<?x16xi8>\n"
    "  %v0 = tensor.empty(%rows) : tensor<?x32xf32>\n"
    "  %v = fp4q.dequant ins(%c, %s : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>)\n"
    "      global_scale(%g : f32)\n"
    "      outs(%v0 : tensor<?x32xf32>) -> tensor<?x32xf32>\n"
    "  return %v : tensor<?x32xf32>\n"
    "}\n"
    "func.func @copy(%x: tensor<4xf64>) -> tensor<4xf64> {\n"
    "  return %x : tensor<4xf64>\n"
    "}\n";

#define OK(call) must((call) == FP4Q_SUCCESS, __LINE__)

enum { ROWS = 3 };

/* The tensors of a call of @dequantize; codes and values are transposed. */
typedef struct call {
  uint8_t codes[16][ROWS], scales[ROWS];
  float global_scale, values[32][ROWS];
  int64_t codes_shape[2], scales_shape[2], values_shape[2];
  int64_t codes_strides[2], values_strides[2];
  DLTensor tensors[4];
  const DLTensor *pointers[4];
} call;

static DLTensor make_tensor(void *data, uint8_t code, uint8_t bits, int rank,
                            int64_t *shape, int64_t *strides) {
  DLTensor tensor;
  memset(&tensor, 0, sizeof(tensor));
  tensor.data = data;
  tensor.device.device_type = FP4Q_DL_CPU;
  tensor.ndim = rank;
  tensor.dtype.code = code;
  tensor.dtype.bits = bits;
  tensor.dtype.lanes = 1;
  tensor.shape = shape;
  tensor.strides = strides;
  return tensor;
}

static void fill(call *c) {
  memset(c, 0, sizeof(*c));
  for (int i = 0; i < 16; ++i)
    for (int row = 0; row < ROWS; ++row)
      c->codes[i][row] = 0x42; /* 1 and 2 */
  for (int row = 0; row < ROWS; ++row)
    c->scales[row] = (uint8_t)(127 + row);
  c->global_scale = 0.5F;
  c->codes_shape[0] = c->scales_shape[0] = c->values_shape[0] = ROWS;
  c->codes_shape[1] = 16;
  c->scales_shape[1] = 1;
  c->values_shape[1] = 32;
  c->codes_strides[0] = c->values_strides[0] = 1;
  c->codes_strides[1] = c->values_strides[1] = ROWS;
  c->tensors[0] = make_tensor(c->codes, FP4Q_DL_INT, 8, 2, c->codes_shape,
                              c->codes_strides);
  c->tensors[1] =
      make_tensor(c->scales, FP4Q_DL_UINT, 8, 2, c->scales_shape, NULL);
  c->tensors[2] =
      make_tensor(&c->global_scale, FP4Q_DL_FLOAT, 32, 0, NULL, NULL);
  c->tensors[3] = make_tensor(c->values, FP4Q_DL_FLOAT, 32, 2, c->values_shape,
                              c->values_strides);
  for (int i = 0; i < 4; ++i)
    c->pointers[i] = &c->tensors[i];
}

/* Good calls of the entry that `argument` points to give what they should. */
static int dequantize(void *argument) {
  const fp4q_entry *entry = *(const fp4q_entry **)argument;
  static thread_local call c;
  for (int round = 0; round < 50; ++round) {
    fill(&c);
    int64_t sizes[2] = {0, 0};
    OK(fp4q_entry_result_sizes(entry, c.pointers, 3, sizes, 2));
    MUST(sizes[0] == ROWS && sizes[1] == 32);
    OK(fp4q_entry_invoke(entry, c.pointers, 4, NULL));
    for (int row = 0; row < ROWS; ++row)
      for (int i = 0; i < 32; ++i)
        MUST(c.values[i][row] == (i % 2 ? 1.0F : 0.5F) * (float)(1 << row));
  }
  return 0;
}

static void test_write(fp4q_context *context, fp4q_module *module,
                       const char *path) {
  fp4q_artifact_options options = FP4Q_ARTIFACT_OPTIONS_INIT;
  show(fp4q_artifact_write(NULL, &options, path));
  show(fp4q_artifact_write(module, &options, NULL));
  options.targets = "cpu,cpu:8086";
  show(fp4q_artifact_write(module, &options, path));
  options.targets = "cpu,cpu:x86-64";
  show(fp4q_artifact_write(module, &options, path));
  options.version = 7;
  show(fp4q_artifact_write(module, &options, path));
  options.version = 1;
  options.struct_size = 1;
  show(fp4q_artifact_write(module, &options, path));
  show(fp4q_artifact_write(module, NULL, "/nonexistent/a.so"));
  static const char external[] = "func.func private @f(tensor<4xf32>)";
  fp4q_module *bad = NULL;
  OK(fp4q_module_parse(context, external, strlen(external), "bad.mlir", &bad));
  show(fp4q_artifact_write(bad, NULL, path));
  fp4q_module_destroy(bad);

  /* None of that has left a file. */
  fp4q_artifact *artifact = NULL;
  show(fp4q_artifact_open(path, NULL, &artifact));
  MUST(!artifact);
  options.struct_size = sizeof(options);
  options.targets = "cpu,cpu:x86-64-v2";
  OK(fp4q_artifact_write(module, &options, path));
  /* The module is as it was, so it can be written again. */
  options.targets = NULL;
  options.parallel = 0;
  char serial[1024];
  MUST(snprintf(serial, sizeof(serial), "%s.serial", path) <
       (int)sizeof(serial));
  OK(fp4q_artifact_write(module, &options, serial));
  OK(fp4q_artifact_open(serial, NULL, &artifact));
  const char *target = NULL;
  OK(fp4q_artifact_get_target(artifact, &target));
  printf("%s\n", target);
  const fp4q_entry *entry = NULL;
  OK(fp4q_artifact_get_entry(artifact, 0, &entry));
  dequantize(&entry);
  fp4q_artifact_close(artifact);
}

static void test_open(const char *path) {
  fp4q_artifact *artifact = NULL;
  show(fp4q_artifact_open(NULL, NULL, &artifact));
  show(fp4q_artifact_open(path, NULL, NULL));
  show(fp4q_artifact_open("/", NULL, &artifact));
  show(fp4q_artifact_open(path, "cpu:x86-64-v3", &artifact));
  MUST(!artifact);
}

static void test_queries(fp4q_artifact *artifact, const fp4q_entry *entry) {
  const char *text = NULL;
  size_t number = 0;
  const fp4q_entry *other = NULL;
  fp4q_value_spec spec = FP4Q_VALUE_SPEC_INIT;
  show(fp4q_artifact_get_manifest(NULL, &text));
  show(fp4q_artifact_get_manifest(artifact, NULL));
  show(fp4q_artifact_get_target(artifact, NULL));
  show(fp4q_artifact_get_num_entries(NULL, &number));
  show(fp4q_artifact_get_entry(artifact, 2, &other));
  show(fp4q_artifact_get_entry(artifact, 0, NULL));
  show(fp4q_artifact_find_entry(artifact, NULL, &other));
  show(fp4q_artifact_find_entry(artifact, "coyp", &other));
  show(fp4q_entry_name(NULL, &text));
  show(fp4q_entry_num_arguments(entry, NULL));
  show(fp4q_entry_num_results(NULL, &number));
  show(fp4q_entry_argument(entry, 3, &spec));
  show(fp4q_entry_argument(entry, 0, NULL));
  show(fp4q_entry_result(entry, 1, &spec));
  spec.version = 2;
  show(fp4q_entry_result(entry, 0, &spec));
  MUST(!other && !text);
  /* A program that was built before the structure had grown. */
  struct {
    fp4q_value_spec spec;
    char guard[8];
  } old = {FP4Q_VALUE_SPEC_INIT, "guarded"};
  old.spec.struct_size = offsetof(fp4q_value_spec, symbols);
  old.spec.symbols = (void *)&old;
  OK(fp4q_entry_result(entry, 0, &old.spec));
  MUST(old.spec.symbols == (void *)&old && !strcmp(old.guard, "guarded"));
  MUST(old.spec.struct_size == offsetof(fp4q_value_spec, symbols));
}

static void print_specs(fp4q_artifact *artifact) {
  size_t entries = 0, number = 0;
  const char *name = NULL, *manifest = NULL;
  fp4q_value_spec spec = FP4Q_VALUE_SPEC_INIT;
  OK(fp4q_artifact_get_manifest(artifact, &manifest));
  MUST(strstr(manifest, "\"name\": \"dequantize\"") != NULL);
  OK(fp4q_artifact_get_num_entries(artifact, &entries));
  for (size_t i = 0; i < entries; ++i) {
    const fp4q_entry *entry = NULL, *same = NULL;
    OK(fp4q_artifact_get_entry(artifact, i, &entry));
    OK(fp4q_entry_name(entry, &name));
    OK(fp4q_artifact_find_entry(artifact, name, &same));
    MUST(entry == same);
    OK(fp4q_entry_num_arguments(entry, &number));
    for (size_t j = 0; j < number; ++j) {
      OK(fp4q_entry_argument(entry, j, &spec));
      printf("@%s argument %s: dtype %d, %u bytes, scalar %d, rank %u, %s\n",
             name, spec.type, spec.dtype, spec.element_bytes, spec.is_scalar,
             spec.rank, spec.rank ? spec.symbols[0] : "-");
    }
    OK(fp4q_entry_num_results(entry, &number));
    for (size_t j = 0; j < number; ++j) {
      OK(fp4q_entry_result(entry, j, &spec));
      printf("@%s result %s: dtype %d, size %d = %s\n", name, spec.type,
             spec.dtype, (int)spec.sizes[0], spec.symbols[0]);
    }
  }
}

static void test_calls(const fp4q_entry *entry) {
  call c;
  int64_t sizes[2];
  fill(&c);
  show(fp4q_entry_result_sizes(NULL, c.pointers, 3, sizes, 2));
  show(fp4q_entry_result_sizes(entry, c.pointers, 2, sizes, 2));
  show(fp4q_entry_result_sizes(entry, c.pointers, 3, sizes, 1));
  show(fp4q_entry_result_sizes(entry, c.pointers, 3, NULL, 2));
  show(fp4q_entry_result_sizes(entry, NULL, 3, sizes, 2));
  show(fp4q_entry_invoke(NULL, c.pointers, 4, NULL));
  show(fp4q_entry_invoke(entry, NULL, 4, NULL));
  show(fp4q_entry_invoke(entry, c.pointers, 3, NULL));
  show(fp4q_entry_invoke(entry, c.pointers, (size_t)-1, NULL));
  c.pointers[1] = NULL;
  show(fp4q_entry_invoke(entry, c.pointers, 4, NULL));
  fill(&c);
  c.tensors[0].dtype.bits = 4;
  show(fp4q_entry_invoke(entry, c.pointers, 4, NULL));
  fill(&c);
  c.tensors[0].device.device_type = FP4Q_DL_CUDA;
  show(fp4q_entry_invoke(entry, c.pointers, 4, NULL));
  fill(&c);
  c.tensors[2].ndim = 1;
  show(fp4q_entry_invoke(entry, c.pointers, 4, NULL));
  fill(&c);
  c.scales_shape[0] = 2;
  show(fp4q_entry_invoke(entry, c.pointers, 4, NULL));
  fill(&c);
  c.values_strides[0] = 0;
  show(fp4q_entry_invoke(entry, c.pointers, 4, NULL));
  fill(&c);
  c.tensors[3].data = c.codes;
  show(fp4q_entry_invoke(entry, c.pointers, 4, NULL));
  fill(&c);
  c.tensors[0].data = NULL;
  show(fp4q_entry_invoke(entry, c.pointers, 4, NULL));
}

int main(int argc, char **argv) {
  MUST(argc == 2);
  fp4q_context *context = NULL;
  fp4q_module *module = NULL;
  OK(fp4q_context_create(NULL, &context));
  OK(fp4q_module_parse(context, source, strlen(source), "in.mlir", &module));
  test_write(context, module, argv[1]);
  fp4q_module_destroy(module);
  fp4q_context_destroy(context);

  test_open(argv[1]);
  fp4q_artifact *artifact = NULL, *twice = NULL;
  const fp4q_entry *entry = NULL;
  OK(fp4q_artifact_open(argv[1], "cpu:x86-64", &artifact));
  OK(fp4q_artifact_open(argv[1], NULL, &twice));
  print_specs(artifact);
  OK(fp4q_artifact_find_entry(artifact, "dequantize", &entry));
  test_queries(artifact, entry);
  test_calls(entry);

  /* After all that, correct calls work, from many threads. */
  thrd_t threads[4];
  for (int i = 0; i < 4; ++i)
    MUST(thrd_create(&threads[i], dequantize, &entry) == thrd_success);
  for (int i = 0; i < 4; ++i)
    MUST(thrd_join(threads[i], NULL) == thrd_success);
  /* One of them may go while the other stays. */
  fp4q_artifact_close(artifact);
  OK(fp4q_artifact_find_entry(twice, "dequantize", &entry));
  dequantize(&entry);
  fp4q_artifact_close(twice);
  fp4q_artifact_close(NULL);
  printf("%d failures\n", failures);
  return 0;
}
