//===- ExecMatrix.cpp - ldmatrix, stmatrix, movmatrix ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.14.5.15 "ldmatrix", 9.7.14.5.16 "stmatrix" and
// 9.7.14.5.17 "movmatrix". Lane 8i + r holds the address of row r of matrix i.
// Lane l gets of each matrix the two elements (l / 4, 2(l % 4) ...), or with
// .trans the transposed: a register's 32 lanes, in memory order, are the matrix
// by rows.
//
//===----------------------------------------------------------------------===//

#include "Access.h"

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

/// The rows' addresses, and what to take from one for the offset in the CTA's
/// shared memory.
struct Rows {
  uint64_t where[32];
  uint64_t start;
  uint32_t count;

  Rows(Warp &warp, const Inst &inst, bool write)
      : start(kSharedBase), count(8u * inst.vec) {
    addresses(warp, inst.ops[inst.vec], inst.wideBase, inst.offset, where);
    // A generic address lies in the shared window.
    if (inst.space == Space::Generic && inst.wideBase)
      for (uint64_t &address : where)
        address -= kSharedWindow;
    uint32_t lanes = count == 32 ? ~0u : (1u << count) - 1;
    countShared(warp, inst, lanes, where, 16, write);
  }
};

/// out[i][j] = in[j][i].
void transpose(const uint16_t (&in)[8][8], uint16_t (&out)[8][8]) {
  for (unsigned i = 0; i < 8; ++i)
    for (unsigned j = 0; j < 8; ++j)
      out[i][j] = in[j][i];
}

// A row goes to lanes other than the one that names it, so the whole warp is
// taken for its reader (or writer).
void execLoadMatrix(Warp &warp, const Inst &inst, uint32_t) {
  Rows rows(warp, inst, /*write=*/false);
  SharedAccess<16> access(warp, inst);
  for (uint32_t m = 0; m < inst.vec; ++m) {
    uint16_t tile[8][8];
    uint8_t *out = inst.mods.trans
                       ? reinterpret_cast<uint8_t *>(tile)
                       : warp.file + size_t(inst.ops[m]) * kRowBytes;
    for (uint32_t row = 0; row < 8; ++row) {
      uint32_t lane = 8 * m + row;
      const uint8_t *bytes =
          access.read(rows.where[lane] - rows.start, AccessMark::kWholeWarp);
      if (!bytes)
        bytes =
            sharedBytes(warp, inst, lane, rows.where[lane], 16, Access::Read);
      std::memcpy(out + 16 * row, bytes, 16);
    }
    if (inst.mods.trans) {
      uint16_t turned[8][8];
      transpose(tile, turned);
      std::memcpy(warp.row32(inst.ops[m]), turned, sizeof(turned));
    }
  }
}

void execStoreMatrix(Warp &warp, const Inst &inst, uint32_t) {
  Rows rows(warp, inst, /*write=*/true);
  SharedAccess<16> access(warp, inst);
  for (uint32_t m = 0; m < inst.vec; ++m) {
    uint16_t tile[8][8], turned[8][8];
    std::memcpy(tile, warp.row32(inst.ops[m]), sizeof(tile));
    if (inst.mods.trans)
      transpose(tile, turned);
    const auto &from = inst.mods.trans ? turned : tile;
    for (uint32_t row = 0; row < 8; ++row) {
      uint32_t lane = 8 * m + row;
      uint8_t *bytes =
          access.write(rows.where[lane] - rows.start, AccessMark::kWholeWarp);
      if (!bytes)
        bytes = sharedBytes(warp, inst, lane, rows.where[lane], 16,
                            Access::Write, from[row]);
      std::memcpy(bytes, from[row], 16);
    }
  }
}

void execMovMatrix(Warp &warp, const Inst &inst, uint32_t) {
  uint32_t a[32], r[32];
  loadLanes(warp, inst.ops[1], a);
  const auto element = [&](unsigned row, unsigned column) {
    return a[row * 4 + column / 2] >> (16 * (column % 2)) & 0xffff;
  };
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned row = lane / 4, column = 2 * (lane % 4);
    r[lane] = element(column, row) | element(column + 1, row) << 16;
  }
  storeLanes(warp, inst.ops[0], r, ~0u);
}

} // namespace

ExecFn selectMatrix(const Inst &inst) {
  switch (inst.op) {
  case Op::LdMatrix:
    return execLoadMatrix;
  case Op::StMatrix:
    return execStoreMatrix;
  case Op::MovMatrix:
    return execMovMatrix;
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
