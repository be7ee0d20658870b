/* Compiles a module into an artifact, loads it and calls it on a tensor that is
   not contiguous. Given the path of an artifact, does only the latter. */
#include "fp4q-c/Artifact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char source[] =
    "func.func @quantize(%x: tensor<?x32xf32>)\n"
    "    -> (tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>) {\n"
    "  %zero = arith.constant 0 : index\n"
    "  %rows = tensor.dim %x, %zero : tensor<?x32xf32>\n"
    "  %c = tensor.empty(%rows) : tensor<?x16xi8>\n"
    "  %s = tensor.empty(%rows) : tensor<?x1xf8E8M0FNU>\n"
    "  %six = arith.constant 6.0 : f32\n"
    "  %codes, %scales = fp4q.quantize_pack ins(%x : tensor<?x32xf32>)\n"
    "      scale_scale(%six : f32)\n"
    "      outs(%c, %s : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>)\n"
    "      -> tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>\n"
    "  return %codes, %scales : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>\n"
    "}\n";

static void check(fp4q_status status) {
  if (status == FP4Q_SUCCESS)
    return;
  fprintf(stderr, "error: %s\n", fp4q_last_error());
  exit(1);
}

static void compile(const char *path) {
  fp4q_context *context;
  fp4q_module *module;
  fp4q_artifact_options options = FP4Q_ARTIFACT_OPTIONS_INIT;
  options.targets = "cpu,cpu:x86-64-v3";
  check(fp4q_context_create(NULL, &context));
  check(fp4q_module_parse(context, source, strlen(source), "quantize.mlir",
                          &module));
  check(fp4q_artifact_write(module, &options, path));
  fp4q_module_destroy(module);
  fp4q_context_destroy(context);
}

static DLTensor make_tensor(void *data, uint8_t code, uint8_t bits,
                            int64_t *shape, int64_t *strides) {
  DLTensor tensor = {0};
  tensor.data = data;
  tensor.device.device_type = FP4Q_DL_CPU;
  tensor.ndim = 2;
  tensor.dtype.code = code;
  tensor.dtype.bits = bits;
  tensor.dtype.lanes = 1;
  tensor.shape = shape;
  tensor.strides = strides; /* in elements; null: contiguous */
  return tensor;
}

int main(int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : "quantize.so";
  if (argc == 1)
    compile(path);

  fp4q_artifact *artifact;
  const fp4q_entry *quantize;
  check(fp4q_artifact_open(path, NULL, &artifact));
  check(fp4q_artifact_find_entry(artifact, "quantize", &quantize));

  /* Row i of the tensor is column i of the array. */
  float x[32][2];
  for (int i = 0; i < 32; ++i) {
    x[i][0] = (float)(i % 4);
    x[i][1] = 16.0F * (float)(i % 4);
  }
  int64_t x_shape[] = {2, 32}, x_strides[] = {1, 2};
  DLTensor x_tensor = make_tensor(x, FP4Q_DL_FLOAT, 32, x_shape, x_strides);
  const DLTensor *tensors[3] = {&x_tensor};

  int64_t sizes[4];
  check(fp4q_entry_result_sizes(quantize, tensors, 1, sizes, 4));
  uint8_t *codes = malloc((size_t)(sizes[0] * sizes[1]));
  uint8_t *scales = malloc((size_t)(sizes[2] * sizes[3]));
  DLTensor codes_tensor = make_tensor(codes, FP4Q_DL_INT, 8, sizes, NULL);
  DLTensor scales_tensor =
      make_tensor(scales, FP4Q_DL_UINT, 8, sizes + 2, NULL);
  tensors[1] = &codes_tensor;
  tensors[2] = &scales_tensor;
  check(fp4q_entry_invoke(quantize, tensors, 3, NULL));

  for (int row = 0; row < 2; ++row)
    printf("scale 2^%d codes %02x %02x ...\n", scales[row] - 127,
           codes[row * 16], codes[row * 16 + 1]);
  free(codes);
  free(scales);
  fp4q_artifact_close(artifact);
  return 0;
}
