//===- Manifest.cpp - what an artifact says about itself ------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/EntryPoints.h"

#include "fp4q/Compiler/Version.h"
#include "fp4q/Runtime/ArtifactFormat.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::fp4q;

/// A size is a number, or else a text.
static void writeSize(llvm::json::OStream &json, const std::string &size) {
  int64_t number;
  if (StringRef(size).getAsInteger(10, number))
    json.value(size);
  else
    json.value(number);
}

static void writeValues(llvm::json::OStream &json, StringRef name,
                        ArrayRef<ValueSpec> values,
                        ArrayRef<std::vector<std::string>> shapes,
                        ArrayRef<std::string> scaleLayouts,
                        ArrayRef<std::string> weightLayouts) {
  json.attributeArray(name, [&] {
    for (auto [value, shape, scaleLayout, weightLayout] :
         llvm::zip_equal(values, shapes, scaleLayouts, weightLayouts))
      json.object([&, &value = value, &shape = shape,
                   &scaleLayout = scaleLayout, &weightLayout = weightLayout] {
        std::string dtype;
        llvm::raw_string_ostream(dtype) << value.elementType;
        json.attribute("dtype", dtype);
        json.attributeArray("shape", [&] {
          for (const std::string &size : shape)
            writeSize(json, size);
        });
        json.attribute("layout", value.isTensor ? "row-major" : "scalar");
        if (!scaleLayout.empty())
          json.attribute("scale_layout", scaleLayout);
        if (!weightLayout.empty())
          json.attribute("weight_layout", weightLayout);
      });
  });
}

std::string mlir::fp4q::makeManifest(ArrayRef<EntryPoint> entries,
                                     ArrayRef<::fp4q::ArtifactTarget> targets) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    json.attribute("producer", getVersion());
    json.attribute("format_version", FP4Q_ARTIFACT_FORMAT_VERSION);
    json.attributeArray("targets", [&] {
      for (const ::fp4q::ArtifactTarget &target : targets)
        json.value(target.name);
    });
    json.attributeArray("functions", [&] {
      for (const EntryPoint &entry : entries)
        json.object([&] {
          json.attribute("name", entry.name);
          json.attribute("symbol", entry.symbol());
          json.attribute("result_shapes_symbol", entry.shapesSymbol());
          ArrayRef<std::string> scales(entry.scaleLayouts);
          ArrayRef<std::string> weights(entry.weightLayouts);
          size_t numArguments = entry.signature.arguments.size();
          writeValues(json, "arguments", entry.signature.arguments,
                      entry.shapes.arguments, scales.take_front(numArguments),
                      weights.take_front(numArguments));
          writeValues(json, "results", entry.signature.results,
                      entry.shapes.results, scales.drop_front(numArguments),
                      weights.drop_front(numArguments));
        });
    });
  });
  return text;
}
