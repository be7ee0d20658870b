//===- Descriptor.h - an open file that closes itself -----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_RUNTIME_DESCRIPTOR_H
#define FP4Q_LIB_RUNTIME_DESCRIPTOR_H

#include <unistd.h>

namespace fp4q {

/// Owns a file descriptor, or -1.
struct Descriptor {
  explicit Descriptor(int fd) : fd(fd) {}
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;

  const int fd;
};

} // namespace fp4q

#endif // FP4Q_LIB_RUNTIME_DESCRIPTOR_H
