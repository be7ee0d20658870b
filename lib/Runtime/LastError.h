//===- LastError.h - errors as strings of the C ABI -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_RUNTIME_LASTERROR_H
#define FP4Q_LIB_RUNTIME_LASTERROR_H

#include <cstdint>
#include <new>
#include <string>

namespace fp4q {

/// Where the thread's last message is kept. Artifacts are also released at the
/// end of the process, after the thread's objects: one made then is not freed.
inline std::string &lastError() {
  static thread_local std::string *last = nullptr;
  static thread_local struct Owner {
    std::string **owned = nullptr;
    ~Owner() {
      delete *owned;
      *owned = nullptr;
    }
  } owner;
  if (!last) {
    owner.owned = &last;
    last = new std::string;
  }
  return *last;
}

/// Keeps `message` for this thread, points `*error` to it unless `error` is
/// null, and returns 1, what a failing function of the C ABI returns.
inline int32_t fail(const char **error, std::string message) {
  if (error) {
    lastError() = std::move(message);
    *error = lastError().c_str();
  }
  return 1;
}

/// Runs `body`, a function of the C ABI, out of which no exception may get.
template <typename Body>
int32_t guard(const char **error, Body body) {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    if (error)
      *error = "out of memory";
    return 1;
  }
}

} // namespace fp4q

#endif // FP4Q_LIB_RUNTIME_LASTERROR_H
