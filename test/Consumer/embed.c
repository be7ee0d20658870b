/* Quantizes two rows to mxfp4 through fp4q's C interface. */
#include "fp4q-c/Compiler.h"

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

int main(void) {
  fp4q_context *context;
  fp4q_module *module;
  fp4q_function *quantize;
  check(fp4q_context_create(NULL, &context));
  check(fp4q_module_parse(context, source, strlen(source), "quantize.mlir",
                          &module));
  check(fp4q_function_compile(module, "quantize", NULL, &quantize));
  /* A compiled function needs neither of them. */
  fp4q_module_destroy(module);
  fp4q_context_destroy(context);

  float x[2][32];
  for (int i = 0; i < 32; ++i) {
    x[0][i] = (float)(i % 4);
    x[1][i] = 16.0F * (float)(i % 4);
  }
  int64_t x_sizes[] = {2, 32};
  fp4q_buffer argument = {x, sizeof(x), x_sizes, 2};

  /* codes have rank 2 and scales have rank 2, so there are four sizes. */
  int64_t sizes[4];
  check(fp4q_function_result_sizes(quantize, &argument, 1, sizes, 4));
  size_t codes_bytes = (size_t)(sizes[0] * sizes[1]);
  size_t scales_bytes = (size_t)(sizes[2] * sizes[3]);
  uint8_t *codes = malloc(codes_bytes), *scales = malloc(scales_bytes);
  fp4q_buffer results[] = {{codes, codes_bytes, sizes, 2},
                           {scales, scales_bytes, sizes + 2, 2}};
  check(fp4q_function_invoke(quantize, &argument, 1, results, 2));

  for (int row = 0; row < 2; ++row)
    printf("scale 2^%d codes %02x %02x ...\n", scales[row] - 127,
           codes[row * 16], codes[row * 16 + 1]);
  free(codes);
  free(scales);
  fp4q_function_destroy(quantize);
  return 0;
}
