// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vector add, reduction and scan; generate.sh makes basic.ptx.

extern "C" __global__ void vector_add(const float *a, const float *b, float *c,
                                      int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    c[i] = a[i] + b[i];
}

// Sums n ints into *out, 256 threads a CTA.
extern "C" __global__ void reduce_sum(const int *in, int *out, int n) {
  __shared__ int partial[8];
  int i = blockIdx.x * 256 + threadIdx.x;
  int value = i < n ? in[i] : 0;
  for (int offset = 16; offset; offset /= 2)
    value += __shfl_down_sync(~0u, value, offset);
  if (threadIdx.x % 32 == 0)
    partial[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x < 32) {
    value = threadIdx.x < 8 ? partial[threadIdx.x] : 0;
    for (int offset = 4; offset; offset /= 2)
      value += __shfl_down_sync(~0u, value, offset);
    if (threadIdx.x == 0)
      atomicAdd(out, value);
  }
}

// Inclusive prefix sums of 256 ints a CTA, by doubling in shared memory.
extern "C" __global__ void scan(const int *in, int *out) {
  __shared__ int buffer[2][256];
  int t = threadIdx.x, now = 0;
  buffer[0][t] = in[blockIdx.x * 256 + t];
  __syncthreads();
#pragma unroll 1
  for (int offset = 1; offset < 256; offset *= 2) {
    int value = buffer[now][t];
    if (t >= offset)
      value += buffer[now][t - offset];
    buffer[now ^ 1][t] = value;
    now ^= 1;
    __syncthreads();
  }
  out[blockIdx.x * 256 + t] = buffer[now][t];
}
