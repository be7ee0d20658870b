# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a call from Python costs: the time of functions that compute next to
nothing, so that what remains is the way there and back.

    PYTHONPATH=build/python python utils/bench-python.py [--json FILE]

Of many batches of calls the fastest counts: what interrupts them is not ours.
"""

import argparse
import json
import time

import fp4q
import numpy as np

MODULE = """
func.func @dequantize(%c: tensor<?x16xi8>, %s: tensor<?x1xf8E8M0FNU>)
    -> tensor<?x32xf32> {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %c, %c0 : tensor<?x16xi8>
  %init = tensor.empty(%rows) : tensor<?x32xf32>
  %y = fp4q.dequant ins(%c, %s : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>)
      outs(%init : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
"""


def fastest(call, batches=200, calls=200):
    """Microseconds of one call."""
    best = float("inf")
    for _ in range(batches):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        best = min(best, time.perf_counter() - start)
    return best / calls * 1e6


def cases():
    """(what, function without arguments)"""
    f = fp4q.compile(MODULE)
    codes, scales = np.zeros((1, 16), np.uint8), np.zeros((1, 1), np.uint8)
    y = np.empty((1, 32), np.float32)
    yield "f(codes, scales, out=y), numpy", lambda: f(codes, scales, out=y)
    yield "f(codes, scales), numpy", lambda: f(codes, scales)
    q = fp4q.quantize(np.zeros((1, 32), np.float32))
    yield "fp4q.dequantize(q), numpy", lambda: fp4q.dequantize(q)
    try:
        import torch
    except ImportError:
        return
    from fp4q.torch import QuantLinear

    t = [torch.from_numpy(array) for array in (codes, scales, y)]
    yield "f(codes, scales, out=y), torch", lambda: f(t[0], t[1], out=t[2])
    yield "f(codes, scales), torch", lambda: f(t[0], t[1])
    layer = QuantLinear(32, 8)
    x = torch.zeros(1, 32)

    def forward():
        with torch.no_grad():
            layer(x)

    yield "QuantLinear(32, 8)(x), torch", forward
    linear = torch.nn.Linear(32, 8)

    def forward_f32():
        with torch.no_grad():
            linear(x)

    yield "torch.nn.Linear(32, 8)(x), f32", forward_f32


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", help="write the results there too")
    args = parser.parse_args()
    found = {}
    for what, call in cases():
        call()
        found[what] = fastest(call)
        print(f"{what:34} {found[what]:6.2f} us", flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(found, file, indent=2)


if __name__ == "__main__":
    main()
