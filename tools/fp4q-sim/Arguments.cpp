//===- Arguments.cpp - the command line of fp4q-sim -----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"

#include <cstdlib>
#include <cstring>
#include <getopt.h>

using namespace fp4q;

const char *const usageText =
    R"(usage: fp4q-sim FILE.ptx --entry=NAME --grid=X,Y,Z --block=X,Y,Z [OPTION...]

Runs a kernel of a PTX file on the CPU, with checks hardware does not make.
A fault is one line on stderr and exit status 1.

  --arg=in:FILE.npy              a device buffer with the file's bytes
  --arg=inout:FILE.npy:OUT.npy   the same, written to OUT.npy afterwards
  --arg=out:OUT.npy:TYPE:SHAPE   a buffer nobody has written (f32:64x64)
  --arg=TYPE:VALUE               a scalar: i32:1024, f32:0.5, u64:0x10
                 one --arg per parameter, in order; TYPE is one of u8, i8, u16,
                 i16, u32, i32, u64, i64, f16 (buffers), bf16 (buffers, as
                 uint16), f32, f64
  --cluster=X,Y,Z                CTAs of a cluster
  --shared=BYTES                 dynamic shared memory
  --cooperative                  all CTAs make progress together
  --report=json                  counters as JSON on stdout
  --profile                      the report also has sectors and wavefronts of
                                 each instruction that accesses memory
  --no-checks                    bounds only
  --threads=N                    host threads (default: one a core)
  --budget=N                     warp instructions per CTA before it is called
                                 an endless loop (default: 1073741824)
)";

static std::vector<std::string> splitOn(const std::string &text, char by) {
  std::vector<std::string> parts(1);
  for (char c : text) {
    if (c == by)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

static uint64_t parseNumber(const std::string &option, const std::string &text,
                            uint64_t most) {
  char *end = nullptr;
  errno = 0;
  unsigned long long value = std::strtoull(text.c_str(), &end, 0);
  if (text.empty() || *end || errno || text[0] == '-' || value > most)
    throw UsageError(option + "=" + text + ": expected a number from 0 to " +
                     std::to_string(most));
  return value;
}

static sim::Dim3 parseDim(const std::string &option, const std::string &text) {
  std::vector<std::string> parts = splitOn(text, ',');
  if (parts.size() > 3)
    throw UsageError(option + "=" + text + ": expected X, X,Y or X,Y,Z");
  sim::Dim3 dim;
  uint32_t *fields[] = {&dim.x, &dim.y, &dim.z};
  for (size_t i = 0; i < parts.size(); ++i)
    *fields[i] = uint32_t(parseNumber(option, parts[i], UINT32_MAX));
  return dim;
}

struct TypeName {
  const char *name;
  NpyType type;
  bool scalar;
};
static const TypeName kTypes[] = {
    {"u8", NpyType::U8, true},    {"i8", NpyType::I8, true},
    {"u16", NpyType::U16, true},  {"i16", NpyType::I16, true},
    {"u32", NpyType::U32, true},  {"i32", NpyType::I32, true},
    {"u64", NpyType::U64, true},  {"i64", NpyType::I64, true},
    {"f16", NpyType::F16, false}, {"bf16", NpyType::U16, false},
    {"f32", NpyType::F32, true},  {"f64", NpyType::F64, true}};

static const TypeName &parseType(const std::string &spec,
                                 const std::string &name) {
  std::string known;
  for (const TypeName &type : kTypes) {
    if (name == type.name)
      return type;
    known += std::string(known.empty() ? "" : ", ") + type.name;
  }
  throw UsageError("--arg=" + spec + ": unknown type `" + name +
                   "` (known: in, out, inout, " + known + ")");
}

// Integers take any base; negative ones wrap to the type's width.
static void parseScalar(KernelArgument &arg, const TypeName &type,
                        const std::string &text) {
  int64_t size = npyTypeSize(type.type);
  char *end = nullptr;
  errno = 0;
  arg.value.resize(size_t(size));
  bool floating = type.type == NpyType::F32 || type.type == NpyType::F64;
  bool fits = true;
  if (floating) {
    double value = std::strtod(text.c_str(), &end);
    float narrow = float(value);
    std::memcpy(arg.value.data(),
                size == 4 ? static_cast<void *>(&narrow)
                          : static_cast<void *>(&value),
                size_t(size));
  } else {
    bool isSigned = type.name[0] == 'i';
    int64_t value = isSigned ? std::strtoll(text.c_str(), &end, 0)
                             : int64_t(std::strtoull(text.c_str(), &end, 0));
    int unused = 64 - int(8 * size);
    fits = !errno &&
           (isSigned ? value << unused >> unused == value
                     : text[0] != '-' && uint64_t(value) << unused >> unused ==
                                             uint64_t(value));
    std::memcpy(arg.value.data(), &value, size_t(size));
  }
  if (text.empty() || *end || !fits)
    throw UsageError("--arg=" + arg.spec + ": `" + text + "` is no " +
                     type.name);
}

static void readInput(KernelArgument &arg, const std::string &path) {
  std::string error;
  std::optional<NpyArray> array = readNpy(path, error);
  if (!array)
    throw UsageError("--arg=" + arg.spec + ": " + error);
  arg.array = std::move(*array);
  arg.initialized = true;
}

static KernelArgument parseArg(const std::string &spec) {
  KernelArgument arg;
  arg.spec = spec;
  std::vector<std::string> parts = splitOn(spec, ':');
  const std::string &kind = parts[0];
  const auto need = [&](size_t count, const char *form) {
    if (parts.size() != count)
      throw UsageError("--arg=" + spec + ": expected " + form);
    for (const std::string &part : parts)
      if (part.empty())
        throw UsageError("--arg=" + spec + ": expected " + form);
  };
  arg.buffer = kind == "in" || kind == "inout" || kind == "out";
  if (kind == "in") {
    need(2, "in:FILE.npy");
    readInput(arg, parts[1]);
  } else if (kind == "inout") {
    need(3, "inout:FILE.npy:OUT.npy");
    readInput(arg, parts[1]);
    arg.output = parts[2];
  } else if (kind == "out") {
    need(4, "out:OUT.npy:TYPE:SHAPE");
    arg.output = parts[1];
    arg.array.type = parseType(spec, parts[2]).type;
    for (const std::string &size : splitOn(parts[3], 'x'))
      arg.array.shape.push_back(
          int64_t(parseNumber("--arg=" + spec, size, uint64_t(1) << 40)));
    std::optional<int64_t> bytes = npyDataSize(arg.array.type, arg.array.shape);
    if (!bytes || *bytes > int64_t(1) << 36)
      throw UsageError("--arg=" + spec + ": the buffer is too large");
    arg.array.data.resize(size_t(*bytes));
  } else {
    const TypeName &type = parseType(spec, kind);
    need(2, "TYPE:VALUE");
    if (!type.scalar)
      throw UsageError("--arg=" + spec + ": " + kind +
                       " is a type of buffers only");
    parseScalar(arg, type, parts[1]);
  }
  return arg;
}

Arguments parseArguments(int argc, char **argv) {
  enum {
    Entry = 1,
    Grid,
    Block,
    Cluster,
    Shared,
    Arg,
    Report,
    NoChecks,
    Threads,
    Budget,
    Cooperative,
    Profile,
    Help
  };
  static const option options[] = {
      {"entry", required_argument, nullptr, Entry},
      {"grid", required_argument, nullptr, Grid},
      {"block", required_argument, nullptr, Block},
      {"cluster", required_argument, nullptr, Cluster},
      {"shared", required_argument, nullptr, Shared},
      {"arg", required_argument, nullptr, Arg},
      {"report", required_argument, nullptr, Report},
      {"no-checks", no_argument, nullptr, NoChecks},
      {"threads", required_argument, nullptr, Threads},
      {"budget", required_argument, nullptr, Budget},
      {"cooperative", no_argument, nullptr, Cooperative},
      {"profile", no_argument, nullptr, Profile},
      {"help", no_argument, nullptr, Help},
      {nullptr, 0, nullptr, 0}};
  Arguments result;
  bool grid = false, block = false;
  opterr = 0;
  for (int code;
       (code = getopt_long(argc, argv, "", options, nullptr)) != -1;) {
    std::string value = optarg ? optarg : "";
    switch (code) {
    case Entry:
      result.entry = value;
      break;
    case Grid:
      result.config.grid = parseDim("--grid", value);
      grid = true;
      break;
    case Block:
      result.config.block = parseDim("--block", value);
      block = true;
      break;
    case Cluster:
      result.config.cluster = parseDim("--cluster", value);
      break;
    case Shared:
      result.config.dynamicShared =
          uint32_t(parseNumber("--shared", value, 1 << 20));
      break;
    case Arg:
      result.arguments.push_back(parseArg(value));
      break;
    case Report:
      if (value != "json")
        throw UsageError("--report=" + value + ": expected json");
      result.json = true;
      break;
    case NoChecks:
      result.options.checks = false;
      break;
    case Threads:
      result.options.threads = unsigned(parseNumber("--threads", value, 1024));
      break;
    case Budget:
      result.options.budget = parseNumber("--budget", value, UINT64_MAX);
      break;
    case Cooperative:
      result.config.cooperative = true;
      break;
    case Profile:
      result.options.profile = true;
      break;
    case Help:
      result.help = true;
      return result;
    default:
      throw UsageError(std::string(argv[optind - 1]) +
                       ": unknown option, or one without its value (see "
                       "--help)");
    }
  }
  if (argc - optind != 1)
    throw UsageError("expected one PTX file, got " +
                     std::to_string(argc - optind) + " (see --help)");
  result.file = argv[optind];
  if (!grid || !block)
    throw UsageError(std::string("expected --") + (grid ? "block" : "grid") +
                     "=X,Y,Z");
  return result;
}
