//===- Types.h - the types of PTX -------------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, section 5.2 "Types", 5.2.3 "Alternate Floating-Point Data Formats"
// and 5.2.5 "Packed Data Types".
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_TYPES_H
#define FP4Q_LIB_SIMULATOR_TYPES_H

#include <cstdint>
#include <string_view>

namespace fp4q::sim {

// NAME(enumerator, spelling, bits)
#define FP4Q_SIM_TYPES(NAME)                                                   \
  NAME(Pred, ".pred", 1)                                                       \
  NAME(B8, ".b8", 8)                                                           \
  NAME(B16, ".b16", 16)                                                        \
  NAME(B32, ".b32", 32)                                                        \
  NAME(B64, ".b64", 64)                                                        \
  NAME(B128, ".b128", 128)                                                     \
  NAME(U8, ".u8", 8)                                                           \
  NAME(U16, ".u16", 16)                                                        \
  NAME(U32, ".u32", 32)                                                        \
  NAME(U64, ".u64", 64)                                                        \
  NAME(S8, ".s8", 8)                                                           \
  NAME(S16, ".s16", 16)                                                        \
  NAME(S32, ".s32", 32)                                                        \
  NAME(S64, ".s64", 64)                                                        \
  NAME(U16x2, ".u16x2", 32)                                                    \
  NAME(S16x2, ".s16x2", 32)                                                    \
  NAME(F16, ".f16", 16)                                                        \
  NAME(F16x2, ".f16x2", 32)                                                    \
  NAME(BF16, ".bf16", 16)                                                      \
  NAME(BF16x2, ".bf16x2", 32)                                                  \
  NAME(TF32, ".tf32", 32)                                                      \
  NAME(F32, ".f32", 32)                                                        \
  NAME(F32x2, ".f32x2", 64)                                                    \
  NAME(F64, ".f64", 64)                                                        \
  NAME(E4M3, ".e4m3", 8)                                                       \
  NAME(E5M2, ".e5m2", 8)                                                       \
  NAME(E2M3, ".e2m3", 8)                                                       \
  NAME(E3M2, ".e3m2", 8)                                                       \
  NAME(E2M1, ".e2m1", 4)                                                       \
  NAME(UE8M0, ".ue8m0", 8)                                                     \
  NAME(UE4M3, ".ue4m3", 8)                                                     \
  NAME(E4M3x2, ".e4m3x2", 16)                                                  \
  NAME(E5M2x2, ".e5m2x2", 16)                                                  \
  NAME(E2M1x2, ".e2m1x2", 8)                                                   \
  NAME(UE8M0x2, ".ue8m0x2", 16)

enum class Type : uint8_t {
#define FP4Q_SIM_TYPE(name, spelling, bits) name,
  FP4Q_SIM_TYPES(FP4Q_SIM_TYPE)
#undef FP4Q_SIM_TYPE
      None
};

inline unsigned typeBits(Type type) {
  static const uint8_t table[] = {
#define FP4Q_SIM_TYPE(name, spelling, bits) bits,
      FP4Q_SIM_TYPES(FP4Q_SIM_TYPE)
#undef FP4Q_SIM_TYPE
          0};
  return table[unsigned(type)];
}

/// Bytes a value of this type takes in memory.
inline unsigned typeBytes(Type type) { return (typeBits(type) + 7) / 8; }

inline std::string_view typeName(Type type) {
  static const std::string_view table[] = {
#define FP4Q_SIM_TYPE(name, spelling, bits) spelling,
      FP4Q_SIM_TYPES(FP4Q_SIM_TYPE)
#undef FP4Q_SIM_TYPE
          ""};
  return table[unsigned(type)];
}

/// The type of this spelling, or None.
inline Type typeFromName(std::string_view word) {
  for (unsigned i = 0; i < unsigned(Type::None); ++i)
    if (typeName(Type(i)) == word)
      return Type(i);
  return Type::None;
}

inline bool isSigned(Type type) {
  return type == Type::S8 || type == Type::S16 || type == Type::S32 ||
         type == Type::S64;
}
inline bool isBits(Type type) { return type >= Type::B8 && type <= Type::B128; }
inline bool isInt(Type type) { return type >= Type::U8 && type <= Type::S64; }

} // namespace fp4q::sim

#endif // FP4Q_LIB_SIMULATOR_TYPES_H
