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

#endif // FP4Q_RUNTIME_OPS_TD
