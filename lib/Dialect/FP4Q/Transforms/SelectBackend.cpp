//===- SelectBackend.cpp - a back end for each operation ------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

#define DEBUG_TYPE "fp4q-select-backend"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QSELECTBACKENDPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;
using ::fp4q::BackEnd;
using ::fp4q::BackEndTable;
using ::fp4q::Choice;
using ::fp4q::EnumSet;
using ::fp4q::Role;
using ::fp4q::ScaleOrder;
using ::fp4q::Target;
using ::fp4q::Work;

static ::fp4q::FloatType getFloatType(Value value) {
  Type type = getElementTypeOrSelf(value.getType());
  if (type.isBF16())
    return ::fp4q::FloatType::BF16;
  return type.isF16() ? ::fp4q::FloatType::F16 : ::fp4q::FloatType::F32;
}

static void setFormat(Work &work, Value scales, int64_t groupSize,
                      EnumSet<ScaleOrder> orders) {
  auto type = cast<ShapedType>(scales.getType());
  work.scaleType = isa<Float8E8M0FNUType>(type.getElementType())
                       ? ::fp4q::ScaleType::E8M0
                       : ::fp4q::ScaleType::E4M3;
  work.groupSize = groupSize;
  work.scaleOrders = orders;
  work.isVector = type.getRank() == 1;
  work.isInPlace = isa<MemRefType>(type);
}

ScaleOrder mlir::fp4q::getScaleOrder(ScaleLayout layout) {
  return layout == ScaleLayout::Linear ? ScaleOrder::Linear
                                       : ScaleOrder::Blocked128x4;
}

static ::fp4q::TransformKind getTransformKind(Value transform) {
  if (!transform)
    return ::fp4q::TransformKind::None;
  return cast<ShapedType>(transform.getType()).getRank() == 2
             ? ::fp4q::TransformKind::Shared
             : ::fp4q::TransformKind::PerBlock;
}

Work mlir::fp4q::describeWork(Operation *op) {
  Work work;
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](QuantizePackOp quantize) {
        work.role = Role::Quantize;
        work.type = getFloatType(quantize.getX());
        setFormat(work, quantize.getScaleOperand(),
                  quantize.getGroupSizeValue(),
                  {getScaleOrder(quantize.getScaleLayout())});
        work.recipe = quantize.getRecipeValue();
        if (quantize.hasGivenScales())
          work.scaleSource = ::fp4q::ScaleSource::Given;
        work.transform = getTransformKind(quantize.getTransform());
      })
      .Case([&](BlockTransformOp transform) {
        work.role = Role::Transform;
        work.type = getFloatType(transform.getX());
        work.transform = getTransformKind(transform.getTransform());
      })
      .Case([&](GlobalScaleOp globalScale) {
        work.role = Role::GlobalScale;
        work.type = getFloatType(globalScale.getX());
      })
      .Case([&](DequantOp dequant) {
        work.role = Role::Dequantize;
        work.type = getFloatType(dequant.getInit());
        setFormat(work, dequant.getScales(), dequant.getGroupSizeValue(),
                  {getScaleOrder(dequant.getScaleLayout())});
      })
      .Case<SwizzleScalesOp, UnswizzleScalesOp>(
          [&](auto) { work.role = Role::ScaleLayout; })
      .Case<PackWeightsOp, UnpackWeightsOp>(
          [&](auto) { work.role = Role::WeightLayout; })
      .Case([&](ScaledMatmulOp matmul) {
        work.role = Role::Matmul;
        work.hasPackedWeights = matmul.hasPackedB();
        work.k =
            2 * cast<ShapedType>(matmul.getA().getType()).getShape().back();
        work.type = getFloatType(matmul.getInit());
        setFormat(work, matmul.getAScales(), matmul.getGroupSizeValue(),
                  {getScaleOrder(matmul.getAScaleLayout()),
                   getScaleOrder(matmul.getBScaleLayout())});
      })
      .DefaultUnreachable("not a level-1 operation");
  return work;
}

std::optional<BackEnd> mlir::fp4q::getBackEnd(Operation *op) {
  auto attribute = op->getAttrOfType<BackEndAttr>(kBackEndAttr);
  if (!attribute)
    return std::nullopt;
  return attribute.getValue();
}

bool mlir::fp4q::isForCPUKernels(Operation *op) {
  return getBackEnd(op) == BackEnd::CPU;
}

/// The targets that have kernels of a back end, for messages.
static std::string listTargets(const BackEndTable &table, BackEnd backEnd) {
  std::string names;
  for (const Target &target : ArrayRef(::fp4q::targets, ::fp4q::numTargets))
    if (::fp4q::hasBackEnd(table, target, backEnd))
      names += (names.empty() ? "" : ", ") + std::string(target.name);
  return names.empty() ? "no target" : names;
}

/// One option: empty, "auto" or a name.
static bool parseRequest(const BackEndTable &table, const Target &target,
                         StringRef text, std::optional<BackEnd> &request,
                         std::string &error) {
  if (text.empty() || text == "auto")
    return true;
  const BackEnd *found = ::fp4q::findBackEnd(text);
  if (!found || !::fp4q::hasBackEnd(table, target, *found)) {
    error = (found ? "there is no back end '" : "unknown back end '") +
            text.str() + "' for " + target.name + ", expected one of auto";
    for (BackEnd backEnd : ::fp4q::allBackEnds)
      if (::fp4q::hasBackEnd(table, target, backEnd))
        error += std::string(", ") + ::fp4q::name(backEnd);
    if (found)
      error += "; '" + text.str() + "' is for " + listTargets(table, *found);
    return false;
  }
  request = *found;
  return true;
}

std::optional<BackEndRequests> mlir::fp4q::parseBackEndRequests(
    const BackEndTable &table, const Target &target, StringRef backEnd,
    StringRef quantize, StringRef matmul, std::string &error) {
  std::optional<BackEnd> both;
  BackEndRequests requests;
  if (!parseRequest(table, target, backEnd, both, error) ||
      !parseRequest(table, target, quantize, requests.quantize, error) ||
      !parseRequest(table, target, matmul, requests.matmul, error))
    return std::nullopt;
  if (!both)
    return requests;
  for (auto [role, text] :
       {std::pair<StringRef, StringRef>("quantize", quantize),
        std::pair<StringRef, StringRef>("matmul", matmul)})
    if (!text.empty() && text != backEnd) {
      error = ("the options backend=" + backEnd + " and " + role + "=" + text +
               " contradict each other")
                  .str();
      return std::nullopt;
    }
  return BackEndRequests{both, both};
}

namespace {

/// Chooses for the operations below one root.
struct Selector {
  const Target &target;
  const BackEndRequests &requests;
  const BackEndTable &table;
  BackEndCounts counts;
  bool warnedOfHost = false;

  /// What was asked for the operation: by itself, or by role.
  std::optional<BackEnd> getRequest(Operation *op, Role role) {
    if (std::optional<BackEnd> own = getBackEnd(op))
      return own;
    return role == Role::Matmul ? requests.matmul : requests.quantize;
  }

  /// The choice for one operation, with its diagnostics and remark.
  LogicalResult select(Operation *op) {
    Work work = describeWork(op);
    std::optional<BackEnd> request = getRequest(op, work.role);
    if (request) {
      Choice choice = ::fp4q::chooseBackEnd(table, target, work, *request);
      if (choice.implementation) {
        ++counts.requested;
        reportMade(op, DEBUG_TYPE, "back end chosen")
            << remark::metric("BackEnd", ::fp4q::name(*request))
            << remark::reason("as requested");
        if (!choice.implementation->automatic)
          warnOfHost(op, *request);
        return set(op, *choice.implementation);
      }
      return fallBack(op, work, choice.reason);
    }
    Choice choice = ::fp4q::chooseBackEnd(table, target, work);
    if (!choice.implementation)
      return reject(op, choice.reason);
    ++counts.fastest;
    auto report = reportMade(op, DEBUG_TYPE, "back end chosen");
    report << remark::metric("BackEnd",
                             ::fp4q::name(choice.implementation->backEnd));
    if (!choice.reason.empty())
      report << remark::reason("{0}", choice.reason);
    return set(op, *choice.implementation);
  }

  /// Another back end than the one that was asked for.
  LogicalResult fallBack(Operation *op, const Work &work,
                         const std::string &why) {
    Choice choice = ::fp4q::chooseBackEnd(table, target, work);
    if (!choice.implementation)
      return reject(op, choice.reason);
    ++counts.fallbacks;
    const char *chosen = ::fp4q::name(choice.implementation->backEnd);
    op->emitWarning() << "uses the back end '" << chosen
                      << "' and not the requested one: " << why;
    reportFallback(op, DEBUG_TYPE, "back end not as requested")
        << remark::metric("BackEnd", chosen) << remark::reason("{0}", why);
    return set(op, *choice.implementation);
  }

  LogicalResult reject(Operation *op, const std::string &why) {
    InFlightDiagnostic error =
        op->emitError() << "no back end computes this on " << target.name;
    if (!why.empty())
      error << ": " << why;
    return error;
  }

  /// Only on request does a GPU's operation run on the host, and never quietly.
  void warnOfHost(Operation *op, BackEnd backEnd) {
    if (warnedOfHost)
      return;
    warnedOfHost = true;
    op->emitWarning() << "the back end '" << ::fp4q::name(backEnd)
                      << "' computes on the host: operands and results are "
                         "copied, here and wherever else it is requested";
  }

  LogicalResult set(Operation *op,
                    const ::fp4q::Implementation &implementation) {
    op->setAttr(kBackEndAttr,
                BackEndAttr::get(op->getContext(), implementation.backEnd));
    return success();
  }
};

struct FP4QSelectBackendPass
    : public mlir::fp4q::impl::FP4QSelectBackendPassBase<
          FP4QSelectBackendPass> {
  using FP4QSelectBackendPassBase::FP4QSelectBackendPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    chip = ::fp4q::findTarget(target.getValue());
    if (!chip)
      return emitError(UnknownLoc::get(context))
             << "unknown target '" << target << "', expected one of "
             << ::fp4q::targetNames();
    std::string error;
    std::optional<BackEndRequests> parsed = parseBackEndRequests(
        ::fp4q::backEndTable, *chip, backend, quantize, matmul, error);
    if (!parsed)
      return emitError(UnknownLoc::get(context)) << error;
    requests = *parsed;
    return success();
  }

  void runOnOperation() override {
    FailureOr<BackEndCounts> counts =
        selectBackEnds(getOperation(), *chip, requests);
    if (failed(counts))
      return signalPassFailure();
    numFastest += counts->fastest;
    numRequested += counts->requested;
    numFallbacks += counts->fallbacks;
  }

private:
  const Target *chip = nullptr;
  BackEndRequests requests;
};

} // namespace

FailureOr<BackEndCounts>
mlir::fp4q::selectBackEnds(Operation *root, const Target &target,
                           const BackEndRequests &requests,
                           const BackEndTable &table) {
  Selector selector{target, requests, table, {}, false};
  // All of them, so that all errors are seen at once.
  bool isComplete = true;
  root->walk([&](DestinationStyleOpInterface op) {
    if (isa<FP4QDialect>(op->getDialect()))
      isComplete &= succeeded(selector.select(op));
  });
  if (!isComplete)
    return failure();
  return selector.counts;
}
