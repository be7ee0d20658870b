//===- driver.c - call a kernel for AArch64 on arrays of a file -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   driver INPUT OUTPUT
//
// calls _mlir_ciface_kernel on the arrays of INPUT and writes all of them to
// OUTPUT. INPUT holds 64-bit integers and data: the number of arrays, and of
// each its rank (-1 for an f32 that is passed by value), the bytes of an
// element, the sizes, the elements. Each array ends where a page begins that
// cannot be accessed. Parallel loops run here, the last iteration first.
//
//===----------------------------------------------------------------------===//

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { maxArrays = 24, maxRank = 4, maxScalars = 4 };

struct Descriptor {
  void *allocated, *aligned;
  int64_t offset, sizesAndStrides[2 * maxRank];
};

struct Array {
  struct Descriptor descriptor;
  char *data;
  int64_t bytes;
};

void fp4q_parallel_for(int64_t begin, int64_t end, int64_t grain,
                       void (*body)(void *, int64_t, int64_t), void *context) {
  (void)grain;
  for (int64_t i = end - 1; i >= begin; --i)
    body(context, i, i + 1);
}

// General and floating-point registers are counted separately, so that pointers
// may all come before floats, and what is too many does no harm.
typedef struct Descriptor *P;
void _mlir_ciface_kernel(P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P,
                         P, P, P, P, P, P, float, float, float, float);

static void fail(const char *what) {
  fprintf(stderr, "driver: %s\n", what);
  exit(1);
}

static int64_t readNumber(FILE *file) {
  int64_t number;
  if (fread(&number, sizeof number, 1, file) != 1)
    fail("the input ends early");
  return number;
}

static char *allocateBeforeGuard(int64_t bytes) {
  const int64_t page = 4096;
  int64_t size = (bytes + page) / page * page;
  char *pages = mmap(NULL, (size_t)(size + page), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || mprotect(pages + size, (size_t)page, PROT_NONE))
    fail("no memory");
  return pages + size - bytes;
}

static void readArray(FILE *file, struct Array *array, int64_t rank) {
  if (rank > maxRank)
    fail("an array of too many dimensions");
  int64_t element = readNumber(file);
  int64_t *sizes = array->descriptor.sizesAndStrides, *strides = sizes + rank;
  for (int64_t i = 0; i < rank; ++i)
    sizes[i] = readNumber(file);
  array->bytes = element;
  for (int64_t i = rank - 1, stride = 1; i >= 0; stride *= sizes[i--]) {
    strides[i] = stride;
    array->bytes *= sizes[i];
  }
  array->data = allocateBeforeGuard(array->bytes);
  array->descriptor.allocated = array->descriptor.aligned = array->data;
  if (fread(array->data, 1, (size_t)array->bytes, file) != (size_t)array->bytes)
    fail("the input ends early");
}

int main(int argc, char **argv) {
  static struct Array arrays[maxArrays];
  struct Descriptor *p[maxArrays] = {0};
  float scalars[maxScalars] = {0};
  int64_t numPointers = 0, numScalars = 0;
  FILE *input = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (!input)
    fail("usage: driver INPUT OUTPUT");
  int64_t count = readNumber(input);
  for (int64_t i = 0; i < count; ++i) {
    int64_t rank = readNumber(input);
    if (numPointers == maxArrays || (rank < 0 && numScalars == maxScalars))
      fail("too many arrays");
    if (rank < 0) {
      int64_t bits = readNumber(input);
      memcpy(&scalars[numScalars++], &bits, sizeof(float));
      continue;
    }
    readArray(input, &arrays[numPointers], rank);
    p[numPointers] = &arrays[numPointers].descriptor;
    ++numPointers;
  }
  fclose(input);
  _mlir_ciface_kernel(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8],
                      p[9], p[10], p[11], p[12], p[13], p[14], p[15], p[16],
                      p[17], p[18], p[19], p[20], p[21], p[22], p[23],
                      scalars[0], scalars[1], scalars[2], scalars[3]);
  FILE *output = fopen(argv[2], "wb");
  if (!output)
    fail("cannot write the output");
  for (int64_t i = 0; i < numPointers; ++i)
    fwrite(arrays[i].data, 1, (size_t)arrays[i].bytes, output);
  return fclose(output) ? 1 : 0;
}
