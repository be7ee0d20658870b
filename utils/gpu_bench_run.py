# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The part of gpu_bench.py that runs on the GPU: PyTorch and the driver.

Expectations come from docs/numerics.md by PyTorch's f32 and f64 operations. A
time is the median over launches, each between two events after the L2 cache was
overwritten; the peers are timed in the same way and the same run.
"""

import ctypes
import json
import re
import statistics

import torch

DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}
MAGNITUDES = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
TIES = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0]


class Driver:
    """Kernels of cubins, launched on PyTorch's stream."""

    def __init__(self, folder):
        self.cuda = ctypes.CDLL("libcuda.so.1")
        self.folder, self.modules, self.kernels = folder, {}, {}

    def call(self, name, *args):
        status = getattr(self.cuda, name)(*args)
        if status:
            text = ctypes.c_char_p()
            self.cuda.cuGetErrorString(status, ctypes.byref(text))
            raise RuntimeError(f"{name}: {text.value.decode()}")

    def kernel(self, module, name, shared):
        if module not in self.modules:
            handle = ctypes.c_void_p()
            image = (self.folder / f"{module}.cubin").read_bytes()
            self.call("cuModuleLoadData", ctypes.byref(handle), image)
            self.modules[module] = handle
        if (module, name) not in self.kernels:
            kernel = ctypes.c_void_p()
            self.call("cuModuleGetFunction", ctypes.byref(kernel),
                      self.modules[module], name.encode())  # fmt: skip
            if shared:
                self.call("cuFuncSetAttribute", kernel, 8, shared)
            self.kernels[module, name] = kernel
        return self.kernels[module, name]

    def prepare(self, function, arrays):
        """A callable that launches what `function` launches."""
        calls, workspaces = [], {}
        for launch in function["launches"]:
            kernel = self.kernel(function["module"], launch["kernel"], launch["shared"])
            values = []
            for kind, *rest in launch["args"]:
                if kind == "index":
                    values.append(rest[0])
                    continue
                number, size = rest
                if number < 0:  # workspace of so many bytes
                    array = workspaces.setdefault(number, torch.empty(
                        -number, dtype=torch.uint8, device="cuda"))  # fmt: skip
                else:
                    array = arrays[function["operands"][number]]
                address = array.data_ptr()
                size = array.numel() if size < 0 and number < 0 else size
                values += [address, address, 0]
                if size >= 0:
                    values += [size, 1]
            words = [ctypes.c_uint64(v) for v in values]
            pointers = (ctypes.c_void_p * len(words))(
                *[ctypes.addressof(w) for w in words]
            )
            dims = [*launch["grid"], *launch["block"], launch["shared"]]
            if 0 not in dims[:3]:
                calls.append((kernel, dims, pointers, words, workspaces))

        def run():
            stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
            for kernel, dims, pointers, *_ in calls:
                self.call("cuLaunchKernel", kernel, *dims, stream, pointers, None)

        return run


def time_us(run, flush, repeats):
    run()
    events = []
    for _ in range(repeats):
        flush.zero_()
        pair = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        pair[0].record()
        run()
        pair[1].record()
        events.append(pair)
    torch.cuda.synchronize()
    return statistics.median(1e3 * a.elapsed_time(b) for a, b in events)


def decode_scales(scales, fmt):
    if fmt == "mx":
        value = torch.exp2(scales.double() - 127)
        return torch.where(scales == 255, torch.nan, value)
    return scales.view(torch.float8_e4m3fn).double()


def decode(codes, scales, fmt):
    table = torch.tensor(
        MAGNITUDES + [-m for m in MAGNITUDES], dtype=torch.float64, device="cuda"
    )
    elements = torch.stack([codes & 15, codes >> 4], -1).flatten(-2).long()
    group = elements.shape[-1] // scales.shape[-1]
    return table[elements] * decode_scales(scales, fmt).repeat_interleave(group, -1)


def random_bytes(low, high, *shape):
    return torch.randint(low, high, shape, dtype=torch.uint8, device="cuda")


def matmul_arrays(f, extreme):
    """Operands; `extreme` has scales out of the fast decoding's range."""
    m, n, k, fmt = f["m"], f["n"], f["k"], f["fmt"]
    group = 32 if fmt == "mx" else 16
    span = (112, 128) if fmt == "mx" else (0x18, 0x58)
    arrays = {
        "a": random_bytes(0, 256, m, k // 2),
        "sa": random_bytes(*span, m, k // group),
        "b": random_bytes(0, 256, n, k // 2),
        "sb": random_bytes(*span, n, k // group),
        "alpha": torch.randn(n if f["alpha"] == "column" else (), device="cuda"),
        "bias": torch.randn(n, device="cuda").to(DTYPES[f["result"]]),
        "out": torch.full((m, n), torch.nan, device="cuda", dtype=DTYPES[f["result"]]),
    }
    if extreme:
        wide = (90, 160) if fmt == "mx" else (0, 0x7F)
        rows = arrays["sb"][::3]
        rows.copy_(random_bytes(*wide, *rows.shape))
        rows = arrays["sa"][::5]
        rows.copy_(random_bytes(*wide, *rows.shape))
        arrays["sb"][-1, -1] = 255 if fmt == "mx" else 0x7F
    return arrays


def check_matmul(driver, f, extreme):
    x = matmul_arrays(f, extreme)
    driver.prepare(f, x)()
    a, b = decode(x["a"], x["sa"], f["fmt"]), decode(x["b"], x["sb"], f["fmt"])
    alpha = x["alpha"].double() if f["alpha"] != "none" else 1.0
    bias = x["bias"].double() if f["bias"] else 0.0
    exact = alpha * (a @ b.T) + bias
    sums = abs(alpha) * (a.abs() @ b.abs().T) + abs(bias)
    got = x["out"].double()
    bits = {"bf16": 8, "f16": 11, "f32": 24}[f["result"]]
    largest = torch.maximum(got.abs(), exact.abs())
    ulp = torch.exp2(torch.floor(torch.log2(largest.clamp(min=1e-30))) + 1 - bits)
    if f["result"] == "f16":
        ulp = ulp.clamp(min=2.0**-24)
    bound = (f["k"] + 2) * 2.0**-23 * sums + ulp / 2
    good = (got - exact).abs() <= bound
    good |= torch.isnan(exact) & torch.isnan(got)
    overflow = {"f16": 65504.0, "bf16": 3.38e38, "f32": 3.4e38}[f["result"]]
    good |= torch.isinf(got) & (exact.abs() >= overflow)
    again = x["out"].clone()
    driver.prepare(f, x)()
    same = torch.equal(torch.nan_to_num(again), torch.nan_to_num(x["out"]))
    return int((~good).sum()), same


def quantize_arrays(f):
    rows, k, group = f["rows"], f["k"], 32 if f["fmt"] == "mx" else 16
    x = torch.randn(rows, k, device="cuda")
    if rows < 1000:  # of all sizes, with zeros, NaN and Inf
        x *= torch.exp2(torch.randint(-60, 60, (rows, k // group), device="cuda")
                        .float()).repeat_interleave(group, -1)  # fmt: skip
        x[::7, :group] = 0
        x[::11, 5] = torch.nan
        x[::13, 9] = torch.inf
    arrays = {
        "x": x.to(DTYPES[f["dtype"]]),
        "g": torch.tensor(1 / 3 if f["fmt"] == "mx" else 0.01, device="cuda"),
        "ss": torch.tensor(4.0 if f["fmt"] == "mx" else 6.0, device="cuda"),
        "codes": torch.full((rows, k // 2), 0xA5, dtype=torch.uint8, device="cuda"),
        "scales": torch.full(
            (rows, k // group), 0xA5, dtype=torch.uint8, device="cuda"
        ),
    }
    if f["block"]:
        b = f["block"]
        arrays["t"] = (torch.randn(k // b, b, b, device="cuda") / b**0.5).to(
            DTYPES[f["dtype"]]
        )
    return arrays


def quantized(y, g, ss, fmt):
    """Codes and scales of numerics.md from f32 y."""
    group = 32 if fmt == "mx" else 16
    y = y.view(*y.shape[:-1], -1, group)
    amax = y.abs().amax(-1)  # NaN if any is
    s = amax / (ss * g)
    if fmt == "mx":
        exponent = torch.floor(torch.log2(s.double()))
        exponent += s.double() / torch.exp2(exponent) >= 1.5
        exponent = torch.where(s == 0, -127, exponent).clamp(-127, 127)
        scales = torch.where(torch.isnan(s), 255, exponent + 127).to(torch.uint8)
        scales = torch.where(torch.isinf(s), 254, scales)
        q = decode_scales(scales, fmt).float()
    else:
        q = s.clamp(max=448).to(torch.float8_e4m3fn)
        scales = q.view(torch.uint8)
        q = q.float()
    t = y / (q * g)[..., None]
    magnitude = torch.zeros_like(t, dtype=torch.uint8)
    for i, tie in enumerate(TIES):
        magnitude += (t.abs() >= tie if i % 2 else t.abs() > tie).to(torch.uint8)
    codes = magnitude + 8 * torch.signbit(t).to(torch.uint8)
    codes = torch.where(torch.isnan(t), 7, codes).flatten(-2)
    return codes[..., 0::2] | codes[..., 1::2] << 4, scales


def check_quantize(driver, f):
    x = quantize_arrays(f)
    driver.prepare(f, x)()
    y = x["x"].float()
    if f["block"]:
        blocks = y.view(f["rows"], -1, f["block"])
        y = torch.einsum("rcj,cij->rci", blocks, x["t"].float()).reshape(y.shape)
    wrong = [0, 0]
    step = 1 << 11
    for at in range(0, f["rows"], step):
        codes, scales = quantized(y[at : at + step], x["g"], x["ss"], f["fmt"])
        wrong[0] += int((codes != x["codes"][at : at + step]).sum())
        wrong[1] += int((scales != x["scales"][at : at + step]).sum())
    return wrong


def triton_peer(f, x):
    """tl.dot_scaled of mxfp4, the best of a few configurations."""
    import triton
    import triton.language as tl

    @triton.jit
    def product(a, sa, b, sb, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr,
                BK: tl.constexpr):  # fmt: skip
        m = tl.program_id(0) * BM + tl.arange(0, BM)
        n = tl.program_id(1) * BN + tl.arange(0, BN)
        kb = tl.arange(0, BK // 2)
        ks = tl.arange(0, BK // 32)
        acc = tl.zeros((BM, BN), tl.float32)
        mm = tl.minimum(m, M - 1)
        for k in range(0, K, BK):
            at = tl.load(a + mm[:, None] * (K // 2) + k // 2 + kb[None, :])
            bt = tl.load(b + n[None, :] * (K // 2) + k // 2 + kb[:, None])
            st = tl.load(sa + mm[:, None] * (K // 32) + k // 32 + ks[None, :])
            rt = tl.load(sb + n[:, None] * (K // 32) + k // 32 + ks[None, :])
            acc = tl.dot_scaled(at, st, "e2m1", bt, rt, "e2m1", acc)
        tl.store(c + m[:, None] * N + n[None, :], acc.to(tl.bfloat16),
                 mask=m[:, None] < M)  # fmt: skip

    m, n, k = f["m"], f["n"], f["k"]
    out = torch.empty(m, n, device="cuda", dtype=torch.bfloat16)
    runs = []
    small = [(16, 64, 128, 4, 3), (16, 64, 256, 4, 3), (16, 128, 128, 4, 4)]
    large = [(64, 128, 128, 4, 3), (128, 128, 128, 8, 3), (128, 256, 128, 8, 3)]
    for bm, bn, bk, warps, stages in small if m <= 16 else large:
        grid = (triton.cdiv(m, bm), n // bn)
        runs.append(lambda g=grid, c=(bm, bn, bk), w=warps, s=stages: product[g](
            x["a"], x["sa"], x["b"], x["sb"], out, m, n, k, *c,
            num_warps=w, num_stages=s))  # fmt: skip
    return runs


def bench_matmul(driver, f, flush, repeats, peers):
    x = matmul_arrays(f, False)
    result = {"us": time_us(driver.prepare(f, x), flush, repeats)}
    if peers:
        a = decode(x["a"], x["sa"], f["fmt"]).bfloat16()
        b = decode(x["b"], x["sb"], f["fmt"]).bfloat16()
        out = torch.empty_like(x["out"])
        result["cublas_us"] = time_us(
            lambda: torch.matmul(a, b.T, out=out), flush, repeats
        )
    if peers and f["fmt"] == "mx" and f["m"] in (1, 16, 128, 1024, 4096):
        times = []
        for run in triton_peer(f, x):
            try:
                times.append(time_us(run, flush, 10))
            except Exception as error:  # a configuration that does not fit
                result["triton_error"] = str(error)[:200]
        if times:
            result["triton_us"] = min(times)
    return result


def copy_gb_s(flush, repeats):
    source = torch.zeros(1 << 30, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    us = time_us(lambda: target.copy_(source), flush, repeats)
    return 2 * source.numel() / us / 1e3


def bench_quantize(driver, f, flush, repeats, bandwidth):
    us = time_us(driver.prepare(f, quantize_arrays(f)), flush, repeats)
    group = 32 if f["fmt"] == "mx" else 16
    size = {"bf16": 2, "f16": 2, "f32": 4}[f["dtype"]]
    moved = f["rows"] * f["k"] * (size + 0.5 + 1 / group)
    return {"us": us, "percent_of_copy": 100 * moved / us / 1e3 / bandwidth}


def run(folder, only, peers, repeats):
    torch.manual_seed(0)
    plan = json.loads((folder / "plan.json").read_text())
    driver = Driver(folder)
    torch.zeros(1, device="cuda")  # makes the context
    flush = torch.empty(256 << 20, dtype=torch.uint8, device="cuda")
    bandwidth = copy_gb_s(flush, 10)
    print(f"{torch.cuda.get_device_name()}, copy {bandwidth:.0f} GB/s", flush=True)
    results, failures = [], 0
    for f in plan["functions"]:
        if not re.search(only, f["module"]):
            continue
        entry = {"name": f["name"]}
        try:
            if f["kind"] == "quantize":
                codes, scales = check_quantize(driver, f)
                entry |= {"wrong_codes": codes, "wrong_scales": scales}
                bad = not f["block"] and codes + scales
                if f["rows"] >= 1000:
                    entry |= bench_quantize(driver, f, flush, repeats, bandwidth)
            else:
                bad = 0
                for extreme in (False, True):
                    wrong, same = check_matmul(driver, f, extreme)
                    entry["wrong_extreme" if extreme else "wrong"] = wrong
                    bad += wrong + (not same)
                    if not same:
                        entry["differs_between_runs"] = True
                if f["name"].startswith("speed"):
                    entry |= bench_matmul(driver, f, flush, repeats, peers)
            torch.cuda.synchronize()
        except Exception as error:
            entry["error"] = str(error)[:300]
            bad = 1
        failures += bool(bad)
        results.append(entry)
        ratio = ""
        if "cublas_us" in entry:
            ratio = f" {entry['cublas_us'] / entry['us']:.2f}x cuBLAS"
        if "triton_us" in entry:
            ratio += f" {entry['triton_us'] / entry['us']:.2f}x Triton"
        print(json.dumps(entry) + ratio + (" FAILED" if bad else ""), flush=True)
        if "error" in entry and "CUDA" in entry["error"]:
            print("the context is lost: stopping")
            break
    summary = {"device": torch.cuda.get_device_name(), "copy_gb_s": bandwidth,
               "results": results}  # fmt: skip
    (folder / "results.json").write_text(json.dumps(summary))
    print(f"{len(results)} functions, {failures} failures")
    return failures != 0
