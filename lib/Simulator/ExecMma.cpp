//===- ExecMma.cpp - mma.sync ---------------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.14.5.7 to 9.7.14.5.13 "Matrix Fragments" and 9.7.14.3
// "Block Scaling for mma.sync". With g = lane / 4 and t = lane % 4, and e the
// elements in one register (32 / bits):
//
//   A register r   row g + 8 * (r % 2), columns e*t + (r / 2) * 4e ... + e-1
//   B register r   column g,            rows    e*t + r * 4e ...       + e-1
//   C, D (f32)     c0, c1: row g, columns 2t, 2t+1; c2, c3: row g + 8
//   C, D (f16)     the same, in pairs
//
// so a register's 32 lanes, in memory order, are an 8 x 4e tile by rows. One
// exception: the two registers of A with .tf32 and k = 4 are rows g and g + 8,
// which the formula gives as well. A block-scaled mma takes
//
//   scale of A row m    from lane 4*(m % 8) + 2*thread-id + m / 8
//   scale of B column n from lane 4*n + thread-id
//
// and of that lane's register the byte byte-id plus the index of the chunk of
// k.
//
// Hardware sums in an order and with a precision of its own. Here: every
// operand is decoded (and scaled) to f32, exactly unless a product of element
// and scale leaves f32's range, and each element of D is a chain of f32 fma in
// ascending k that starts from C.
//
//===----------------------------------------------------------------------===//

#include "Exec.h"

#include <cmath>

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

constexpr int kMaxK = 64;

struct Operands {
  alignas(64) float a[16][kMaxK];
  alignas(64) float b[kMaxK][8];
};

/// Decodes a register's tile, 8 rows of 4 lanes: out[row * stride + column].
template <typename Decode>
void unpackTile(const uint32_t *words, unsigned elements, float *out,
                unsigned rowStride, unsigned columnStride, Decode decodeOne) {
  unsigned bits = 32 / elements;
  for (unsigned lane = 0; lane < 32; ++lane) {
    float *cell =
        out + (lane / 4) * rowStride + (lane % 4) * elements * columnStride;
    for (unsigned e = 0; e < elements; ++e)
      cell[e * columnStride] = decodeOne(words[lane] >> (bits * e));
  }
}

struct DecodeF16 {
  const float *table = halfTable();
  float operator()(uint32_t w) const { return table[w & 0xffff]; }
};
struct DecodeTf32 {
  // Hardware ignores the low 13 bits.
  float operator()(uint32_t w) const { return bitCast<float>(w & 0xffffe000); }
};
/// An element of 4 to 8 bits in a byte of its own: 6-bit ones in the low bits,
/// 4-bit ones in the middle, 0b00xxxx00.
struct DecodeByte {
  const float *table;
  uint32_t shift, mask;
  explicit DecodeByte(Type type)
      : table(valueTable(type)), shift(type == Type::E2M1 ? 2 : 0),
        mask(type == Type::E2M1                         ? 0xf
             : type == Type::E2M3 || type == Type::E3M2 ? 0x3f
                                                        : 0xff) {}
  float operator()(uint32_t w) const { return table[w >> shift & mask]; }
};
struct DecodeE2M1 {
  const float *table = valueTable(Type::E2M1);
  float operator()(uint32_t w) const { return table[w & 0xf]; }
};

/// The operand of A or B at this register of the instruction.
struct Registers {
  Warp &warp;
  const uint32_t *ops;
  const uint32_t *operator[](unsigned i) const { return warp.row32(ops[i]); }
};

using Words8 = uint32_t __attribute__((vector_size(32)));

// bf16 is the upper half of f32, which loops over whole tiles vectorize.
void unpackBf16(Operands &o, Registers a, Registers b, unsigned k) {
  for (unsigned r = 0; r < k / 4; ++r) {
    uint16_t halves[64];
    std::memcpy(halves, a[r], sizeof(halves));
    for (unsigned row = 0; row < 8; ++row) {
      float *out = &o.a[8 * (r % 2) + row][r / 2 * 8];
      for (unsigned i = 0; i < 8; ++i)
        out[i] = bitCast<float>(uint32_t(halves[8 * row + i]) << 16);
    }
  }
  // Lane 4n + t has rows 2t and 2t + 1 of column n: a transposition.
  for (unsigned r = 0; r < k / 8; ++r) {
    Words8 w[4], pairs[4];
    std::memcpy(w, b[r], sizeof(w));
    for (unsigned i = 0; i < 2; ++i) {
      pairs[i] = __builtin_shufflevector(w[2 * i], w[2 * i + 1], 0, 4, 8, 12, 1,
                                         5, 9, 13);
      pairs[2 + i] = __builtin_shufflevector(w[2 * i], w[2 * i + 1], 2, 6, 10,
                                             14, 3, 7, 11, 15);
    }
    for (unsigned i = 0; i < 2; ++i) {
      const Words8 &low = pairs[2 * i], &high = pairs[2 * i + 1];
      Words8 columns[2] = {
          __builtin_shufflevector(low, high, 0, 1, 2, 3, 8, 9, 10, 11),
          __builtin_shufflevector(low, high, 4, 5, 6, 7, 12, 13, 14, 15)};
      for (unsigned t = 0; t < 2; ++t) {
        Words8 rows[2] = {columns[t] << 16, columns[t] & 0xffff0000u};
        std::memcpy(o.b[8 * r + 4 * i + 2 * t], rows, sizeof(rows));
      }
    }
  }
}

template <typename DecodeA, typename DecodeB>
void unpackBoth(Operands &o, Registers a, Registers b, unsigned k,
                unsigned elements, DecodeA decodeA, DecodeB decodeB) {
  unsigned width = 4 * elements;
  for (unsigned r = 0; r < 2 * k / width; ++r)
    unpackTile(a[r], elements, &o.a[8 * (r % 2)][r / 2 * width], kMaxK, 1,
               decodeA);
  for (unsigned r = 0; r < k / width; ++r)
    unpackTile(b[r], elements, &o.b[r * width][0], 1, 8, decodeB);
}

/// acc[m][n] += sum over k of a[m][k] * b[k][n], as chains of fma, for rows
/// 8 * half to 8 * half + 7. Eight chains at a time hide the latency of fma.
void multiply(const Operands &o, unsigned half, unsigned k,
              float (&acc)[8][8]) {
  for (unsigned i = 0; i < k; ++i)
    for (unsigned r = 0; r < 8; ++r)
      for (unsigned n = 0; n < 8; ++n)
        acc[r][n] = __builtin_fmaf(o.a[8 * half + r][i], o.b[i][n], acc[r][n]);
}

using Floats4 = float __attribute__((vector_size(16)));
using Floats8 = float __attribute__((vector_size(32)));

// Row g of 8 columns is lanes 4g to 4g + 3, two columns each: in a row, four
// lanes' c0 and c1 alternate.
void multiplyF32(Warp &warp, const uint32_t *d, const Operands &o, Registers c,
                 unsigned k) {
  // D's registers may be C's in another order.
  float result[4][32];
  for (unsigned half = 0; half < 2; ++half) {
    float acc[8][8];
    for (unsigned r = 0; r < 8; ++r) {
      Floats4 even, odd;
      std::memcpy(&even, c[2 * half] + 4 * r, sizeof(even));
      std::memcpy(&odd, c[2 * half + 1] + 4 * r, sizeof(odd));
      Floats8 row = __builtin_shufflevector(even, odd, 0, 4, 1, 5, 2, 6, 3, 7);
      std::memcpy(acc[r], &row, sizeof(row));
    }
    multiply(o, half, k, acc);
    for (unsigned r = 0; r < 8; ++r) {
      Floats8 row;
      std::memcpy(&row, acc[r], sizeof(row));
      auto nan = reinterpret_cast<Words8>(row != row);
      Words8 bits = reinterpret_cast<Words8>(row);
      row = reinterpret_cast<Floats8>((bits & ~nan) | (0x7fffffffu & nan));
      Floats4 even = __builtin_shufflevector(row, row, 0, 2, 4, 6);
      Floats4 odd = __builtin_shufflevector(row, row, 1, 3, 5, 7);
      std::memcpy(&result[2 * half][4 * r], &even, sizeof(even));
      std::memcpy(&result[2 * half + 1][4 * r], &odd, sizeof(odd));
    }
  }
  for (unsigned i = 0; i < 4; ++i)
    std::memcpy(warp.row32(d[i]), result[i], sizeof(result[i]));
}

void multiplyF16(Warp &warp, const uint32_t *d, const Operands &o, Registers c,
                 unsigned k) {
  uint32_t result[2][32];
  for (unsigned half = 0; half < 2; ++half) {
    float acc[8][8];
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned e = 0; e < 2; ++e)
        acc[lane / 4][lane % 4 * 2 + e] =
            f16ToFloat(uint16_t(c[half][lane] >> (16 * e)));
    multiply(o, half, k, acc);
    for (unsigned lane = 0; lane < 32; ++lane) {
      const float *pair = &acc[lane / 4][lane % 4 * 2];
      result[half][lane] = encode(kF16, pair[0]) | encode(kF16, pair[1]) << 16;
    }
  }
  for (unsigned i = 0; i < 2; ++i)
    std::memcpy(warp.row32(d[i]), result[i], sizeof(result[i]));
}

/// D = A * B + C.
void multiplyInto(Warp &warp, const Inst &inst, const Operands &o, Registers c,
                  unsigned k) {
  if (inst.type == Type::F32)
    multiplyF32(warp, inst.ops, o, c, k);
  else
    multiplyF16(warp, inst.ops, o, c, k);
}

void unpackByType(const Inst &inst, Operands &o, Registers a, Registers b,
                  unsigned k) {
  switch (inst.type2) {
  case Type::BF16:
    return unpackBf16(o, a, b, k);
  case Type::F16:
    return unpackBoth(o, a, b, k, 2, DecodeF16(), DecodeF16());
  case Type::TF32:
    return unpackBoth(o, a, b, k, 1, DecodeTf32(), DecodeTf32());
  default:
    return unpackBoth(o, a, b, k, 4, DecodeByte(inst.type2),
                      DecodeByte(inst.type3));
  }
}

unsigned countRegs(const Inst &inst) { return inst.type == Type::F16 ? 2 : 4; }

void execMma(Warp &warp, const Inst &inst, uint32_t) {
  Operands o;
  unsigned k = inst.imm, d = countRegs(inst);
  unsigned bits = typeBits(inst.type2) < 8 ? 8 : typeBits(inst.type2);
  unsigned aRegs = 16 * k * bits / 1024;
  const uint32_t *ops = inst.ops + d;
  Registers a{warp, ops}, b{warp, ops + aRegs}, c{warp, ops + aRegs * 3 / 2};
  unpackByType(inst, o, a, b, k);
  multiplyInto(warp, inst, o, c, k);
}

// Integer mma wraps around, or clamps the sum with .satfinite.
void execMmaInt(Warp &warp, const Inst &inst, uint32_t) {
  unsigned k = inst.imm, aRegs = k / 8;
  bool signedA = inst.type2 == Type::S8, signedB = inst.type3 == Type::S8;
  const uint32_t *ops = inst.ops + 4;
  const auto element = [](uint32_t word, unsigned byte, bool isSignedType) {
    uint32_t value = word >> (8 * byte) & 0xff;
    return isSignedType ? int64_t(int8_t(value)) : int64_t(value);
  };
  int64_t d[4][32];
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = lane / 4 + 8 * (i / 2), column = 2 * (lane % 4) + i % 2;
      int64_t sum = int32_t(warp.row32(ops[aRegs * 3 / 2 + i])[lane]);
      for (unsigned at = 0; at < k; ++at) {
        unsigned block = at / 16, t = at / 4 % 4;
        uint32_t wordA =
            warp.row32(ops[2 * block + row / 8])[4 * (row % 8) + t];
        uint32_t wordB = warp.row32(ops[aRegs + block])[4 * column + t];
        sum +=
            element(wordA, at % 4, signedA) * element(wordB, at % 4, signedB);
      }
      if (inst.mods.satfinite)
        sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
      d[i][lane] = sum;
    }
  for (unsigned i = 0; i < 4; ++i)
    for (unsigned lane = 0; lane < 32; ++lane)
      warp.row32(inst.ops[i])[lane] = uint32_t(d[i][lane]);
}

void execMmaScaled(Warp &warp, const Inst &inst, uint32_t) {
  Operands o;
  unsigned k = inst.imm & 0xff, vec = inst.imm >> 8;
  unsigned aRegs = 4, bRegs = 2;
  const uint32_t *ops = inst.ops + 4;
  Registers a{warp, ops}, b{warp, ops + aRegs};
  Registers c{warp, ops + aRegs + bRegs};
  const uint32_t *scales = ops + aRegs + bRegs + 4;
  if (k == 64)
    unpackBoth(o, a, b, k, 8, DecodeE2M1(), DecodeE2M1());
  else
    unpackByType(inst, o, a, b, k);
  unsigned mostByte = vec == 1 ? 3 : vec == 2 ? 2 : 0;
  unsigned step = vec == 2 ? 2 : 1;
  unsigned byteA =
      selectorOperand(warp, inst, scales[1], mostByte, step, "byte-id-a");
  unsigned threadA =
      selectorOperand(warp, inst, scales[2], 1, 1, "thread-id-a");
  unsigned byteB =
      selectorOperand(warp, inst, scales[4], mostByte, step, "byte-id-b");
  unsigned threadB =
      selectorOperand(warp, inst, scales[5], 3, 1, "thread-id-b");
  const uint32_t *dataA = warp.row32(scales[0]);
  const uint32_t *dataB = warp.row32(scales[3]);
  bool ue8m0 = Type(inst.mods.sub) == Type::UE8M0;
  const float *values = valueTable(ue8m0 ? Type::UE8M0 : Type::E4M3);
  // ue4m3 has no sign: the top bit is not part of it.
  const auto scale = [&](uint32_t word, unsigned byte) {
    uint8_t bits = uint8_t(word >> (8 * byte));
    return ue8m0 ? values[bits] : values[bits & 0x7f];
  };
  unsigned chunk = k / vec;
  for (unsigned i = 0; i < k; ++i) {
    for (unsigned m = 0; m < 16; ++m)
      o.a[m][i] *=
          scale(dataA[4 * (m % 8) + 2 * threadA + m / 8], byteA + i / chunk);
    for (unsigned n = 0; n < 8; ++n)
      o.b[i][n] *= scale(dataB[4 * n + threadB], byteB + i / chunk);
  }
  multiplyInto(warp, inst, o, c, k);
}

} // namespace

ExecFn selectMma(const Inst &inst) {
  switch (inst.op) {
  case Op::Mma:
    return execMma;
  case Op::MmaInt:
    return execMmaInt;
  case Op::MmaScaled:
    return execMmaScaled;
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
