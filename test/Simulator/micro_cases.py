# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One tiny kernel per instruction and type.

A case is a line of PTX (or a few) over word registers: %a0..%a7 are 32-bit
inputs, %A0..%A3 64-bit ones (the same inputs in pairs), %d0..%d7 32-bit and
%D0..%D3 64-bit results; %h0..%h7 (.b16), %p0..%p7 and %t0..%t7, %T0..%T3 are
free. Each of 32 lanes and each of ROUNDS inputs gives results, which are
compared with golden files recorded on a GPU (golden.py) and, where a case has
one, with an expectation computed here in numpy.
"""

import dataclasses
import zlib

import numpy as np

ROUNDS = 8
LANES = 32
WORDS = 8  # inputs and results per lane


@dataclasses.dataclass
class Case:
    name: str
    body: str
    kind: str = "int"  # of the inputs: see inputs()
    sm: int = 75  # least target
    sm_suffix: str = ""
    outputs: int = 1  # 32-bit words of results that count
    #: how results are compared: "bits", or "f32"/"f64"/"f16"/"bf16" with a
    #: relative tolerance `tolerance` (NaNs of any payload are equal)
    compare: str = "bits"
    tolerance: float = 0.0
    expect: object = None  # (inputs as uint32 [rounds, lanes, words]) -> array
    shared: bool = False  # has 4 KiB of shared memory at [sm]
    rounds: int = ROUNDS
    outside: str = ""  # module-level PTX: variables and functions
    directives: str = ""  # of the kernel
    param: bool = False  # has a parameter `extra` of 32 bytes: EXTRA
    cooperative: bool = False
    gpu: bool = True  # False: a GPU cannot show it


#: What the parameter `extra` holds.
EXTRA = bytes(range(0x81, 0xA1))

CASES = []


def case(name, body, **kwargs):
    CASES.append(Case(name, body, **kwargs))


# The special values every operand meets, then random bits.
_INTS = [0, 1, 2, 31, 32, 33, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF,
         0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF]  # fmt: skip
_F32 = [0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x3F000000, 0x40490FDB,
        0x00000001, 0x807FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000,
        0xFF800000, 0x7FC00000, 0x3FC00000, 0x40200000, 0x40600000, 0x40A00000,
        0x4B7FFFFF, 0x4F000000, 0xCF000000, 0x5F000000, 0x3EAAAAAB, 0x43F00000]  # fmt: skip
_F16 = [0x0000, 0x8000, 0x3C00, 0xBC00, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF,
        0x7C00, 0xFC00, 0x7E00, 0x3555, 0x4248, 0x5640]  # fmt: skip
_BF16 = [0x0000, 0x8000, 0x3F80, 0xBF80, 0x0001, 0x807F, 0x0080, 0x7F7F, 0xFF7F,
         0x7F80, 0xFF80, 0x7FC0, 0x3EAB, 0x4049, 0x43F0]  # fmt: skip


def inputs(case):
    """uint32 [rounds, LANES, WORDS]: the same for a name on every machine."""
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    rounds = case.rounds
    shape = (rounds, LANES, WORDS)
    words = rng.integers(0, 1 << 32, shape, np.uint32)
    special = rng.random(shape) < 0.5
    pick = lambda table: np.array(table, np.uint32)[  # noqa: E731
        rng.integers(0, len(table), shape)
    ]
    kind = case.kind
    if kind == "int":
        return np.where(special, pick(_INTS), words)
    if kind == "small":  # shift amounts, lane numbers
        return np.where(special, pick([0, 1, 5, 8, 16, 31, 32, 40]), words % 64)
    if kind == "f32":
        return np.where(special, pick(_F32), words)
    if kind == "f32near":  # of moderate size, for conversions and approximations
        near = (rng.standard_normal(shape) * 8).astype(np.float32)
        return near.view(np.uint32)
    if kind in ("f16", "bf16"):
        table = _F16 if kind == "f16" else _BF16
        both = pick(table) | pick(table) << 16
        return np.where(special, both, words)
    if kind == "f64":
        f64 = rng.standard_normal((rounds, LANES, WORDS // 2)) * 1e3
        flat = f64.view(np.uint32).reshape(shape).copy()
        table = [0.0, -0.0, 1.0, -1.5, np.inf, 1e300, 5e-324, 0.1]
        chosen = np.array(table)[
            rng.integers(0, len(table), (rounds, LANES, WORDS // 2))
        ]
        mask = np.repeat(rng.random(chosen.shape) < 0.3, 2, axis=-1)
        return np.where(mask, chosen.view(np.uint32).reshape(shape), flat)
    if kind.startswith("exact "):
        return _exact(kind[6:], rng, shape)
    if kind.startswith("positive "):
        # Positive elements: relative errors of sums then have a plain bound.
        return _pack(kind[9:], rng.random((*shape, 4)) + 0.01)
    if kind == "bytes":  # e4m3 codes without NaN
        codes = rng.integers(0, 0x7F, (*shape, 4), np.uint8)
        return codes.view(np.uint32)[..., 0]
    if kind.startswith("codes "):
        limit, first, second = kind[6:].split()
        first, second = (_container(e, float(limit), rng) for e in (first, second))
        words[..., :4] = first(words[..., :4].shape)
        words[..., 4:6] = second(words[..., 4:6].shape)
        return words
    if kind.startswith("scaled "):
        scale, first, second, vec = kind[7:].split()
        if vec == "1":
            first, second = (_container(e, 4.0, rng) for e in (first, second))
            words[..., :4] = first(words[..., :4].shape)
            words[..., 4:6] = second(words[..., 4:6].shape)
        low, high = (125, 130) if scale == "ue8m0" else (0x30, 0x48)
        codes = rng.integers(low, high, (rounds, LANES, 2, 4), np.uint8)
        words[..., 6:8] = codes.view(np.uint32)[..., 0]
        return words
    raise ValueError(kind)


def narrow_values(element):
    """The value of each code of a format, as the OCP formats have them; NaN
    codes are infinite here, and not used."""
    exponent, mantissa, bias = {
        "e4m3": (4, 3, 7), "e5m2": (5, 2, 15), "e3m2": (3, 2, 3),
        "e2m3": (2, 3, 1), "e2m1": (2, 1, 1),
    }[element]  # fmt: skip
    code = np.arange(1 << (1 + exponent + mantissa))
    e = code >> mantissa & (1 << exponent) - 1
    m = code & (1 << mantissa) - 1
    value = np.where(e > 0, (1 + m / 2**mantissa) * 2.0 ** (e - bias),
                     m / 2**mantissa * 2.0 ** (1 - bias))  # fmt: skip
    if element == "e4m3":
        value[code & 0x7F == 0x7F] = np.inf
    if element == "e5m2":
        value[e == 31] = np.inf
    return np.where(code >> (exponent + mantissa), -value, value)


def _container(element, limit, rng):
    """Makes words of codes, each in a byte, of multiples of a half up to the
    limit: their sums of products are exact."""
    values = narrow_values(element)
    small = np.where(np.abs(values) <= limit, values, 0.25)
    good = small * 2 % 1 == 0
    codes = np.flatnonzero(good).astype(np.uint8)
    if element == "e2m1":
        codes <<= 2

    def make(shape):
        chosen = codes[rng.integers(0, len(codes), (*shape, 4))]
        return np.ascontiguousarray(chosen).view(np.uint32)[..., 0]

    return make


def _pack(element, values):
    """Words of elements; of the last axis (4), as many as fit are used."""
    if element in ("s8", "e4m3"):
        codes = values.astype(np.int8) if element == "s8" else _e4m3(values)
        return np.ascontiguousarray(codes).view(np.uint32)[..., 0]
    if element == "tf32":
        bits = values[..., 0].astype(np.float32).view(np.uint32)
        return bits & np.uint32(0xFFFFE000)
    if element == "f16":
        halves = values[..., :2].astype(np.float16).view(np.uint16)
    else:
        single = values[..., :2].astype(np.float32).view(np.uint32)
        halves = (single >> 16).astype(np.uint16)
    return np.ascontiguousarray(halves).view(np.uint32)[..., 0]


def _e4m3(values):
    """Codes of small integers and halves, which e4m3 holds exactly."""
    magnitudes = np.abs(values)
    exponent = np.floor(np.log2(np.where(magnitudes > 0, magnitudes, 1)))
    mantissa = (magnitudes / 2.0**exponent - 1) * 8
    code = ((exponent + 7) * 8 + mantissa).astype(np.uint8)
    code = np.where(magnitudes > 0, code, 0).astype(np.uint8)
    return code | (np.signbit(values).astype(np.uint8) << 7)


def _exact(element, rng, shape):
    """Multiples of a half up to 4: every sum of products is exact in f32."""
    return _pack(element, rng.integers(-8, 9, (*shape, 4)) * 0.5)


#: Accumulators of mma in %t: small integers of the inputs, or constants.
C32 = "".join(f"and.b32 %t{i}, %a{6 + i % 2}, {15 << (4 * (i // 2))};\n"
              f"cvt.rn.f32.u32 %t{i}, %t{i};\n" for i in range(4))  # fmt: skip
C16 = "mov.b32 %t0, 0x3c004000; mov.b32 %t1, 0x4200bc00;\n"


def registers():
    lines = []
    for width, letter, count in (("b32", "a", 8), ("b32", "d", 8),
                                 ("b32", "t", 8), ("b64", "A", 4),
                                 ("b64", "D", 4), ("b64", "T", 4),
                                 ("b16", "h", 8), ("pred", "p", 8)):  # fmt: skip
        lines.append(f".reg .{width} %{letter}<{count}>;")
    return "\n".join(lines)


def ptx(case, target="sm_90a", version="8.8"):
    """The kernel of a case: k(inputs, results)."""
    load = "\n".join(
        f"ld.global.v4.b32 {{%a{i}, %a{i + 1}, %a{i + 2}, %a{i + 3}}}, "
        f"[%in+{4 * i}];"
        for i in (0, 4)
    )
    pair = "\n".join(
        f"mov.b64 %A{i}, {{%a{2 * i}, %a{2 * i + 1}}};" for i in range(4)
    )
    clear = "\n".join(f"mov.b32 %d{i}, 0;" for i in range(8))
    wide = "%D0" in case.body
    clear += "\n" + "\n".join(f"mov.b64 %D{i}, 0;" for i in range(4))
    unpair = (
        "\n".join(
            f"mov.b64 {{%d{2 * i}, %d{2 * i + 1}}}, %D{i};" for i in range(4)
        )
        if wide
        else ""
    )
    store = "\n".join(
        f"st.global.v4.b32 [%out+{4 * i}], "
        f"{{%d{i}, %d{i + 1}, %d{i + 2}, %d{i + 3}}};"
        for i in (0, 4)
    )
    shared = ".shared .align 16 .b8 sm[4096];" if case.shared else ""
    extra = ", .param .align 16 .b8 extra[32]" if case.param else ""
    return f""".version {version}
.target {target}
.address_size 64
{case.outside}
.visible .entry k(.param .u64 in, .param .u64 out{extra}) {case.directives}
{{
.reg .b64 %in, %out, %off;
.reg .b32 %thread, %block, %lin;
{registers()}
{shared}
ld.param.u64 %in, [in];
ld.param.u64 %out, [out];
mov.u32 %thread, %tid.x;
mov.u32 %block, %ctaid.x;
mad.lo.u32 %lin, %block, {LANES}, %thread;
mul.wide.u32 %off, %lin, {4 * WORDS};
add.u64 %in, %in, %off;
add.u64 %out, %out, %off;
{load}
{pair}
{clear}
{case.body}
{unpair}
{store}
ret;
}}
"""


def target_of(case):
    """The least target that all cases of the GPU, or this one, run for."""
    return "sm_90a" if case.sm <= 90 else f"sm_{case.sm}{case.sm_suffix}"


def run(driver, case, target=None):
    """Results, uint32 [rounds, LANES, case.outputs]."""
    data = inputs(case)
    args = [data, ("out", data.shape, np.uint32)]
    if case.param:
        args.append(np.frombuffer(EXTRA, "V32")[0])
    results = driver.run(
        ptx(case, target or target_of(case)),
        "k",
        (case.rounds, 1, 1),
        (LANES, 1, 1),
        args,
        cooperative=case.cooperative,
    )[1]
    return results[:, :, : case.outputs]


def _floats(words, compare):
    if compare == "f32":
        with np.errstate(invalid="ignore"):  # of signaling NaNs
            return words.view(np.float32).astype(np.float64)
    if compare == "f64":
        return np.ascontiguousarray(words).view(np.float64)
    halves = np.ascontiguousarray(words).view(np.uint16)
    if compare == "f16":
        return halves.view(np.float16).astype(np.float64)
    return (halves.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def mismatches(case, got, want):
    """Indices at which two results of a case differ."""
    if case.compare == "bits":
        return np.argwhere(got != want)
    a, b = _floats(got, case.compare), _floats(want, case.compare)
    with np.errstate(invalid="ignore"):
        close = np.abs(a - b) <= case.tolerance * np.abs(b)
    same = (a == b) | (np.isnan(a) & np.isnan(b)) | close
    return np.argwhere(~same)
