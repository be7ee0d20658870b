//===- FP4QRuntimeOps.td - calls of the fp4q runtime --------*- tablegen -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_RUNTIME_OPS_TD
#define FP4Q_RUNTIME_OPS_TD

include "fp4q/Dialect/FP4Q/IR/FP4QDialect.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def FP4Q_ParallelForOp : Op<FP4Q_Dialect, "parallel_for",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "call a function on parts of a range, in parallel";
  let description = [{
    Calls `body(lo, hi, captures...)` so that the ranges `[lo, hi)` together
    cover `[0, count)`, each number once, in any order and on any threads of the
    runtime's `fp4q_parallel_for`. `grain` is the least number of iterations
    worth a thread.

    Constraints:
    - C1: `body` is a function in the same module that takes two indices and
      the captures, and returns nothing.

    Example:

    ```mlir
    func.func private @body(%lo: index, %hi: index, %x: memref<?xf32>)
    func.func @caller(%n: index, %x: memref<?xf32>) {
      fp4q.parallel_for @body(%n) grain(1) captures(%x : memref<?xf32>)
      return
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$body, Index:$count,
                       I64Attr:$grain, Variadic<AnyType>:$captures);
  let assemblyFormat = [{
    $body `(` $count `)` `grain` `(` $grain `)`
    (`captures` `(` $captures^ `:` type($captures) `)`)? attr-dict
  }];
}

def FP4Q_GPUWorkspaceOp : Op<FP4Q_Dialect, "gpu_workspace"> {
  let summary = "device memory until the end of the call";
  let description = [{
    Device memory for intermediate results: the runtime's `fp4q_gpu_workspace`
    (`fp4q/Runtime/Gpu.h`), which frees it at the end of the call, in the order
    of the call's stream. `sizes` are the dynamic sizes of the result. Only
    kernels may access it.

    Constraints:
    - C1: the result is row-major, and has as many dynamic sizes as there are
      operands.

    Example:

    ```mlir
    func.func @codes(%m: index) -> memref<?x64xi8> {
      %codes = fp4q.gpu_workspace(%m) : memref<?x64xi8>
      return %codes : memref<?x64xi8>
    }
    ```
  }];
  let arguments = (ins Variadic<Index>:$sizes);
  let results = (outs Res<AnyMemRef, "", [MemAlloc<DefaultResource>]>:$memory);
  let assemblyFormat = "`(` $sizes `)` attr-dict `:` type($memory)";
  let hasVerifier = 1;
}

def FP4Q_GPUConstantOp : Op<FP4Q_Dialect, "gpu_constant",
    [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the copy of a constant in device memory";
  let description = [{
    A `memref.global` with an initial value, copied to the device of the call by
    its first use there: the runtime's `fp4q_gpu_constant_data`
    (`fp4q/Runtime/Gpu.h`). Only kernels may access it.

    Constraints:
    - C1: `global` is a constant `memref.global` of the type of the result, with
      an initial value.

    Example:

    ```mlir
    memref.global "private" constant @weight : memref<4xi8> = dense<[1, 2, 3, 4]>
    func.func @use() -> memref<4xi8> {
      %weight = fp4q.gpu_constant @weight : memref<4xi8>
      return %weight : memref<4xi8>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$global);
  let results = (outs AnyStaticShapeMemRef:$memory);
  let assemblyFormat = "$global attr-dict `:` type($memory)";
}

def FP4Q_GPUCopyOp : Op<FP4Q_Dialect, "gpu_copy", [SameTypeOperands]> {
  let summary = "copy within device memory";
  let description = [{
    Copies `source` to `target`, both device memory, on the call's stream: the
    runtime's `fp4q_gpu_copy_async` (`fp4q/Runtime/Gpu.h`).

    Constraints:
    - C1: both are row-major and of the same type.

    Example:

    ```mlir
    func.func @copy(%x: memref<?x64xi8>, %y: memref<?x64xi8>) {
      fp4q.gpu_copy %x, %y : memref<?x64xi8>
      return
    }
    ```
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$source,
                       Arg<AnyMemRef, "", [MemWrite]>:$target);
  let assemblyFormat = "$source `,` $target attr-dict `:` type($source)";
  let hasVerifier = 1;
}

#endif // FP4Q_RUNTIME_OPS_TD
