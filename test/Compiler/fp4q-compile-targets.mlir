// An artifact with code for several targets: each can be asked for, the best
// one is picked otherwise, and all give the bits of the JIT.
//
// REQUIRES: x86-64-v3
//
// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: %python -c "import numpy as n; r = n.random.default_rng(0); n.save('x.npy', (r.standard_normal((70, 64)).astype(n.float32).view(n.uint32) >> 16).astype(n.uint16))"
// RUN: fp4q-run %s --input=x.npy --output=c.npy --output=s.npy
//
// RUN: fp4q-compile %s --target=cpu,cpu:x86-64-v3,cpu:x86-64-v2 -o a.so
// RUN: fp4q-run a.so --input=x.npy --output=c2.npy --output=s2.npy
// RUN: cmp c.npy c2.npy && cmp s.npy s2.npy
// RUN: fp4q-run a.so --target=cpu:x86-64 --input=x.npy --output=c2.npy --output=s2.npy
// RUN: cmp c.npy c2.npy && cmp s.npy s2.npy
// RUN: fp4q-run a.so --target=cpu:x86-64-v2 --input=x.npy --output=c2.npy --output=s2.npy
// RUN: cmp c.npy c2.npy && cmp s.npy s2.npy
// RUN: fp4q-run a.so --target=cpu:x86-64-v3 --input=x.npy --output=c2.npy --output=s2.npy
// RUN: cmp c.npy c2.npy && cmp s.npy s2.npy
//
// What was compiled already is not compiled as options say.
// RUN: not fp4q-run a.so --backend=reference --input=x.npy --output=c3.npy --output=s3.npy 2>&1 | FileCheck %s --check-prefix=BACKEND
// BACKEND: {{^}}fp4q-run: error: --backend=reference is for modules, but 'a.so' is an artifact, which is compiled already{{$}}
// RUN: not fp4q-run a.so --no-optimize --input=x.npy --output=c3.npy --output=s3.npy 2>&1 | FileCheck %s --check-prefix=OPTIMIZE
// OPTIMIZE: {{^}}fp4q-run: error: --no-optimize is for modules, but 'a.so' is an artifact, which is compiled already{{$}}
//
// Compiling twice gives the same file.
// RUN: fp4q-compile %s --target=cpu,cpu:x86-64-v3,cpu:x86-64-v2 -o b.so
// RUN: cmp a.so b.so

// Only code for v3 uses its instructions.
// RUN: fp4q-compile %s --target=cpu,cpu:x86-64-v3 --emit=llvm -o - | FileCheck %s
// CHECK: @fp4q_artifact = constant {{.*}} { i32 2, i32 1, i32 2, ptr
// CHECK: define internal void @packed.quantize({{.*}}) #[[#BASE:]]
// CHECK: define internal void @packed.quantize.{{[0-9]+}}({{.*}}) #[[#V3:]]
// What every CPU executes is for every CPU.
// CHECK: define i32 @fp4q_quantize(ptr %0, i32 %1, ptr %2, ptr %3) {
// CHECK: attributes #[[#BASE]] = {{.*}}"target-cpu"="x86-64" }
// CHECK: attributes #[[#V3]] = {{.*}}"target-cpu"="x86-64-v3" }

func.func @quantize(%x: tensor<?x64xbf16>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %zero = arith.constant 0 : index
  %m = tensor.dim %x, %zero : tensor<?x64xbf16>
  %c0 = tensor.empty(%m) : tensor<?x32xi8>
  %s0 = tensor.empty(%m) : tensor<?x2xf8E8M0FNU>
  %codes, %scales = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      outs(%c0, %s0 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %codes, %scales : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}
