//===- FP4QMicroOps.td - in-register operations of fp4q -----*- tablegen -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What differs between chips: kernels are written once in terms of these
// operations, and each target family lowers them its own way. They take vectors
// in registers only, and are pure.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_MICRO_OPS_TD
#define FP4Q_MICRO_OPS_TD

include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.td"
include "fp4q/Dialect/FP4Q/IR/FP4QDialect.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def FP4Q_ByteVector : FixedVectorOfRankAndType<[1], [I8]>;
def FP4Q_ScaleVector
    : FixedVectorOfRankAndType<[1], [F8E8M0FNU, F8E4M3FN]>;
def FP4Q_DecodedVector
    : FixedVectorOfRankAndType<[1], [I8, BF16, F16, F32]>;
def FP4Q_F32Vector : FixedVectorOfRankAndType<[1], [F32]>;
def FP4Q_I32Vector : FixedVectorOfRankAndType<[1], [I32]>;

/// A lane's part of a matrix: a vector type of which there is just one, so that
/// it need not be printed.
class FP4Q_Fragment<int size, Type element, string build>
    : Type<FixedVectorOfShapeAndType<[size], element>.predicate,
           "vector<" # size # "x" # build # ">", "::mlir::VectorType">,
      BuildableType<"::mlir::VectorType::get({" # size # "}, $_builder.get"
                    # !toupper(build) # "Type())">;

class FP4Q_MicroOp<string mnemonic, list<Trait> traits = []>
    : Op<FP4Q_Dialect, mnemonic, !listconcat([Pure], traits)> {
  let hasFolder = 1;
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// decode
//===----------------------------------------------------------------------===//

def FP4Q_DecodeOp : FP4Q_MicroOp<"decode"> {
  let summary = "packed e2m1 codes to a vector of elements";
  let description = [{
    `N` bytes of packed codes become `2N` elements, in the order that `order`
    says (`interleaved` unless given). Float results are

    ```text
    result = e2m1(code) * f32(scale)       rounded once to the result's type
    ```

    where `scale` is 1 without scales. `S` scales serve groups of `2N/S`
    consecutive elements each (consecutive along the dimension of the codes,
    whatever the order of the result), so one scale serves the whole vector.
    A scale byte that is NaN gives NaN; bit 7 of an e4m3 byte is its sign.
    bf16 and f32 hold every product exactly, but for those from 2^128 on, which
    are Inf; f16 results are rounded.

    `i8` results are twice the element, `-12..12`, plus `bias`: 0, or 12 to
    make them unsigned, `0..24`. They take no scales. Both zeros give `bias`.

    Constraints:
    - C1: the result has twice as many elements as `codes`.
    - C2: a result of `i8` takes no scales.
    - C3: `bias` is 0 or 12, and 0 unless the result is of `i8`.
    - C4: the number of scales divides that of `codes`, so that no byte lies in
      two groups.

    Example:

    ```mlir
    func.func @decode(%c: vector<16xi8>, %s: vector<2xf8E4M3FN>)
        -> (vector<32xbf16>, vector<32xi8>) {
      %v = fp4q.decode %c scales(%s : vector<2xf8E4M3FN>)
          : vector<16xi8> -> vector<32xbf16>
      %u = fp4q.decode %c order<split> bias(12) : vector<16xi8> -> vector<32xi8>
      return %v, %u : vector<32xbf16>, vector<32xi8>
    }
    ```
  }];
  let arguments = (ins FP4Q_ByteVector:$codes,
      Optional<FP4Q_ScaleVector>:$scales,
      DefaultValuedAttr<FP4Q_NibbleOrderAttr, "NibbleOrder::Interleaved">:$order,
      DefaultValuedAttr<I64Attr, "0">:$bias);
  let results = (outs FP4Q_DecodedVector:$result);
  let assemblyFormat = [{
    $codes (`scales` `(` $scales^ `:` type($scales) `)`)? (`order` `` $order^)?
    (`bias` `(` $bias^ `)`)? attr-dict `:` type($codes) `->` type($result)
  }];
}

//===----------------------------------------------------------------------===//
// encode
//===----------------------------------------------------------------------===//

def FP4Q_EncodeOp : FP4Q_MicroOp<"encode"> {
  let summary = "scaled f32 elements to packed e2m1 codes";
  let description = [{
    The last step of quantization: `2N` elements that are already divided by
    their scale become `N` bytes of packed codes. `order` says how the elements
    lie in `values` (`interleaved` unless given). Each is rounded to the
    nearest e2m1, ties to the even code, saturating at +-6; NaN gives code 7
    whatever its sign. `sign_of_zero` is the recipe's.

    Constraints:
    - C1: `values` has twice as many elements as the result.

    Example:

    ```mlir
    func.func @encode(%t: vector<32xf32>) -> (vector<16xi8>, vector<16xi8>) {
      %c = fp4q.encode %t : vector<32xf32> -> vector<16xi8>
      %d = fp4q.encode %t order<split> sign_of_zero<only_negative>
          : vector<32xf32> -> vector<16xi8>
      return %c, %d : vector<16xi8>, vector<16xi8>
    }
    ```
  }];
  let arguments = (ins FP4Q_F32Vector:$values,
      DefaultValuedAttr<FP4Q_NibbleOrderAttr, "NibbleOrder::Interleaved">:$order,
      DefaultValuedAttr<FP4Q_SignOfZeroAttr, "SignOfZero::SignBit">:$sign_of_zero);
  let results = (outs FP4Q_ByteVector:$result);
  let assemblyFormat = [{
    $values (`order` `` $order^)? (`sign_of_zero` `` $sign_of_zero^)? attr-dict
    `:` type($values) `->` type($result)
  }];
}

//===----------------------------------------------------------------------===//
// group_dot
//===----------------------------------------------------------------------===//

def FP4Q_GroupDotOp : FP4Q_MicroOp<"group_dot", [
    AllTypesMatch<["u", "s"]>, AllTypesMatch<["acc", "result"]>]> {
  let summary = "dot products of unsigned and signed bytes, four at a time";
  let description = [{
    ```text
    result[l] = acc[l] + sum over i in 0..3 of unsigned(u[4l+i]) * signed(s[4l+i])
    ```

    in 32-bit integers that wrap around and never saturate: what x86's
    `vpdpbusd` and Arm's `usdot` compute. The products of elements decoded to
    `i8` are exact integers, so a group's dot product is exact.

    With `e2m1_range` the caller says that every byte of `u` is 0..24 and every
    byte of `s` is -12..12, as `decode` gives them with bias 12 and 0; the
    result is unspecified if one is not. A lowering through 16-bit sums, which
    would saturate for other bytes (`vpmaddubsw`), is legal only with it.

    Constraints:
    - C1: `u` and `s` have four times as many elements as `acc`.

    Example:

    ```mlir
    func.func @dot(%u: vector<64xi8>, %s: vector<64xi8>, %acc: vector<16xi32>)
        -> vector<16xi32> {
      %d = fp4q.group_dot %u, %s, %acc e2m1_range : vector<64xi8>, vector<16xi32>
      return %d : vector<16xi32>
    }
    ```
  }];
  let arguments = (ins FP4Q_ByteVector:$u, FP4Q_ByteVector:$s,
                       FP4Q_I32Vector:$acc, UnitAttr:$e2m1_range);
  let results = (outs FP4Q_I32Vector:$result);
  let assemblyFormat = [{
    $u `,` $s `,` $acc (`e2m1_range` $e2m1_range^)? attr-dict
    `:` type($u) `,` type($acc)
  }];
}

//===----------------------------------------------------------------------===//
// mma_block_scaled
//===----------------------------------------------------------------------===//

def FP4Q_MmaBlockScaledOp : FP4Q_MicroOp<"mma_block_scaled"> {
  let summary = "a warp's m16n8k64 product of block-scaled FP4 tiles";
  let description = [{
    The 32 lanes of a warp together compute, for `m` in 0..15 and `n` in 0..7,

    ```text
    d[m, n] = c[m, n] + sum over k in 0..63 of
              (e2m1(a[m, k]) * sa[m, k / G]) * (e2m1(b[n, k]) * sb[n, k / G])
    ```

    in f32, in free order, within the bound of `docs/numerics.md`. `G` is 32
    for `mxfp4` and 16 for `nvfp4`, so a row has 2 or 4 scales. All lanes of
    the warp must execute the operation together, with equal selectors. It
    means what PTX's `mma.sync.aligned.m16n8k64.row.col` does with
    `.kind::mxf4.block_scale.scale_vec::2X ... .ue8m0` and
    `.kind::mxf4nvf4.block_scale.scale_vec::4X ... .ue4m3` (PTX ISA 9.7.14.3
    "Block Scaling for mma.sync" and 9.7.14.5 "Matrix Fragments"). Bit 7 of an
    e4m3 scale must be clear.

    With `g = lane / 4` and `t = lane % 4`, a lane holds

    | fragment | row or column | k or columns |
    |---|---|---|
    | `a[0]` | row `g` of A | k = `8t .. 8t+7`, element `8t+i` in bits `4i .. 4i+3` |
    | `a[1]` | row `g+8` of A | k = `8t .. 8t+7` |
    | `a[2]` | row `g` of A | k = `32+8t .. 32+8t+7` |
    | `a[3]` | row `g+8` of A | k = `32+8t .. 32+8t+7` |
    | `b[0]` | column `g` of B | k = `8t .. 8t+7` |
    | `b[1]` | column `g` of B | k = `32+8t .. 32+8t+7` |
    | `c[0]`, `c[1]` | row `g` of C | columns `2t`, `2t+1` |
    | `c[2]`, `c[3]` | row `g+8` of C | columns `2t`, `2t+1` |

    Each lane gives one 32-bit word of scales for A and one for B, of which the
    selectors `[byte, thread]` say what is read: byte `byte + k / G` of the word
    in the lane

    ```text
    scale of row m of A:     lane 4 * (m % 8) + 2 * thread + m / 8
    scale of column n of B:  lane 4 * n + thread

                 thread of A = 0     thread of A = 1     thread of B
    t of lane    0         1         2         3         0    1    2    3
    holds        row g     row g+8   row g     row g+8   column g
    ```

    So two lanes of each quad hold scales of A and one holds scales of B; the
    words in the other lanes are not read. Loading different tiles' scales into
    them and going through the selectors saves loads: a quad's four words serve
    two tiles of A or four of B, and each word of `mxfp4` two steps of k.

    Where a chip has no such instruction the tile is computed by bf16 products,
    which are exact (`docs/rationale.md`). There each lane decodes its own
    fragments: all four lanes of a quad need the scales of rows `g` and `g+8`
    and of column `g`, and get them by shuffles from the lanes named above.

    Constraints:
    - C1: `a_byte` and `b_byte` are 0 or 2 for `mxfp4`, and 0 for `nvfp4`.
    - C2: `a_thread` is 0 or 1.
    - C3: `b_thread` is 0, 1, 2 or 3.

    Example:

    ```mlir
    func.func @mma(%a: vector<4xi32>, %sa: i32, %b: vector<2xi32>, %sb: i32,
                   %c: vector<4xf32>) -> vector<4xf32> {
      %d = fp4q.mma_block_scaled <mxfp4> %a scaled %sa[2, 0],
                                         %b scaled %sb[2, 3], %c
      return %d : vector<4xf32>
    }
    ```
  }];
  let arguments = (ins FP4Q_ScaledFormatAttr:$format,
      FP4Q_Fragment<4, I32, "i32">:$a, I32:$a_scales,
      I64Attr:$a_byte, I64Attr:$a_thread,
      FP4Q_Fragment<2, I32, "i32">:$b, I32:$b_scales,
      I64Attr:$b_byte, I64Attr:$b_thread,
      FP4Q_Fragment<4, F32, "f32">:$c);
  let results = (outs FP4Q_Fragment<4, F32, "f32">:$result);
  let assemblyFormat = [{
    $format $a `scaled` $a_scales `[` $a_byte `,` $a_thread `]` `,`
    $b `scaled` $b_scales `[` $b_byte `,` $b_thread `]` `,` $c attr-dict
  }];
  let hasFolder = 0;
}

#endif // FP4Q_MICRO_OPS_TD
