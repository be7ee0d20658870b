//===- Cases.cpp - what fp4q-bench measures -------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cases.h"

#include "fp4q/Numerics/PackedWeights.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir::fp4q::bench;

const char *mlir::fp4q::bench::getName(Op op) {
  static const char *const names[] = {"quantize", "transform-quantize",
                                      "dequantize", "matmul", "matmul-packed"};
  return names[static_cast<int>(op)];
}

const char *mlir::fp4q::bench::getName(Format format) {
  return format == Format::MXFP4 ? "mxfp4" : "nvfp4";
}

const char *mlir::fp4q::bench::getName(DType dtype) {
  static const char *const names[] = {"bf16", "f16", "f32"};
  return names[static_cast<int>(dtype)];
}

const char *mlir::fp4q::bench::getName(BackEnd backEnd) {
  static const char *const names[] = {"cpu", "reference"};
  return names[static_cast<int>(backEnd)];
}

int64_t Case::bytes() const {
  auto packed = [&](int64_t rows) {
    return rows * shape.k / 2 + rows * shape.k / groupSize();
  };
  if (isProduct())
    return packed(shape.m) + packed(shape.n) +
           shape.m * shape.n * activationBytes();
  int64_t transform =
      op == Op::TransformQuantize
          ? kTransformBlock * kTransformBlock * activationBytes()
          : 0;
  return packed(shape.m) + shape.m * shape.k * activationBytes() + transform;
}

int64_t Case::flops() const {
  if (isProduct())
    return 2 * shape.m * shape.k * shape.n;
  if (op == Op::TransformQuantize)
    return 2 * shape.m * shape.k * kTransformBlock;
  return 0;
}

static std::string tensor(llvm::ArrayRef<int64_t> sizes,
                          const std::string &element) {
  std::string text = "tensor<";
  for (int64_t size : sizes)
    text += std::to_string(size) + "x";
  return text + element + ">";
}

std::string Case::module() const {
  std::string scale = format == Format::MXFP4 ? "f8E8M0FNU" : "f8E4M3FN";
  std::string x = tensor({shape.m, shape.k}, getName(dtype));
  std::string codes = tensor({shape.m, shape.k / 2}, "i8");
  std::string scales = tensor({shape.m, shape.k / groupSize()}, scale);
  std::string text = "func.func @run(", body, result;
  if (isProduct()) {
    bool isPacked = op == Op::MatmulPacked;
    std::string weight = isPacked
                             ? tensor({(shape.n + ::fp4q::packedTileRows - 1) /
                                           ::fp4q::packedTileRows,
                                       ::fp4q::packedColTiles(shape.k / 2),
                                       ::fp4q::packedTileBytes},
                                      "i8")
                             : tensor({shape.n, shape.k / 2}, "i8");
    std::string weightScales = tensor({shape.n, shape.k / groupSize()}, scale);
    result = tensor({shape.m, shape.n}, getName(dtype));
    text += "%a: " + codes + ", %sa: " + scales + ", %b: " + weight +
            ", %sb: " + weightScales;
    body = "%c = tensor.empty() : " + result +
           "\n%r = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : " + codes + ", " +
           scales + ", " + weight + ", " + weightScales +
           ") outs(%c : " + result + ")" +
           (isPacked ? " {b_layout = #fp4q.weight_layout<packed_16x8>}" : "");
  } else if (op == Op::Dequantize) {
    result = x;
    text += "%a: " + codes + ", %sa: " + scales;
    body = "%c = tensor.empty() : " + x +
           "\n%r = fp4q.dequant ins(%a, %sa : " + codes + ", " + scales +
           ") outs(%c : " + x + ")";
  } else {
    result = codes + ", " + scales;
    text += "%x: " + x;
    std::string transform;
    if (op == Op::TransformQuantize) {
      std::string t =
          tensor({kTransformBlock, kTransformBlock}, getName(dtype));
      text += ", %t: " + t;
      transform = " transform(%t : " + t + ")";
    }
    body = "%six = arith.constant 6.0 : f32\n%c = tensor.empty() : " + codes +
           "\n%s = tensor.empty() : " + scales +
           "\n%r:2 = fp4q.quantize_pack ins(%x : " + x + ")" + transform +
           " scale_scale(%six : f32) outs(%c, %s : " + result + ")";
  }
  bool two = op == Op::Quantize || op == Op::TransformQuantize;
  return text + ") -> (" + result + ") {\n" + body + " -> " + result +
         "\nreturn " + (two ? "%r#0, %r#1" : "%r") + " : " + result + "\n}\n";
}
