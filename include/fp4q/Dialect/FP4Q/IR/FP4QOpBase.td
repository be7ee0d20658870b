//===- FP4QOpBase.td - what level-1 operations share -------*- tablegen -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_OP_BASE_TD
#define FP4Q_OP_BASE_TD

include "fp4q/Dialect/FP4Q/IR/FP4QDialect.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Operand types
//===----------------------------------------------------------------------===//

class FP4Q_Shaped<list<Type> elements, string what>
    : AnyTypeOf<[RankedTensorOf<elements>, MemRefOf<elements>],
                what # " tensor or memref">;

def FP4Q_Floats : FP4Q_Shaped<[BF16, F16, F32], "bf16, f16 or f32">;
def FP4Q_Codes : FP4Q_Shaped<[I8], "packed i8 code">;
def FP4Q_Scales
    : FP4Q_Shaped<[F8E8M0FNU, F8E4M3FN], "f8E8M0FNU or f8E4M3FN scale">;
def FP4Q_CodesOrScales : FP4Q_Shaped<[I8, F8E8M0FNU, F8E4M3FN],
                                     "packed i8 code or f8 scale">;
def FP4Q_F32Scalar : AnyTypeOf<
    [F32, TensorRankOf<[F32], [0]>, MemRefRankOf<[F32], [0]>],
    "f32, tensor<f32> or memref<f32>">;
def FP4Q_Alpha : AnyTypeOf<
    [F32, TensorRankOf<[F32], [0, 1]>, MemRefRankOf<[F32], [0, 1]>],
    "f32, or f32 tensor or memref of rank 0 or 1">;

//===----------------------------------------------------------------------===//
// Base class
//===----------------------------------------------------------------------===//

/// A level-1 operation: destination-passing, effects on memrefs only.
class FP4Q_Op<string mnemonic, list<Trait> traits = []>
    : Op<FP4Q_Dialect, mnemonic, !listconcat([
        DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                  ["reifyResultShapes"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<ConditionallySpeculatable>], traits)> {
  let hasVerifier = 1;
  let hasCanonicalizer = 1;

  code commonDeclarations = [{
    /// The operands that are written, in the order of the results.
    ::mlir::MutableOperandRange getDpsInitsMutable();
  }];
  let extraClassDeclaration = commonDeclarations;
}

#endif // FP4Q_OP_BASE_TD
