// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One 16 x 8 tile of C = A * B^T on FP4 codes by block-scaled mma.sync, staged
// through shared memory: nvfp4 (scale_vec::4X, ue4m3) and mxfp4 (2X, ue8m0),
// with selectors other than zero. generate.sh makes block_scaled.ptx (sm_120a).

#include <cstdint>

__device__ void copy16(uint32_t to, const void *from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to),
               "l"(__cvta_generic_to_global(from)));
}

__device__ void stage(uint8_t (&a)[16][32], uint8_t (&b)[8][32],
                      const uint8_t *fromA, const uint8_t *fromB, int pitch) {
  int lane = threadIdx.x;
  copy16(uint32_t(__cvta_generic_to_shared(&a[lane / 2][lane % 2 * 16])),
         fromA + lane / 2 * pitch + lane % 2 * 16);
  if (lane < 16)
    copy16(uint32_t(__cvta_generic_to_shared(&b[lane / 2][lane % 2 * 16])),
           fromB + lane / 2 * pitch + lane % 2 * 16);
  asm volatile("cp.async.commit_group;\n cp.async.wait_group 0;");
  __syncwarp();
}

__device__ void fragments(uint32_t (&a)[4], uint32_t (&b)[2],
                          uint8_t (&tileA)[16][32], uint8_t (&tileB)[8][32]) {
  int lane = threadIdx.x;
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3])
      : "r"(uint32_t(__cvta_generic_to_shared(
          &tileA[lane % 16][lane / 16 * 16]))));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(b[0]), "=r"(b[1])
               : "r"(uint32_t(__cvta_generic_to_shared(
                   &tileB[lane % 8][lane / 8 % 2 * 16]))));
}

__device__ void store(float *c, const float (&d)[4]) {
  int g = threadIdx.x / 4, t = threadIdx.x % 4;
  for (int half = 0; half < 2; ++half)
    *reinterpret_cast<float2 *>(&c[(g + 8 * half) * 8 + t * 2]) =
        make_float2(d[2 * half], d[2 * half + 1]);
}

// Scales: (rows, k / 16), one word per 64 of k.
extern "C" __global__ void nvfp4_tile(const uint8_t *a, const uint8_t *b,
                                      const uint32_t *sa, const uint32_t *sb,
                                      float *c, int k) {
  __shared__ __align__(16) uint8_t tileA[16][32], tileB[8][32];
  int g = threadIdx.x / 4, t = threadIdx.x % 4;
  float d[4] = {};
#pragma unroll 1
  for (int i = 0; i < k / 64; ++i) {
    stage(tileA, tileB, a + i * 32, b + i * 32, k / 2);
    uint32_t fa[4], fb[2];
    fragments(fa, fb, tileA, tileB);
    // thread-id-a 1: lanes 2 and 3 of a quad hold rows g and g + 8;
    // thread-id-b 3: lane 3 holds column g.
    uint32_t scaleA = t >= 2 ? sa[(g + 8 * (t - 2)) * (k / 64) + i] : ~0u;
    uint32_t scaleB = t == 3 ? sb[g * (k / 64) + i] : ~0u;
    asm volatile(
        "mma.sync.aligned.kind::mxf4nvf4.block_scale.scale_vec::4X.m16n8k64"
        ".row.col.f32.e2m1.e2m1.f32.ue4m3 {%0, %1, %2, %3}, "
        "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3}, "
        "{%10}, {0, 1}, {%11}, {0, 3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]),
          "r"(fb[1]), "r"(scaleA), "r"(scaleB));
    __syncwarp();
  }
  store(c, d);
}

// Scales: (rows, k / 32), one word per 128 of k, of which a step takes half.
extern "C" __global__ void mxfp4_tile(const uint8_t *a, const uint8_t *b,
                                      const uint32_t *sa, const uint32_t *sb,
                                      float *c, int k) {
  __shared__ __align__(16) uint8_t tileA[16][32], tileB[8][32];
  int g = threadIdx.x / 4, t = threadIdx.x % 4;
  float d[4] = {};
#pragma unroll 1
  for (int i = 0; i < k / 64; i += 2) {
    uint32_t scaleA = t < 2 ? sa[(g + 8 * t) * (k / 128) + i / 2] : ~0u;
    uint32_t scaleB = t == 1 ? sb[g * (k / 128) + i / 2] : ~0u;
    uint32_t fa[4], fb[2];
    stage(tileA, tileB, a + i * 32, b + i * 32, k / 2);
    fragments(fa, fb, tileA, tileB);
    asm volatile(
        "mma.sync.aligned.kind::mxf4.block_scale.scale_vec::2X.m16n8k64"
        ".row.col.f32.e2m1.e2m1.f32.ue8m0 {%0, %1, %2, %3}, "
        "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3}, "
        "{%10}, {0, 0}, {%11}, {0, 1};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]),
          "r"(fb[1]), "r"(scaleA), "r"(scaleB));
    __syncwarp();
    stage(tileA, tileB, a + (i + 1) * 32, b + (i + 1) * 32, k / 2);
    fragments(fa, fb, tileA, tileB);
    asm volatile(
        "mma.sync.aligned.kind::mxf4.block_scale.scale_vec::2X.m16n8k64"
        ".row.col.f32.e2m1.e2m1.f32.ue8m0 {%0, %1, %2, %3}, "
        "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3}, "
        "{%10}, {2, 0}, {%11}, {2, 1};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]),
          "r"(fb[1]), "r"(scaleA), "r"(scaleB));
    __syncwarp();
  }
  store(c, d);
}
