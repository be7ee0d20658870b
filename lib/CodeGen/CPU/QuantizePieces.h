//===- QuantizePieces.h - pieces of the quantization kernels ----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_CODEGEN_CPU_QUANTIZEPIECES_H
#define FP4Q_LIB_CODEGEN_CPU_QUANTIZEPIECES_H

#include "KernelBuilder.h"

#include "fp4q/CodeGen/CPU/Quantize.h"

#include <array>
#include <optional>

namespace mlir {
namespace fp4q {

/// Elements that are worth a thread, of quantize_pack and dequant.
constexpr int64_t kTaskElements = 32768;

/// Elements of even and of odd number, one f32 a lane.
struct EvenOdd {
  Value even, odd;
};

/// 2*lanes elements from `k` on, widened to f32.
EvenOdd loadEvenOdd(CPUKernelBuilder &b, Value matrix, Value row, Value k,
                    int64_t lanes);

/// Stores 2*lanes f32 elements from `k` on, rounded to the type of the matrix.
void storeEvenOdd(CPUKernelBuilder &b, EvenOdd elements, Value matrix,
                  Value row, Value k);

/// The maximum (as signed integers) of each segment of `segment` lanes of the
/// vectors, which all have one size: a vector with one lane a segment.
Value maxOfSegments(CPUKernelBuilder &b, SmallVector<Value> vectors,
                    int64_t segment);

/// Lane i of the result is lane i * count / lanes of the vector of `count`.
Value spreadLanes(CPUKernelBuilder &b, Value vector, int64_t lanes);

/// The f32 of a scale operand in `lanes` lanes; null for null.
Value loadScaleOperand(CPUKernelBuilder &b, Value operand, int64_t lanes);

/// Codes of even and odd elements (i32 lanes, 0..15) -> packed bytes.
Value packCodes(CPUKernelBuilder &b, Value even, Value odd);

/// How many groups to take at a time: a power of two, at most `limit`, that
/// divides the number of groups of a row and makes up whole pairs of vectors.
int64_t chooseBlockGroups(int64_t k, int64_t group, int64_t limit);

/// Whether an element times the rounded reciprocal of its group's factor has
/// the code of the quotient, in the range of ArithEmitter::quantizeInRange.
bool isProductEnoughFor(const QuantizeConfig &config,
                        const QuantizeOperands &operands);

/// Codes of one block of groups where integer arithmetic on 16-bit lanes gives
/// the same bits: see QuantizeBF16.cpp.
class BF16Quantizer {
public:
  /// Null if no such arithmetic is known for this quantization.
  static std::optional<BF16Quantizer> create(const QuantizeConfig &config,
                                             const QuantizeOperands &operands);

  /// Quantizes a block of groups beginning at element `k`, if all groups are in
  /// range, else does `otherwise`. `spread` has room for an i16 of each group.
  void emit(CPUKernelBuilder &b, const QuantizeConfig &config,
            const QuantizeOperands &operands, Value spread, Value row, Value k,
            int64_t blockGroups, function_ref<void()> otherwise) const;

private:
  /// byte = ((amax + carry) >> 7) + offset, in bits of bf16.
  int32_t carry = 0, offset = 0;
  /// The bits of amax for which that is so, and for which the code of x is the
  /// number of thresholds that |x| - (byte << 7) reaches.
  int32_t least = 0, largest = 0;
  std::array<int32_t, 7> thresholds = {};
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_CODEGEN_CPU_QUANTIZEPIECES_H
