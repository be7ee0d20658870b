//===- MicroOpKernels.h - compile and call micro-ops ------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TEST_UNIT_CODEGEN_MICROOPKERNELS_H
#define FP4Q_TEST_UNIT_CODEGEN_MICROOPKERNELS_H

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace fp4q {

/// An array that a kernel takes as a memref<?xT>.
struct ArrayArgument {
  void *data;
  size_t size;
};

/// Functions on memrefs that use micro-ops on the way, given as MLIR text and
/// compiled for this machine.
class MicroOpKernels {
public:
  /// Compiles, with the lowerings for `chip` if it is not empty; failures are
  /// gtest's. The functions need the attribute llvm.emit_c_interface.
  explicit MicroOpKernels(const std::string &text,
                          const std::string &chip = "");
  ~MicroOpKernels();
  bool ok() const;
  bool call(const std::string &name, std::vector<ArrayArgument> arguments);

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace fp4q

#endif // FP4Q_TEST_UNIT_CODEGEN_MICROOPKERNELS_H
