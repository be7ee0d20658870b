# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Results on the device beside those of the same functions on the CPU."""

import time

import gpu_check_cases as cases
import numpy as np
from gpu_check_data import float_bits, make_scales, make_x, outside, to_f64
from gpu_check_runtime import Artifact, FP4QError, Host, call


class Report:
    def __init__(self):
        self.failures, self.count, self.numbers = [], 0, {}

    def check(self, ok, what):
        self.count += 1
        if not ok:
            self.failures.append(what)
            print(f"FAIL {what}", flush=True)


class Checker:
    def __init__(self, directory, device, runtime, report):
        self.directory, self.device = directory, device
        self.runtime, self.report = runtime, report
        self.host = Host()
        self.loaded = {}

    def functions(self, artifact, name):
        """The function for the device and the one for the CPU."""
        if artifact not in self.loaded:
            path = self.directory / f"{artifact}.so"
            self.loaded[artifact] = [
                Artifact(self.runtime, path, target)
                for target in ("gpu:0", "cpu:x86-64-v3")
            ]
        return [loaded.find(name) for loaded in self.loaded[artifact]]

    def run_both(self, artifact, name, inputs, outputs, on_cpu=True):
        """The results of both, from outputs that are poisoned."""
        gpu, cpu = self.functions(artifact, name)
        results = []
        for place, function in ((self.device, gpu), (self.host, cpu)):
            if place is self.host and not on_cpu:
                continue
            arrays = [place.put(x) for x in inputs]
            made = [place.put(poison(*spec)) for spec in outputs]
            stream = place.stream() if place is self.device else None
            call(self.runtime, function, arrays + made, stream)
            if place is self.device:
                place.synchronize()
            results.append([place.get(array) for array in made])
        return results

    def same(self, artifact, case, rows, inputs, outputs):
        name = f"{case.name} M={rows}"
        try:
            gpu, cpu = self.run_both(artifact, case.name, inputs, outputs)
        except FP4QError as error:
            self.report.check(False, f"{name}: {error}")
            return
        for index, (mine, theirs) in enumerate(zip(gpu, cpu)):
            differ = bits(mine) != bits(theirs)
            differ &= ~(is_nan(mine, case, index) & is_nan(theirs, case, index))
            self.report.check(
                not differ.any(),
                f"{name} result {index}: {int(differ.sum())} of {differ.size}"
                f" differ, first at {np.argwhere(differ)[:1].tolist()}",
            )

    def quantize(self, artifact, case, rows):
        rng = np.random.default_rng(rows + case.k)
        inputs = [make_x(rng, rows, case.k, case.element)]
        if case.transform:
            t = rng.standard_normal(case.transform_shape())
            inputs.append(t.astype(np.float32) / np.float32(case.block) ** 0.5)
        if case.has_global:
            gs = 1 / 3 if case.form == "mx" else 0.1
            if case.preset:
                gs = 17.0
            inputs.append(np.array(gs, np.float32))
        outputs = [
            ((rows, case.k // 2), np.uint8),
            ((rows, case.k // case.group), np.uint8),
        ]
        if not case.transform:
            self.same(artifact, case, rows, inputs, outputs)
            return
        # Sums in another order: how much differs is what matters.
        inputs[0] = float_bits(
            rng.standard_normal((rows, case.k)), case.element
        )
        try:
            gpu, cpu = self.run_both(artifact, case.name, inputs, outputs)
        except FP4QError as error:
            self.report.check(False, f"{case.name} M={rows}: {error}")
            return
        differ = [int((g != c).sum()) for g, c in zip(gpu, cpu)]
        nibbles = int(((gpu[0] ^ cpu[0]) & 15 != 0).sum()) + int(
            ((gpu[0] ^ cpu[0]) >> 4 != 0).sum()
        )
        total = self.report.numbers.setdefault(
            f"{case.name}: differing scales, of, codes, of", [0, 0, 0, 0]
        )
        for i, more in enumerate(
            (differ[1], gpu[1].size, nibbles, 2 * gpu[0].size)
        ):
            total[i] += more
        # A scale on the other side of a threshold changes a group of codes.
        self.report.check(
            differ[1] <= 1 + 0.001 * gpu[1].size
            and nibbles <= case.group * (1 + differ[1]) + 0.001 * nibbles,
            f"{case.name} M={rows}: {differ[1]} scales and {nibbles} codes of"
            f" {2 * gpu[0].size} differ",
        )

    def dequant(self, artifact, case, rows):
        rng = np.random.default_rng(rows)
        codes = rng.integers(0, 256, (rows, case.k // 2), np.uint8)
        scales = rng.integers(
            0, 256, (rows, case.k // case.group), np.uint8
        )
        gs = np.array(0.37, np.float32)
        dtype = {"bf16": np.uint16, "f16": np.float16, "f32": np.float32}
        self.same(
            artifact, case, rows, [codes, scales, gs],
            [((rows, case.k), dtype[case.element])],
        )  # fmt: skip

    def global_scale(self, artifact, case, rows):
        rng = np.random.default_rng(rows)
        x = rng.standard_normal((rows, case.k))
        for kind in ("ordinary", "zero", "nan"):
            if kind == "zero":
                x = x * 0
            elif kind == "nan" and rows:
                x[rows // 2, case.k // 3] = np.nan
            self.same(
                artifact, case, rows, [float_bits(x, case.element)],
                [((), np.float32)],
            )  # fmt: skip

    def matmul(self, artifact, case, rows):
        rng = np.random.default_rng(rows + case.n + case.k)
        operands = []
        for size in (rows, case.n):
            operands.append(rng.integers(0, 256, (size, case.k // 2), np.uint8))
            operands.append(
                make_scales(rng, (size, case.k // case.group), case.form)
            )
        inputs = list(operands)
        alpha = bias = None
        if case.alpha:
            shape = (case.n,) if case.alpha == "column" else ()
            alpha = np.asarray(rng.standard_normal(shape), np.float32) * 2.0**-6
            alpha = np.asarray(alpha, np.float32)
            inputs.append(alpha)
        if case.bias:
            bias = rng.standard_normal(case.n).astype(np.float32)
            inputs.append(bias)
        dtype = {"bf16": np.uint16, "f16": np.float16, "f32": np.float32}
        outputs = [((rows, case.n), dtype[case.element])]
        name = f"{case.name} M={rows}"
        try:
            first = self.run_both(artifact, case.name, inputs, outputs, False)
            again = self.run_both(artifact, case.name, inputs, outputs, False)
        except FP4QError as error:
            self.report.check(False, f"{name}: {error}")
            return
        first, again = first[0][0], again[0][0]
        self.report.check(
            (bits(first) == bits(again)).all(), f"{name}: changes run to run"
        )
        bad, share = outside(first, case, *operands, alpha, bias)
        self.report.check(bad == 0, f"{name}: {bad} outside the bound")
        worst = self.report.numbers.get("worst share of the bound", 0.0)
        self.report.numbers["worst share of the bound"] = max(worst, share)

    def linear(self, artifact, case, rows):
        """Through workspace, against the two functions apart."""
        rng = np.random.default_rng(rows)
        x = make_x(rng, rows, case.k, "bf16")
        x[np.isnan(to_f64(x, "bf16")) | np.isinf(to_f64(x, "bf16"))] = 0
        w = rng.integers(0, 256, (case.n, case.k // 2), np.uint8)
        ws = make_scales(rng, (case.n, case.k // 32), "mx")
        gs = np.array(1 / 3, np.float32)
        outputs = [((rows, case.n), np.uint16)]
        whole = self.run_both(
            artifact, case.name, [x, gs, w, ws], outputs, False
        )
        parts = self.run_both(
            "quantize", "quantize_mx_f32_2048", [to_f64(x, "bf16").astype(
                np.float32), gs],
            [((rows, case.k // 2), np.uint8), ((rows, case.k // 32), np.uint8)],
        )  # fmt: skip
        kind = cases.Matmul("mx", "bf16", case.n, case.k)
        bad, _ = outside(whole[0][0], kind, *parts[1], w, ws, None, None)
        self.report.check(bad == 0, f"{case.name} M={rows}: {bad} outside")


def poison(shape, dtype):
    count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    return np.full(count, 0xA5, np.uint8).view(dtype).reshape(shape)


def bits(array):
    return array.view({1: np.uint8, 2: np.uint16, 4: np.uint32}[array.itemsize])


def is_nan(array, case, index):
    if array.dtype == np.uint8:
        return np.zeros(array.shape, bool)
    if array.dtype == np.uint16:
        return np.isnan((array.astype(np.uint32) << 16).view(np.float32))
    return np.isnan(array)


KINDS = {
    cases.Quantize: "quantize", cases.Dequant: "dequant",
    cases.GlobalScale: "global_scale", cases.Matmul: "matmul",
    cases.Linear: "linear",
}  # fmt: skip


def check_results(checker, only, small):
    for artifact, functions in cases.artifacts().items():
        if artifact == "speed":
            continue
        for case in functions:
            if only and only not in case.name:
                continue
            if small and getattr(case, "k", 0) * getattr(case, "n", 1) > 50000:
                continue
            start = time.time()
            for rows in cases.ROWS:
                if small and rows not in (0, 1, 9, 17):
                    continue
                check = getattr(checker, KINDS[type(case)])
                check(artifact, case, rows)
            print(f"{case.name}: {time.time() - start:.1f} s", flush=True)
