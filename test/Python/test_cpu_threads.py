# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Threads of the CPU kernels: small work stays on the caller's, the affinity of
the process counts, and callers on many threads, PyTorch's among them, share one
pool."""

import contextlib
import ctypes
import itertools
import json
import os
import pathlib
import subprocess
import sys

import fp4q_artifacts as artifacts
import numpy as np
import pytest
from fp4q_modules import SCALE_TYPES, Module

HERE = pathlib.Path(__file__).parent

BODY = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
)
PARALLEL_FOR = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64,
    ctypes.c_void_p, ctypes.c_void_p,
)  # fmt: skip


@contextlib.contextmanager
def counted_loops(runtime):
    """A list of the number of tasks of each loop that leaves its caller."""
    loops = []

    def run(_, begin, end, grain, body, context):
        loops.append(end - begin)
        BODY(body)(context, begin, end)

    callback = PARALLEL_FOR(run)
    runtime.library.fp4q_set_parallel_for(callback, None)
    try:
        yield loops
    finally:
        runtime.library.fp4q_set_parallel_for(PARALLEL_FOR(), None)


def linear(name, rows, columns, k, kind):
    """A quantization and a product, with arrays for them."""
    group = 32 if kind == "e8m0" else 16
    rng = np.random.default_rng(rows)
    module = Module(name)
    x = rng.standard_normal((rows, k)).astype(np.float32)
    codes = rng.integers(0, 256, (columns, k // 2), np.uint8)
    scales = rng.integers(100, 120, (columns, k // group), np.uint8)
    quantized = module.quantize(module.argument(x, "f32", (0,)), group, kind)
    weight = (
        module.argument(codes, "i8"),
        module.argument(scales, SCALE_TYPES[kind]),
    )
    module.result(module.matmul(*quantized, *weight, "f32"))
    return module


@pytest.mark.parametrize("kind", ["e8m0", "e4m3"])
def test_small_work_stays_on_one_thread(build_dir, tmp_path, kind):
    """By the kernels of a row, of a few rows, and of tiles."""
    runtime = artifacts.runtime(build_dir)
    levels = ["cpu:x86-64", "cpu:avx512-vnni"]
    small = linear("small", 40, 64, 256, kind)
    large = linear("large", 80, 1024, 512, kind)
    path = tmp_path / "linear.so"
    text = small.text() + large.text()
    artifacts.compile_text(
        build_dir, text.replace("module {", "").replace("\n}\n", "\n"), path,
        levels,
    )  # fmt: skip
    loaded = artifacts.load_levels(build_dir, path, levels)
    for (level, code), rows in itertools.product(loaded.items(), (1, 8, 16, 40)):
        for module, least in ((small, 0), (large, 2)):
            x, *weight = module.inputs
            columns = len(weight[0])
            with counted_loops(runtime) as loops:
                result = artifacts.result_like((2 * rows, columns), np.float32)
                code(module.entry, x[:rows], *weight, result[:rows])
            what = (level, module.entry, rows, loops)
            assert (max(loops) >= least if least else not loops), what
            code(module.entry, x[:rows], *weight, result[rows:])
            same = result.view(np.uint32).reshape(2, rows, columns)
            assert (same[0] == same[1]).all(), what


def run_script(build_dir, directory, script, *arguments, pool=None):
    """The JSON that a script prints in a process of its own, with a pool of the
    default size or of so many threads."""
    artifacts.runtime(build_dir)  # Or the test is skipped.
    paths = [HERE, HERE.parent / "oracle", HERE.parents[1] / "utils"]
    paths.append(pathlib.Path(build_dir).resolve() / "python")
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(map(str, paths)))
    if pool is None:
        environment.pop("FP4Q_NUM_THREADS", None)
    else:
        environment["FP4Q_NUM_THREADS"] = str(pool)
    # TorchScript wants a file.
    path = directory / "script.py"
    path.write_text(script)
    done = subprocess.run(
        [sys.executable, path, build_dir, *map(str, arguments)], capture_output=True, text=True,
        check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


COMMON = """
import json, os, pathlib, sys, threading
import fp4q_artifacts, numpy as np

def threads():
    return len(os.listdir("/proc/self/task"))

class Watch:
    '''The most threads that there were.'''
    def __enter__(self):
        self.most, self.stop = threads(), False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self
    def run(self):
        while not self.stop:
            self.most = max(self.most, threads())
    def __exit__(self, *_):
        self.stop = True
        self.thread.join()
        self.most -= 1

def together(functions):
    workers = [threading.Thread(target=f) for f in functions]
    for worker in workers: worker.start()
    for worker in workers: worker.join()

runtime = fp4q_artifacts.runtime(pathlib.Path(sys.argv[1]))
"""

AFFINITY = COMMON + """
os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:int(sys.argv[3])])
code = runtime.load(sys.argv[2])
inputs = list(np.load(sys.argv[2] + ".npz").values())
result = np.empty((200, 512), np.float32)
before = threads()
with Watch() as watch:
    for _ in range(20): code("linear", *inputs, result)
print(json.dumps([runtime.library.fp4q_get_num_threads(), watch.most - before]))
"""


@pytest.fixture
def large(build_dir, tmp_path):
    """An artifact of a product worth threads, and its arguments beside it."""
    module = linear("linear", 200, 512, 256, "e8m0")
    path = tmp_path / "large.so"
    artifacts.compile_text(build_dir, module.text(), path, ["cpu:x86-64"])
    np.savez(f"{path}.npz", *module.inputs)
    return path


@pytest.mark.parametrize("cpus", [1, 2])
def test_affinity_counts(build_dir, large, cpus):
    if len(os.sched_getaffinity(0)) < cpus:
        pytest.skip(f"this process may run on fewer than {cpus} CPUs")
    threads, added = run_script(build_dir, large.parent, AFFINITY, large, cpus)
    assert threads == cpus
    assert added < cpus


CALLERS = COMMON + """
size = int(sys.argv[3])
runtime.set_threads(size)
code = runtime.load(sys.argv[2])
inputs = list(np.load(sys.argv[2] + ".npz").values())
results = [np.empty((200, 512), np.float32) for _ in range(5)]
code("linear", *inputs, results[4])
before = threads()
def call(result):
    for _ in range(10): code("linear", *inputs, result)
with Watch() as watch:
    together([lambda r=r: call(r) for r in results[:4]])
same = all((r.view("u4") == results[4].view("u4")).all() for r in results)
print(json.dumps([bool(same), watch.most - before]))
"""


@pytest.mark.parametrize("size", [1, 2, 7])
def test_callers_share_one_pool(build_dir, large, size):
    """Four callers bring four threads, and the pool, at most, all of its own."""
    same, added = run_script(build_dir, large.parent, CALLERS, large, size)
    assert same
    assert added <= 4 + size - 1


TORCH = COMMON + """
import torch, fp4q.torch

class Forks(torch.nn.Module):
    '''Calls on PyTorch's threads between operators.'''
    def __init__(self, layer):
        super().__init__()
        self.layer = layer
    def forward(self, x):
        futures = [torch.jit.fork(self.layer, x) for _ in range(4)]
        return [torch.jit.wait(future) for future in futures]

torch.set_num_threads(3)
torch.set_num_interop_threads(2)
torch.manual_seed(0)
# No operator of PyTorch's own, for which each of its threads would get a team.
model = torch.nn.Sequential(
    torch.nn.Linear(256, 1024), torch.nn.Linear(1024, 512)
)
x = torch.randn(200, 256)
results = []
with torch.no_grad():
    model(x)
    fp4q.torch.quantize_(model, "mxfp4")
    wanted = model(x)  # Compiles.
    forks = torch.jit.script(Forks(torch.jit.trace(model, x)))
    forks(x)
    # PyTorch's threads are there now, and those of the pool.
    before = threads()
    with Watch() as watch:
        for _ in range(5):
            results += forks(x)
            results += [model(x), (x @ x.T)[:0]]
    calls = watch.most - before
    hidden, layers = model[0](x), []
    def call():
        with torch.no_grad():
            for _ in range(10):
                layers.append(model[0](x))
    with Watch() as watch:
        together([call] * 4)
    callers = watch.most - before
same = all(torch.equal(r, wanted) for r in results if len(r))
same = same and all(torch.equal(r, hidden) for r in layers)
print(json.dumps([same, len(results), len(layers), calls, callers]))
"""


def test_calls_beside_pytorch(build_dir, tmp_path, monkeypatch):
    """From its threads between operators, and from four threads of Python: none is
    added but those four, and the one that the pool has besides its caller."""
    pytest.importorskip("torch")
    monkeypatch.setenv("FP4Q_CACHE_DIR", str(tmp_path))
    same, *counts, calls, callers = run_script(build_dir, tmp_path, TORCH, pool=2)
    assert same and counts == [30, 40]
    assert calls <= 1
    assert callers <= 4 + 1
