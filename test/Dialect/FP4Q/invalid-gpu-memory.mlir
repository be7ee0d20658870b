// RUN: fp4q-opt %s --split-input-file --verify-diagnostics

func.func @sizes(%m: index) {
  // expected-error @+1 {{'fp4q.gpu_workspace' op expects 2 sizes for 'memref<?x?xf32>', but got 1}}
  %0 = fp4q.gpu_workspace(%m) : memref<?x?xf32>
  return
}

// -----

func.func @layout() {
  // expected-error @+1 {{'fp4q.gpu_workspace' op expects a row-major result, but got 'memref<4xf32, strided<[2]>>'}}
  %0 = fp4q.gpu_workspace() : memref<4xf32, strided<[2]>>
  return
}

// -----

func.func @missing() {
  // expected-error @+1 {{'fp4q.gpu_constant' op expects @weight to be a constant memref.global of this module with an initial value}}
  %0 = fp4q.gpu_constant @weight : memref<4xf32>
  return
}

// -----

memref.global "private" @weight : memref<4xf32> = dense<0.0>
func.func @variable() {
  // expected-error @+1 {{'fp4q.gpu_constant' op expects @weight to be a constant memref.global of this module with an initial value}}
  %0 = fp4q.gpu_constant @weight : memref<4xf32>
  return
}

// -----

memref.global "private" constant @weight : memref<4xf32> = dense<0.0>
func.func @type() {
  // expected-error @+1 {{'fp4q.gpu_constant' op expects @weight to be of type 'memref<2xf32>', but it is of type 'memref<4xf32>'}}
  %0 = fp4q.gpu_constant @weight : memref<2xf32>
  return
}

// -----

func.func @copy(%x: memref<4xf32, strided<[2]>>) {
  // expected-error @+1 {{'fp4q.gpu_copy' op expects row-major memory, but got 'memref<4xf32, strided<[2]>>'}}
  fp4q.gpu_copy %x, %x : memref<4xf32, strided<[2]>>
  return
}
