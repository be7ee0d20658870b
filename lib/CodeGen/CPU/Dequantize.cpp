//===- Dequantize.cpp - dequant as vector code for CPUs -------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QuantizePieces.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::fp4q;

/// One block of groups: their scales, then the elements of 2 * lanes codes at a
/// time.
static void emitBlock(CPUKernelBuilder &b, const DequantizeConfig &config,
                      const DequantizeOperands &operands, Value globalScale,
                      Value spread, int64_t blockGroups, Value row, Value k) {
  ArithEmitter emitter(b);
  Value group = b.createOrFold<arith::DivUIOp>(k, b.index(config.group));
  Value bytes = arith::ExtUIOp::create(
      b, b.vec(blockGroups, b.i32()),
      b.loadBytes(blockGroups, operands.scales, {row, group}));
  Value scales = emitter.combinedScale(bytes, globalScale, config.divide,
                                       config.scaleType);
  b.store(scales, spread, b.index(0));
  int64_t pair = std::min(2 * config.vectors.lanes, blockGroups * config.group);
  int64_t groups = std::max<int64_t>(1, pair / config.group);
  b.loop(b.index(0), b.index(blockGroups * config.group), pair, [&](Value i) {
    Value first = b.createOrFold<arith::DivUIOp>(i, b.index(config.group));
    Value scale = groups == 1
                      ? b.broadcast(b.loadScalar(spread, first), pair / 2)
                      : spreadLanes(b, b.load(groups, spread, first), pair / 2);
    Value place = b.add(k, i);
    Value byte = b.createOrFold<arith::DivUIOp>(place, b.index(2));
    Value codes =
        arith::ExtUIOp::create(b, b.vec(pair / 2, b.i32()),
                               b.load(pair / 2, operands.codes, {row, byte}));
    Value high = arith::ShRUIOp::create(b, codes, b.splat(codes.getType(), 4u));
    storeEvenOdd(b,
                 {emitter.dequantizeElement(codes, scale),
                  emitter.dequantizeElement(high, scale)},
                 operands.values, row, place);
  });
}

void mlir::fp4q::emitDequantize(OpBuilder &builder, Location loc,
                                const DequantizeConfig &config,
                                const DequantizeOperands &operands) {
  CPUKernelBuilder b(loc, builder);
  constexpr int64_t maxGroups = 16;
  int64_t blockGroups = chooseBlockGroups(config.k, config.group, maxGroups);
  Value rows = b.dim(operands.values, 0);
  int64_t taskRows = std::max<int64_t>(1, kTaskElements / config.k);
  b.parallel(b.ceilDiv(rows, taskRows), [&](Value task) {
    Value globalScale = loadScaleOperand(b, operands.globalScale, blockGroups);
    Value spread = b.allocate(b.index(blockGroups), b.f32());
    Value first = b.mul(task, taskRows);
    Value last = b.min(b.add(first, taskRows), rows);
    b.loop(first, last, 1, [&](Value row) {
      b.loop(b.index(0), b.index(config.k), blockGroups * config.group,
             [&](Value k) {
               emitBlock(b, config, operands, globalScale, spread, blockGroups,
                         row, k);
             });
    });
    b.deallocate(spread);
  });
}
