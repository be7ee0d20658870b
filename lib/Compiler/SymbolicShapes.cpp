//===- SymbolicShapes.cpp - sizes as expressions of symbols ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions are copied into a scratch module, where they return the sizes
// in question instead of their results. What canonicalization makes of those
// says where each size comes from.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/SymbolicShapes.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/Transforms/ShapeFunctions.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// Two sizes that the function demands to agree: `rhs` is `lhs` divided by
/// `tile` and rounded up.
struct Agreement {
  unsigned lhs, rhs;
  int64_t tile;
};

/// What the function returns in the scratch module: the sizes of its results,
/// then those of its size checks.
struct Probe {
  func::FuncOp function;
  SmallVector<SmallVector<int64_t>> resultShapes;
  SmallVector<Agreement> agreements;
};

/// Dimension `dim` of an argument.
using Term = std::pair<unsigned, unsigned>;

/// Finds texts for the sizes of one probe.
class Namer {
public:
  explicit Namer(Probe &probe);
  SymbolicShapes run();

private:
  std::string describe(Value size);
  std::string describe(AffineExpr expression, ValueRange dims,
                       ValueRange symbols);
  std::string describeTerm(Term term);
  std::string makeSymbol(Term term);
  ArrayRef<int64_t> getShape(unsigned argument) {
    auto type = dyn_cast<RankedTensorType>(
        probe.function.getArgument(argument).getType());
    return type ? type.getShape() : ArrayRef<int64_t>();
  }
  Value getProbed(unsigned index) {
    return probe.function.getBody().front().getTerminator()->getOperand(index);
  }

  Probe &probe;
  llvm::EquivalenceClasses<Term> equal;
  /// Of leaders: what follows from another size.
  DenseMap<Term, std::pair<Value, int64_t>> derived;
  DenseMap<Term, std::string> names;
  llvm::StringSet<> taken;
};

} // namespace

/// The argument's dimension that a size is, if it is one.
static std::optional<Term> getTerm(Value size) {
  auto dim = size.getDefiningOp<tensor::DimOp>();
  if (!dim)
    return std::nullopt;
  auto argument = dyn_cast<BlockArgument>(dim.getSource());
  std::optional<int64_t> index = dim.getConstantIndex();
  if (!argument || !argument.getOwner()->isEntryBlock() || !index)
    return std::nullopt;
  return Term(argument.getArgNumber(), static_cast<unsigned>(*index));
}

Namer::Namer(Probe &probe) : probe(probe) {
  for (unsigned i = 0; i < probe.function.getNumArguments(); ++i)
    for (unsigned dim = 0; dim < getShape(i).size(); ++dim)
      equal.insert({i, dim});
  for (const Agreement &agreement : probe.agreements) {
    auto lhs = getTerm(getProbed(agreement.lhs));
    auto rhs = getTerm(getProbed(agreement.rhs));
    if (lhs && rhs && agreement.tile == 1)
      equal.unionSets(*lhs, *rhs);
  }
  // An argument's size that must be a number or follow from another size.
  for (const Agreement &agreement : probe.agreements) {
    Value lhs = getProbed(agreement.lhs), rhs = getProbed(agreement.rhs);
    auto rhsTerm = getTerm(rhs), lhsTerm = getTerm(lhs);
    if (rhsTerm && (!lhsTerm || agreement.tile != 1))
      derived.try_emplace(equal.getLeaderValue(*rhsTerm),
                          std::pair(lhs, agreement.tile));
    else if (lhsTerm && !rhsTerm && agreement.tile == 1)
      derived.try_emplace(equal.getLeaderValue(*lhsTerm),
                          std::pair(rhs, int64_t(1)));
  }
}

std::string Namer::makeSymbol(Term term) {
  size_t fromEnd = getShape(term.first).size() - term.second;
  const char *base = fromEnd == 1 ? "K" : fromEnd == 2 ? "M" : "B";
  std::string name = base;
  for (int number = 2; !taken.insert(name).second; ++number)
    name = base + std::to_string(number);
  return name;
}

std::string Namer::describeTerm(Term term) {
  int64_t size = getShape(term.first)[term.second];
  if (!ShapedType::isDynamic(size))
    return std::to_string(size);
  Term leader = equal.getLeaderValue(term);
  auto found = names.find(leader);
  if (found != names.end())
    return found->second;
  auto source = derived.find(leader);
  std::string name;
  if (source != derived.end()) {
    auto [value, tile] = source->second;
    // Sizes that follow from each other end in a symbol.
    derived.erase(source);
    name = describe(value);
    if (name != "?" && tile != 1)
      name = "ceildiv(" + name + ", " + std::to_string(tile) + ")";
  }
  if (name.empty() || name == "?")
    name = makeSymbol(term);
  return names[leader] = name;
}

/// `text`, in parentheses if it is a sum.
static std::string asFactor(const std::string &text) {
  return StringRef(text).contains(" + ") ? "(" + text + ")" : text;
}

static std::string combine(StringRef kind, const std::string &lhs,
                           const std::string &rhs) {
  if (lhs == "?" || rhs == "?")
    return "?";
  if (kind == "+")
    return lhs + " + " + rhs;
  if (kind == "*")
    return asFactor(lhs) + " * " + asFactor(rhs);
  return (kind + "(" + lhs + ", " + rhs + ")").str();
}

std::string Namer::describe(AffineExpr expression, ValueRange dims,
                            ValueRange symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expression))
    return std::to_string(constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expression))
    return describe(dims[dim.getPosition()]);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expression))
    return describe(symbols[symbol.getPosition()]);
  auto binary = cast<AffineBinaryOpExpr>(expression);
  StringRef kind;
  switch (expression.getKind()) {
  case AffineExprKind::Add:
    kind = "+";
    break;
  case AffineExprKind::Mul:
    kind = "*";
    break;
  case AffineExprKind::CeilDiv:
    kind = "ceildiv";
    break;
  case AffineExprKind::FloorDiv:
    kind = "floordiv";
    break;
  default:
    return "?";
  }
  return combine(kind, describe(binary.getLHS(), dims, symbols),
                 describe(binary.getRHS(), dims, symbols));
}

std::string Namer::describe(Value size) {
  APInt constant;
  if (matchPattern(size, m_ConstantInt(&constant)))
    return std::to_string(constant.getSExtValue());
  if (std::optional<Term> term = getTerm(size))
    return describeTerm(*term);
  Operation *op = size.getDefiningOp();
  if (!op)
    return "?";
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op))
    return describe(apply.getAffineMap().getResult(0), apply.getDimOperands(),
                    apply.getSymbolOperands());
  StringRef kind = llvm::TypeSwitch<Operation *, StringRef>(op)
                       .Case<arith::AddIOp>([](auto) { return "+"; })
                       .Case<arith::MulIOp>([](auto) { return "*"; })
                       .Case<arith::CeilDivUIOp, arith::CeilDivSIOp>(
                           [](auto) { return "ceildiv"; })
                       .Case<arith::DivUIOp, arith::FloorDivSIOp>(
                           [](auto) { return "floordiv"; })
                       .Default([](auto) { return ""; });
  if (kind.empty())
    return "?";
  return combine(kind, describe(op->getOperand(0)),
                 describe(op->getOperand(1)));
}

SymbolicShapes Namer::run() {
  SymbolicShapes shapes;
  for (unsigned i = 0; i < probe.function.getNumArguments(); ++i) {
    auto &dims = shapes.arguments.emplace_back();
    for (unsigned dim = 0; dim < getShape(i).size(); ++dim)
      dims.push_back(describeTerm({i, dim}));
  }
  unsigned index = 0;
  for (ArrayRef<int64_t> shape : probe.resultShapes) {
    auto &dims = shapes.results.emplace_back();
    for (int64_t size : shape) {
      std::string text = describe(getProbed(index++));
      dims.push_back(ShapedType::isDynamic(size) ? text : std::to_string(size));
    }
  }
  return shapes;
}

/// Makes `function`, of the scratch module, return sizes.
static Probe makeProbe(func::FuncOp function) {
  Probe probe;
  probe.function = function;
  Block &body = probe.function.getBody().front();
  Operation *terminator = body.getTerminator();
  OpBuilder builder(terminator);
  Location loc = terminator->getLoc();
  SmallVector<Value> sizes;
  auto add = [&](Value tensor, int64_t dim) -> unsigned {
    sizes.push_back(tensor::DimOp::create(builder, loc, tensor, dim));
    return sizes.size() - 1;
  };
  for (Value result : terminator->getOperands()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    auto &shape = probe.resultShapes.emplace_back();
    if (!type)
      continue;
    shape.assign(type.getShape().begin(), type.getShape().end());
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      add(result, dim);
  }
  for (const SizeCheck &check : collectSizeChecks(probe.function)) {
    unsigned lhs = add(check.lhs, check.dimension);
    probe.agreements.push_back(
        {lhs, add(check.rhs, check.dimension), check.rhsTile});
  }
  func::ReturnOp::create(builder, loc, sizes);
  terminator->erase();
  SmallVector<Type> types(sizes.size(), builder.getIndexType());
  // This also adapts the attributes of results.
  probe.function.setType(
      builder.getFunctionType(probe.function.getArgumentTypes(), types));
  return probe;
}

/// Nothing is known of a function with control flow between blocks.
static SymbolicShapes getUnknownShapes(func::FuncOp function) {
  SymbolicShapes shapes;
  auto describe = [](Type type, const char *unknown, int &number) {
    std::vector<std::string> dims;
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      for (int64_t size : tensor.getShape()) {
        std::string text = std::to_string(size);
        if (ShapedType::isDynamic(size))
          text = unknown[0] == '?' ? "?" : unknown + std::to_string(++number);
        dims.push_back(text);
      }
    return dims;
  };
  int number = 0;
  for (Type type : function.getArgumentTypes())
    shapes.arguments.push_back(describe(type, "D", number));
  for (Type type : function.getResultTypes())
    shapes.results.push_back(describe(type, "?", number));
  return shapes;
}

std::vector<SymbolicShapes>
mlir::fp4q::getSymbolicShapes(ArrayRef<func::FuncOp> functions) {
  std::vector<SymbolicShapes> all;
  if (functions.empty())
    return all;
  auto module = functions.front()->getParentOfType<ModuleOp>();
  module.getContext()
      ->loadDialect<affine::AffineDialect, arith::ArithDialect,
                    tensor::TensorDialect>();
  // With everything that the functions may refer to.
  OwningOpRef<ModuleOp> scratch = module.clone();
  std::vector<std::optional<Probe>> probes;
  for (func::FuncOp function : functions) {
    probes.emplace_back();
    if (function.getBody().hasOneBlock())
      probes.back() =
          makeProbe(scratch->lookupSymbol<func::FuncOp>(function.getName()));
  }
  PassManager manager(module.getContext());
  manager.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  bool resolved = succeeded(manager.run(*scratch));
  for (auto [function, probe] : llvm::zip_equal(functions, probes))
    all.push_back(resolved && probe ? Namer(*probe).run()
                                    : getUnknownShapes(function));
  return all;
}

/// What a map says of a function's arguments and then results, or "".
static std::vector<std::string>
describeBoundary(func::FuncOp function,
                 const DenseMap<Value, StringRef> &layouts) {
  std::vector<std::string> texts;
  for (Value argument : function.getArguments())
    texts.push_back(layouts.lookup(argument).str());
  if (!function.getBody().hasOneBlock()) {
    texts.assign(function.getNumArguments() + function.getNumResults(), "");
    return texts;
  }
  for (Value result : function.getBody().front().getTerminator()->getOperands())
    texts.push_back(layouts.lookup(result).str());
  return texts;
}

std::vector<std::string> mlir::fp4q::getWeightLayouts(func::FuncOp function) {
  DenseMap<Value, StringRef> layouts;
  auto note = [&](Value value) {
    layouts.try_emplace(value, stringifyWeightLayout(WeightLayout::Packed16x8));
  };
  function.walk([&](Operation *op) {
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](ScaledMatmulOp matmul) {
          if (matmul.hasPackedB())
            note(matmul.getB());
        })
        .Case([&](PackWeightsOp pack) {
          note(pack.getInit());
          llvm::for_each(pack->getResults(), note);
        })
        .Case([&](UnpackWeightsOp unpack) { note(unpack.getSource()); });
  });
  return describeBoundary(function, layouts);
}

std::vector<std::string> mlir::fp4q::getScaleLayouts(func::FuncOp function) {
  DenseMap<Value, StringRef> layouts;
  function.walk([&](Operation *op) {
    auto note = [&](Value value, ScaleLayout layout) {
      layouts.try_emplace(value, stringifyScaleLayout(layout));
    };
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](QuantizePackOp quantize) {
          note(quantize.getScaleOperand(), quantize.getScaleLayout());
          if (!quantize.hasGivenScales() && quantize->getNumResults() > 0)
            note(quantize->getResults().back(), quantize.getScaleLayout());
        })
        .Case([&](DequantOp dequant) {
          note(dequant.getScales(), dequant.getScaleLayout());
        })
        .Case([&](ScaledMatmulOp matmul) {
          note(matmul.getAScales(), matmul.getAScaleLayout());
          note(matmul.getBScales(), matmul.getBScaleLayout());
        })
        .Case([&](SwizzleScalesOp swizzle) {
          note(swizzle.getSource(), ScaleLayout::Linear);
          note(swizzle.getInit(), ScaleLayout::Blocked128x4);
          for (Value result : swizzle->getResults())
            note(result, ScaleLayout::Blocked128x4);
        })
        .Case([&](UnswizzleScalesOp unswizzle) {
          note(unswizzle.getSource(), ScaleLayout::Blocked128x4);
          note(unswizzle.getInit(), ScaleLayout::Linear);
          for (Value result : unswizzle->getResults())
            note(result, ScaleLayout::Linear);
        });
  });
  return describeBoundary(function, layouts);
}
