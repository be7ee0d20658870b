//===- ScaledReader.h - lanes fetch and decode codes and scales -*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A piece is 32 elements along k of a row of an operand: 16 bytes of codes, and
// one scale byte of mxfp4 or two of nvfp4. Four pieces are a chunk. A lane
// copies codes to shared memory, and decodes those that it copied itself.
// Scales come a row at a time, by one lane for all that read them: a warp's
// copies of the same four bytes are made one after the other.
//
// Fast decoding takes the scale into the one multiplication that makes
// subnormals into elements: scale * 2^126 must be a bf16. For mxfp4 that is so
// for bytes 0..127 (of a; b's are decoded in two steps); scales of nvfp4 are
// taken times 2^-7, which all of them allow. A piece with another scale, or
// NaN, is decoded in two steps.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CODEGEN_GPU_SCALEDREADER_H
#define LIB_CODEGEN_GPU_SCALEDREADER_H

#include "fp4q/CodeGen/GPU/Codec.h"
#include "fp4q/CodeGen/GPU/Kernels.h"

namespace mlir {
namespace fp4q {

/// Elements along k of a chunk and of a piece.
constexpr int64_t kChunkElements = 128, kPieceElements = 32;
/// Bytes in shared memory of the codes of a warp's pieces, one a lane.
constexpr int64_t kCodeBytes = 16 * kWarpSize;
/// Bytes of the 16 x 8 sums of a tile.
constexpr int64_t kTileBytes = 16 * kWarpSize;

/// The scales of a piece, in both decodings.
struct PieceScales {
  Value fast[2], exact[2]; ///< factors of words 0, 1 and of words 2, 3
  Value bad;               ///< i1: fast decoding would be wrong
};

/// How many steps fast decoding of an operand's mxfp4 takes: one, for scales up
/// to 1, or two.
enum class FastScales { UpToOne, All };

class ScaledReader {
public:
  /// Where an operand's codes and scales begin, and its rows: those of the
  /// batch begin at `batchBegin`.
  struct Source {
    Value codes, scales, count, batchBegin;
    FastScales fast;
  };

  /// `isWhole` says that no piece begins beyond the end of K.
  ScaledReader(GPUKernelBuilder &k, const MatmulOperands &operands,
               bool isWhole)
      : k(k), w(k.b), depth(operands.k),
        isMXFP4(operands.format == ScaledFormat::MXFP4),
        group(groupSizeOf(operands.format)), isWhole(isWhole) {}

  /// Whether each row's scales are whole words, which cp.async can fetch.
  bool hasScaleWords() const { return scalesOfRow() % 4 == 0; }
  /// The row, of those of the batch; beyond the end, the last one.
  Value rowOf(const Source &source, Value row);
  /// Copies the codes of a piece, 0..3 of a chunk; what lies beyond K is 0.
  void fetchCodes(const Source &source, Value row, Value chunk, Value piece,
                  Value to);
  /// Bytes of the scales of a row, in a number of chunks.
  int64_t scaleBytesOf(int64_t chunks) const {
    return chunks * (kChunkElements / group);
  }
  /// Copies the scales of a row, in a number of chunks from one on; what lies
  /// beyond K is 0. Needs hasScaleWords.
  void fetchScales(const Source &source, Value row, Value chunk, int64_t chunks,
                   Value to);
  /// The piece's scale bytes, one or in the lower two, from where the row's
  /// for the chunk are in shared memory.
  Value readScaleBytes(Value at, Value piece);
  /// The same from global memory; 0 beyond K.
  Value loadScaleBytes(const Source &source, Value row, Value chunk,
                       Value piece);
  /// The piece's codes from global memory; 0 beyond K.
  SmallVector<Value> loadCodes(const Source &source, Value row, Value chunk,
                               Value piece);
  /// Word 0..3 of the codes of each of a chunk's pieces from global memory, and
  /// their scale bytes as loadScaleBytes has them; 0 beyond K.
  SmallVector<Value> loadWords(const Source &source, Value row, Value chunk,
                               Value word);
  SmallVector<Value> loadScalesOfChunk(const Source &source, Value row,
                                       Value chunk);
  PieceScales factorsOf(Value bytes, FastScales scales);
  /// Word 0..3 of a piece as four pairs.
  SmallVector<Value> decode(Value codes, int64_t word,
                            const PieceScales &scales, FastScales fastScales,
                            bool fast);
  /// Factors of words 0, 1 and of words 2, 3 that are right for all bytes, and
  /// decoding by them: pairs 2 * half and 2 * half + 1. It is reduced as fast
  /// decoding is.
  SmallVector<Value, 2> anyFactorsOf(Value bytes);
  SmallVector<Value> decodeAny(Value codes, int64_t half, Value factor) {
    return w.decodeHalfToPairs(codes, half, factor, /*twoSteps=*/isMXFP4);
  }
  /// Decoded elements of nvfp4 are that much too small: 2^-7.
  bool isReduced() const { return !isMXFP4; }

private:
  int64_t scalesOfRow() const { return depth / group; }
  Value firstOf(Value chunk, Value piece);
  /// Copies `bytes` at `begin` of a row of `end` bytes; beyond its end, zeros.
  void copy(Value to, Value from, Value rowAt, Value begin, int64_t end,
            int64_t bytes);
  Value loadOneWord(Value array, Value rowAt, Value at, int64_t end);
  Value pairOfScales(Value bytes, Value &isNaN);
  /// Rows of K/2 bytes begin at multiples of 16, or, with an odd number of
  /// groups of 16, of 8.
  int64_t accessBytes() const { return depth % 32 == 0 ? 16 : 8; }

  GPUKernelBuilder &k;
  WordEmitter w;
  int64_t depth;
  bool isMXFP4;
  int64_t group;
  bool isWhole;
};

} // namespace fp4q
} // namespace mlir

#endif // LIB_CODEGEN_GPU_SCALEDREADER_H
