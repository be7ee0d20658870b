// RUN: fp4q-opt %s --fp4q-lower-micro-ops=chip=cpu:avx512-vnni | FileCheck %s --check-prefixes=CHECK,AVX512
// RUN: fp4q-opt %s --fp4q-lower-micro-ops=chip=cpu:avx-vnni | FileCheck %s --check-prefixes=CHECK,AVXVNNI
// RUN: fp4q-opt %s --fp4q-lower-micro-ops=chip=cpu:x86-64-v3 | FileCheck %s --check-prefixes=CHECK,AVX2
// RUN: fp4q-opt %s --fp4q-lower-micro-ops=chip=cpu:aarch64-dotprod | FileCheck %s --check-prefixes=CHECK,DOTPROD
// RUN: fp4q-opt %s --fp4q-lower-micro-ops=chip=cpu:x86-64 | FileCheck %s --check-prefixes=CHECK,PORTABLE
// RUN: not fp4q-opt %s --fp4q-lower-micro-ops=chip=abacus 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: fp4q-lower-micro-ops expects chip to be one of cpu, {{.*}}, but got 'abacus'

// CHECK-LABEL: func.func @decode(
// AVX512-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.permvar.qi.512"
// AVXVNNI-COUNT-4: llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"
// AVX2-COUNT-4: llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"
// DOTPROD-COUNT-8: llvm.call_intrinsic "llvm.aarch64.neon.tbl1.v16i8"
// PORTABLE-NOT: call_intrinsic
// CHECK-NOT: fp4q.decode
func.func @decode(%c: vector<64xi8>) -> vector<128xi8> {
  %v = fp4q.decode %c order<split> bias(12) : vector<64xi8> -> vector<128xi8>
  return %v : vector<128xi8>
}

// CHECK-LABEL: func.func @dot(
// AVX512: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// AVXVNNI-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// DOTPROD-COUNT-4: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
// PORTABLE-NOT: call_intrinsic
// CHECK-NOT: fp4q.group_dot
func.func @dot(%u: vector<64xi8>, %s: vector<64xi8>, %a: vector<16xi32>)
    -> vector<16xi32> {
  %d = fp4q.group_dot %u, %s, %a e2m1_range : vector<64xi8>, vector<16xi32>
  return %d : vector<16xi32>
}

// Sums of two products of any bytes do not fit 16 bits, nor do all unsigned
// bytes fit signed ones.
// CHECK-LABEL: func.func @dot_of_any_bytes(
// AVX512: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// AVXVNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
// AVX2-NOT: call_intrinsic
// DOTPROD-NOT: call_intrinsic
// CHECK: return
func.func @dot_of_any_bytes(%u: vector<64xi8>, %s: vector<64xi8>,
                            %a: vector<16xi32>) -> vector<16xi32> {
  %d = fp4q.group_dot %u, %s, %a : vector<64xi8>, vector<16xi32>
  return %d : vector<16xi32>
}
