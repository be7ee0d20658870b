// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiled bf16 matrix product, C = A * B^T, by cp.async, ldmatrix and mma.sync.
// M and N are multiples of 64, K of 32. generate.sh makes matmul.ptx.

#include <cstdint>

// Rows of 32 elements, padded to 40: eight rows of 16 bytes hit all 32 banks.
constexpr int kPitch = 40;

__device__ void copy16(uint32_t to, const void *from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to),
               "l"(__cvta_generic_to_global(from)));
}

__device__ void load_matrices(uint32_t (&r)[4], uint32_t address) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
      : "r"(address));
}

__device__ void mma(float (&d)[4], const uint32_t (&a)[4], uint32_t b0,
                    uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

extern "C" __global__ void __launch_bounds__(128)
    matmul_bf16(const uint16_t *a, const uint16_t *b, float *c, int n, int k) {
  __shared__ __align__(16) uint16_t tiles[2][2][64][kPitch];
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int row0 = blockIdx.y * 64, col0 = blockIdx.x * 64;
  const auto load = [&](int stage, int k0) {
    for (int i = 0; i < 2; ++i) {
      int chunk = threadIdx.x + i * 128;
      int row = chunk / 4, at = chunk % 4 * 8;
      copy16(uint32_t(__cvta_generic_to_shared(&tiles[stage][0][row][at])),
             a + size_t(row0 + row) * k + k0 + at);
      copy16(uint32_t(__cvta_generic_to_shared(&tiles[stage][1][row][at])),
             b + size_t(col0 + row) * k + k0 + at);
    }
    asm volatile("cp.async.commit_group;");
  };
  float acc[2][4][4] = {};
  int warpRow = warp / 2 * 32, warpCol = warp % 2 * 32;
  load(0, 0);
#pragma unroll 1
  for (int k0 = 0, stage = 0; k0 < k; k0 += 32, stage ^= 1) {
    if (k0 + 32 < k) {
      load(stage ^ 1, k0 + 32);
      asm volatile("cp.async.wait_group 1;");
    } else {
      asm volatile("cp.async.wait_group 0;");
    }
    __syncthreads();
    for (int kk = 0; kk < 32; kk += 16) {
      uint32_t fa[2][4], fb[2][4];
      for (int i = 0; i < 2; ++i) {
        load_matrices(fa[i],
                      uint32_t(__cvta_generic_to_shared(
                          &tiles[stage][0][warpRow + i * 16 + lane % 16]
                                [kk + lane / 16 * 8])));
        load_matrices(
            fb[i],
            uint32_t(__cvta_generic_to_shared(
                &tiles[stage][1][warpCol + i * 16 + lane / 16 * 8 + lane % 8]
                      [kk + lane / 8 % 2 * 8])));
      }
      for (int m = 0; m < 2; ++m)
        for (int j = 0; j < 4; ++j)
          mma(acc[m][j], fa[m], fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]);
    }
    __syncthreads();
  }
  for (int m = 0; m < 2; ++m)
    for (int j = 0; j < 4; ++j)
      for (int half = 0; half < 2; ++half) {
        int row = row0 + warpRow + m * 16 + half * 8 + lane / 4;
        int col = col0 + warpCol + j * 8 + lane % 4 * 2;
        float2 pair = {acc[m][j][half * 2], acc[m][j][half * 2 + 1]};
        *reinterpret_cast<float2 *>(&c[size_t(row) * n + col]) = pair;
      }
}
