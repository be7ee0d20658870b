# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the runtime does beside results: streams, CUDA graphs, errors, the time of
a launch; and the speed of kernels."""

import ctypes
import statistics
import subprocess
import sys
import time

import gpu_check_cases as cases
import numpy as np
from gpu_check_data import make_scales, make_x
from gpu_check_results import poison
from gpu_check_runtime import (
    CUDA,
    Array,
    Artifact,
    FP4QError,
    Runtime,
    call,
)

try:
    import torch
except ImportError:
    torch = None


def prepare_call(checker, artifact, name, inputs, outputs):
    """A function, its arrays, and their addresses for helper.so."""
    function, _ = checker.functions(artifact, name)
    arrays = [checker.device.put(x) for x in inputs]
    arrays += [checker.device.put(poison(*spec)) for spec in outputs]
    pointers = (ctypes.c_void_p * len(arrays))(
        *(ctypes.addressof(array.view) for array in arrays)
    )
    return function, arrays, pointers


def time_launch(checker, prepared, helper):
    """Microseconds a call, when the device is not what one waits for."""
    function, arrays, pointers = prepared
    entry = ctypes.cast(
        checker.runtime.library.fp4q_function_call, ctypes.c_void_p
    )
    samples = []
    for _ in range(30):
        torch.cuda.synchronize()
        samples.append(
            helper.fp4q_time_calls(
                entry, function, pointers, len(arrays),
                checker.device.stream(), 100,
            ) / 1000
        )  # fmt: skip
    torch.cuda.synchronize()
    return statistics.median(samples[5:])


def check_host_side(checker, directory):
    report, runtime, device = checker.report, checker.runtime, checker.device
    numbers = report.numbers
    rng = np.random.default_rng(0)
    x = make_x(rng, 8, 2048, "f32")
    x[np.isnan(x) | np.isinf(x)] = 1
    gs = np.array(1 / 3, np.float32)
    outputs = [((8, 1024), np.uint8), ((8, 64), np.uint8)]
    start = time.time()
    artifact = Artifact(runtime, directory / "quantize.so", "gpu:0")
    numbers["artifact load, ms"] = (time.time() - start) * 1e3
    report.check(numbers["artifact load, ms"] < 5, "artifact load takes > 5 ms")
    name = "quantize_mx_f32_2048"
    prepared = prepare_call(checker, "quantize", name, [x, gs], outputs)
    expected = checker.run_both("quantize", name, [x, gs], outputs)[1]
    del artifact

    helper = ctypes.CDLL(str(directory / "helper.so"))
    helper.fp4q_time_calls.restype = ctypes.c_double
    helper.fp4q_time_calls.argtypes = [
        ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32,
        ctypes.c_void_p, ctypes.c_int32,
    ]  # fmt: skip
    numbers["launch of one kernel, us"] = time_launch(checker, prepared, helper)
    report.check(
        0 < numbers["launch of one kernel, us"] <= 5, "a launch takes > 5 us"
    )
    linear_case = cases.Linear(512, 2048)
    w = rng.integers(0, 256, (512, 1024), np.uint8)
    ws = make_scales(rng, (512, 64), "mx")
    xb = make_x(rng, 8, 2048, "bf16")
    linear = prepare_call(
        checker, "others", linear_case.name, [xb, gs, w, ws],
        [((8, 512), np.uint16)],
    )  # fmt: skip
    numbers["launch of two kernels with workspace, us"] = time_launch(
        checker, linear, helper
    )

    # No hidden synchronization, and the caller's stream.
    side = torch.cuda.Stream()
    function, arrays, _ = prepared
    with torch.cuda.stream(side):
        for array in arrays[2:]:
            array.keep.fill_(0xA5)
        torch.cuda._sleep(400_000_000)
        start = time.time()
        call(runtime, function, arrays, device.stream())
        call(runtime, linear[0], linear[1], device.stream())
        numbers["call behind a busy stream, ms"] = (time.time() - start) * 1e3
        busy = not side.query()
    report.check(
        busy and numbers["call behind a busy stream, ms"] < 50,
        "a call waits for the device",
    )
    side.synchronize()
    got = [device.get(array) for array in arrays[2:]]
    for index, want in enumerate(expected):
        report.check((got[index] == want).all(), "wrong on a side stream")

    # A CUDA graph, whose first capture also loads what was not loaded.
    fresh = Artifact(runtime, directory / "others.so", "gpu:0")
    captured = fresh.find(linear_case.name)
    want = device.get(linear[1][-1]).copy()
    out = linear[1][-1]
    graph = torch.cuda.CUDAGraph()
    out.keep.fill_(0xA5)
    torch.cuda.synchronize()
    try:
        with torch.cuda.graph(graph):
            call(runtime, captured, linear[1], device.stream())
        for _ in range(3):
            out.keep.fill_(0xA5)
            graph.replay()
            torch.cuda.synchronize()
            report.check((device.get(out) == want).all(), "wrong in a graph")
    except (FP4QError, RuntimeError) as error:
        report.check(False, f"capture into a CUDA graph: {error}")

    # Errors.
    numbers["messages"] = messages = []
    dequant = cases.Dequant("mx", "bf16", 32)
    for what, body in (
        ("artifact for another chip", lambda: Artifact(
            runtime, directory / "other.so", "gpu:0")),
        ("no such device", lambda: Artifact(
            runtime, directory / "others.so", "gpu:99")),
        ("code for another chip", lambda: call(
            runtime,
            Artifact(runtime, directory / "other.so", "sm_120a").find(
                dequant.name),
            [device.put(np.zeros((1, 16), np.uint8)),
             device.put(np.zeros((1, 1), np.uint8)),
             device.put(gs), device.put(np.zeros((1, 32), np.uint16))])),
        ("tensor on the host", lambda: call(
            runtime, function, [checker.host.put(x), *arrays[1:]])),
        ("out of memory", lambda: runtime.check(
            "fp4q_gpu_allocate", 0, ctypes.c_int64(1 << 50),
            ctypes.byref(ctypes.c_void_p()))),
    ):  # fmt: skip
        try:
            body()
            report.check(False, f"{what}: no error")
        except FP4QError as error:
            messages.append(f"{what}: {error}")
    # A fault spoils the context: in a process of its own, and last.
    done = subprocess.run(
        [sys.executable, sys.argv[0], "fault", str(directory)], check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    messages.append("kernel fault: " + (done.stdout + done.stderr).strip())
    report.check(done.returncode == 0, "a kernel fault is not reported")


def fault(directory):
    """Gives a kernel a pointer to nothing."""
    runtime = Runtime(directory)
    artifact = Artifact(runtime, directory / "quantize.so", "gpu:0")
    function = artifact.find("quantize_mx_f32_2048")
    arrays = [Array(pointer, shape, kind, CUDA, None) for pointer, shape, kind in (
        (0x10000, (8, 2048), "f4"), (0x20000, (), "f4"),
        (0x30000, (8, 1024), "u1"), (0x40000, (8, 64), "u1"),
    )]  # fmt: skip
    try:
        call(runtime, function, arrays)
        runtime.check("fp4q_gpu_synchronize", 0, ctypes.c_void_p())
    except FP4QError as error:
        print(error)
        return 0
    print("no error")
    return 1


def measure(run):
    """Median microseconds by events, the L2 cache flushed before each."""
    flush = torch.empty(256 << 20, dtype=torch.uint8, device="cuda")
    for _ in range(3):
        run()
    samples = []
    for _ in range(25):
        flush.zero_()
        start = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        samples.append(start.elapsed_time(end) * 1e3)
    return statistics.median(samples)


def check_speed(checker):
    """A table of products beside cuBLAS, and of quantizations beside a copy."""
    rows = []
    for case in cases.artifacts()["speed"]:
        function, _ = checker.functions("speed", case.name)
        sizes = (1, 16, 64, 1024, 4096) if hasattr(case, "n") else (16384,)
        for m in sizes:
            def zeros(*shape):
                return torch.randint(
                    0, 100, shape, dtype=torch.uint8, device="cuda"
                )

            if hasattr(case, "n"):
                tensors = [
                    (zeros(m, case.k // 2), "u1"),
                    (zeros(m, case.k // case.group), "u1"),
                    (zeros(case.n, case.k // 2), "u1"),
                    (zeros(case.n, case.k // case.group), "u1"),
                    (torch.empty(m, case.n, dtype=torch.bfloat16,
                                 device="cuda"), "u2"),
                ]  # fmt: skip
                a = torch.randn(m, case.k, dtype=torch.bfloat16, device="cuda")
                b = torch.randn(
                    case.n, case.k, dtype=torch.bfloat16, device="cuda"
                )
                peer = lambda a=a, b=b: a @ b.T  # noqa: E731
            else:
                x = torch.randn(m, case.k, dtype=torch.bfloat16, device="cuda")
                gs = torch.tensor(1 / 3, device="cuda")
                tensors = [
                    (x, "u2"), (gs, "f4"), (zeros(m, case.k // 2), "u1"),
                    (zeros(m, case.k // case.group), "u1"),
                ]  # fmt: skip
                # As many bytes, half read and half written.
                moved = sum(t.numel() * t.element_size() for t, _ in tensors)
                source = torch.empty(
                    moved // 2, dtype=torch.uint8, device="cuda"
                )
                target = torch.empty_like(source)
                peer = lambda s=source, t=target: t.copy_(s)  # noqa: E731
            arrays = [
                Array(t.data_ptr(), t.shape, kind, CUDA, t)
                for t, kind in tensors
            ]
            stream = checker.device.stream()
            mine = measure(
                lambda f=function, a=arrays, s=stream: call(
                    checker.runtime, f, a, s
                )
            )
            theirs = measure(peer)
            rows.append([case.name, m, mine, theirs, theirs / mine])
            print(f"{case.name:32} M={m:5} {mine:9.1f} us, peer {theirs:9.1f} us,"
                  f" {theirs / mine:5.2f}x", flush=True)  # fmt: skip
    checker.report.numbers["speed: name, M, us, peer us, ratio"] = rows
