//===- Cases.h - what fp4q-bench measures -----------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TOOLS_BENCH_CASES_H
#define FP4Q_TOOLS_BENCH_CASES_H

#include <cstdint>
#include <string>
#include <vector>

namespace mlir {
namespace fp4q {
namespace bench {

/// The operations in the order of the help text.
/// MatmulPacked is Matmul of weights in the layout packed_16x8.
enum class Op { Quantize, TransformQuantize, Dequantize, Matmul, MatmulPacked };
enum class Format { MXFP4, NVFP4 };
/// The type of activations: the input of a quantization, the result of a
/// dequantization or product.
enum class DType { BF16, F16, F32 };
/// What executes: the pipeline fp4q-to-cpu, compiled in the process.
enum class BackEnd { CPU, Reference };

const char *getName(Op op);
const char *getName(Format format);
const char *getName(DType dtype);
const char *getName(BackEnd backEnd);

/// Rows, columns (the reduced dimension of a product), and for a product the
/// rows of the weight.
struct Shape {
  int64_t m = 0, k = 0, n = 0;
};

/// One thing to measure.
struct Case {
  Op op = Op::Quantize;
  Format format = Format::MXFP4;
  DType dtype = DType::BF16;
  BackEnd backEnd = BackEnd::CPU;
  Shape shape;

  bool isProduct() const { return op == Op::Matmul || op == Op::MatmulPacked; }
  /// Elements a scale.
  int64_t groupSize() const { return format == Format::MXFP4 ? 32 : 16; }
  /// Bytes of one activation.
  int64_t activationBytes() const { return dtype == DType::F32 ? 4 : 2; }
  /// What crosses the interface: all arguments and results, in bytes.
  int64_t bytes() const;
  /// Multiplications and additions of the product or transform; 0 for others.
  int64_t flops() const;
  /// A module with one public function, @run, that does the operation once.
  std::string module() const;
};

/// The block size of the transforms that are measured.
constexpr int64_t kTransformBlock = 32;

} // namespace bench
} // namespace fp4q
} // namespace mlir

#endif // FP4Q_TOOLS_BENCH_CASES_H
