// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Y (16, N) = X (16, K, bf16) * W^T, W (N, K) in mxfp4: codes are expanded to
// bf16 in registers. A warp takes 8 rows of W; K is a multiple of 64.
// generate.sh makes fp4_decode.ptx.

#include <cstdint>

// Nibbles 0 and 4 of w (or 1 and 5, ...) as a pair of bf16 times 2^-126.
__device__ uint32_t spread(uint32_t w, int nibble) {
  uint32_t x = nibble % 2 ? w & 0x00f000f0 : w & 0x000f000f;
  return (x * (nibble % 2 ? 260 : 4160)) & 0x81c081c0;
}

__device__ uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t d;
  asm("{ .reg .b32 z; mov.b32 z, 0x80008000;\n"
      "fma.rn.bf16x2 %0, %1, %2, z; }"
      : "=r"(d)
      : "r"(a), "r"(b));
  return d;
}

// Eight codes to four pairs in order, scaled.
__device__ void decode(uint32_t (&out)[4], uint32_t w, uint32_t scale) {
  uint32_t pairs[4];
  for (int i = 0; i < 4; ++i) {
    uint32_t bits = spread(i < 2 ? w : w >> 8, i);
    pairs[i] = multiply(multiply(bits, 0x7e807e80), scale);
  }
  out[0] = __byte_perm(pairs[0], pairs[1], 0x5410);
  out[1] = __byte_perm(pairs[2], pairs[3], 0x5410);
  out[2] = __byte_perm(pairs[0], pairs[1], 0x7632);
  out[3] = __byte_perm(pairs[2], pairs[3], 0x7632);
}

extern "C" __global__ void fp4_decode(const uint16_t *x, const uint8_t *codes,
                                      const uint8_t *scales, float *y, int n,
                                      int k) {
  int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  int row = (blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32) * 8 + g;
  float d[4] = {};
#pragma unroll 1
  for (int k0 = 0; k0 < k; k0 += 64) {
    // Lane t owns k0 + 16t ... + 15 of its row; X is read in the same order.
    uint2 words = *reinterpret_cast<const uint2 *>(
        codes + size_t(row) * (k / 2) + k0 / 2 + t * 8);
    uint32_t scale = scales[size_t(row) * (k / 32) + k0 / 32 + t / 2];
    scale = scale << 7 | scale << 23;
    for (int half = 0; half < 2; ++half) {
      uint32_t b[4];
      decode(b, half ? words.y : words.x, scale);
      for (int j = 0; j < 2; ++j) {
        const uint16_t *first = x + size_t(g) * k + k0 + t * 16 + half * 8 + j * 4;
        uint2 top = *reinterpret_cast<const uint2 *>(first);
        uint2 low = *reinterpret_cast<const uint2 *>(first + size_t(8) * k);
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                     "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                     "{%0, %1, %2, %3};"
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                     : "r"(top.x), "r"(low.x), "r"(top.y), "r"(low.y),
                       "r"(b[2 * j]), "r"(b[2 * j + 1]));
      }
    }
  }
  int column = row - g + t * 2;
  y[g * n + column] = d[0];
  y[g * n + column + 1] = d[1];
  y[(g + 8) * n + column] = d[2];
  y[(g + 8) * n + column + 1] = d[3];
}
