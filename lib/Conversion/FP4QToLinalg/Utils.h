//===- Utils.h - pieces shared by the lowerings to linalg -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_CONVERSION_FP4QTOLINALG_UTILS_H
#define FP4Q_LIB_CONVERSION_FP4QTOLINALG_UTILS_H

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir {
namespace fp4q {

void populateDequantPatterns(RewritePatternSet &patterns);
void populateGlobalScalePatterns(RewritePatternSet &patterns);
void populateQuantizePatterns(RewritePatternSet &patterns);
void populateLayoutPatterns(RewritePatternSet &patterns);
void populateTransformPatterns(RewritePatternSet &patterns);

RankedTensorType tensorTypeOf(Value value);

/// (..., P) -> (..., sizes...), where the product of sizes is P.
Value splitLastDim(OpBuilder &builder, Location loc, Value value,
                   ArrayRef<int64_t> sizes);

/// (..., a, b, c) -> (..., a*b*c): the last `count` dimensions become one.
Value mergeLastDims(OpBuilder &builder, Location loc, Value value,
                    int64_t count);

/// (..., K/G) -> (..., K/G * count): each value `count` times. What is then
/// done to each byte of codes is one long loop, which vectorizes for any G.
Value repeatLastDim(OpBuilder &builder, Location loc, Value value,
                    int64_t count);

/// A linalg.generic into `inits`, where `rank` is the number of loops. All
/// loops are parallel but the last `numReductions`. The builder given to `body`
/// carries the location; its results are yielded.
linalg::GenericOp createGeneric(
    OpBuilder &builder, Location loc, ValueRange inputs, ValueRange inits,
    ArrayRef<AffineMap> maps, int64_t rank, int64_t numReductions,
    function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange)> body);

/// A scale operand (f32 or tensor<f32>) that is read inside linalg bodies: a
/// tensor becomes an input with a rank-0 map, an f32 is used as it is.
class ScalarOperand {
public:
  explicit ScalarOperand(Value value) : value(value) {}
  /// Appends the operand to the inputs of a generic of `rank` loops if needed.
  void addTo(SmallVectorImpl<Value> &inputs, SmallVectorImpl<AffineMap> &maps,
             int64_t rank);
  /// The f32 inside the body; null if there is no operand.
  Value get(ValueRange args) const;

private:
  Value value;
  std::optional<unsigned> position;
};

/// A tensor of `elementType` with the shape of `scales`: `body` of the byte of
/// each scale, zero-extended to i32, and of the global scale (null if absent).
Value mapScales(OpBuilder &builder, Location loc, Value scales,
                Value globalScale, Type elementType,
                function_ref<Value(ImplicitLocOpBuilder &, Value, Value)> body);

/// x (..., K) transformed by T, in f32: the fused multiply-add chain of
/// ascending j, from +0. The result is (..., K).
Value emitTransform(OpBuilder &builder, Location loc, Value x, Value transform);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_CONVERSION_FP4QTOLINALG_UTILS_H
