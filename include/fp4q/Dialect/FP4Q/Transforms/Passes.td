//===- Passes.td - passes on the fp4q dialect ---------------*- tablegen -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TRANSFORMS_PASSES_TD
#define FP4Q_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def FP4QSelectBackendPass
    : Pass<"fp4q-select-backend", "::mlir::ModuleOp"> {
  let summary = "choose the kernels of each fp4q operation";
  let description = [{
    Gives every level-1 operation the attribute `fp4q.backend`: the back end
    that will compute it on the target. Quantization and matmul are decided
    independently, operation by operation. A back end that the operation asks
    for by this attribute, or else an option of this pass, is taken if it can
    compute the operation: its role, its type, its format, its recipe, where its
    scales come from and what transform it has. If it cannot, a warning says
    why, and the fastest that can is taken; so it is when nothing is asked for.
    Each choice is a remark with the reasons against faster back ends. Where no
    back end can, there is an error. The facts are in `docs/targets.md`.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-select-backend.mlir`.

    Preconditions: none. Numerics: bit-exact; back ends differ only in the order
    of accumulation, which the law leaves free.
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"cpu\"",
           "The target, as in docs/targets.md">,
    Option<"backend", "backend", "std::string", /*default=*/"",
           "The back end of all operations; auto (default): the fastest">,
    Option<"quantize", "quantize", "std::string", /*default=*/"",
           "The back end of all operations but scaled_matmul">,
    Option<"matmul", "matmul", "std::string", /*default=*/"",
           "The back end of scaled_matmul">,
  ];
  let statistics = [
    Statistic<"numFastest", "num-fastest",
              "Operations without a request, given the fastest back end">,
    Statistic<"numRequested", "num-requested",
              "Operations given the requested back end">,
    Statistic<"numFallbacks", "num-fallbacks",
              "Operations given another back end than requested">
  ];
}

def FP4QLegalizeLayoutsPass
    : Pass<"fp4q-legalize-layouts", "::mlir::ModuleOp"> {
  let summary = "give kernels the scale layouts and the K that they want";
  let description = [{
    Where the kernels that `fp4q-select-backend` chose read or write scales in
    another layout than the operation has, inserts `fp4q.swizzle_scales` or
    `fp4q.unswizzle_scales`; where a matmul takes K in multiples of something,
    pads codes and scales with zero bytes, by `tensor.pad`. A conversion stands
    right behind what it converts, once for all operations that want it; those of
    constants are computed by `fp4q-fold-constants`. A quantizer whose kernels can
    write blocked scales, and whose linear scales nobody else reads, writes them
    itself. Bytes of blocked scales that stand for no scale are cleared before
    padding makes scales of them, unless they are known to be 0.

    Before and after:
    `test/Dialect/FP4Q/Transforms/fp4q-legalize-layouts.mlir`.

    Preconditions: `fp4q-select-backend` for the same target; an operation
    without back end, or with one that the target does not have, is an error.
    Operations on memrefs are left alone. Numerics: bit-exact, but that a sum of
    products gets more zeros to add.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
      "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"cpu\"",
           "The target, as in docs/targets.md">,
  ];
  let statistics = [
    Statistic<"numConverted", "num-converted",
              "Scale operands and results put into another layout">,
    Statistic<"numPadded", "num-padded", "Tensors padded along K">,
    Statistic<"numAbsorbed", "num-absorbed",
              "Quantizers that write blocked scales themselves">
  ];
}

def FP4QPackWeightsPass : Pass<"fp4q-pack-weights"> {
  let summary = "lay constant weights out as CPU kernels stream them";
  let description = [{
    Inserts `fp4q.pack_weights` behind constant weights of products that the
    back end `cpu` computes, once for all products of a weight, and gives these
    the layout `packed_16x8`. `fp4q-fold-constants` packs the constants then, so
    nothing is packed at run time. Weights that are arguments stay as they are:
    who wants them packed calls a function with `fp4q.pack_weights` once, when
    they are loaded, and gives the result to a product of that layout.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-pack-weights.mlir`.

    Preconditions: tensors; `fp4q-legalize-layouts`, whose padding constants are
    folded, as nothing is padded later. The pipelines run it only with
    `pack-weights`. Numerics: within the bound of `docs/numerics.md`; products
    of one row are summed over ascending groups, as those of more rows are.
    Every decision is a remark.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
  let options = [
    Option<"maxElements", "max-elements", "int64_t", /*default=*/"1 << 26",
           "Pack weights of at most so many bytes, which fp4q-fold-constants "
           "must be able to fold">,
  ];
  let statistics = [
    Statistic<"numPacked", "num-packed", "Products with packed weights">,
    Statistic<"numDeclined", "num-declined",
              "Products whose weights stay linear">
  ];
}

def FP4QMaterializeScaleLayoutsPass : Pass<"fp4q-materialize-scale-layouts"> {
  let summary = "make blocked scale layouts explicit operations";
  let description = [{
    Rewrites operations whose scale operands are in the layout
    `blocked_128x4` to the same operations on linear scales, with
    `fp4q.unswizzle_scales` in front of them or `fp4q.swizzle_scales` behind
    them, for back ends whose kernels read linear scales. fp4q's pipelines do
    so by `fp4q-legalize-layouts`, which knows the kernels of each back end, and
    `convert-fp4q-to-linalg`; this pass is for back ends of others.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-materialize-scale-layouts.mlir`.

    Preconditions: tensors. Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numMaterialized", "num-materialized",
              "Number of operations put on linear scales">
  ];
}

def FP4QDecomposeMatmulPass : Pass<"fp4q-decompose-matmul"> {
  let summary = "rewrite scaled_matmul as dequant, contraction and epilogue";
  let description = [{
    Rewrites `fp4q.scaled_matmul` on linear scales as: `fp4q.dequant` of both
    operands to f32, a transpose of `b`, a `linalg.generic` contraction with one
    f32 fused multiply-add chain of ascending k per element of the result, and
    an elementwise `linalg.generic` for alpha, bias and rounding.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-decompose-matmul.mlir`.

    Preconditions: tensors, linear scales. Numerics: fixes the order of
    accumulation, which the law leaves free.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
      "::mlir::tensor::TensorDialect"];
}

def FP4QRaiseDequantPass : Pass<"fp4q-raise-dequant", "::mlir::ModuleOp"> {
  let summary = "raise the dequantizations of front ends to fp4q.dequant";
  let description = [{
    Rewrites tensors that are decoded e2m1 codes times e8m0 or e4m3 scales, and
    perhaps a global scale, to `fp4q.dequant`: `arith.scaling_extf` of f4E2M1FN
    and f8E8M0FNU; linalg or elementwise arith that extends, broadcasts and
    multiplies, as ONNX's blocked DequantizeLinear; and masks, shifts, table
    lookups and interleaving of packed bytes, as torch's. Every element is traced
    back to the codes and scales it comes from, through elementwise and linalg
    operations, reshapes, transposes, broadcasts, slices, strided insertions and
    concatenations. The arithmetic from a code to an element and from a scale
    byte to its value is evaluated for all 16 or 256 inputs, and must agree with
    `docs/numerics.md`.

    f4E2M1FN and i4 elements are packed two a byte. A rounding of decoded f32
    values becomes the rounding of `fp4q.dequant`. Reshapes of decoded tensors
    become reshapes of codes and scales.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-raise-dequant.mlir`, and
    `docs/raising.md`.

    Preconditions: tensors; K static.

    Numerics: bit-exact, of what the operations mean. (LLVM 22 lowers
    `arith.scaling_extf` and `arith.extf` with the scale byte 0 to 0 instead of
    2^-127.) Products that are rounded to a type that does not hold them are
    raised only if `relaxed`, or `fp4q.relaxed` on the product, allows it.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::fp4q::FP4QDialect", "::mlir::linalg::LinalgDialect",
      "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"relaxed", "relaxed", "bool", /*default=*/"false",
           "Treat every operation as if it had the attribute fp4q.relaxed">,
  ];
  let statistics = [
    Statistic<"numRaised", "num-raised", "Number of dequantizations raised">,
    Statistic<"numDeclined", "num-declined",
              "Number of tensors of decoded 4-bit codes that stay">
  ];
}

def FP4QRaiseMatmulPass : Pass<"fp4q-raise-matmul", "::mlir::ModuleOp"> {
  let summary = "raise products of two dequant to scaled_matmul";
  let description = [{
    Rewrites linalg operations that sum products of two `fp4q.dequant` along
    their last dimensions (`linalg.matmul`, its transposed and batched forms,
    `linalg.contract`, `linalg.generic`) to `fp4q.scaled_matmul` with
    `alpha = g'_a * g'_b`, where `g'` is the global scale, or f32(1/global scale)
    of a dequant that divides. Transposes, broadcasts, casts and reshapes between
    the two are looked through; operands whose leading dimensions are in another
    order than those of the result have their codes and scales transposed. Sums
    that start from one value a column get it as their bias. Reshapes of decoded
    tensors become reshapes of codes and scales in any case.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-raise-matmul.mlir`, and
    `docs/raising.md`.

    Preconditions: tensors. Constant e4m3 scales are checked for sign bits,
    which `scaled_matmul` leaves undefined; those of run time must have none.

    Numerics: the result is within the bound of `docs/numerics.md` of the exact
    product of the operands. That is also true of what is replaced if decoded
    values have no global scale; then the reference path even gives the same
    bits, since all products are exact. With global scales the operands were
    rounded to f32 before, and are not any more. Where a narrower type does not
    hold the decoded values, or products or sums are narrower than f32, nothing
    is raised unless `relaxed`, or the attribute `fp4q.relaxed` on the dequant
    or on the product, allows it. `docs/raising.md` has the details.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::fp4q::FP4QDialect", "::mlir::linalg::LinalgDialect",
      "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"relaxed", "relaxed", "bool", /*default=*/"false",
           "Treat every operation as if it had the attribute fp4q.relaxed">,
  ];
  let statistics = [
    Statistic<"numRaised", "num-raised", "Number of products raised">,
    Statistic<"numWeightOnly", "num-weight-only",
              "Number of products of which one operand is float">,
    Statistic<"numDeclined", "num-declined",
              "Number of products of two decoded operands that stay">
  ];
}

def FP4QTileToForallPass : Pass<"fp4q-tile-to-forall"> {
  let summary = "tile fp4q and linalg operations into parallel loops";
  let description = [{
    Tiles row-wise fp4q operations over their leading dimensions, and
    contractions over rows and columns, into `scf.forall`, by upstream's tiling
    interface. A producer is fused into the tile of a contraction when each
    element recomputed there serves many multiplications, and stays a tensor of
    its own otherwise. So the `b` operand of a matmul is decoded a few columns
    at a time, and the `a` operand once. The tiles do not depend on the number
    of threads, so neither do the results.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-tile-to-forall.mlir`.

    Preconditions: tensors. Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
      "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"elements", "elements", "int64_t", /*default=*/"32768",
           "Elements of a row-wise tile, at least one row">,
    Option<"rows", "rows", "int64_t", /*default=*/"256",
           "Rows of a contraction tile">,
    Option<"columns", "columns", "int64_t", /*default=*/"128",
           "Columns of a contraction tile, at most">,
    Option<"depth", "depth", "int64_t", /*default=*/"256",
           "Elements of K that a contraction tile takes at a time, at most, "
           "but at least a group of the largest size">,
  ];
  let statistics = [
    Statistic<"numTiled", "num-tiled", "Number of operations tiled">
  ];
}

def FP4QFuseDequantPass : Pass<"fp4q-fuse-dequant"> {
  let summary = "decode the operands of linalg products a tile at a time";
  let description = [{
    Tiles linalg contractions that have a decoded operand, such as weight-only
    products, and fuses into their tiles the `fp4q.dequant` and the elementwise
    operations and transposes behind it, by upstream's tiling interface. So only
    a tile of the float operand exists, of `columns` by `depth` elements. The
    parallel loops become `scf.forall`, and the summed loop, if there is one
    only, `scf.for` within it. Then the result's last dimension becomes the
    innermost loop, and a decoded operand is transposed to suit.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-fuse-dequant.mlir`.

    Preconditions: tensors, linear scales. Numerics: bit-exact, as the order of
    each sum stays. Every decision is a remark.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
      "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"rows", "rows", "int64_t", /*default=*/"256",
           "Rows of a tile: of the loop that the decoded operand has not">,
    Option<"columns", "columns", "int64_t", /*default=*/"128",
           "Columns of a tile, at most: of the loop that only it has">,
    Option<"depth", "depth", "int64_t", /*default=*/"256",
           "Elements of the sums that are decoded at a time, at most, but at "
           "least a group of the largest size">,
  ];
  let statistics = [
    Statistic<"numFused", "num-fused",
              "Products whose operands are decoded tile by tile">,
    Statistic<"numDeclined", "num-declined",
              "Products whose decoded operands stay whole">
  ];
}

def FP4QOutlineParallelLoopsPass
    : Pass<"fp4q-outline-parallel-loops", "::mlir::ModuleOp"> {
  let summary = "turn scf.forall into calls of the runtime's parallel_for";
  let description = [{
    The body of each outermost `scf.forall` on memrefs becomes a private
    function of a range of linear iteration numbers and of the values that it
    captures, and the loop becomes `fp4q.parallel_for` of that function.
    Nested `scf.forall` become sequential loops.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-outline-parallel-loops.mlir`.

    Preconditions: memrefs; no reductions in the loops. Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
      "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
      "::mlir::scf::SCFDialect", "::mlir::fp4q::FP4QDialect"];
  let statistics = [
    Statistic<"numOutlined", "num-outlined", "Number of loops outlined">
  ];
}

def FP4QAddShapeFunctionsPass
    : Pass<"fp4q-add-shape-functions", "::mlir::ModuleOp"> {
  let summary = "add functions that compute the shapes of results";
  let description = [{
    For each public function `@f` with ranked tensor results, adds
    `@f__result_shapes`, which takes the arguments of `@f` and a memref of
    indices and stores the sizes of all dimensions of all results there, one
    result after the other. Callers use it to allocate results whose sizes
    depend on those of the arguments; canonicalization leaves index arithmetic.
    Behind the sizes it stores which operation of `@f` would get operands whose
    dynamic dimensions contradict each other, see `ShapeFunctions.h`.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-add-shape-functions.mlir`.

    Preconditions: one block a function. Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect",
      "::mlir::tensor::TensorDialect"];
}

def FP4QCopyRepeatedResultsPass : Pass<"fp4q-copy-repeated-results"> {
  let summary = "give each result of a function a tensor of its own";
  let description = [{
    A value that a function returns more than once is copied for its second and
    later results, and so is a `tensor.empty` that it returns and something else
    is computed into, as happens to tensors without elements. Upstream's buffer-results-to-out-params replaces the
    allocation of a result by the caller's buffer, and crashes (LLVM 22) when
    there are two buffers to replace it by.

    Before and after:
    `test/Dialect/FP4Q/Transforms/fp4q-copy-repeated-results.mlir`.

    Preconditions: tensors, before bufferization. Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
  let statistics = [
    Statistic<"numCopied", "num-copied", "Results that became copies">,
  ];
}

def FP4QLowerCopiesPass : Pass<"fp4q-lower-copies"> {
  let summary = "turn copies of strided memrefs into loops";
  let description = [{
    Rewrites `memref.copy` between memrefs of which one is not contiguous to a
    `linalg.generic`, so that the object code needs no `memrefCopy` of MLIR's
    runtime library. Contiguous copies become `memcpy` by themselves.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-lower-copies.mlir`.

    Preconditions: none. Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def FP4QVectorizeTransposesPass : Pass<"fp4q-vectorize-transposes"> {
  let summary = "transpose f32 matrices a 16x16 register tile at a time";
  let description = [{
    Rewrites `linalg.transpose` of static f32 memrefs whose sizes are multiples
    of 16 to loops over tiles that are loaded, transposed by upstream's shuffle
    lowering of `vector.transpose`, and stored. A transpose by scalars reads a
    new cache line for every element.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-vectorize-transposes.mlir`.

    Preconditions: memrefs. Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
  let statistics = [
    Statistic<"numVectorized", "num-vectorized",
              "Number of transposes vectorized">
  ];
}

def FP4QFuseTransformPass : Pass<"fp4q-fuse-transform"> {
  let summary = "fuse block_transform and widening casts into quantize_pack";
  let description = [{
    Gives `fp4q.quantize_pack` the transform that computes its input. Between the
    two there may be conversions of the element type (`arith.extf`,
    `arith.truncf`, on tensors or in a linalg operation) and reshapes of the
    leading dimensions, which move in front of the quantizer. Drops a constant
    identity transform, and the widening of the input of `quantize_pack`,
    `block_transform` and `global_scale`.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-fuse-transform.mlir`.

    Preconditions: tensors. Numerics: bit-exact, unless the attribute
    `fp4q.relaxed` of an operation or the option `relaxed` permits otherwise:
    then the rounding of the transform's result to bf16 or f16 is skipped, and
    an identity transform is taken to leave Inf, NaN and -0 as they are. Every
    rewrite, and every one that was declined, is a remark.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"multiUse", "multi-use", "bool", /*default=*/"false",
           "Fuse a transform whose result has other uses, too, and compute it "
           "once for each">,
    Option<"relaxed", "relaxed", "bool", /*default=*/"false",
           "Treat every operation as if it had the attribute fp4q.relaxed">,
  ];
  let statistics = [
    Statistic<"numFused", "num-fused", "Transforms fused into a quantizer">,
    Statistic<"numWideningsAbsorbed", "num-widenings-absorbed",
              "Widening casts dropped">,
    Statistic<"numIdentitiesDropped", "num-identities-dropped",
              "Identity transforms dropped">,
    Statistic<"numDeclined", "num-declined",
              "Rewrites that would change results without leave, or cost more">
  ];
}

def FP4QAbsorbEpiloguePass : Pass<"fp4q-absorb-epilogue"> {
  let summary = "make scaled_matmul scale, add a bias and round";
  let description = [{
    Moves into `fp4q.scaled_matmul` what its only user does with the result, if
    that is a multiplication by a factor, the addition of a bias, a conversion
    of the element type, or several of them in one body: `arith` operations on
    tensors, or linalg operations that read factor and bias by columns. Reshapes
    of the leading dimensions in between move behind the user.

    The product computes `fma(alpha, acc, bias)` in f32 and rounds once. So it is
    exact to absorb, into a product with an f32 result: a conversion to bf16 or
    f16; and, where there is neither alpha nor bias yet, a factor, a bias, or
    `math.fma` with both. A factor that is followed by a bias is not: each is
    rounded by itself, and the product rounds once.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-absorb-epilogue.mlir`.

    Preconditions: tensors. Numerics: bit-exact, unless leave is given to skip
    a rounding: `fp4q.relaxed` on the operation that rounds,
    `fastmath<contract>` on a conversion or on both a multiplication and the
    addition behind it, or the option `relaxed`. Every rewrite, and every one
    that was declined, is a remark.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"relaxed", "relaxed", "bool", /*default=*/"false",
           "Treat every operation as if it had the attribute fp4q.relaxed">,
  ];
  let statistics = [
    Statistic<"numAbsorbed", "num-absorbed", "Operations absorbed">,
    Statistic<"numDeclined", "num-declined",
              "Operations that only products without leave would change">
  ];
}

def FP4QMergeMatmulsPass : Pass<"fp4q-merge-matmuls"> {
  let summary = "multiply one activation by several constant weights at once";
  let description = [{
    Products of the same `a` whose `b` and `bias` are constant become one product
    with their columns side by side, and slices of its result: one kernel for q,
    k and v, or for gate and up. Factors that differ become one alpha a column:
    a constant, or computed in front of the product.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-merge-matmuls.mlir`.

    Preconditions: tensors, linear scales and no batches of `b`; the same types
    and attributes, and all products with a bias or none. Numerics: bit-exact on
    the reference path; each sum is the same sum. The pipelines run it only with
    `merge-matmuls`, since slices of the result are not contiguous.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numMerged", "num-merged", "Products that became part of one">,
    Statistic<"numDeclined", "num-declined",
              "Products of a shared activation that did not">
  ];
}

def FP4QFoldConstantsPass : Pass<"fp4q-fold-constants"> {
  let summary = "compute operations on constants";
  let description = [{
    Replaces `block_transform`, `quantize_pack`, `global_scale`, `dequant`,
    `swizzle_scales`, `unswizzle_scales`, `pack_weights`, `unpack_weights`, and
    `tensor.pad` in front of operations of fp4q, by their results where all that they read is constant: `dense` or
    `dense_resource`, directly or through `arith.extf`, `arith.truncf`, reshapes
    and `linalg.transpose`. What is computed from a resource becomes a resource,
    named after it with a suffix such as `_codes`, and a weight that nothing else
    uses leaves the module.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-fold-constants.mlir`.

    Preconditions: tensors. Numerics: bit-exact; the library Numerics computes
    the results, and the transform's sums in the order of the reference path.
    Folding a `dequant` makes a constant larger, so its limit is lower.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"maxElements", "max-elements", "int64_t", /*default=*/"1 << 26",
           "Fold operations on inputs of at most so many elements">,
    Option<"maxDequantElements", "max-dequant-elements", "int64_t",
           /*default=*/"4096",
           "Fold fp4q.dequant to at most so many elements">,
    Option<"layoutsOnly", "layouts-only", "bool", /*default=*/"false",
           "Fold, and report, only what fp4q-legalize-layouts and "
           "fp4q-pack-weights insert">,
  ];
  let statistics = [
    Statistic<"numFolded", "num-folded", "Operations folded">,
    Statistic<"numDeclined", "num-declined",
              "Operations on constants that were not folded">
  ];
}

def FP4QAttachLoopAnnotationsPass : Pass<"fp4q-attach-loop-annotations"> {
  let summary = "hand the annotations of loops on to LLVM IR";
  let description = [{
    An `llvm.loop_annotation` of an `scf.for` comes through `convert-scf-to-cf` and
    the conversion to the LLVM dialect as a discardable attribute of the branch
    that closes the loop, which the translation to LLVM IR does not read. Makes it
    the branch's own `loop_annotation`.

    Before and after:
    `test/Dialect/FP4Q/Transforms/fp4q-attach-loop-annotations.mlir`.

    Preconditions: the LLVM dialect. Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def FP4QUseGPUMemoryPass : Pass<"fp4q-use-gpu-memory", "::mlir::ModuleOp"> {
  let summary = "make host code handle device memory";
  let description = [{
    After kernels have been outlined, every memref of the host code is memory of
    the device. Rewrites `memref.alloc` to `fp4q.gpu_workspace`,
    `memref.get_global` to `fp4q.gpu_constant` and `memref.copy` to
    `fp4q.gpu_copy`, and drops `memref.dealloc`. An operation that would read or
    write such memory on the host is an error. The functions that compute the
    sizes of results stay as they are.

    Before and after: `test/Dialect/FP4Q/Transforms/fp4q-use-gpu-memory.mlir`.

    Preconditions: bufferized functions, kernels launched by `gpu.launch_func`.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::fp4q::FP4QDialect"];
}

#endif // FP4Q_TRANSFORMS_PASSES_TD
