// Kernels for every CPU level become machine code: for x86 levels a shared
// object, which needs nothing but the runtime and libc; for AArch64 assembly.

// RUN: fp4q-compile %s --target=cpu:x86-64,cpu:x86-64-v3,cpu:avx-vnni,cpu:avx512-vnni -o %t.so
// RUN: nm -D %t.so | FileCheck %s --check-prefix=SYMBOLS
// SYMBOLS-NOT: __truncsfbf2

// RUN: fp4q-compile %s --target=cpu:avx512-vnni --emit=llvm -o - | llc -mcpu=x86-64-v4 -mattr=+avx512vnni,+avx512vbmi | FileCheck %s --check-prefix=AVX512
// AVX512-DAG: vpermb {{.*}}%zmm
// AVX512-DAG: vpdpbusd {{.*}}%zmm

// RUN: fp4q-opt %s --fp4q-to-cpu=level=aarch64-dotprod | mlir-translate --mlir-to-llvmir | llc -mtriple=aarch64 -mattr=+dotprod | FileCheck %s --check-prefix=DOTPROD
// DOTPROD-DAG: tbl v
// DOTPROD-DAG: sdot v
// RUN: fp4q-opt %s --fp4q-to-cpu=level=aarch64 | mlir-translate --mlir-to-llvmir | llc -mtriple=aarch64 -filetype=obj -o /dev/null

func.func @layer(%x: tensor<?x64xbf16>, %b: tensor<40x32xi8>,
                 %sb: tensor<40x2xf8E8M0FNU>) -> tensor<?x40xbf16> {
  %zero = arith.constant 0 : index
  %m = tensor.dim %x, %zero : tensor<?x64xbf16>
  %c = tensor.empty(%m) : tensor<?x32xi8>
  %s = tensor.empty(%m) : tensor<?x2xf8E8M0FNU>
  %q:2 = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      {recipe = #fp4q.recipe<"torchao-mx-rceil">}
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  %o = tensor.empty(%m) : tensor<?x40xbf16>
  %r = fp4q.scaled_matmul
      ins(%q#0, %q#1, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
          tensor<40x32xi8>, tensor<40x2xf8E8M0FNU>)
      outs(%o : tensor<?x40xbf16>) -> tensor<?x40xbf16>
  return %r : tensor<?x40xbf16>
}
