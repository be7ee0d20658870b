//===- NpyHeader.h - headers of .npy files ----------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The text in front of an array's data (numpy.lib.format): a Python dictionary
// with the keys descr, fortran_order and shape. Private to Npy.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_RUNTIME_NPYHEADER_H
#define FP4Q_RUNTIME_NPYHEADER_H

#include "fp4q/Runtime/Npy.h"

namespace fp4q {

/// What a .npy file begins with.
constexpr char npyMagic[] = "\x93NUMPY";
constexpr size_t npyMagicSize = 6;

/// `shape` as NumPy prints it: (), (3,), (3, 4); -1 prints as ?.
std::string npyShapeText(const std::vector<int64_t> &shape);

/// Sets type and shape of `array` from a header's text. On failure returns
/// false and sets `error` to a reason that does not name the file.
bool parseNpyHeader(const std::string &text, NpyArray &array,
                    std::string &error);

/// Everything that stands in front of the data of an array.
std::string makeNpyHeader(NpyType type, const std::vector<int64_t> &shape);

} // namespace fp4q

#endif // FP4Q_RUNTIME_NPYHEADER_H
