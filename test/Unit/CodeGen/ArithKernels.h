//===- ArithKernels.h - run what the arith emitter writes -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each kernel is compiled twice, on scalars and on vectors of 16, runs over
// arrays of 32-bit patterns, and is held against a function of the Numerics
// library bit for bit.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TEST_UNIT_CODEGEN_ARITHKERNELS_H
#define FP4Q_TEST_UNIT_CODEGEN_ARITHKERNELS_H

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include <array>
#include <functional>
#include <string>
#include <vector>

namespace fp4q {

/// The inputs of one element: three 32-bit patterns, codes or floats.
using Element = std::array<uint32_t, 3>;

/// The arrays that a kernel runs over, one pattern of each an element.
struct Inputs {
  std::array<std::vector<uint32_t>, 3> columns;

  void push(uint32_t first, uint32_t second = 0, uint32_t third = 0);
  size_t size() const { return columns.front().size(); }
  Element operator[](size_t index) const;
};

/// What a kernel is given to write its body: an i32 or a vector of them for
/// each input, and the same as f32.
struct Body {
  mlir::ImplicitLocOpBuilder &builder;
  mlir::fp4q::ArithEmitter emitter;
  std::array<mlir::Value, 3> ints;
  std::array<mlir::Value, 3> floats;
};

/// One function to test.
struct Kernel {
  /// Unique among the kernels that are checked together.
  std::string name;
  /// Writes the body; the result is an i32 or f32 or a vector of either.
  std::function<mlir::Value(Body &)> emit;
  /// The same by Numerics, as a bit pattern.
  std::function<uint32_t(const Element &)> expected;
  /// Whether the result is an f32, of which all NaN are equal.
  bool isFloat = true;
};

/// Compiles the kernels and compares both forms of each with what is expected.
/// Failures are gtest's, one a kernel and form.
void checkKernels(const std::vector<Kernel> &kernels, const Inputs &inputs);

} // namespace fp4q

#endif // FP4Q_TEST_UNIT_CODEGEN_ARITHKERNELS_H
