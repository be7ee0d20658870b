//===- EmbedImages.h - GPU kernels inside host code -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_EMBEDIMAGES_H
#define FP4Q_COMPILER_EMBEDIMAGES_H

namespace mlir {
class DialectRegistry;
namespace fp4q {

/// Gives #fp4q.embed_images its translation to LLVM IR, and the operations of
/// the GPU dialect theirs.
void registerEmbedImagesTranslation(DialectRegistry &registry);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_EMBEDIMAGES_H
