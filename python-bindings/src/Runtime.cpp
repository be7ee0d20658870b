//===- Runtime.cpp - the module fp4q._runtime -----------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loads artifacts and calls their functions on arrays of any framework. No LLVM
// is needed, neither here nor where this is built.
//
//===----------------------------------------------------------------------===//

#include "Gpu.h"
#include "Tensors.h"
#include "fp4q/Numerics/Presets.h"
#include "fp4q/Runtime/Artifact.h"
#include "fp4q/Runtime/ArtifactFile.h"
#include "fp4q/Runtime/ParallelFor.h"
#include "fp4q/Target/BackEnds.h"
#include "fp4q/Target/TargetInfo.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>

namespace nb = nanobind;
using namespace nb::literals;
using namespace fp4q;

/// BuildId.cpp, see CMakeLists.txt.
extern const char *const fp4q_python_build_id;

/// What makes arrays for results, and what gives them their last form:
/// _arrays.empty and _arrays.finish, set when fp4q is imported.
static nb::handle allocator, finisher;

// What functions return, for the stubs.
using Names = nb::typed<nb::list, nb::str>;
using Row = nb::typed<nb::dict, nb::str, nb::any>;

namespace {

struct Artifact {
  ArtifactPtr handle;
};

/// A function of an artifact, which it keeps loaded.
struct Function {
  std::shared_ptr<Artifact> artifact;
  const fp4q_function_desc *desc;

  const fp4q_value_desc &result(int32_t i) const {
    return desc->values[desc->num_arguments + i];
  }
};

/// The tensors of one call, most often few enough to need no memory.
class Tensors {
public:
  Tensors(const Function &function) : function(function) {
    int32_t count = function.desc->num_arguments + function.desc->num_results;
    if (count > numInline) {
      moreTensors.reset(new BorrowedTensor[count]);
      morePointers.reset(new const DLTensor *[count]);
    }
  }

  void borrow(int32_t i, nb::handle object, bool written) {
    int32_t arguments = function.desc->num_arguments;
    std::string what = (written ? "result #" : "argument #") +
                       std::to_string(written ? i - arguments : i) + " of '" +
                       function.desc->name + "'";
    BorrowedTensor &tensor = (moreTensors ? moreTensors.get() : tensors)[i];
    tensor.borrow(object, what.c_str(), written);
    pointers()[i] = tensor.get();
  }

  /// The stream of the framework of `object`, which is tensor `i`.
  void *currentStream(nb::handle object, int32_t i) {
    return BorrowedTensor::currentStream(object, pointers()[i]->device);
  }

  const DLTensor **pointers() {
    return morePointers ? morePointers.get() : inlinePointers;
  }

private:
  static constexpr int32_t numInline = 12;
  const Function &function;
  BorrowedTensor tensors[numInline];
  const DLTensor *inlinePointers[numInline];
  std::unique_ptr<BorrowedTensor[]> moreTensors;
  std::unique_ptr<const DLTensor *[]> morePointers;
};

} // namespace

/// TypeError where a tensor has another type or device than its place takes,
/// and ValueError for everything else that the runtime refuses.
[[noreturn]] static void raise(const Function &function,
                               const DLTensor *const *tensors, int32_t count,
                               const char *error) {
  for (int32_t i = 0; i < count; ++i) {
    const fp4q_value_desc &value = function.desc->values[i];
    const DLTensor &tensor = *tensors[i];
    if (int32_t(tensor.device.device_type) != function.desc->device_type ||
        tensor.device.device_id != tensors[0]->device.device_id ||
        tensor.dtype.bits != value.dtype_bits ||
        (tensor.dtype.code != value.dtype_code &&
         tensor.dtype.code != value.alternate_code))
      throw nb::type_error(error);
  }
  throw nb::value_error(error);
}

static nb::object allocate(const Function &function, int32_t i,
                           const int64_t *sizes, nb::handle like) {
  const fp4q_value_desc &value = function.result(i);
  nb::list shape;
  for (int32_t dim = 0; dim < value.rank; ++dim)
    shape.append(sizes[dim]);
  return allocator(like, elementName(value.type), nb::tuple(shape));
}

/// What results are like: the first argument that is no number.
static nb::handle firstArray(const nb::args &args) {
  for (nb::handle argument : args)
    if (!isNumber(argument))
      return argument;
  return Py_None;
}

/// The arrays for the results: those of `out`, or new ones.
static nb::tuple getResults(const Function &function, Tensors &tensors,
                            const nb::args &args, nb::handle out) {
  int32_t count = function.desc->num_results;
  if (!out.is_none()) {
    if (count == 1 && !PyTuple_Check(out.ptr()) && !PyList_Check(out.ptr()))
      return nb::make_tuple(out);
    if ((PyTuple_Check(out.ptr()) || PyList_Check(out.ptr())) &&
        nb::len(out) == size_t(count))
      return nb::tuple(out);
    throw nb::value_error(("out must be " + std::to_string(count) +
                           " arrays, the results of '" + function.desc->name +
                           "'")
                              .c_str());
  }
  int32_t total = 0;
  for (int32_t i = 0; i < count; ++i)
    total += function.result(i).rank;
  std::vector<int64_t> sizes(size_t(total) + 1);
  const char *error = nullptr;
  if (fp4q_function_result_shapes(function.desc, tensors.pointers(),
                                  function.desc->num_arguments, sizes.data(),
                                  total, &error))
    raise(function, tensors.pointers(), function.desc->num_arguments, error);
  nb::handle like = firstArray(args);
  nb::list results;
  const int64_t *next = sizes.data();
  for (int32_t i = 0; i < count; ++i) {
    results.append(allocate(function, i, next, like));
    next += function.result(i).rank;
  }
  return nb::tuple(results);
}

static nb::object call(const Function &function, const nb::args &args,
                       const nb::object &out) {
  const fp4q_function_desc &desc = *function.desc;
  if (args.size() != size_t(desc.num_arguments))
    throw nb::type_error((std::string("'") + desc.name + "' takes " +
                          std::to_string(desc.num_arguments) +
                          " arguments, but got " + std::to_string(args.size()))
                             .c_str());
  Tensors tensors(function);
  for (int32_t i = 0; i < desc.num_arguments; ++i)
    tensors.borrow(i, args[i], /*written=*/false);
  nb::tuple results = getResults(function, tensors, args, out);
  for (int32_t i = 0; i < desc.num_results; ++i)
    tensors.borrow(desc.num_arguments + i, results[i], /*written=*/true);
  const char *error = nullptr;
  int32_t count = desc.num_arguments + desc.num_results, status;
  void *stream = nullptr;
  if (desc.device_type == FP4Q_DL_CUDA && count > 0)
    stream = tensors.currentStream(
        desc.num_results ? results[0]
                         : nb::object(nb::borrow(firstArray(args))),
        desc.num_results ? desc.num_arguments : 0);
  {
    nb::gil_scoped_release release;
    status =
        fp4q_function_call(&desc, tensors.pointers(), count, stream, &error);
  }
  if (status)
    raise(function, tensors.pointers(), count, error);
  if (!out.is_none())
    return out;
  if (desc.num_results == 0)
    return nb::none();
  results = nb::borrow<nb::tuple>(finisher(firstArray(args), results));
  return desc.num_results == 1 ? nb::object(results[0]) : nb::object(results);
}

static std::shared_ptr<Artifact> load(const std::string &path,
                                      const std::string &target) {
  const char *error = nullptr;
  auto artifact = std::make_shared<Artifact>();
  {
    nb::gil_scoped_release release;
    artifact->handle = loadArtifact(path.c_str(), &error, target.c_str());
  }
  if (!artifact->handle)
    throw nb::value_error(error);
  return artifact;
}

static Names describe(const fp4q_value_desc *values, int32_t count) {
  nb::list types;
  for (int32_t i = 0; i < count; ++i)
    types.append(values[i].type);
  return types;
}

/// The presets of the quantizer: name -> (format, group size, whether it reads
/// a scale scale, its usual scale scale, how its global scale decodes).
static nb::typed<nb::dict, nb::str, Row> getPresets() {
  nb::dict result;
  for (const Preset &preset : presets) {
    const Recipe &recipe = preset.recipe;
    bool global = usesGlobalScale(recipe.scaleFormula) ||
                  usesGlobalScale(recipe.elementOperand);
    nb::dict row;
    row["kind"] = preset.scaleType == ScaleType::E8M0 ? "e8m0" : "e4m3";
    row["group_size"] = preset.groupSize;
    row["reads_scale_scale"] = usesScaleScale(recipe.scaleFormula);
    row["reads_global_scale"] = global;
    row["divides"] = recipe.globalScaleUse == GlobalScaleUse::Divide;
    row["scale_scale_e8m0"] = usualScaleScale(recipe, ScaleType::E8M0);
    row["scale_scale_e4m3"] = usualScaleScale(recipe, ScaleType::E4M3);
    result[nb::str(preset.name.data(), preset.name.size())] = row;
  }
  return result;
}

#if defined(__x86_64__)
static constexpr std::string_view architecture = "x86_64";
#elif defined(__aarch64__)
static constexpr std::string_view architecture = "aarch64";
#else
static constexpr std::string_view architecture = "";
#endif

/// The best target of the table for the CPU that we run on.
static const char *hostTarget() {
  return bestCPULevel(architecture, getHostCpuFeatures()).name;
}

/// The back ends of each role for a target, the fastest first.
static nb::typed<nb::dict, nb::str, Names>
getBackEnds(const std::string &name) {
  const Target *target = findTarget(name);
  if (!target)
    throw nb::value_error(
        ("unknown target '" + name + "', expected one of " + targetNames())
            .c_str());
  nb::dict result;
  for (Role role : {Role::Quantize, Role::GlobalScale, Role::Transform,
                    Role::Dequantize, Role::ScaleLayout, Role::Matmul}) {
    nb::list names;
    for (BackEnd backEnd : backEndsFor(backEndTable, *target, role))
      names.append(fp4q::name(backEnd));
    result[fp4q::name(role)] = names;
  }
  return result;
}

NB_MODULE(_runtime, m) {
  // The caches of compiled functions live until the interpreter is gone.
  nb::set_leak_warnings(false);
  m.attr("version") = FP4Q_VERSION;
  m.attr("build_id") = fp4q_python_build_id;
  m.attr("artifact_format_version") = FP4Q_ARTIFACT_FORMAT_VERSION;

  nb::class_<Function>(m, "Function")
      .def("__call__", &call, "args"_a, "out"_a = nb::none(),
           nb::sig("def __call__(self, *args: typing.Any, "
                   "out: typing.Any = None) -> typing.Any"))
      .def_prop_ro("name", [](const Function &f) { return f.desc->name; })
      .def_prop_ro("arguments",
                   [](const Function &f) {
                     return describe(f.desc->values, f.desc->num_arguments);
                   })
      .def_prop_ro("results",
                   [](const Function &f) {
                     return describe(f.desc->values + f.desc->num_arguments,
                                     f.desc->num_results);
                   })
      .def("__repr__", [](const Function &f) {
        return std::string("<fp4q function '") + f.desc->name + "'>";
      });
  nb::class_<Artifact>(m, "LoadedArtifact")
      .def_prop_ro("target",
                   [](const Artifact &a) {
                     return fp4q_artifact_target_name(a.handle.get());
                   })
      .def_prop_ro("manifest",
                   [](const Artifact &a) {
                     return fp4q_artifact_manifest(a.handle.get());
                   })
      .def_static(
          "functions",
          [](std::shared_ptr<Artifact> a) -> nb::typed<nb::list, Function> {
            nb::list functions;
            int32_t count = fp4q_artifact_num_functions(a->handle.get());
            for (int32_t i = 0; i < count; ++i)
              functions.append(
                  Function{a, fp4q_artifact_function(a->handle.get(), i)});
            return functions;
          });
  m.def("load", &load, "path"_a, "target"_a = "");
  m.def(
      "set_allocator",
      [](nb::object allocate, nb::object finish) {
        // Kept for the life of the process.
        allocator = allocate.release();
        finisher = finish.release();
      },
      "allocate"_a, "finish"_a);
  m.def("presets", &getPresets);
  m.def("host_target", &hostTarget);
  m.def("back_ends", &getBackEnds, "target"_a);
  bindGpu(m);
  m.def("set_num_threads", &fp4q_set_num_threads, "n"_a,
        "Sets the number of threads of compiled code; 0 stands for the number "
        "that it began with.");
  m.def("get_num_threads", &fp4q_get_num_threads,
        "The number of threads of compiled code.");
}
