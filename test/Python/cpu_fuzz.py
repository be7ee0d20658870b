# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random calls of the vector kernels for CPUs against test/oracle.

Each case is one function: a quantization, with or without a transform, a
transform, a dequantization, a product, a quantization and a product, or one of
these on slices of larger matrices, with sizes round the edges of tiles, compiled for CPU
levels in turn. It is called with several numbers of rows, each time by 1, 2, 3
and 7 threads on arrays at all of the places of fp4q_guarded.py: bits must be
equal, they or their bound must be the oracle's, and no byte beside a result may
change. A wrong access ends the process by a signal; what ran is the last line.

    python test/Python/cpu_fuzz.py --cases=500 --levels=7
"""

import argparse
import dataclasses
import pathlib
import sys
import tempfile

import numpy as np

if __name__ == "__main__":
    for folder in ("test/oracle", "utils"):
        sys.path.append(str(pathlib.Path(__file__).parents[2] / folder))

import fp4q_artifacts as artifacts
import fp4q_cases as cases
import fp4q_data as data
import fp4q_guarded as guarded
import fp4q_oracle as oracle
from fp4q_modules import SCALE_TYPES, Module

THREADS = (1, 2, 3, 7)
ROWS = (
    0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 18, 20, 31, 33, 64, 65, 129,
    511, 512, 513, 514,
)  # fmt: skip
COLUMNS = (
    1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63,
    64, 65, 95, 96, 97, 129, 193,
)  # fmt: skip
GROUPS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 129)
# Above numbers of tiles from which a task takes several.
MANY_COLUMNS = (1921, 2049, 3840, 3841, 5761)


# --- cases that fp4q_cases.py does not have -----------------------------------


@dataclasses.dataclass(frozen=True)
class Linear:
    """A quantization and the product of what it yields."""

    rows: int
    columns: int
    group: int
    groups: int
    kind: str
    element: str
    result: str
    seed: int

    def write(self, module):
        rng = np.random.default_rng(self.seed)
        k = self.group * self.groups
        x = data.values(rng, (self.rows, k), self.element, "normal")
        codes = data.codes(rng, (self.columns, k // 2))
        scales = data.scale_bytes(
            rng, (self.columns, self.groups), self.kind, "moderate"
        )
        gs, ss = (0.1, 6.0) if self.kind == "e4m3" else (1 / 3, 4.0)
        quantized = module.quantize(
            module.argument(x, self.element, (0,)), self.group, self.kind,
            module.scalar(gs, "constant"), module.scalar(ss, "constant"),
        )  # fmt: skip
        weight = (
            module.argument(codes, "i8"),
            module.argument(scales, SCALE_TYPES[self.kind]),
        )
        alpha = module.scalar(gs, "constant")
        module.result(module.matmul(*quantized, *weight, self.result, alpha))
        operands = oracle.quantize(x, self.group, self.kind, gs, ss)
        operands = (*operands, codes, scales, self.kind, np.float32(gs), None)
        return [cases.MatmulExpectation(operands, data.DTYPES[self.result])]


class SlicingModule(Module):
    """A module whose matrices are columns of larger ones."""

    def __init__(self, rng):
        super().__init__()
        self._rng = rng

    def _padding(self):
        return [int(n) for n in self._rng.integers(0, 6, 2)]

    def argument(self, array, element, dynamic=()):
        if array.ndim != 2:
            return super().argument(array, element, dynamic)
        before, after = self._padding()
        wide = np.pad(
            array.view(f"u{array.itemsize}"), ((0, 0), (before, after)),
            constant_values=(1 << 8 * array.itemsize) - 1,
        ).view(array.dtype)  # fmt: skip
        value = super().argument(wide, element, dynamic)
        return self._columns(value, before, array.shape[1])

    def _sizes(self, value, columns):
        rows = self.dim(value, 0) if 0 in value.dynamic else value.shape[0]
        return f"[{rows}, {columns}] [1, 1]"

    def _columns(self, value, first, count):
        part = dataclasses.replace(
            value, name=self._name(), shape=(value.shape[0], count)
        )
        self._line(
            f"{part.name} = tensor.extract_slice {value.name}[0, {first}] "
            f"{self._sizes(value, count)} : {value.type} to {part.type}"
        )
        return part

    def result(self, value):
        """Columns of a result with more of them, which nobody writes."""
        before, after = self._padding()
        count = value.shape[1]
        whole = self.empty_like(value, (before + count + after,), value.element)
        name = self._name()
        self._line(
            f"{name} = tensor.insert_slice {value.name} into {whole.name}"
            f"[0, {before}] {self._sizes(value, count)} : {value.type} into "
            f"{whole.type}"
        )
        self.parts = [*getattr(self, "parts", []), slice(before, before + count)]
        super().result(dataclasses.replace(whole, name=name))


# --- drawing ------------------------------------------------------------------


class Draw:
    """One case of the sequence of a seed."""

    def __init__(self, seed, number):
        self.rng = np.random.default_rng([seed, number])

    def of(self, values):
        return values[int(self.rng.integers(len(values)))]

    def chance(self, probability):
        return self.rng.random() < probability

    def seed(self):
        return int(self.rng.integers(1 << 31))

    def format(self):
        """Group and kind: mostly those that products have kernels for."""
        if self.chance(0.75):
            return self.of([(32, "e8m0"), (16, "e4m3")])
        return self.of([2, 4, 8, 16, 32, 64, 128]), self.of(data.KINDS)

    def groups(self, group, most=4200):
        return self.of([n for n in GROUPS if n * group <= most])

    def shape(self, rows):
        lead = self.of([()] * 6 + [(2,), (3,), (2, 2)])
        if lead:
            rows = min(rows, 65)
        axes = range(len(lead))
        dynamic = [axis for axis in axes if self.chance(0.5)]
        return cases.Shape(lead, rows, (*dynamic, len(lead)))

    def scale(self):
        number = self.of([1.0, 1 / 3, 0.1, 4.0, 6.0, 2.0**-20, 3e30, 1e-40])
        form = self.of(["absent", "constant", "f32", "tensor"])
        return cases.Scale(number, form)

    def matmul(self):
        (group, kind), large = self.format(), self.chance(0.15)
        groups = self.groups(group, 260 if large else 4200)
        columns = self.of(MANY_COLUMNS if large else COLUMNS)
        budget = 3_000_000 // (columns * group * groups)
        rows = [r for r in ROWS if 0 < r <= max(budget, 20)]
        flavor = self.of(["moderate"] * 3 + ["legal", "some", "opposite"])
        return cases.Matmul(
            self.shape(self.of(rows[-4:])), columns, group, groups, kind,
            self.of(cases.ELEMENTS), flavor,
            self.of(["absent", "constant", "f32", "tensor", "column"]),
            self.of(["absent", "f32", "result"]), self.chance(0.6), (),
            self.seed(),
        )  # fmt: skip

    def quantize(self):
        group = self.of([2, 4, 8, 16, 16, 32, 32, 32, 64, 128])
        return cases.Quantize(
            self.shape(self.of([5, 33, 64])), group, self.groups(group),
            self.of(data.KINDS), self.of(cases.ELEMENTS), self.of(data.FLAVORS),
            self.scale(), self.scale(), self.chance(0.2), False, self.seed(),
        )  # fmt: skip

    def transform(self):
        block = self.of([2, 4, 8, 16, 32, 64, 128])
        return cases.Transform(
            self.shape(self.of([5, 19])), block, self.of([1, 2, 3, 5, 9]),
            self.chance(0.5), self.of(cases.ELEMENTS), self.chance(0.3),
            self.of(cases.ELEMENTS), self.of(["normal", "wide", "specials"]),
            self.of([None, 2, 4, 8, 16, 32, 64, 128]), self.of(data.KINDS),
            self.scale(), self.scale(), self.seed(),
        )  # fmt: skip

    def dequant(self):
        group = self.of([2, 4, 8, 16, 16, 32, 32, 64, 128])
        return cases.Dequant(
            self.shape(self.of([5, 64])), group, self.groups(group),
            self.of(data.KINDS), self.of(cases.ELEMENTS), self.scale(),
            self.chance(0.5), False, self.seed(),
        )  # fmt: skip

    def linear(self):
        group, kind = self.of([(32, "e8m0"), (16, "e4m3")])
        return Linear(
            self.of([16, 18, 33, 65]), self.of(COLUMNS), group,
            self.groups(group, 1100), kind, self.of(cases.ELEMENTS),
            self.of(cases.ELEMENTS), self.seed(),
        )  # fmt: skip

    def case(self):
        return self.of(
            [self.matmul] * 4 + [self.quantize] * 3
            + [self.transform, self.dequant, self.linear]
        )()  # fmt: skip


# --- running ------------------------------------------------------------------


def cut(array, axis, rows):
    """The first rows, as a copy."""
    return np.ascontiguousarray(np.take(array, range(rows), axis=axis))


def cut_expectation(expected, axis, rows):
    if not isinstance(expected, cases.MatmulExpectation):
        return cut(expected, axis, rows)
    a, sa, *others = expected.operands
    operands = (cut(a, axis, rows), cut(sa, axis, rows), *others)
    return dataclasses.replace(expected, operands=operands)


class Fuzzer:
    """Runs cases; `calls` counts."""

    def __init__(self, build_dir, directory, levels_a_case):
        self.build_dir, self.directory = build_dir, pathlib.Path(directory)
        self.runtime = artifacts.runtime(build_dir)
        self.levels_a_case = levels_a_case
        self.calls = 0

    def levels(self, number):
        count = len(artifacts.LEVELS)
        step = count // self.levels_a_case
        return [
            artifacts.LEVELS[(number + i * step) % count]
            for i in range(self.levels_a_case)
        ]

    def run_case(self, seed, number):
        draw = Draw(seed, number)
        case = draw.case()
        shape = getattr(case, "shape", None)
        axis = len(shape.lead) if shape else 0
        slices = axis == 0 and draw.chance(0.3)
        module = SlicingModule(draw.rng) if slices else Module()
        expected = case.write(module)
        levels = self.levels(number)
        print(f"{number}: {'slices of ' * slices}{case}", flush=True)
        path = self.directory / f"{number}.so"
        artifacts.compile_text(self.build_dir, module.text(), path, levels)
        whole = shape.rows if shape else case.rows
        rows = [m for m in ROWS if m < whole]
        if len(rows) > 4:
            rows = [0, 1, *draw.rng.choice(rows[2:], 3, replace=False)]
        parts = getattr(module, "parts", [None] * len(expected))
        for level, code in artifacts.load_levels(
            self.build_dir, path, levels
        ).items():
            for m in [*rows, whole]:
                self.run_rows(code, module, parts, expected, axis, int(m), draw,
                              f"{level} rows {m}")  # fmt: skip
            code.unload()
        path.unlink()

    def run_rows(self, code, module, parts, expected, axis, m, draw, what):
        """The function on the first m rows: everywhere and by any threads."""
        inputs = [
            cut(array, axis, m) if axis in value.dynamic else array
            for array, value in zip(module.inputs, module._arguments)
        ]
        wanted = [cut_expectation(e, axis, m) for e in expected]
        shapes = [
            (*value.shape[:axis], m, *value.shape[axis + 1 :])
            for value in module._results
        ]
        first = None
        for threads, place in zip(THREADS, draw.rng.permutation(guarded.PLACES)):
            print(f"  {what}, {threads} threads, {place}", flush=True)
            self.runtime.set_threads(threads)
            placed = [guarded.Placed(x, place, draw.rng) for x in inputs]
            for value, size in zip(module._results, shapes):
                like = np.empty(size, numpy_type(value.element))
                placed.append(guarded.Placed(like, place, draw.rng, True))
            code(module.entry, *(p.array for p in placed))
            self.calls += 1
            for number, p in enumerate(placed):
                spoiled = p.spoiled()
                assert not spoiled, f"{what}: {spoiled} bytes beside {number}"
            results = [
                np.ascontiguousarray(p.array if part is None else p.array[:, part])
                for p, part in zip(placed[len(inputs) :], parts)
            ]
            if first is None:
                first = results
                for number, (result, want) in enumerate(zip(results, wanted)):
                    cases.check(result, want, f"{what}: result {number}")
            for result, other in zip(results, first):
                cases.assert_same_bits(
                    result, other, f"{what}: {threads} threads, {place}"
                )


def numpy_type(element):
    if element in data.DTYPES:
        return data.DTYPES[element]
    return np.uint8


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--build-dir", default="build", type=pathlib.Path)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--first", default=0, type=int, help="number of a case")
    parser.add_argument("--cases", default=100, type=int)
    parser.add_argument("--levels", default=7, type=int, help="for each case")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        fuzzer = Fuzzer(arguments.build_dir, directory, arguments.levels)
        for number in range(arguments.cases):
            fuzzer.run_case(arguments.seed, arguments.first + number)
    print(f"{arguments.cases} cases, {fuzzer.calls} calls")


if __name__ == "__main__":
    main()
