//===- NativeTiledKernel.cpp - scaled_matmul by block-scaled mma, tiled ---===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Codes and scales of a CTA's tiles come to shared memory by cp.async, 128
// along k a stage, several stages ahead. A row has 64 bytes of codes there, 4
// units of 16; unit u of row r is at 16 * (u ^ (r / 2 & 3)), so that the eight
// rows that ldmatrix reads at a time meet all banks. A unit is 32 of k:
// ldmatrix.x4 gives the fragments of m16n8k64 as they are (PTX ISA 9.7.14.5),
//
//   matrix   0             1              2               3
//   a        rows 0..7     rows 8..15     rows 0..7       rows 8..15
//            unit 2s       unit 2s        unit 2s+1       unit 2s+1
//   b        cols 0..7     cols 0..7      cols 8..15      cols 8..15
//            unit 2s       unit 2s+1      unit 2s         unit 2s+1
//
// Of scales each lane loads words of a row: a quad's four words are those of
// two tiles of a, or of four of b, which selectors tell apart:
//
//   t of lane    0          1          2          3
//   a            row g      row g+8    row g+16   row g+24
//   b            column g   column g+8 column g+16 column g+24
//
// A word serves two steps of mxfp4, or one of nvfp4. One load takes
// those of two such groups of 32 rows: in shared memory the words of row r of
// 64 are at place 2 * (r % 32 ^ 2 * (r / 8 % 4)) + r / 32, so that halves and
// quarters of a warp meet all banks.
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/GPU/Kernels.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Elements along k of a stage, of an instruction, of a unit of 16 bytes.
constexpr int64_t kStage = 128, kStep = 64, kUnit = 32;
constexpr int64_t kUnits = kStage / kUnit, kUnitBytes = 16;
constexpr int64_t kRowBytes = kUnits * kUnitBytes;

/// Words of scales of a row and stage.
static int64_t scaleWords(ScaledFormat format) {
  return kStage / groupSizeOf(format) / 4;
}

static int64_t stageBytes(const TiledTiling &tiling, ScaledFormat format) {
  return (tiling.rowsPerBlock() + tiling.colsPerBlock()) *
         (kRowBytes + 4 * scaleWords(format));
}

bool NativeTiledKernel::canTake(ScaledFormat format, int64_t k) {
  return k / groupSizeOf(format) % 4 == 0;
}

int64_t NativeTiledKernel::sharedBytes() const {
  return tiling.stages * stageBytes(tiling, format);
}

namespace {

/// A number of bytes, part of it known.
struct Offset {
  int64_t constant = 0;
  Value rest = nullptr; ///< or null
};

class NativeEmitter {
public:
  NativeEmitter(GPUKernelBuilder &k, const NativeTiledKernel &kernel)
      : k(k), kernel(kernel), tiling(kernel.tiling) {}

  void run();

private:
  int64_t tileRows() const {
    return tiling.rowsPerBlock() + tiling.colsPerBlock();
  }
  int64_t bytesOfScales() const {
    return kernel.k / groupSizeOf(kernel.format);
  }
  /// Bytes of scales of a row and stage.
  int64_t scaleBytes() const { return 4 * scaleWords(kernel.format); }
  int64_t slotBytes() const { return stageBytes(tiling, kernel.format); }

  Value scalePlace(Value eighth, Value rest);
  void locate();
  void locateSources();
  void locateFragments();
  Value at(Value pointer, const Offset &offset);

  /// This lane's pointers into the operands at a stage: codes and scales of a,
  /// and of b.
  using Sources = SmallVector<Value, 4>;
  Sources advance(ValueRange sources, int64_t stages);
  void fetch(ValueRange sources, const Offset &slot, Value isWhole = nullptr);
  void fetchCodes(Value from, bool isA, const Offset &slot, Value isWhole);
  void fetchScales(Value from, bool isA, const Offset &slot, Value isWhole);
  SmallVector<Value> vectorsOf(ValueRange scalars);
  SmallVector<Value> multiply(const Offset &slot, ValueRange sums);
  SmallVector<Value> loadScales(Value from, int64_t first);
  SmallVector<Value> useStage(const Offset &slot, ValueRange sums,
                              llvm::function_ref<void()> fetchNext);
  SmallVector<Value> runUnrolled(int64_t turns, ValueRange state);
  SmallVector<Value> runRest(int64_t first, int64_t stages, ValueRange state);

  GPUKernelBuilder &k;
  const NativeTiledKernel &kernel;
  const TiledTiling &tiling;
  Value thread, lane, g, t;
  Value rowBlock, colBlock, batchBegin, batchOfB; ///< of the CTA
  Value rowOfWarp, colOfWarp;                     ///< in the tile
  Value unit, rowOfThread; ///< whose codes the thread copies
  Value scalesOfThread;    ///< the row whose scales it copies
  Sources begin;           ///< at the first stage
  /// In the first slot: where the thread copies codes and scales to, and the
  /// lane's rows and words for each step.
  Value codesTo, scalesTo, aScalesFrom, bScalesFrom;
  SmallVector<Value> aFrom, bFrom;
};

} // namespace

/// Twice the place, among the scales of 32 rows, of row 8 * eighth + rest.
Value NativeEmitter::scalePlace(Value eighth, Value rest) {
  Value inEighth = arith::XOrIOp::create(k.b, rest, k.mul(eighth, 2));
  return k.mul(k.add(k.mul(eighth, 8), inEighth), 2);
}

void NativeEmitter::locate() {
  thread = k.threadId();
  lane = k.rem(thread, kWarpSize);
  g = k.div(lane, 4);
  t = k.rem(lane, 4);
  Value warp = k.div(thread, kWarpSize);
  Value rowBlocks = k.div(k.add(kernel.m, k.index(tiling.rowsPerBlock() - 1)),
                          tiling.rowsPerBlock());
  Value block = k.blockId();
  Value batch = k.div(block, rowBlocks);
  rowBlock = k.mul(arith::RemUIOp::create(k.b, block, rowBlocks),
                   tiling.rowsPerBlock());
  colBlock = k.mul(k.blockId(gpu::Dimension::y), tiling.colsPerBlock());
  batchBegin = k.mul(batch, kernel.m);
  batchOfB = kernel.batchedB ? k.mul(batch, k.index(kernel.n)) : k.index(0);
  rowOfWarp = k.mul(k.rem(warp, tiling.rowWarps), 16 * tiling.rowTiles);
  colOfWarp = k.mul(k.div(warp, tiling.rowWarps), 8 * tiling.colTiles);
}

/// Four threads copy the codes of a row, one its scales. Rows that a thread
/// copies lie equally far apart, so one pointer is enough for all of them; rows
/// that do not exist are zeros.
void NativeEmitter::locateSources() {
  unit = k.rem(thread, kUnits);
  rowOfThread = k.div(thread, kUnits);
  // Neighbors write side by side: rows r and r + 32, in turn.
  scalesOfThread =
      k.add(k.mul(k.div(thread, 64), 64),
            k.add(k.mul(k.rem(thread, 2), 32), k.rem(k.div(thread, 2), 32)));
  Value aBegin = k.add(batchBegin, rowBlock),
        bBegin = k.add(batchOfB, colBlock);
  auto rowOf = [&](Value array, Value row, int64_t bytes) {
    return k.offset(k.pointerTo(array), k.mul(row, bytes));
  };
  auto codesOf = [&](Value array, Value first) {
    return k.offset(rowOf(array, k.add(first, rowOfThread), kernel.k / 2),
                    k.mul(unit, kUnitBytes));
  };
  begin = {
      codesOf(kernel.a, aBegin),
      rowOf(kernel.aScales, k.add(aBegin, scalesOfThread), bytesOfScales()),
      codesOf(kernel.b, bBegin),
      rowOf(kernel.bScales, k.add(bBegin, scalesOfThread), bytesOfScales())};
}

void NativeEmitter::locateFragments() {
  Value shared = k.sharedMemory();
  Value place =
      arith::XOrIOp::create(k.b, unit, k.rem(k.div(rowOfThread, 2), kUnits));
  codesTo = k.offset(
      shared, k.add(k.mul(rowOfThread, kRowBytes), k.mul(place, kUnitBytes)));
  Value scales = k.offset(shared, tileRows() * kRowBytes);
  Value rowOf32 = k.rem(scalesOfThread, 32);
  Value scalesAt = k.add(scalePlace(k.div(rowOf32, 8), k.rem(rowOf32, 8)),
                         k.add(k.mul(k.div(thread, 64), 64), k.rem(thread, 2)));
  scalesTo = k.offset(scales, k.mul(scalesAt, scaleBytes()));
  Value colsAt = k.add(colOfWarp, k.index(tiling.rowsPerBlock()));
  Value placeOfWord = scalePlace(t, g);
  auto wordsOf = [&](Value firstRow) {
    return k.offset(scales, k.mul(k.add(firstRow, placeOfWord), scaleBytes()));
  };
  aScalesFrom = wordsOf(rowOfWarp);
  bScalesFrom = wordsOf(colsAt);
  Value matrix = k.div(lane, 8), inMatrix = k.rem(lane, 8);
  Value low = k.rem(matrix, 2), high = k.div(matrix, 2);
  Value swizzle = k.div(inMatrix, 2);
  auto from = [&](Value row, Value unitOfLane, int64_t step) {
    Value unit = arith::XOrIOp::create(
        k.b, k.add(unitOfLane, k.index(2 * step)), swizzle);
    return k.offset(shared,
                    k.add(k.mul(row, kRowBytes), k.mul(unit, kUnitBytes)));
  };
  Value aRow = k.add(rowOfWarp, k.add(k.mul(low, 8), inMatrix));
  Value bRow = k.add(colsAt, k.add(k.mul(high, 8), inMatrix));
  for (int64_t step = 0; step < kStage / kStep; ++step) {
    aFrom.push_back(from(aRow, high, step));
    bFrom.push_back(from(bRow, low, step));
  }
}

Value NativeEmitter::at(Value pointer, const Offset &offset) {
  if (offset.rest)
    pointer = k.offset(pointer, offset.rest);
  return offset.constant ? k.offset(pointer, offset.constant) : pointer;
}

NativeEmitter::Sources NativeEmitter::advance(ValueRange sources,
                                              int64_t stages) {
  int64_t bytes[] = {kRowBytes, scaleBytes(), kRowBytes, scaleBytes()};
  Sources next;
  for (auto [source, size] : llvm::zip_equal(sources, bytes))
    next.push_back(k.offset(source, stages * size));
  return next;
}

/// Copies a stage, of which only the first half exists unless `isWhole` (if
/// given) holds.
void NativeEmitter::fetch(ValueRange sources, const Offset &slot,
                          Value isWhole) {
  fetchCodes(sources[0], /*isA=*/true, slot, isWhole);
  fetchCodes(sources[2], /*isA=*/false, slot, isWhole);
  fetchScales(sources[1], /*isA=*/true, slot, isWhole);
  fetchScales(sources[3], /*isA=*/false, slot, isWhole);
}

/// `bytes` where the condition (null: always) holds, else 0: null for always.
static Value sizeIf(GPUKernelBuilder &k, Value condition, int64_t bytes) {
  if (!condition)
    return nullptr;
  return k.select(condition, k.constant(static_cast<int32_t>(bytes)),
                  k.constant(0));
}

/// Both conditions; null is true.
static Value both(GPUKernelBuilder &k, Value lhs, Value rhs) {
  return lhs && rhs ? arith::AndIOp::create(k.b, lhs, rhs).getResult()
         : lhs      ? lhs
                    : rhs;
}

void NativeEmitter::fetchCodes(Value from, bool isA, const Offset &slot,
                               Value isWhole) {
  int64_t step = tiling.threads() / kUnits;
  int64_t rows = isA ? tiling.rowsPerBlock() : tiling.colsPerBlock();
  if (isWhole)
    isWhole = arith::OrIOp::create(k.b, isWhole,
                                   k.isLess(unit, k.index(kStep / kUnit)));
  for (int64_t first = 0; first < rows; first += step) {
    Value row =
        k.add(isA ? rowBlock : colBlock, k.add(rowOfThread, k.index(first)));
    Value exists;
    if (isA)
      exists = k.isLess(row, kernel.m);
    else if (kernel.n % tiling.colsPerBlock() != 0)
      exists = k.isLess(row, k.index(kernel.n));
    int64_t inTile = first + (isA ? 0 : tiling.rowsPerBlock());
    k.copyAsync(k.offset(at(codesTo, slot), inTile * kRowBytes),
                k.offset(from, k.index(first * (kernel.k / 2))), kUnitBytes,
                sizeIf(k, both(k, exists, isWhole), kUnitBytes));
  }
}

void NativeEmitter::fetchScales(Value from, bool isA, const Offset &slot,
                                Value isWhole) {
  int64_t rows = isA ? tiling.rowsPerBlock() : tiling.colsPerBlock();
  // Both words of nvfp4 at once where rows begin at multiples of 8 bytes.
  int64_t bytes = kernel.k % kStage == 0 ? scaleBytes() : 4;
  for (int64_t first = 0; first < rows; first += tiling.threads()) {
    Value row = k.add(scalesOfThread, k.index(first));
    Value end = isA ? kernel.m : k.index(kernel.n), exists;
    if (isA || kernel.n % tiling.colsPerBlock() != 0)
      exists = k.isLess(k.add(isA ? rowBlock : colBlock, row), end);
    int64_t inTile = first + (isA ? 0 : tiling.rowsPerBlock());
    auto copyRow = [&, first = first] {
      for (int64_t at = 0; at < scaleBytes(); at += bytes)
        k.copyAsync(
            k.offset(this->at(scalesTo, slot), inTile * scaleBytes() + at),
            k.offset(from, k.index(first * bytesOfScales() + at)), bytes,
            sizeIf(k, both(k, exists, at ? isWhole : Value()), bytes));
    };
    if (first + tiling.threads() <= rows)
      copyRow();
    else
      k.ifTrue(k.isLess(row, k.index(rows)), copyRow);
  }
}

/// This lane's words of the 64 rows from `first` on: [32 rows][word].
SmallVector<Value> NativeEmitter::loadScales(Value from, int64_t first) {
  return k.elementsOf(
      k.loadFrom(k.offset(from, first * scaleBytes()), k.b.getI32Type(),
                 2 * scaleWords(kernel.format), 2 * scaleBytes()));
}

SmallVector<Value> NativeEmitter::vectorsOf(ValueRange scalars) {
  auto type = VectorType::get({4}, k.b.getF32Type());
  SmallVector<Value> vectors;
  for (size_t i = 0; i < scalars.size(); i += 4)
    vectors.push_back(
        vector::FromElementsOp::create(k.b, type, scalars.slice(i, 4)));
  return vectors;
}

SmallVector<Value> NativeEmitter::multiply(const Offset &slot,
                                           ValueRange sums) {
  SmallVector<Value> next = vectorsOf(sums);
  SmallVector<Value> aWords, bWords;
  for (int64_t row = 0; row < 16 * tiling.rowTiles; row += 64)
    aWords.append(loadScales(at(aScalesFrom, slot), row));
  for (int64_t column = 0; column < 8 * tiling.colTiles; column += 64)
    bWords.append(loadScales(at(bScalesFrom, slot), column));
  int64_t words = scaleWords(kernel.format);
  bool wordPerStep = words == kStage / kStep;
  for (int64_t step = 0; step < kStage / kStep; ++step) {
    auto fragment = [&](ArrayRef<Value> words) -> Value {
      return vector::FromElementsOp::create(
          k.b,
          VectorType::get({static_cast<int64_t>(words.size())},
                          k.b.getI32Type()),
          words);
    };
    SmallVector<Value> a, b;
    for (int64_t i = 0; i < tiling.rowTiles; ++i)
      a.push_back(fragment(
          k.loadMatrices(k.offset(at(aFrom[step], slot), i * 16 * kRowBytes))));
    for (int64_t j = 0; j < tiling.colTiles; j += 2) {
      SmallVector<Value> both =
          k.loadMatrices(k.offset(at(bFrom[step], slot), j * 8 * kRowBytes));
      b.push_back(fragment({both[0], both[1]}));
      b.push_back(fragment({both[2], both[3]}));
    }
    int64_t word = wordPerStep ? step : 0, byte = wordPerStep ? 0 : 2 * step;
    // Those with the same selectors together, which takes the fewest registers.
    auto multiplyTiles = [&](int64_t i, int64_t j) {
      Value &sum = next[i * tiling.colTiles + j];
      sum = MmaBlockScaledOp::create(
          k.b, sum.getType(), kernel.format, a[i], aWords[i / 2 * words + word],
          byte, i % 2, b[j], bWords[j / 4 * words + word], byte, j % 4, sum);
    };
    for (int64_t select = 0; select < 4; ++select)
      for (int64_t j = select; j < tiling.colTiles; j += 4)
        for (int64_t parity : {0, 1})
          for (int64_t i = parity; i < tiling.rowTiles; i += 2)
            multiplyTiles(i, j);
  }
  SmallVector<Value> scalars;
  for (Value sum : next)
    scalars.append(k.elementsOf(sum));
  return scalars;
}

SmallVector<Value>
NativeEmitter::useStage(const Offset &slot, ValueRange sums,
                        llvm::function_ref<void()> fetchNext) {
  // Everyone's copies are there, and the slot before is used up.
  k.waitForCopies(tiling.stages - 2);
  gpu::BarrierOp::create(k.b);
  fetchNext();
  k.commitCopies();
  return multiply(slot, sums);
}

/// As many stages a turn as there are slots, so that all offsets are constants,
/// and no condition: what is fetched meanwhile exists. The state is the sources
/// of the next fetch, and the sums.
SmallVector<Value> NativeEmitter::runUnrolled(int64_t turns, ValueRange state) {
  auto loop =
      scf::ForOp::create(k.b, k.index(0), k.index(turns), k.index(1), state);
  OpBuilder::InsertionGuard guard(k.b);
  k.b.setInsertionPointToStart(loop.getBody());
  ValueRange args = loop.getRegionIterArgs();
  SmallVector<Value> sums(args.drop_front(4));
  for (int64_t i = 0; i < tiling.stages; ++i) {
    Offset slot = {i * slotBytes()};
    Offset last = {(i + tiling.stages - 1) % tiling.stages * slotBytes()};
    sums = useStage(slot, sums,
                    [&] { fetch(advance(args.take_front(4), i), last); });
  }
  SmallVector<Value> next = advance(args.take_front(4), tiling.stages);
  next.append(sums);
  scf::YieldOp::create(k.b, next);
  return loop.getResults();
}

/// The annotation of a loop that LLVM is not to unroll.
static LLVM::LoopAnnotationAttr getUnrollDisabled(OpBuilder &b) {
  auto unroll = LLVM::LoopUnrollAttr::get(
      b.getContext(), /*disable=*/b.getBoolAttr(true), /*count=*/{},
      /*runtimeDisable=*/{}, /*full=*/{}, /*followupUnrolled=*/{},
      /*followupRemainder=*/{}, /*followupAll=*/{});
  return LLVM::LoopAnnotationAttr::get(
      b.getContext(), /*disableNonforced=*/{}, /*vectorize=*/{},
      /*interleave=*/{}, unroll, /*unrollAndJam=*/{}, /*licm=*/{},
      /*distribute=*/{}, /*pipeline=*/{}, /*peeled=*/{}, /*unswitch=*/{},
      /*mustProgress=*/{}, /*isVectorized=*/{}, /*startLoc=*/{}, /*endLoc=*/{},
      /*parallelAccesses=*/{});
}

/// The stages from `first` on, which is in the first slot, one a turn. LLVM
/// would unroll them all, for as much code as the main loop has and no use.
SmallVector<Value> NativeEmitter::runRest(int64_t first, int64_t stages,
                                          ValueRange state) {
  SmallVector<Value> carried = {k.index(0),
                                k.index((tiling.stages - 1) * slotBytes())};
  carried.append(state.begin(), state.end());
  auto loop = scf::ForOp::create(k.b, k.index(first), k.index(stages),
                                 k.index(1), carried);
  loop->setDiscardableAttr("llvm.loop_annotation", getUnrollDisabled(k.b));
  OpBuilder::InsertionGuard guard(k.b);
  k.b.setInsertionPointToStart(loop.getBody());
  ValueRange args = loop.getRegionIterArgs();
  ValueRange sources = args.slice(2, 4);
  auto after = [&](Value slot) {
    return k.nextInRing(slot, tiling.stages, slotBytes());
  };
  Value ahead = k.add(loop.getInductionVar(), k.index(tiling.stages - 1));
  SmallVector<Value> sums = useStage({0, args[0]}, args.drop_front(6), [&] {
    k.ifTrue(k.isLess(ahead, k.index(stages)), [&] {
      Value isWhole;
      if (kernel.k % kStage != 0)
        isWhole = k.isLess(ahead, k.index(kernel.k / kStage));
      fetch(sources, {0, args[1]}, isWhole);
    });
  });
  SmallVector<Value> next = {after(args[0]), after(args[1])};
  next.append(advance(sources, 1));
  next.append(sums);
  scf::YieldOp::create(k.b, next);
  return SmallVector<Value>(loop.getResults().drop_front(2));
}

void NativeEmitter::run() {
  assert(tiling.rowTiles % 4 == 0 && tiling.colTiles % 8 == 0 &&
         "scales are loaded of 64 rows at a time");
  locate();
  locateSources();
  locateFragments();
  int64_t whole = kernel.k / kStage;
  int64_t stages = llvm::divideCeil(kernel.k, kStage);
  int64_t ahead = tiling.stages - 1;
  for (int64_t i = 0; i < ahead; ++i) {
    if (i < stages)
      fetch(advance(begin, i), {i * slotBytes()},
            i < whole ? Value()
                      : arith::ConstantIntOp::create(k.b, 0, /*width=*/1));
    k.commitCopies();
  }
  // Sums go around the loop as scalars: of vectors LLVM makes pairs on chips
  // that have arithmetic on them, and moves.
  SmallVector<Value> state = advance(begin, ahead);
  state.append(4 * tiling.rowTiles * tiling.colTiles,
               arith::ConstantOp::create(k.b, k.b.getF32FloatAttr(0.0f)));
  int64_t turns = std::max<int64_t>(whole - ahead, 0) / tiling.stages;
  if (turns > 0)
    state = runUnrolled(turns, state);
  state = runRest(turns * tiling.stages, stages, state);
  kernel.storeTiles(k, vectorsOf(ArrayRef(state).drop_front(4)),
                    tiling.colTiles, k.add(rowBlock, rowOfWarp),
                    k.add(colBlock, colOfWarp), batchBegin, /*factor=*/1.0f);
}

void NativeTiledKernel::emit(GPUKernelBuilder &kernelBuilder) const {
  NativeEmitter(kernelBuilder, *this).run();
}
