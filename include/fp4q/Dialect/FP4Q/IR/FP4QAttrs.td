//===- FP4QAttrs.td - attributes of the fp4q dialect --------*- tablegen -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_ATTRS_TD
#define FP4Q_ATTRS_TD

include "fp4q/Dialect/FP4Q/IR/FP4QDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def FP4Q_DirectionMultiply : I32EnumAttrCase<"Multiply", 0, "multiply">;
def FP4Q_DirectionDivide : I32EnumAttrCase<"Divide", 1, "divide">;
def FP4Q_Direction : I32EnumAttr<"Direction",
    "how the global scale enters decoding",
    [FP4Q_DirectionMultiply, FP4Q_DirectionDivide]> {
  let cppNamespace = "::mlir::fp4q";
  let genSpecializedAttr = 0;
}
def FP4Q_DirectionAttr
    : EnumAttr<FP4Q_Dialect, FP4Q_Direction, "direction"> {
  let summary = "how the global scale enters decoding";
  let description = [{
    `multiply`: value = element * (scale * global). `divide`: value = element *
    (scale / global), for checkpoints that store the reciprocal.
  }];
  let assemblyFormat = "`<` $value `>`";
}

def FP4Q_ScaleLayoutLinear : I32EnumAttrCase<"Linear", 0, "linear">;
def FP4Q_ScaleLayoutBlocked
    : I32EnumAttrCase<"Blocked128x4", 1, "blocked_128x4">;
def FP4Q_ScaleLayout : I32EnumAttr<"ScaleLayout",
    "how scales lie in memory",
    [FP4Q_ScaleLayoutLinear, FP4Q_ScaleLayoutBlocked]> {
  let cppNamespace = "::mlir::fp4q";
  let genSpecializedAttr = 0;
}
def FP4Q_ScaleLayoutAttr
    : EnumAttr<FP4Q_Dialect, FP4Q_ScaleLayout, "scale_layout"> {
  let summary = "how the scales of one operand lie in memory";
  let description = [{
    `linear`: row-major `(..., rows, cols)`. `blocked_128x4`: the layout of
    cuBLAS and CUTLASS, `(..., ceil(rows/128), ceil(cols/4), 512)`, rows padded
    to 128 and columns to 4 with zeros; inside a tile, byte `(r, c)` is at
    `(r % 32) * 16 + (r / 32) * 4 + c` (cuBLAS, "1D block scaling factors
    layout"). It is an attribute of the operation, not an encoding of the
    tensor type, because bufferization drops encodings.
  }];
  let assemblyFormat = "`<` $value `>`";
}

#endif // FP4Q_ATTRS_TD
