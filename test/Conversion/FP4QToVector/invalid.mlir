// RUN: not fp4q-opt %s --convert-fp4q-to-vector=chip=sm_80 2>&1 | FileCheck %s
// CHECK: {{^}}<unknown>:0: error: unknown CPU level 'sm_80', expected one of cpu:x86-64, cpu:x86-64-v2, cpu:x86-64-v3, cpu:avx-vnni, cpu:x86-64-v4, cpu:avx512-vnni, cpu:aarch64, cpu:aarch64-dotprod, cpu:generic{{$}}

// RUN: not fp4q-opt %s --convert-fp4q-to-vector 2>&1 | FileCheck %s --check-prefix=PARENT
// PARENT: {{^}}{{.*}}invalid.mlir:[[@LINE+3]]:3: error: 'fp4q.scaled_matmul' op expects to be in a func.func to become a kernel{{$}}
llvm.func @no_func(%p: !llvm.ptr) {
  %a, %s, %c = builtin.unrealized_conversion_cast %p : !llvm.ptr to memref<4x16xi8>, memref<4x1xf8E8M0FNU>, memref<4x4xf32>
  fp4q.scaled_matmul ins(%a, %s, %a, %s : memref<4x16xi8>, memref<4x1xf8E8M0FNU>, memref<4x16xi8>, memref<4x1xf8E8M0FNU>) outs(%c : memref<4x4xf32>) {fp4q.backend = #fp4q.backend<"cpu">}
  llvm.return
}
