# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bad arguments and files to fp4q-run: one line that names the culprit and
what is allowed, exit status 1, no crash, and no output file."""

import io
import re
import subprocess

import numpy as np
import pytest
from fp4q_failures import fails

GOOD = """
func.func @main(%x: tensor<?x64xbf16>, %gs: f32, %c: tensor<?x32xi8>,
                %s: tensor<?x2xf8E8M0FNU>)
    -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
  %codes, %scales = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
      global_scale(%gs : f32)
      outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  return %codes, %scales : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
}
func.func private @hidden(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
"""


def npy(array):
    """The bytes of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


X = np.ones((3, 64), np.uint16)
GOOD_INPUTS = {
    "x.npy": npy(X),
    "gs.npy": npy(np.array(1, np.float32)),
    "c.npy": npy(np.zeros((3, 32), np.uint8)),
    "s.npy": npy(np.zeros((3, 2), np.uint8)),
}


def run_arguments(tmp_path, inputs, outputs, entry="main"):
    arguments = [f"--entry={entry}"] if entry else []
    arguments += [f"--input={tmp_path}/{name}" for name in inputs]
    return arguments + [f"--output={tmp_path}/{name}" for name in outputs]


def test_good_arguments_succeed(build_dir, tmp_path):
    """What every case below breaks in one place is right without that."""
    for name, content in GOOD_INPUTS.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "module.mlir").write_text(GOOD)
    arguments = run_arguments(tmp_path, GOOD_INPUTS, ["y.npy", "z.npy"])
    command = [f"{build_dir}/bin/fp4q-run", f"{tmp_path}/module.mlir"]
    subprocess.run([*command, *arguments], check=True, timeout=60)
    assert np.load(tmp_path / "y.npy").shape == (3, 32)
    assert np.load(tmp_path / "z.npy").shape == (3, 2)


def header(text, version=(1, 0)):
    """A .npy file that is only a header with this text."""
    return (
        b"\x93NUMPY"
        + bytes(version)
        + len(text).to_bytes(2, "little")
        + text.encode()
    )


HUGE = "{'descr': '<u2', 'fortran_order': False, 'shape': (%d, 64), }"
CANNOT_READ = "cannot read '.*/x.npy': "
TAKES = (
    r", but argument #0 of 'main' is tensor<\?x64xbf16>, which takes uint16 of "
    r"shape \(\?, 64\)"
)
# name -> (bytes of x.npy or None for no such file, the message).
FILES = {
    "missing": (None, f"{CANNOT_READ}No such file or directory"),
    "empty": (b"", f"{CANNOT_READ}it is not a .npy file"),
    "text": (b"1 2 3\n" * 100, f"{CANNOT_READ}it is not a .npy file"),
    "truncated_header": (
        npy(X)[:40],
        f"{CANNOT_READ}it is truncated in its header",
    ),
    "truncated_data": (npy(X)[:-1], f"{CANNOT_READ}.*truncated.*"),
    "no_data": (npy(X)[:128], f"{CANNOT_READ}.*truncated.*"),
    "version_9": (
        header("{}", (9, 0)),
        f"{CANNOT_READ}it has format version 9.0; allowed are 1.0, 2.0 and 3.0",
    ),
    "malformed_header": (
        header("{'descr': <u2}"),
        f"{CANNOT_READ}its header is malformed: expected a string at character "
        "10",
    ),
    "incomplete_header": (
        header("{'descr': '<u2', 'fortran_order': False}"),
        f"{CANNOT_READ}its header lacks the key 'shape'",
    ),
    "huge_shape": (header(HUGE % 2**62), f"{CANNOT_READ}its shape .* large"),
    "negative_size": (
        header(HUGE % -3),
        f"{CANNOT_READ}its header is malformed: expected a size .*",
    ),
    "big_endian": (
        npy(X.astype(">u2")),
        f"{CANNOT_READ}its dtype '>u2' is big-endian; save it little-endian",
    ),
    "fortran_order": (
        npy(np.asfortranarray(X)),
        f"{CANNOT_READ}it is in Fortran order; save it in C order .*",
    ),
    "structured": (
        npy(np.zeros(3, [("a", np.uint16)])),
        f"{CANNOT_READ}it has a structured dtype; the dtypes allowed are .*",
    ),
    "complex": (
        npy(X.astype(np.complex64)),
        f"{CANNOT_READ}it has dtype '<c8'; the dtypes allowed are .*",
    ),
    "float32_for_bf16": (
        npy(X.astype(np.float32)),
        rf"input '.*/x.npy' is float32 of shape \(3, 64\){TAKES}",
    ),
    "wrong_k": (
        npy(X[:, :32].copy()),
        rf"input '.*/x.npy' is uint16 of shape \(3, 32\){TAKES}",
    ),
    "wrong_rank": (
        npy(X.ravel()),
        rf"input '.*/x.npy' is uint16 of shape \(192,\){TAKES}",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_input_file(build_dir, tmp_path, name):
    content, message = FILES[name]
    for other, good in GOOD_INPUTS.items():
        (tmp_path / other).write_bytes(good)
    if content is None:
        (tmp_path / "x.npy").unlink()
    else:
        (tmp_path / "x.npy").write_bytes(content)
    arguments = run_arguments(tmp_path, GOOD_INPUTS, ["y.npy", "z.npy"])
    fails(build_dir, tmp_path, GOOD, arguments, message)


def test_sizes_contradict(build_dir, tmp_path):
    """Sizes that only the files tell, and that two operands must share."""
    module = """
func.func @main(%c: tensor<?x32xi8>, %s: tensor<?x2xf8E8M0FNU>)
    -> tensor<?x64xf32> {
  %zero = arith.constant 0 : index
  %m = tensor.dim %c, %zero : tensor<?x32xi8>
  %init = tensor.empty(%m) : tensor<?x64xf32>
  %y = fp4q.dequant ins(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
"""
    (tmp_path / "c.npy").write_bytes(npy(np.zeros((4, 32), np.uint8)))
    (tmp_path / "s.npy").write_bytes(npy(np.zeros((3, 2), np.uint8)))
    arguments = run_arguments(tmp_path, ["c.npy", "s.npy"], ["y.npy"])
    message = (
        r".*/module.mlir:7:8: fp4q.dequant expects codes and scales to agree "
        "in dimension 0, but got 4 and 3"
    )
    fails(build_dir, tmp_path, module, arguments, message)


Y, Z = "y.npy", "z.npy"
INPUTS = tuple(GOOD_INPUTS)
# name -> (entry, inputs, outputs, the message).
ARGUMENTS = {
    "unknown_entry": (
        "mian",
        INPUTS,
        (Y, Z),
        ".*unknown entry 'mian', expected one of @main, @other",
    ),
    "private_entry": (
        "hidden",
        INPUTS,
        (Y, Z),
        ".*unknown entry 'hidden', expected one of @main, @other",
    ),
    "no_entry": (
        None,
        INPUTS,
        (Y, Z),
        ".*the module has several entries, name one of @main, @other",
    ),
    "too_few_inputs": (
        "main",
        INPUTS[:3],
        (Y, Z),
        "entry 'main' takes 4 inputs, but --input is given 3 times",
    ),
    "too_many_inputs": (
        "main",
        (*INPUTS, "x.npy"),
        (Y, Z),
        "entry 'main' takes 4 inputs, but --input is given 5 times",
    ),
    "too_few_outputs": (
        "main",
        INPUTS,
        (Y,),
        "entry 'main' returns 2 results, but --output is given 1 times",
    ),
    "too_many_outputs": (
        "main",
        INPUTS,
        (Y, Z, "a.npy"),
        "entry 'main' returns 2 results, but --output is given 3 times",
    ),
    "output_directory_missing": (
        "main",
        INPUTS,
        (Y, "none/z.npy"),
        "output '.*/none/z.npy' cannot be written: directory '.*/none' does "
        "not exist or is not writable",
    ),
    "output_is_a_directory": (
        "main",
        INPUTS,
        (Y, "folder"),
        "output '.*/folder' is a directory",
    ),
    "output_twice": (
        "main",
        INPUTS,
        (Y, Y),
        "output '.*/y.npy' is given twice",
    ),
    "input_is_a_directory": (
        "main",
        ("folder", *INPUTS[1:]),
        (Y, Z),
        "cannot read '.*/folder': it is a directory",
    ),
    "scalar_of_rank_1": (
        "main",
        ("x.npy", "vector.npy", *INPUTS[2:]),
        (Y, Z),
        r"input '.*/vector.npy' is float32 of shape \(1,\), but argument #1 of "
        r"'main' is f32, which takes float32 of shape \(\)",
    ),
    "scalar_of_float64": (
        "main",
        ("x.npy", "double.npy", *INPUTS[2:]),
        (Y, Z),
        r"input '.*/double.npy' is float64 of shape \(\), but argument #1 of "
        r"'main' is f32, which takes float32 of shape \(\)",
    ),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(build_dir, tmp_path, name):
    entry, inputs, outputs, message = ARGUMENTS[name]
    (tmp_path / "folder").mkdir()
    (tmp_path / "vector.npy").write_bytes(npy(np.ones(1, np.float32)))
    (tmp_path / "double.npy").write_bytes(npy(np.array(1.0)))
    for other, good in GOOD_INPUTS.items():
        (tmp_path / other).write_bytes(good)
    arguments = run_arguments(tmp_path, inputs, outputs, entry)
    fails(build_dir, tmp_path, GOOD, arguments, message)


# name -> (module, the message).
WHOLE_MODULES = {
    "syntax_error": (
        "func.func @main( {",
        r".*/module.mlir:1:\d+: .*expected.*",
    ),
    "unknown_op": (
        "func.func @main() {\n  fp4q.nothing\n  return\n}",
        ".*/module.mlir:2:3: .*'fp4q.nothing'.*",
    ),
    "empty": ("", ".*the module has no public function with a body"),
    "declaration": (
        "func.func private @main(tensor<4xf32>) -> tensor<4xf32>",
        ".*the module has no public function with a body",
    ),
    "memref_argument": (
        "func.func @main(%x: memref<4xf32>) {\n  return\n}",
        "argument #0 of @main is 'memref<4xf32>', but a compiled function "
        "takes ranked tensors and scalars of 8, 16, 32 or 64 bits",
    ),
    "scalar_result": (
        "func.func @main(%x: f32) -> f32 {\n  return %x : f32\n}",
        "result #0 of @main is 'f32', but a compiled function returns ranked "
        "tensors of 8, 16, 32 or 64 bits an element",
    ),
}


@pytest.mark.parametrize("name", WHOLE_MODULES)
def test_whole_module(build_dir, tmp_path, name):
    module, message = WHOLE_MODULES[name]
    where = r"(.*/module.mlir:\d+:\d+: ('func.func' op )?)?"
    arguments = ["--entry=main", f"--output={tmp_path}/y.npy"]
    fails(build_dir, tmp_path, module, arguments, f"{where}{message}")


def test_module_missing(build_dir, tmp_path):
    path = tmp_path / "nothing.mlir"
    message = f"module '{re.escape(str(path))}' does not exist"
    fails(build_dir, tmp_path, path, ["--entry=main"], message)


def test_module_is_a_directory(build_dir, tmp_path):
    message = f"could not open input file {re.escape(str(tmp_path))}"
    fails(build_dir, tmp_path, tmp_path, ["--entry=main"], message)


def test_second_output_unwritable_leaves_no_first(build_dir, tmp_path):
    """The second output can only fail when it is written."""
    for other, good in GOOD_INPUTS.items():
        (tmp_path / other).write_bytes(good)
    arguments = run_arguments(tmp_path, GOOD_INPUTS, ["y.npy"])
    arguments.append("--output=/dev/full")
    message = "(cannot write|output) '/dev/full'.*"
    fails(build_dir, tmp_path, GOOD, arguments, message)
