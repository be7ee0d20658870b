//===- LinearIndex.cpp - a normal form of index expressions ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// e mod c is written e - c * (e floordiv c), so that the parts of an index that
// a reshape splits cancel when the next one joins them. What is left are the
// rules of floorDiv below, each an identity of integers.
//
//===----------------------------------------------------------------------===//

#include "LinearIndex.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace mlir::fp4q;

/// A total order of normal forms: -1, 0 or 1.
static int compare(AffineExpr a, AffineExpr b) {
  if (a == b)
    return 0;
  auto less = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (a.getKind() != b.getKind())
    return less(static_cast<int>(a.getKind()), static_cast<int>(b.getKind()));
  if (auto dim = dyn_cast<AffineDimExpr>(a))
    return less(dim.getPosition(), cast<AffineDimExpr>(b).getPosition());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(a))
    return less(symbol.getPosition(), cast<AffineSymbolExpr>(b).getPosition());
  if (auto constant = dyn_cast<AffineConstantExpr>(a))
    return less(constant.getValue(), cast<AffineConstantExpr>(b).getValue());
  auto x = cast<AffineBinaryOpExpr>(a), y = cast<AffineBinaryOpExpr>(b);
  if (int order = compare(x.getLHS(), y.getLHS()))
    return order;
  return compare(x.getRHS(), y.getRHS());
}

void IndexNormalizer::Sum::add(AffineExpr atom, int64_t coefficient) {
  auto *place = llvm::lower_bound(terms, atom, [](auto &term, AffineExpr key) {
    return compare(term.first, key) < 0;
  });
  if (place == terms.end() || place->first != atom) {
    terms.insert(place, {atom, coefficient});
    return;
  }
  place->second += coefficient;
  if (place->second == 0)
    terms.erase(place);
}

void IndexNormalizer::Sum::add(const Sum &other, int64_t factor) {
  if (factor == 0)
    return;
  for (auto [atom, coefficient] : other.terms)
    add(atom, coefficient * factor);
  constant += other.constant * factor;
}

AffineExpr IndexNormalizer::toExpr(const Sum &sum) const {
  AffineExpr expr = getAffineConstantExpr(sum.constant, context);
  for (auto [atom, coefficient] : sum.terms)
    expr = expr + atom * coefficient;
  return expr;
}

IndexNormalizer::Range IndexNormalizer::getAtomRange(AffineExpr atom) const {
  if (auto dim = dyn_cast<AffineDimExpr>(atom)) {
    int64_t size = sizes[dim.getPosition()];
    if (ShapedType::isDynamic(size))
      return {0, std::nullopt};
    return {0, std::max<int64_t>(size, 1) - 1};
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(atom);
  if (!binary || binary.getKind() != AffineExprKind::FloorDiv)
    return {std::nullopt, std::nullopt};
  int64_t divisor = cast<AffineConstantExpr>(binary.getRHS()).getValue();
  auto [low, high] = getRange(toSum(binary.getLHS()));
  auto divide = [&](std::optional<int64_t> bound) {
    return bound ? std::optional(llvm::divideFloorSigned(*bound, divisor))
                 : std::nullopt;
  };
  return {divide(low), divide(high)};
}

IndexNormalizer::Range IndexNormalizer::getRange(const Sum &sum) const {
  Range range = {sum.constant, sum.constant};
  auto add = [](std::optional<int64_t> &bound, std::optional<int64_t> other,
                int64_t factor) {
    if (bound && other)
      *bound += *other * factor;
    else
      bound.reset();
  };
  for (auto [atom, coefficient] : sum.terms) {
    Range part = getAtomRange(atom);
    if (coefficient < 0)
      std::swap(part.first, part.second);
    add(range.first, part.first, coefficient);
    add(range.second, part.second, coefficient);
  }
  return range;
}

IndexNormalizer::Sum IndexNormalizer::floorDiv(const Sum &sum,
                                               int64_t divisor) const {
  if (divisor == 1)
    return sum;
  // floor((c * x + r) / c) = x + floor(r / c)
  Sum whole, rest;
  for (auto [atom, coefficient] : sum.terms) {
    if (coefficient % divisor == 0)
      whole.add(atom, coefficient / divisor);
    else
      rest.add(atom, coefficient);
  }
  whole.constant = llvm::divideFloorSigned(sum.constant, divisor);
  rest.constant = llvm::mod(sum.constant, divisor);
  if (rest.terms.empty())
    return whole;
  // A rest within one multiple of c has one quotient.
  auto [low, high] = getRange(rest);
  if (low && high &&
      llvm::divideFloorSigned(*low, divisor) ==
          llvm::divideFloorSigned(*high, divisor)) {
    whole.constant += llvm::divideFloorSigned(*low, divisor);
    return whole;
  }
  // floor((g * x + r) / (g * c)) = floor((x + floor(r / g)) / c)
  int64_t common = divisor;
  for (auto [atom, coefficient] : rest.terms)
    common = std::gcd(common, coefficient);
  if (common > 1) {
    Sum reduced;
    for (auto [atom, coefficient] : rest.terms)
      reduced.add(atom, coefficient / common);
    reduced.constant = rest.constant / common;
    whole.add(floorDiv(reduced, divisor / common), 1);
    return whole;
  }
  // floor((floor(x / d) + r) / c) = floor((x + d * r) / (d * c))
  auto [atom, coefficient] = rest.terms.front();
  if (rest.terms.size() == 1 && coefficient == 1 &&
      atom.getKind() == AffineExprKind::FloorDiv) {
    auto inner = cast<AffineBinaryOpExpr>(atom);
    int64_t first = cast<AffineConstantExpr>(inner.getRHS()).getValue();
    Sum numerator = toSum(inner.getLHS());
    numerator.constant += first * rest.constant;
    whole.add(floorDiv(numerator, first * divisor), 1);
    return whole;
  }
  whole.add(getAffineBinaryOpExpr(AffineExprKind::FloorDiv, toExpr(rest),
                                  getAffineConstantExpr(divisor, context)),
            1);
  return whole;
}

IndexNormalizer::Sum IndexNormalizer::toSum(AffineExpr expr) const {
  Sum sum;
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    sum.constant = constant.getValue();
    return sum;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary) {
    sum.add(expr, 1);
    return sum;
  }
  Sum left = toSum(binary.getLHS());
  if (binary.getKind() == AffineExprKind::Add) {
    left.add(toSum(binary.getRHS()), 1);
    return left;
  }
  auto right = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (!right ||
      (binary.getKind() != AffineExprKind::Mul && right.getValue() <= 0)) {
    // Not an index of a reshape: a thing of its own.
    sum.add(expr, 1);
    return sum;
  }
  int64_t factor = right.getValue();
  switch (binary.getKind()) {
  case AffineExprKind::Mul:
    sum.add(left, factor);
    return sum;
  case AffineExprKind::FloorDiv:
    return floorDiv(left, factor);
  case AffineExprKind::Mod:
    sum.add(left, 1);
    sum.add(floorDiv(left, factor), -factor);
    return sum;
  case AffineExprKind::CeilDiv: {
    Sum negated;
    negated.add(left, -1);
    sum.add(floorDiv(negated, factor), -1);
    return sum;
  }
  default:
    llvm_unreachable("not a binary expression");
  }
}

IndexNormalizer::Range IndexNormalizer::getRange(AffineExpr expr) const {
  return getRange(toSum(expr));
}

AffineExpr IndexNormalizer::normalize(AffineExpr expr) const {
  return toExpr(toSum(expr));
}
