// RUN: fp4q-opt %s -split-input-file --fp4q-outline-parallel-loops -verify-diagnostics

func.func @tensor_results(%x: tensor<8xf32>, %v: tensor<1xf32>)
    -> tensor<8xf32> {
  // expected-error @below {{'scf.forall' op has tensor results; bufferize before fp4q-outline-parallel-loops}}
  %0 = scf.forall (%i) in (8) shared_outs(%out = %x) -> tensor<8xf32> {
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %v into %out[%i] [1] [1]
          : tensor<1xf32> into tensor<8xf32>
    }
  }
  return %0 : tensor<8xf32>
}

// -----

llvm.func @not_in_a_func() {
  %x = memref.alloc() : memref<8xf32>
  %v = arith.constant 0.0 : f32
  // expected-error @below {{'scf.forall' op is expected to be in a func.func}}
  scf.forall (%i) in (8) {
    memref.store %v, %x[%i] : memref<8xf32>
  }
  llvm.return
}
