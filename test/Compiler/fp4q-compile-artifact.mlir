// An artifact, whatever its CPU level, gives the bits that the JIT gives.
//
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as n; n.save(r'%t/x.npy', (n.random.default_rng(0).standard_normal((70, 64)).astype(n.float32).view(n.uint32) >> 16).astype(n.uint16)); n.save(r'%t/gs.npy', n.float32(0.5))"
// RUN: fp4q-run %s --entry=quantize --input=%t/x.npy --output=%t/c.npy --output=%t/s.npy
// RUN: fp4q-run %s --entry=dequant --input=%t/c.npy --input=%t/s.npy --input=%t/gs.npy --output=%t/v.npy
//
// RUN: fp4q-compile %s -o %t/a.so
// RUN: fp4q-run %t/a.so --entry=quantize --input=%t/x.npy --output=%t/c2.npy --output=%t/s2.npy
// RUN: fp4q-run %t/a.so --entry=dequant --input=%t/c2.npy --input=%t/s2.npy --input=%t/gs.npy --output=%t/v2.npy
// RUN: cmp %t/c.npy %t/c2.npy && cmp %t/s.npy %t/s2.npy && cmp %t/v.npy %t/v2.npy
// RUN: fp4q-compile %s --target=cpu:native -o %t/a.so
// RUN: fp4q-run %t/a.so --entry=quantize --input=%t/x.npy --output=%t/c2.npy --output=%t/s2.npy
// RUN: fp4q-run %t/a.so --entry=dequant --input=%t/c2.npy --input=%t/s2.npy --input=%t/gs.npy --output=%t/v2.npy
// RUN: cmp %t/c.npy %t/c2.npy && cmp %t/s.npy %t/s2.npy && cmp %t/v.npy %t/v2.npy
//
// RUN: fp4q-compile %s --target=cpu:x86-64-v3 -o %t/a.so
// RUN: fp4q-run %t/a.so --entry=quantize --input=%t/x.npy --output=%t/c2.npy --output=%t/s2.npy
// RUN: fp4q-run %t/a.so --entry=dequant --input=%t/c2.npy --input=%t/s2.npy --input=%t/gs.npy --output=%t/v2.npy
// RUN: cmp %t/c.npy %t/c2.npy && cmp %t/s.npy %t/s2.npy && cmp %t/v.npy %t/v2.npy

// Compiling twice gives the same file.
// RUN: fp4q-compile %s --target=cpu:x86-64-v3 -o %t/b.so
// RUN: cmp %t/a.so %t/b.so

// What it exports and needs.
// RUN: nm -D %t/a.so | FileCheck %s --check-prefix=SYMBOLS
// SYMBOLS: D fp4q_artifact{{$}}
// SYMBOLS-NEXT: U fp4q_artifact_call_function
// SYMBOLS-NEXT: U fp4q_artifact_function_result_shapes
// SYMBOLS-NEXT: T fp4q_dequant
// SYMBOLS-NEXT: T fp4q_dequant__result_shapes
// SYMBOLS-NEXT: R fp4q_manifest
// SYMBOLS-NEXT: U fp4q_parallel_for
// SYMBOLS-NEXT: T fp4q_quantize
// SYMBOLS-NEXT: T fp4q_quantize__result_shapes
// SYMBOLS-NOT: {{ [TDR] }}

// RUN: %python -c "import json; b = open(r'%t/a.so', 'rb').read(); i = b.index(b'{\n  \"producer\"'); m = json.loads(b[i:b.index(b'\0', i)]); print(json.dumps(m))" | FileCheck %s --check-prefix=MANIFEST
// MANIFEST: "producer": "fp4q {{[0-9.]+}} (LLVM {{[0-9.]+}})", "format_version": 2, "targets": ["cpu:x86-64-v3"]
// MANIFEST-SAME: {"name": "quantize", "symbol": "fp4q_quantize", "result_shapes_symbol": "fp4q_quantize__result_shapes", "arguments": [{"dtype": "bf16", "shape": ["M", 64], "layout": "row-major"}], "results": [{"dtype": "i8", "shape": ["M", 32], "layout": "row-major"}, {"dtype": "f8E8M0FNU", "shape": ["M", 2], "layout": "row-major", "scale_layout": "linear"}]}
// MANIFEST-SAME: {"dtype": "f32", "shape": [], "layout": "scalar"}

// The stages before.
// RUN: fp4q-compile %s --emit=mlir -o - | FileCheck %s --check-prefix=MLIR
// MLIR: llvm.func @_mlir_ciface_quantize(
// RUN: fp4q-compile %s --emit=llvm --target=cpu:x86-64-v2 -o - | FileCheck %s --check-prefix=LLVM
// LLVM: @fp4q_manifest = constant
// LLVM: define {{.*}}i32 @fp4q_quantize(

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

func.func @dequant(%codes: tensor<?x32xi8>, %scales: tensor<?x2xf8E8M0FNU>,
                   %gs: f32) -> tensor<?x64xbf16> {
  %zero = arith.constant 0 : index
  %m = tensor.dim %codes, %zero : tensor<?x32xi8>
  %v0 = tensor.empty(%m) : tensor<?x64xbf16>
  %v = fp4q.dequant
      ins(%codes, %scales : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      global_scale(%gs : f32)
      outs(%v0 : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  return %v : tensor<?x64xbf16>
}
