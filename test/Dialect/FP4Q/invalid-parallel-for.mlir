// RUN: fp4q-opt %s -split-input-file -verify-diagnostics

// What fp4q.parallel_for rejects.

func.func @parallel_for_c1_unknown_body(%n: index) {
  // expected-error @below {{'fp4q.parallel_for' op expects @missing to be a function of this module}}
  fp4q.parallel_for @missing(%n) grain(1)
  return
}

// -----

memref.global "private" @data : memref<4xf32>
func.func @parallel_for_c1_body_is_no_function(%n: index) {
  // expected-error @below {{'fp4q.parallel_for' op expects @data to be a function of this module}}
  fp4q.parallel_for @data(%n) grain(1)
  return
}

// -----

// expected-note @below {{it takes ('index', 'index') and returns ()}}
func.func private @body(index, index)
func.func @parallel_for_c1_captures(%n: index, %x: memref<4xf32>) {
  // expected-error @below {{'fp4q.parallel_for' op expects @body to take ('index', 'index', 'memref<4xf32>') and return nothing}}
  fp4q.parallel_for @body(%n) grain(1) captures(%x : memref<4xf32>)
  return
}

// -----

// expected-note @below {{it takes ('memref<4xf32>') and returns ()}}
func.func private @body(memref<4xf32>)
func.func @parallel_for_c1_missing_range(%n: index, %x: memref<4xf32>) {
  // expected-error @below {{'fp4q.parallel_for' op expects @body to take ('index', 'index', 'memref<4xf32>') and return nothing}}
  fp4q.parallel_for @body(%n) grain(1) captures(%x : memref<4xf32>)
  return
}

// -----

// expected-note @below {{it takes ('index', 'index', 'memref<?xf32>') and returns ()}}
func.func private @body(index, index, memref<?xf32>)
func.func @parallel_for_c1_capture_type(%n: index, %x: memref<4xf32>) {
  // expected-error @below {{'fp4q.parallel_for' op expects @body to take ('index', 'index', 'memref<4xf32>') and return nothing}}
  fp4q.parallel_for @body(%n) grain(1) captures(%x : memref<4xf32>)
  return
}

// -----

// expected-note @below {{it takes ('index', 'index', 'memref<4xf32>') and returns ('f32')}}
func.func private @body(index, index, memref<4xf32>) -> (f32)
func.func @parallel_for_c1_result(%n: index, %x: memref<4xf32>) {
  // expected-error @below {{'fp4q.parallel_for' op expects @body to take ('index', 'index', 'memref<4xf32>') and return nothing}}
  fp4q.parallel_for @body(%n) grain(1) captures(%x : memref<4xf32>)
  return
}
