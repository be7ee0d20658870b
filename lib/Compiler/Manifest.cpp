//===- Manifest.cpp - what an artifact says about itself ------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/EntryPoints.h"

#include "fp4q/Compiler/Version.h"
#include "fp4q/Runtime/ArtifactFormat.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::fp4q;

static void writeValues(llvm::json::OStream &json, StringRef name,
                        ArrayRef<ValueSpec> values) {
  json.attributeArray(name, [&] {
    for (const ValueSpec &value : values)
      json.object([&] {
        std::string dtype;
        llvm::raw_string_ostream(dtype) << value.elementType;
        json.attribute("dtype", dtype);
        json.attributeArray("shape", [&] {
          for (int64_t size : value.shape) {
            if (ShapedType::isDynamic(size))
              json.value("?");
            else
              json.value(size);
          }
        });
        json.attribute("layout", value.isTensor ? "row-major" : "scalar");
      });
  });
}

std::string mlir::fp4q::makeManifest(ArrayRef<EntryPoint> entries,
                                     StringRef target) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    json.attribute("producer", getVersion());
    json.attribute("format_version", FP4Q_ARTIFACT_FORMAT_VERSION);
    json.attributeArray("targets", [&] { json.value(target); });
    json.attributeArray("functions", [&] {
      for (const EntryPoint &entry : entries)
        json.object([&] {
          json.attribute("name", entry.name);
          json.attribute("symbol", entry.symbol());
          json.attribute("result_shapes_symbol", entry.shapesSymbol());
          writeValues(json, "arguments", entry.signature.arguments);
          writeValues(json, "results", entry.signature.results);
        });
    });
  });
  return text;
}
