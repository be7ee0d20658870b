#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the bit-exactness table of docs/numerics.md: compiled code (fp4q-run)
against the Python oracle of test/oracle, a row for each op, format and type.

Without options it prints the table, for the kernels of this CPU; --target and
--backend, which fp4q-run has as well, choose others. --write puts it into the page, between the
two marker comments. --check runs nothing: it fails if the page lacks a row,
has a row too many, or has one with a mismatch or with too few groups.
"""

import argparse
import dataclasses
import pathlib
import sys
import tempfile

import numpy as np

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [
    str(REPOSITORY / folder) for folder in ("test/Python", "test/oracle")
]

import fp4q_data as data  # noqa: E402
import fp4q_oracle as oracle  # noqa: E402
import fp4q_oracle_products as products  # noqa: E402
import fp4q_run  # noqa: E402
from fp4q_modules import SCALE_TYPES, Module  # noqa: E402

PAGE = REPOSITORY / "docs" / "numerics.md"
BEGIN, END = "<!-- bit-exactness:begin -->", "<!-- bit-exactness:end -->"
LEAST_GROUPS = 100_000
GROUPS_A_ROW = 8  # an even number that is no multiple of the blocked layout
TRANSFORM = 32


@dataclasses.dataclass(frozen=True)
class Format:
    """A group size and scale type with its usual scales."""

    name: str
    group: int
    kind: str
    gs: float
    ss: float

    @property
    def columns(self):
        return self.group * GROUPS_A_ROW


FORMATS = (
    Format("mxfp4", 32, "e8m0", 1 / 3, 4.0),
    Format("nvfp4", 16, "e4m3", 0.1, 6.0),
    Format("e8m0, G = 16", 16, "e8m0", 1.0, 6.0),
    Format("e4m3, G = 128", 128, "e4m3", 1.0, 6.0),
)


def mixed_values(rng, rows, columns, element):
    """All kinds of data, an equal share of the rows each."""
    shares = np.array_split(np.arange(rows), len(data.FLAVORS))
    return np.concatenate(
        [
            data.values(rng, (len(share), columns), element, flavor)
            for share, flavor in zip(shares, data.FLAVORS, strict=True)
        ]
    )


def differing(actual, expected):
    """True where the bits differ; NaNs are equal."""
    bits = np.dtype(f"u{expected.dtype.itemsize}")
    differ = actual.view(bits) != expected.view(bits)
    if expected.dtype.kind != "u":
        differ &= ~(np.isnan(actual.view(expected.dtype)) & np.isnan(expected))
    return differ


def bad_groups(pairs):
    """The number of groups in which any array of (actual, expected) differs."""
    rows = len(pairs[0][0])
    bad = np.zeros((rows, GROUPS_A_ROW), bool)
    for actual, expected in pairs:
        differ = differing(actual, expected)
        bad |= differ.reshape(rows, GROUPS_A_ROW, -1).any(axis=-1)
    return int(bad.sum())


class Job:
    """One row: a module with one op on data of `rows` rows."""

    def __init__(self, fmt, element, rows, execute):
        self.format, self.element, self.rows = fmt, element, rows
        self.rng = np.random.default_rng(20261121)
        self.module = Module()
        self._execute = execute

    def argument(self, array, element):
        return self.module.argument(array, element, (0,))

    def values(self):
        """x and its Value."""
        columns = self.format.columns
        x = mixed_values(self.rng, self.rows, columns, self.element)
        return x, self.argument(x, self.element)

    def codes(self):
        codes = data.codes(self.rng, (self.rows, self.format.columns // 2))
        return codes, self.argument(codes, "i8")

    def scales(self):
        bytes_ = data.codes(self.rng, (self.rows, GROUPS_A_ROW))
        return bytes_, self.argument(bytes_, SCALE_TYPES[self.format.kind])

    def matrix(self):
        shape = (self.format.columns // TRANSFORM, TRANSFORM, TRANSFORM)
        t = data.values(self.rng, shape, self.element, "normal")
        return t, self.module.argument(t, self.element)

    def scale(self, number):
        return self.module.scalar(number, "constant")

    def run(self, results):
        for result in results:
            self.module.result(result)
        return self._execute(self.module)

    def compare(self, results, expected):
        """The number of mismatching groups."""
        return bad_groups(list(zip(self.run(results), expected, strict=True)))


def quantize(job):
    x, operand = job.values()
    fmt = job.format
    scales = (job.scale(fmt.gs), job.scale(fmt.ss))
    results = job.module.quantize(operand, fmt.group, fmt.kind, *scales)
    want = oracle.quantize(x, fmt.group, fmt.kind, fmt.gs, fmt.ss)
    return job.compare(results, want)


def quantize_given(job):
    x, operand = job.values()
    bytes_, scales = job.scales()
    gs = job.scale(job.format.gs)
    result = job.module.quantize_given(operand, scales, gs)
    kind = job.format.kind
    want = oracle.quantize_given(x, bytes_, kind, job.format.gs)
    return job.compare([result], [want])


def quantize_transformed(job):
    x, operand = job.values()
    t, matrix = job.matrix()
    fmt = job.format
    scales = (job.scale(fmt.gs), job.scale(fmt.ss))
    results = job.module.quantize(operand, fmt.group, fmt.kind, *scales, matrix)
    y = products.transform_chain(x, t)
    want = oracle.quantize(y, fmt.group, fmt.kind, fmt.gs, fmt.ss)
    return job.compare(results, want)


def dequant(job, divide=False):
    codes, operand = job.codes()
    bytes_, scales = job.scales()
    fmt, dtype = job.format, data.DTYPES[job.element]
    gs = job.scale(fmt.gs)
    result = job.module.dequant(operand, scales, job.element, gs, divide)
    want = oracle.dequant(codes, bytes_, fmt.kind, fmt.gs, divide, dtype)
    return job.compare([result], [want])


def dequant_divide(job):
    return dequant(job, divide=True)


def block_transform(job):
    x, operand = job.values()
    t, matrix = job.matrix()
    result = job.module.transform(operand, matrix, job.element)
    want = products.transform_chain(x, t, data.DTYPES[job.element])
    return job.compare([result], [want])


def swizzle(job):
    bytes_, scales = job.scales()
    (actual,) = job.run([job.module.swizzle(scales)])
    return int(differing(actual, oracle.swizzle(bytes_)).sum())


def unswizzle(job):
    bytes_, like = job.scales()
    tiles = job.argument(oracle.swizzle(bytes_), like.element)
    result = job.module.unswizzle(tiles, bytes_.shape, like)
    return job.compare([result], [bytes_])


ELEMENTS = tuple(data.DTYPES)
# op -> (function, formats, types).
TABLE = {
    "quantize_pack": (quantize, FORMATS, ELEMENTS),
    "quantize_pack, given scales": (quantize_given, FORMATS[:2], ELEMENTS),
    f"quantize_pack, transform B = {TRANSFORM}": (
        quantize_transformed,
        FORMATS[:2],
        ELEMENTS,
    ),
    "dequant": (dequant, FORMATS, ELEMENTS),
    "dequant, divide": (dequant_divide, FORMATS[:2], ELEMENTS),
    f"block_transform, B = {TRANSFORM}": (
        block_transform,
        FORMATS[:1],
        ELEMENTS,
    ),
    "swizzle_scales": (swizzle, FORMATS[:2], ("bytes",)),
    "unswizzle_scales": (unswizzle, FORMATS[:2], ("bytes",)),
}


def rows_of_table():
    """(op, format, type, function) of every row."""
    return [
        (op, fmt, element, function)
        for op, (function, formats, elements) in TABLE.items()
        for fmt in formats
        for element in elements
    ]


def label(op, fmt, element):
    if op.startswith("block_transform"):
        return op, "-", element  # A transform knows no format,
    if "swizzle" in op:
        return op, fmt.kind, element  # and a layout no group size.
    return op, fmt.name, element


def make_table(build_dir, groups, options=()):
    """Runs every row; returns the lines of the table and the mismatches."""
    lines = [
        "| op | format | type | groups compared | mismatches |",
        "|---|---|---|---:|---:|",
    ]
    total = 0
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "module.mlir"

        def execute(module):
            path.write_text(module.text())
            return fp4q_run.run(
                build_dir, path, module.entry, module.inputs,
                module.n_results, directory, options=options,
            )  # fmt: skip

        for op, fmt, element, function in rows_of_table():
            count = -(-groups // GROUPS_A_ROW)
            bad = function(Job(fmt, element, count, execute))
            total += bad
            cells = (*label(op, fmt, element), f"{count * GROUPS_A_ROW:,}", bad)
            lines.append(f"| {' | '.join(map(str, cells))} |")
            print(lines[-1], file=sys.stderr)
    return lines, total


def page_parts():
    """The page as (before the table, the table, after it)."""
    text = PAGE.read_text()
    if BEGIN not in text or END not in text:
        sys.exit(f"error: {PAGE} has no '{BEGIN}' and '{END}'")
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    return before, table, after


def check_page():
    """The complaints about the committed table."""
    committed = {}
    for line in page_parts()[1].strip().splitlines()[2:]:
        *key, groups, bad = (c.strip() for c in line.strip("| \n").split("|"))
        committed[tuple(key)] = (int(groups.replace(",", "")), int(bad))
    wanted = {label(*row[:3]) for row in rows_of_table()}
    complaints = [f"no row {key}" for key in wanted - committed.keys()]
    complaints += [f"unknown row {key}" for key in committed.keys() - wanted]
    for key, (groups, bad) in committed.items():
        if groups < LEAST_GROUPS or bad != 0:
            complaints.append(f"row {key}: {groups} groups, {bad} mismatches")
    return sorted(complaints)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--build-dir", default="build", type=pathlib.Path)
    parser.add_argument("--groups", default=LEAST_GROUPS, type=int)
    parser.add_argument("--target", help="a CPU level, such as cpu:x86-64-v3")
    parser.add_argument("--backend", help="auto, cpu or reference")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true")
    mode.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.check:
        complaints = check_page()
        for complaint in complaints:
            print(f"error: {PAGE.name}: {complaint}", file=sys.stderr)
        return 1 if complaints else 0
    options = [
        f"--{name}={value}"
        for name in ("target", "backend")
        if (value := getattr(arguments, name))
    ]
    lines, mismatches = make_table(
        arguments.build_dir, arguments.groups, options
    )
    table = "\n".join(lines)
    if arguments.write:
        before, _, after = page_parts()
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")
    else:
        print(table)
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
