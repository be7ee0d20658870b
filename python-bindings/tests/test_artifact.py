# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compile, load, the compiled callables and the package as a whole."""

import concurrent.futures
import pathlib

import fp4q
import fp4q_oracle as oracle
import ml_dtypes
import numpy as np
import pytest

DEQUANT = """
func.func @dequant(%c: tensor<?x16xi8>, %s: tensor<?x1xf8E8M0FNU>, %g: f32)
    -> tensor<?x32xbf16> {
  %zero = arith.constant 0 : index
  %rows = tensor.dim %c, %zero : tensor<?x16xi8>
  %init = tensor.empty(%rows) : tensor<?x32xbf16>
  %v = fp4q.dequant ins(%c, %s : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>)
      global_scale(%g : f32) outs(%init : tensor<?x32xbf16>)
      -> tensor<?x32xbf16>
  return %v : tensor<?x32xbf16>
}
"""
TWO = DEQUANT + DEQUANT.replace("@dequant", "@other")
RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 256, (6, 16), dtype=np.uint8)
SCALES = RNG.integers(110, 140, (6, 1), dtype=np.uint8)
WANT = oracle.dequant(CODES, SCALES, "e8m0", 0.5, dtype=ml_dtypes.bfloat16)


def same(actual, expected):
    return np.array_equal(actual.view(np.uint16), expected.view(np.uint16))


def test_compile_and_call():
    artifact = fp4q.compile(DEQUANT)
    assert artifact.mlir == DEQUANT and artifact.ptx is None
    y = artifact(CODES, SCALES, 0.5)
    assert y.dtype == ml_dtypes.bfloat16 and same(y, WANT)
    out = np.full((6, 32), 7, ml_dtypes.bfloat16)
    assert artifact(CODES, SCALES, np.float32(0.5), out=out) is out
    assert same(out, WANT)
    # Integers of the same width carry what numpy has no type for.
    bits = np.zeros((6, 32), np.uint16)
    artifact(CODES.view(np.int8), SCALES, 0.5, out=bits)
    assert same(bits, WANT)


def test_functions_and_manifest():
    artifact = fp4q.compile(TWO, target="cpu:x86-64-v2")
    assert sorted(artifact.functions) == ["dequant", "other"]
    assert same(artifact["other"](CODES, SCALES, 0.5), WANT)
    function = artifact["dequant"]
    assert function.name == "dequant"
    assert function.arguments == ["tensor<?x16xi8>", "tensor<?x1xf8E8M0FNU>", "f32"]
    assert function.results == ["tensor<?x32xbf16>"]
    manifest = artifact.manifest
    assert manifest["targets"] == ["cpu:x86-64-v2"]
    assert manifest["functions"][0]["name"] == "dequant"
    with pytest.raises(TypeError, match="has the functions dequant, other"):
        artifact(CODES, SCALES, 0.5)
    with pytest.raises(KeyError, match="no function 'third'"):
        artifact["third"]


def test_save_and_load(tmp_path):
    artifact = fp4q.compile(DEQUANT)
    artifact.save(tmp_path / "dequant.so")
    loaded = fp4q.load(tmp_path / "dequant.so")
    assert same(loaded(CODES, SCALES, 0.5), WANT)
    assert loaded.mlir is None and loaded.manifest == artifact.manifest
    assert [p.name for p in tmp_path.iterdir()] == ["dequant.so"]
    damaged = bytearray((tmp_path / "dequant.so").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "damaged.so").write_bytes(damaged)
    with pytest.raises(ValueError, match="damaged.so.*checksum"):
        fp4q.load(tmp_path / "damaged.so")
    with pytest.raises(FileNotFoundError):
        fp4q.load(tmp_path / "none.so")


def test_compile_a_file(tmp_path):
    path = tmp_path / "dequant.mlir"
    path.write_text(DEQUANT)
    assert same(fp4q.compile(path)(CODES, SCALES, 0.5), WANT)
    assert same(fp4q.compile(str(path))(CODES, SCALES, 0.5), WANT)
    with pytest.raises(FileNotFoundError):
        fp4q.compile(tmp_path / "none.mlir")


def test_diagnostics(tmp_path):
    path = tmp_path / "bad.mlir"
    path.write_text(DEQUANT.replace("tensor<?x1xf8", "tensor<?x3xf8"))
    with pytest.raises(fp4q.CompileError) as caught:
        fp4q.compile(path)
    (first, *_) = caught.value.diagnostics
    assert (first.severity, first.file, first.line) == ("error", str(path), 7)
    assert "fp4q.dequant" in first.message
    assert str(caught.value) == f"{path}:7:{first.column}: error: {first.message}"
    with pytest.raises(ValueError, match="unknown target 'sm_1'.*cpu:native"):
        fp4q.compile(DEQUANT, target="sm_1")
    with pytest.raises(TypeError, match="source must be"):
        fp4q.compile(7)


def test_framework_of_results(torch):
    artifact = fp4q.compile(DEQUANT)
    y = artifact(torch.from_numpy(CODES), torch.from_numpy(SCALES), 0.5)
    assert y.dtype == torch.bfloat16
    assert same(y.view(torch.uint16).numpy(), WANT)
    scales = torch.from_numpy(SCALES).view(torch.float8_e8m0fnu)
    out = torch.zeros(6, 32, dtype=torch.bfloat16)
    assert artifact(torch.from_numpy(CODES), scales, 0.5, out=out) is out
    assert same(out.view(torch.uint16).numpy(), WANT)


class ViaCapsule:
    """An array of some framework: DLPack and nothing else."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)


class ViaOldCapsule(ViaCapsule):
    """From before DLPack 1.0."""

    def __dlpack__(self, stream=None):
        return self.array.__dlpack__()


@pytest.mark.parametrize("kind", [ViaCapsule, ViaOldCapsule])
def test_any_dlpack(kind):
    artifact = fp4q.compile(DEQUANT)
    assert same(artifact(kind(CODES), kind(SCALES), 0.5), WANT)
    out = np.zeros((6, 32), np.uint16)
    artifact(kind(CODES), kind(SCALES), 0.5, out=kind(out))
    assert same(out, WANT)


def test_bad_calls():
    f = fp4q.compile(DEQUANT)
    good = (CODES, SCALES, 0.5)
    for error, text, args, out in [
        (TypeError, "takes 3 arguments, but got 2", good[:2], None),
        (TypeError, "argument #0 .* float32", (CODES.astype("f4"), *good[1:]), None),
        (TypeError, "argument #1 .* float8_e4m3fn",
         (CODES, SCALES.view(ml_dtypes.float8_e4m3fn), 0.5), None),
        (TypeError, "argument #0 of 'dequant' is str", ("x", *good[1:]), None),
        (TypeError, "array of complex64", (CODES.astype("c8"), *good[1:]), None),
        (TypeError, "array of object", (CODES.astype(object), *good[1:]), None),
        (TypeError, "array of >f4", (CODES.astype(">f4"), *good[1:]), None),
        (ValueError, "expects 2", (CODES[0], *good[1:]), None),
        (ValueError, "has shape", (CODES[:, :8].copy(), *good[1:]), None),
        (ValueError, "size 5 .* M is 6", (CODES, SCALES[:5], 0.5), None),
        (ValueError, "rank 9", (CODES.reshape((1,) * 7 + (6, 16)), *good[1:]), None),
        (ValueError, "out must be 1 arrays", good, (1, 2)),
        (TypeError, "result #0", good, 3),
        (ValueError, "result #0 .* shape", good, np.zeros((5, 32), np.uint16)),
    ]:  # fmt: skip
        with pytest.raises(error, match=text):
            f(*args, out=out)
    frozen = np.zeros((6, 32), np.uint16)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="result #0 of 'dequant' is read-only"):
        f(*good, out=frozen)
    shared = np.zeros((6, 32), np.uint16)
    repeated = np.lib.stride_tricks.as_strided(shared, strides=(0, 2))
    with pytest.raises(ValueError, match="result #0 .* may share memory"):
        f(*good, out=repeated)
    with pytest.raises(ValueError, match="overlaps argument #0"):
        f(shared.view(np.uint8)[:, :16].copy().data and
          shared.view(np.uint8).reshape(-1)[:96].reshape(6, 16),
          SCALES, 0.5, out=shared)  # fmt: skip
    # A read-only argument is fine.
    frozen_codes = CODES.copy()
    frozen_codes.flags.writeable = False
    assert same(f(frozen_codes, SCALES, 0.5), WANT)


def test_strided_arrays():
    """Slices, transposes and reversed arrays, as arguments and as results."""
    f = fp4q.compile(DEQUANT)
    wide = np.zeros((12, 40), np.uint8)
    wide[::2, 3:19] = CODES
    for codes in (np.asfortranarray(CODES), wide[::2, 3:19]):
        assert same(f(codes, SCALES, 0.5), WANT)
    reversed_rows = f(CODES[::-1], SCALES[::-1], 0.5)
    assert same(reversed_rows, np.ascontiguousarray(WANT[::-1]))
    out = np.zeros((40, 9), ml_dtypes.bfloat16)
    view = out[5:37, 1:7].T
    assert f(CODES, SCALES, 0.5, out=view) is view
    assert same(np.ascontiguousarray(view), WANT)
    rest = np.ones(out.shape, bool)
    rest[5:37, 1:7] = False
    assert not out.view(np.uint16)[rest].any()


def test_many_threads():
    f = fp4q.compile(DEQUANT)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: f(CODES, SCALES, 0.5), range(400)))
    assert all(same(y, WANT) for y in results)


def test_gil_is_released():
    """Another thread runs Python while compiled code runs."""
    import threading

    big = np.zeros((1 << 18, 16), np.uint8), np.ones((1 << 18, 1), np.uint8)
    f, ticks, done = fp4q.compile(DEQUANT), [0], threading.Event()
    fp4q.set_num_threads(1)

    def count():
        while not done.is_set():
            ticks[0] += 1

    thread = threading.Thread(target=count)
    try:
        thread.start()
        during = 0
        for _ in range(20):  # the other thread needs a core as well
            while not ticks[0]:
                pass
            before = ticks[0]
            f(*big, 0.5)
            during = max(during, ticks[0] - before)
    finally:
        done.set()
        thread.join()
        fp4q.set_num_threads(0)
    # With the GIL held the count would stand still but at its ends.
    assert during > 100


def test_import_is_light(run_python):
    """No extra is imported, nor numpy nor LLVM, and it is quick."""
    code = """
import sys, time
start = time.process_time()
import fp4q
print((time.process_time() - start) * 1e3)
assert fp4q.__version__
dir(fp4q)
loaded = {name.partition(".")[0] for name in sys.modules}
extras = {"numpy", "torch", "ml_dtypes", "jax", "cupy", "matplotlib"}
assert not loaded & extras, loaded & extras
assert "libMLIR" not in open("/proc/self/maps").read()
"""
    times = []
    for _ in range(5):
        done = run_python(code)
        assert done.returncode == 0, done.stderr
        times.append(float(done.stdout))
    assert min(times) < 50, times


def test_package_is_typed():
    root = pathlib.Path(fp4q.__file__).parent
    assert (root / "py.typed").exists()
    for name in fp4q.__all__:
        assert getattr(fp4q, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fp4q.nothing


def test_ptx_behind_printable_constants():
    text = b"//\n// Generated by LLVM\n//\n\n.version 8.7\n.target sm_90a\n.entry f() {}\n"
    # 0x77 is what groups of zeros become; it is a letter, too.
    data = b"w" * 3_000_000 + text + b"\0" + b"w" * 3_000_000 + b"\0\1" + text + b"\0"
    assert list(fp4q._artifact._find_ptx(data)) == [text.decode()] * 2
    assert not list(fp4q._artifact._find_ptx(b"w" * 1000 + b".version 8.7"))
