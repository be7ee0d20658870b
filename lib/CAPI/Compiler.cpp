//===- Compiler.cpp - contexts and modules of the C interface -------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include "fp4q-c/Dialect.h"
#include "fp4q/Compiler/Registration.h"
#include "fp4q/Compiler/Version.h"

#include "mlir/InitAllPasses.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

#include <mutex>

using namespace mlir;
using namespace mlir::fp4q;

//===----------------------------------------------------------------------===//
// Version, status, diagnostics
//===----------------------------------------------------------------------===//

static thread_local std::string lastError;

uint32_t fp4q_c_api_version() { return FP4Q_C_API_VERSION; }

const char *fp4q_version() {
  static const std::string version = getVersion();
  return version.c_str();
}

const char *fp4q_last_error() { return lastError.c_str(); }

fp4q_status mlir::fp4q::fail(fp4q_status status, const Twine &message) {
  lastError = message.str();
  std::replace(lastError.begin(), lastError.end(), '\n', ' ');
  return status;
}

fp4q_status mlir::fp4q::failWithDiagnostic(CAPIContext &context,
                                           const Twine &otherwise) {
  if (context.firstError.empty())
    return fail(FP4Q_COMPILE_ERROR, otherwise);
  return fail(FP4Q_COMPILE_ERROR, context.firstError);
}

fp4q_status mlir::fp4q::failOnNull(const char *function, const char *what) {
  return fail(FP4Q_INVALID_ARGUMENT,
              Twine(function) + ": " + what + " is null");
}

static fp4q_severity toSeverity(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return FP4Q_NOTE;
  case DiagnosticSeverity::Warning:
    return FP4Q_WARNING;
  case DiagnosticSeverity::Error:
    return FP4Q_ERROR;
  case DiagnosticSeverity::Remark:
    return FP4Q_REMARK;
  }
  llvm_unreachable("not a severity of a diagnostic");
}

/// Hands the diagnostic and then its notes to the callback.
static void report(CAPIContext &context, const Diagnostic &diagnostic) {
  std::string message = diagnostic.str(), file;
  fp4q_diagnostic plain = {toSeverity(diagnostic.getSeverity()), 0, 0, "",
                           message.c_str()};
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>()) {
    file = place.getFilename().str();
    plain.file = file.c_str();
    plain.line = place.getLine();
    plain.column = place.getColumn();
  }
  if (plain.severity == FP4Q_ERROR && context.firstError.empty()) {
    llvm::raw_string_ostream os(context.firstError);
    if (!file.empty())
      os << file << ':';
    if (plain.line)
      os << plain.line << ':' << plain.column << ':';
    os << (file.empty() ? "" : " ") << message;
  }
  if (context.options.diagnostic)
    context.options.diagnostic(context.options.user, &plain);
  for (const Diagnostic &note : diagnostic.getNotes())
    report(context, note);
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

static const DialectRegistry &getRegistry() {
  static const DialectRegistry *registry = [] {
    // Contexts may be alive when static objects are destroyed.
    auto *all = new DialectRegistry();
    registerCompilerDialects(*all);
    return all;
  }();
  return *registry;
}

CAPIContext::CAPIContext(const fp4q_context_options &options)
    : options(options),
      context(getRegistry(), options.multithreading
                                 ? MLIRContext::Threading::ENABLED
                                 : MLIRContext::Threading::DISABLED) {
  // A note that prints the whole operation is for people at a terminal.
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    report(*this, diagnostic);
    return success();
  });
}

fp4q_status fp4q_context_create(const fp4q_context_options *options,
                                fp4q_context **context) {
  if (!context)
    return failOnNull("fp4q_context_create", "context");
  fp4q_context_options full = FP4Q_CONTEXT_OPTIONS_INIT;
  if (options)
    if (auto status = readVersioned("fp4q_context_options", *options, full))
      return status;
  *context = new fp4q_context{std::make_shared<CAPIContext>(full)};
  return FP4Q_SUCCESS;
}

void fp4q_context_destroy(fp4q_context *context) { delete context; }

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

static fp4q_status parse(fp4q_context &context,
                         std::unique_ptr<llvm::MemoryBuffer> buffer,
                         fp4q_module **module) {
  CAPIContext &shared = *context.shared;
  shared.firstError.clear();
  auto manager = std::make_shared<llvm::SourceMgr>();
  manager->AddNewSourceBuffer(std::move(buffer), SMLoc());
  OwningOpRef<ModuleOp> op =
      parseSourceFile<ModuleOp>(manager, ParserConfig(&shared.context));
  if (!op)
    return failWithDiagnostic(shared, "the module cannot be parsed");
  *module = new fp4q_module{context.shared, std::move(op)};
  return FP4Q_SUCCESS;
}

fp4q_status fp4q_module_parse(fp4q_context *context, const char *source,
                              size_t length, const char *name,
                              fp4q_module **module) {
  if (!context || !source || !module)
    return failOnNull("fp4q_module_parse", !context  ? "context"
                                           : !source ? "source"
                                                     : "module");
  // The parser wants a terminator behind the text, and bytecode alignment.
  return parse(*context,
               llvm::MemoryBuffer::getMemBufferCopy(StringRef(source, length),
                                                    name ? name : "<source>"),
               module);
}

fp4q_status fp4q_module_parse_file(fp4q_context *context, const char *path,
                                   fp4q_module **module) {
  if (!context || !path || !module)
    return failOnNull("fp4q_module_parse_file", !context ? "context"
                                                : !path  ? "path"
                                                         : "module");
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return fail(FP4Q_INVALID_ARGUMENT,
                "module '" + Twine(path) +
                    "' cannot be read: " + buffer.getError().message());
  return parse(*context, std::move(*buffer), module);
}

void fp4q_module_destroy(fp4q_module *module) { delete module; }

/// The line of the pipeline parser's report that says what is wrong.
static StringRef getPipelineError(StringRef report) {
  StringRef line = report.split('\n').first;
  size_t start = line.find("error: ");
  return start == StringRef::npos ? line : line.drop_front(start + 7);
}

fp4q_status fp4q_module_run_pipeline(fp4q_module *module,
                                     const char *pipeline) {
  if (!module || !pipeline)
    return failOnNull("fp4q_module_run_pipeline",
                      !module ? "module" : "pipeline");
  static std::once_flag once;
  std::call_once(once, mlir::registerAllPasses);
  fp4q_register_passes();

  CAPIContext &shared = *module->shared;
  shared.firstError.clear();
  StringRef text = StringRef(pipeline).trim();
  if (text.starts_with("builtin.module(") && text.ends_with(")"))
    text = text.drop_front(strlen("builtin.module(")).drop_back();
  PassManager manager(&shared.context);
  std::string errors;
  llvm::raw_string_ostream os(errors);
  if (failed(parsePassPipeline(text, manager, os)))
    return fail(FP4Q_INVALID_ARGUMENT, "pipeline '" + Twine(pipeline) +
                                           "': " + getPipelineError(errors));
  if (failed(manager.run(*module->op)))
    return failWithDiagnostic(shared,
                              "pipeline '" + Twine(pipeline) + "' failed");
  return FP4Q_SUCCESS;
}

fp4q_status fp4q_module_print(const fp4q_module *module, char **text) {
  if (!module || !text)
    return failOnNull("fp4q_module_print", !module ? "module" : "text");
  std::string printed;
  llvm::raw_string_ostream os(printed);
  module->op.get().print(os);
  os << '\n';
  *text = strdup(printed.c_str());
  return FP4Q_SUCCESS;
}

void fp4q_string_free(char *text) { free(text); }
