// RUN: fp4q-opt %s --convert-to-llvm -verify-diagnostics

// The runtime's function with another type.
// expected-error @below {{redefinition of function 'fp4q_parallel_for' of different type '!llvm.func<void (i64, i64, i64, ptr, ptr)>' is prohibited}}
llvm.func @fp4q_parallel_for(i32)
func.func private @body(index, index)
func.func @caller(%n: index) {
  // expected-error @below {{failed to legalize operation 'fp4q.parallel_for' that was explicitly marked illegal}}
  fp4q.parallel_for @body(%n) grain(1)
  return
}
