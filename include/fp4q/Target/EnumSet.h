//===- EnumSet.h - a set of enumerators -------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TARGET_ENUMSET_H
#define FP4Q_TARGET_ENUMSET_H

#include <cstdint>
#include <initializer_list>

namespace fp4q {

/// A set of values of an enumeration with at most 32 enumerators from 0.
template <typename E>
class EnumSet {
public:
  constexpr EnumSet() = default;
  constexpr EnumSet(std::initializer_list<E> elements) {
    for (E element : elements)
      bits |= 1u << static_cast<unsigned>(element);
  }

  constexpr bool contains(E element) const {
    return bits >> static_cast<unsigned>(element) & 1;
  }
  constexpr bool containsAll(EnumSet other) const {
    return (other.bits & ~bits) == 0;
  }
  constexpr bool empty() const { return bits == 0; }
  constexpr EnumSet operator|(EnumSet other) const {
    return EnumSet(bits | other.bits);
  }
  constexpr EnumSet operator-(EnumSet other) const {
    return EnumSet(bits & ~other.bits);
  }
  constexpr bool operator==(EnumSet other) const { return bits == other.bits; }
  constexpr bool operator!=(EnumSet other) const { return bits != other.bits; }

private:
  constexpr explicit EnumSet(uint32_t bits) : bits(bits) {}
  uint32_t bits = 0;
};

} // namespace fp4q

#endif // FP4Q_TARGET_ENUMSET_H
