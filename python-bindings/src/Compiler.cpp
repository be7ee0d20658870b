//===- Compiler.cpp - the module fp4q._compiler ---------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns modules into artifacts. This is the part of the package that needs
// LLVM; it is loaded when something must be compiled for the first time.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/AheadOfTime.h"
#include "fp4q/Compiler/Registration.h"
#include "fp4q/Compiler/Version.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace nb::literals;
using namespace mlir;

namespace {

/// One message, with its place if it has one.
struct Message {
  std::string severity, file, text;
  unsigned line = 0, column = 0;
};

/// Collects the diagnostics of a context, notes included.
class Collector {
public:
  explicit Collector(MLIRContext &context)
      : handler(&context, [this](Diagnostic &diagnostic) {
          add(diagnostic);
          for (Diagnostic &note : diagnostic.getNotes())
            add(note);
          return success();
        }) {}

  std::vector<Message> messages;

private:
  void add(Diagnostic &diagnostic) {
    Message message;
    switch (diagnostic.getSeverity()) {
    case DiagnosticSeverity::Note:
      message.severity = "note";
      break;
    case DiagnosticSeverity::Warning:
      message.severity = "warning";
      break;
    case DiagnosticSeverity::Error:
      message.severity = "error";
      break;
    case DiagnosticSeverity::Remark:
      message.severity = "remark";
      break;
    }
    message.text = diagnostic.str();
    if (auto place =
            diagnostic.getLocation()->findInstanceOf<FileLineColLoc>()) {
      message.file = place.getFilename().str();
      message.line = place.getLine();
      message.column = place.getColumn();
    }
    messages.push_back(std::move(message));
  }

  ScopedDiagnosticHandler handler;
};

} // namespace

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  mlir::fp4q::registerCompilerDialects(registry);
  return registry;
}

static bool compile(StringRef source, StringRef name,
                    const mlir::fp4q::AheadOfTimeOptions &options,
                    StringRef output, std::vector<Message> &messages) {
  MLIRContext context(makeRegistry(), MLIRContext::Threading::DISABLED);
  Collector collector(context);
  // The parser wants a buffer that ends in a zero byte.
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(source, name);
  llvm::SourceMgr manager;
  manager.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(manager, ParserConfig(&context));
  bool done = module && succeeded(compileAheadOfTime(*module, options, output));
  messages = std::move(collector.messages);
  return done;
}

static bool parseKind(const std::string &text, mlir::fp4q::EmitKind &kind) {
  if (text == "so")
    kind = mlir::fp4q::EmitKind::SharedObject;
  else if (text == "mlir")
    kind = mlir::fp4q::EmitKind::MLIR;
  else if (text == "llvm")
    kind = mlir::fp4q::EmitKind::LLVM;
  else
    return false;
  return true;
}

using Diagnostics =
    nb::typed<nb::list,
              nb::typed<nb::tuple, nb::str, nb::str, int, int, nb::str>>;

/// Compiles `source` into the file `output`: (whether it worked, messages).
static nb::typed<nb::tuple, bool, Diagnostics>
compileSource(nb::bytes source, const std::string &name,
              const std::string &target, const std::string &pipeline,
              const std::string &emit, const std::string &output) {
  mlir::fp4q::AheadOfTimeOptions options;
  std::string error;
  auto parsed = mlir::fp4q::parseTargets(target, error);
  if (!parsed)
    throw nb::value_error(error.c_str());
  options.targets = *parsed;
  if (!parseKind(emit, options.emit))
    throw nb::value_error(
        ("unknown kind '" + emit + "' to emit, expected one of so, mlir, llvm")
            .c_str());
  llvm::raw_string_ostream os(error);
  if (failed(options.pipeline.parseFromString(pipeline, os)))
    throw nb::value_error(("options '" + pipeline + "': " + error).c_str());
  std::vector<Message> messages;
  bool done;
  {
    nb::gil_scoped_release release;
    done = compile(StringRef(source.c_str(), source.size()), name, options,
                   output, messages);
  }
  nb::list list;
  for (const Message &message : messages)
    list.append(nb::make_tuple(message.severity, message.file, message.line,
                               message.column, message.text));
  return nb::make_tuple(done, list);
}

NB_MODULE(_compiler, m) {
  // Not while two threads compile for the first time.
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  m.attr("version") = mlir::fp4q::getVersion();
  m.def("compile", &compileSource, "source"_a, "name"_a, "target"_a,
        "pipeline"_a, "emit"_a, "output"_a);
}
