//===- BackEnds.h - who can do what on which target -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A back end is a family of kernels. What each can do, per role, is a row of
// the table in BackEnds.cpp: the features that it needs of a target, and the
// types, formats, recipes and transforms that it takes. Quantization and matmul
// choose theirs independently; any two work together, since all of them compute
// the same codes and scales.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TARGET_BACKENDS_H
#define FP4Q_TARGET_BACKENDS_H

#include "fp4q/Target/TargetInfo.h"

#include <vector>

namespace fp4q {

enum class BackEnd : uint8_t {
  Reference,   ///< linalg, any shape, on the CPU
  CPU,         ///< vector kernels
  GPUPortable, ///< kernels that expand FP4 to bf16
  GPUNative,   ///< kernels on block-scaled matrix instructions
};

inline constexpr std::array<BackEnd, 4> allBackEnds = {
    BackEnd::Reference, BackEnd::CPU, BackEnd::GPUPortable, BackEnd::GPUNative};

/// What an operation is to its layer.
enum class Role : uint8_t {
  Quantize,    ///< quantize_pack, with a transform or without
  GlobalScale, ///< global_scale
  Transform,   ///< block_transform on its own
  Dequantize,  ///< dequant
  ScaleLayout, ///< swizzle_scales, unswizzle_scales
  Matmul,      ///< scaled_matmul
  WeightLayout ///< pack_weights, unpack_weights
};

/// The block transform of an operation.
enum class TransformKind : uint8_t { None, Shared, PerBlock };

/// Where the scales of a quantization come from.
enum class ScaleSource : uint8_t { Computed, Given };

/// How scales lie in memory.
enum class ScaleOrder : uint8_t { Linear, Blocked128x4 };

/// One operation, as far as a choice of back end depends on it.
struct Work {
  Role role = Role::Quantize;
  /// The type of x, or of the result where there is no x.
  FloatType type = FloatType::BF16;
  /// Quantize, Dequantize, Matmul.
  ScaleType scaleType = ScaleType::E8M0;
  int64_t groupSize = 32;
  /// Quantize.
  Recipe recipe = {};
  ScaleSource scaleSource = ScaleSource::Computed;
  /// Quantize, Transform.
  TransformKind transform = TransformKind::None;
  /// Matmul: the reduced dimension; 0 if it does not matter.
  int64_t k = 0;
  /// Matmul: whether b is in the layout packed_16x8.
  bool hasPackedWeights = false;
  /// How the scales lie that are read or written.
  EnumSet<ScaleOrder> scaleOrders = {};
  /// Whether these have one dimension, and so no blocks.
  bool isVector = false;
  /// Whether the operands are memrefs: they can be neither converted nor padded
  /// in front of the operation, so kernels must take them as they are.
  bool isInPlace = false;
};

/// What a back end can do. The kernels of one back end and role may be in
/// several rows.
struct Implementation {
  BackEnd backEnd;
  EnumSet<Role> roles;
  /// What the target must be and have.
  TargetKind kind;
  EnumSet<Feature> features;
  /// What it takes. Only what Work says of its role is looked at.
  EnumSet<FloatType> types;
  EnumSet<Format> formats;
  EnumSet<TransformKind> transforms;
  EnumSet<ScaleSource> scaleSources;
  /// Any recipe, or the law only.
  bool anyRecipe;
  /// How it reads or writes scales: everything else is converted by
  /// fp4q.swizzle_scales and fp4q.unswizzle_scales (fp4q-legalize-layouts).
  EnumSet<ScaleOrder> scaleOrders;
  /// A matmul takes K in multiples of this, a power of two; to others the
  /// operands are padded.
  int64_t multipleOfK = 1;
  /// Whether it is chosen without being asked for.
  bool automatic = true;
  /// Whether its lowering converts memrefs that lie otherwise by itself.
  bool convertsInPlace = false;
  /// Whether a matmul takes weights in the layout packed_16x8.
  bool takesPackedWeights = false;
};

/// Targets and implementations, the faster of two implementations first.
struct BackEndTable {
  const Implementation *implementations;
  size_t numImplementations;
};

/// What fp4q has.
extern const BackEndTable backEndTable;

/// Empty if `implementation` can do `work` on `target`; else the first reason
/// why not, to be put behind a name of the back end: "does not take f32".
std::string whyNot(const Implementation &implementation, const Target &target,
                   const Work &work);

/// The result of a choice: an implementation, or null and the reason.
struct Choice {
  const Implementation *implementation = nullptr;
  std::string reason;
};

/// The fastest implementation of `backEnd` that can do `work` on `target`.
Choice chooseBackEnd(const BackEndTable &table, const Target &target,
                     const Work &work, BackEnd backEnd);

/// The fastest that can, of those that may be chosen without being asked for.
Choice chooseBackEnd(const BackEndTable &table, const Target &target,
                     const Work &work);

/// The back ends that have kernels for a role on a target, fastest first.
std::vector<BackEnd> backEndsFor(const BackEndTable &table,
                                 const Target &target, Role role);

/// Whether there are kernels of the back end on the target, for any role.
bool hasBackEnd(const BackEndTable &table, const Target &target,
                BackEnd backEnd);

/// The back end of that name, or null.
const BackEnd *findBackEnd(std::string_view name);

/// The names of all back ends, separated by ", ", for messages.
std::string backEndNames();

/// The names on command lines and in the attribute #fp4q.backend, and in
/// messages and documentation.
const char *name(BackEnd backEnd);
const char *name(Role role);
const char *name(FloatType type);
const char *name(TransformKind transform);
const char *name(ScaleSource source);
const char *name(ScaleOrder order);

} // namespace fp4q

#endif // FP4Q_TARGET_BACKENDS_H
