# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the presets of lib/Numerics with the oracle of recipes.py.

The inputs of recipe_inputs.py are quantized by the oracle and by the program
fp4q-recipe-check, which runs lib/Numerics; scale bytes and codes must be equal.
Presets with a global scale meet 14 of them. Mismatches are counted and the first
one is shown; the exit status is 1 if there are any.

Example, the full run (about five minutes on one core):
  python3 test/oracle/check_recipes.py --build-dir build --groups 1114112
"""

import argparse
import dataclasses
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from recipe_inputs import adversarial
from recipes import F32, ROWS, TYPES, quantize


def encode_input(values, type_name):
    """f32 values that the type can hold -> their bytes."""
    bits = np.ascontiguousarray(values, F32)
    if type_name == "f32":
        return bits.tobytes()
    if type_name == "f16":
        return bits.astype(np.float16).tobytes()
    return (bits.view(np.uint32) >> 16).astype(np.uint16).tobytes()


def numerics(program, x, row, g, type_name):
    """What lib/Numerics computes: codes and scales like `quantize`."""
    with tempfile.TemporaryDirectory() as directory:
        files = [str(pathlib.Path(directory, n)) for n in ("x", "c", "s")]
        pathlib.Path(files[0]).write_bytes(encode_input(x, type_name))
        numbers = [repr(float(F32(v))) for v in (g, row.scale_scale)]
        command = [str(program), row.preset, type_name, row.kind]
        subprocess.run(
            [*command, str(row.group), *numbers, *files], check=True
        )
        packed = np.fromfile(files[1], np.uint8).reshape(len(x), -1)
        scales = np.fromfile(files[2], np.uint8)
    codes = np.stack([packed & 15, packed >> 4], axis=-1)
    return codes.reshape(x.shape), scales


@dataclasses.dataclass
class Comparison:
    groups: int = 0
    bad_scales: int = 0
    bad_groups: int = 0  # groups in which any scale or code differs
    first: str = ""

    def add(self, x, row, g, ours, theirs):
        codes, scales = ours
        wrong_scale = scales != theirs[1]
        wrong = wrong_scale | (codes != theirs[0]).any(axis=1)
        self.groups += len(x)
        self.bad_scales += int(wrong_scale.sum())
        self.bad_groups += int(wrong.sum())
        if wrong.any() and not self.first:
            i = int(np.argmax(wrong))
            self.first = (
                f"g = {float(g)!r}, x = {[float(v).hex() for v in x[i]]}: "
                f"oracle scale {scales[i]} codes {codes[i].tolist()}, "
                f"Numerics scale {theirs[1][i]} codes {theirs[0][i].tolist()}"
            )


def compare(program, row, type_name, groups, seed=0, chunk=1 << 16):
    """Compares about `groups` groups, spread over the row's global scales."""
    result = Comparison()
    stream = [seed, ROWS.index(row), list(TYPES).index(type_name)]
    rng = np.random.default_rng(stream)
    per_global = -(-groups // len(row.globals))
    for g in np.array(row.globals, F32):
        for begin in range(0, per_global, chunk):
            count = min(chunk, per_global - begin)
            x = adversarial(rng, count, row, g, type_name)
            ours = quantize(x, row, g, type_name)
            theirs = numerics(program, x, row, g, type_name)
            result.add(x, row, g, ours, theirs)
    return result


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--build-dir", default="build", type=pathlib.Path)
    parser.add_argument(
        "--groups",
        type=int,
        default=1114112,
        help="per preset and type (default: %(default)s)",
    )
    parser.add_argument(
        "--preset",
        action="append",
        choices=sorted({row.preset for row in ROWS}),
        help="only this preset; may be repeated",
    )
    parser.add_argument(
        "--type",
        action="append",
        choices=list(TYPES),
        help="only this input type (default: f32 and bf16)",
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    options = parse_arguments()
    program = options.build_dir / "bin" / "fp4q-recipe-check"
    if not program.exists():
        sys.exit(f"check_recipes.py: error: no {program}; build it first")
    failed = False
    for row in ROWS:
        if options.preset and row.preset not in options.preset:
            continue
        for type_name in options.type or ["f32", "bf16"]:
            result = compare(
                program, row, type_name, options.groups, options.seed
            )
            print(
                f"{row.preset} {row.kind} {type_name}: {result.groups} groups, "
                f"{result.bad_groups} differ ({result.bad_scales} in the scale)",
                flush=True,
            )
            if result.bad_groups:
                failed = True
                print(f"  first: {result.first}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
