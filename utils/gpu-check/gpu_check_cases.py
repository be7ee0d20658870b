# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The functions that utils/gpu-check/check-gpu.py compiles and runs: one list for both,
without any import, since they happen on different machines."""

SCALES = {"mx": ("f8E8M0FNU", 32), "nv": ("f8E4M3FN", 16)}
# Recipes by presets, and whether they have a global scale.
PRESETS = {
    "mx": {
        "torchao-mx-floor": False, "torchao-mx-ceil": False,
        "torchao-mx-even": False, "torchao-mx-rceil": False, "ct-mx": False,
        "gptoss-mx": False,
    },
    "nv": {
        "torchao-nv1": False, "torchao-nv2": True, "ct-nv": True,
        "modelopt-nv": True, "te-nv": True, "flashinfer-nv": True,
    },
}  # fmt: skip
ROWS = (0, 1, 2, 7, 8, 9, 16, 17, 33, 64, 65, 127, 129, 512)
# (N, K) of the layers whose speed is of interest.
LAYERS = ((4096, 4096), (12288, 4096), (21760, 8192))


class Quantize:
    """Codes and scales of x (M, K); `transform` is None, "shared" or "block"."""

    def __init__(self, form, element, k, preset=None, transform=None, block=32):
        self.form, self.element, self.k = form, element, k
        self.preset, self.transform, self.block = preset, transform, block
        self.scale, self.group = SCALES[form]
        self.has_global = PRESETS[form][preset] if preset else True

    @property
    def name(self):
        parts = ["quantize", self.form, self.element, str(self.k)]
        if self.preset:
            parts.append(self.preset.replace("-", "_"))
        if self.transform:
            parts += [self.transform, str(self.block)]
        return "_".join(parts)

    def transform_shape(self):
        lead = (self.k // self.block,) if self.transform == "block" else ()
        return (*lead, self.block, self.block)

    def text(self):
        x = f"tensor<?x{self.k}x{self.element}>"
        c = f"tensor<?x{self.k // 2}xi8>"
        s = f"tensor<?x{self.k // self.group}x{self.scale}>"
        arguments, clauses, attribute = f"%x: {x}", "", ""
        if self.transform:
            sizes = "x".join(map(str, self.transform_shape()))
            arguments += f", %t: tensor<{sizes}xf32>"
            clauses += f" transform(%t : tensor<{sizes}xf32>)"
        if self.has_global:
            arguments += ", %gs: tensor<f32>"
            clauses += " global_scale(%gs : tensor<f32>)"
        if self.preset:
            attribute = f' {{recipe = #fp4q.recipe<"{self.preset}">}}'
        else:
            clauses += " scale_scale(%ss : f32)"
        ss = "4.0" if self.form == "mx" else "6.0"
        return f"""func.func @{self.name}({arguments}) -> ({c}, {s}) {{
  %i = arith.constant 0 : index
  %ss = arith.constant {ss} : f32
  %m = tensor.dim %x, %i : {x}
  %c = tensor.empty(%m) : {c}
  %s = tensor.empty(%m) : {s}
  %r:2 = fp4q.quantize_pack ins(%x : {x}){clauses} outs(%c, %s : {c}, {s}){attribute} -> {c}, {s}
  return %r#0, %r#1 : {c}, {s}
}}
"""


class Dequant:
    """Values (M, K) of codes, scales and a global scale."""

    def __init__(self, form, element, k, divide=False):
        self.form, self.element, self.k, self.divide = form, element, k, divide
        self.scale, self.group = SCALES[form]
        suffix = "_divide" if divide else ""
        self.name = f"dequant_{form}_{element}_{k}{suffix}"

    def text(self):
        c = f"tensor<?x{self.k // 2}xi8>"
        s = f"tensor<?x{self.k // self.group}x{self.scale}>"
        y = f"tensor<?x{self.k}x{self.element}>"
        attribute = (
            " {direction = #fp4q.direction<divide>}" if self.divide else ""
        )
        return f"""func.func @{self.name}(%c: {c}, %s: {s}, %gs: tensor<f32>) -> {y} {{
  %i = arith.constant 0 : index
  %m = tensor.dim %c, %i : {c}
  %y = tensor.empty(%m) : {y}
  %r = fp4q.dequant ins(%c, %s : {c}, {s}) global_scale(%gs : tensor<f32>) outs(%y : {y}){attribute} -> {y}
  return %r : {y}
}}
"""


class GlobalScale:
    def __init__(self, element, k):
        self.element, self.k = element, k
        self.name = f"global_scale_{element}_{k}"

    def text(self):
        x = f"tensor<?x{self.k}x{self.element}>"
        return f"""func.func @{self.name}(%x: {x}) -> tensor<f32> {{
  %g = tensor.empty() : tensor<f32>
  %r = fp4q.global_scale ins(%x : {x}) outs(%g : tensor<f32>) -> tensor<f32>
  return %r : tensor<f32>
}}
"""


class Matmul:
    """(M, N) of codes and scales of a (M, K) and b (N, K). `alpha` is None,
    "tensor" or "column", `bias` a bool."""

    def __init__(self, form, element, n, k, alpha=None, bias=False):
        self.form, self.element, self.n, self.k = form, element, n, k
        self.alpha, self.bias = alpha, bias
        self.scale, self.group = SCALES[form]
        self.name = f"matmul_{form}_{element}_{n}x{k}"

    def text(self):
        a = f"tensor<?x{self.k // 2}xi8>"
        sa = f"tensor<?x{self.k // self.group}x{self.scale}>"
        b = f"tensor<{self.n}x{self.k // 2}xi8>"
        sb = f"tensor<{self.n}x{self.k // self.group}x{self.scale}>"
        y = f"tensor<?x{self.n}x{self.element}>"
        arguments, clauses = f"%a: {a}, %sa: {sa}, %b: {b}, %sb: {sb}", ""
        if self.alpha:
            kind = (
                f"tensor<{self.n}xf32>"
                if self.alpha == "column"
                else "tensor<f32>"
            )
            arguments += f", %alpha: {kind}"
            clauses += f" alpha(%alpha : {kind})"
        if self.bias:
            arguments += f", %bias: tensor<{self.n}xf32>"
            clauses += f" bias(%bias : tensor<{self.n}xf32>)"
        return f"""func.func @{self.name}({arguments}) -> {y} {{
  %i = arith.constant 0 : index
  %m = tensor.dim %a, %i : {a}
  %y = tensor.empty(%m) : {y}
  %r = fp4q.scaled_matmul ins(%a, %sa, %b, %sb : {a}, {sa}, {b}, {sb}){clauses} outs(%y : {y}) -> {y}
  return %r : {y}
}}
"""


class Linear:
    """A quantization and a product: what lies between is workspace."""

    def __init__(self, n, k):
        self.n, self.k = n, k
        self.name = f"linear_{n}x{k}"

    def text(self):
        quantize = Quantize("mx", "bf16", self.k)
        matmul = Matmul("mx", "bf16", self.n, self.k)
        x, c = f"tensor<?x{self.k}xbf16>", f"tensor<?x{self.k // 2}xi8>"
        s = f"tensor<?x{self.k // 32}xf8E8M0FNU>"
        b, y = f"tensor<{self.n}x{self.k // 2}xi8>", f"tensor<?x{self.n}xbf16>"
        sb = f"tensor<{self.n}x{self.k // 32}xf8E8M0FNU>"
        inner = quantize.text() + matmul.text()
        for case in (quantize, matmul):
            inner = inner.replace(
                f"@{case.name}(", f"private @{self.name}_{case.name}("
            )
        return f"""{inner}func.func @{self.name}(%x: {x}, %gs: tensor<f32>, %b: {b}, %sb: {sb}) -> {y} {{
  %q:2 = call @{self.name}_{quantize.name}(%x, %gs) : ({x}, tensor<f32>) -> ({c}, {s})
  %y = call @{self.name}_{matmul.name}(%q#0, %q#1, %b, %sb) : ({c}, {s}, {b}, {sb}) -> {y}
  return %y : {y}
}}
"""


ELEMENTS = ("bf16", "f16", "f32")


def artifacts():
    """Name of an artifact -> its functions; pairs rather than all products."""
    quantize, products = [], []
    for i, k in enumerate((32, 96, 2048, 2080, 4096, 8192)):
        for j, form in enumerate(SCALES):
            quantize.append(Quantize(form, ELEMENTS[(i + j) % 3], k))
    for form, presets in PRESETS.items():
        for i, preset in enumerate(presets):
            quantize.append(Quantize(form, ELEMENTS[i % 3], 96, preset))
    for i, (transform, block) in enumerate(
        (("shared", 32), ("block", 32), ("shared", 16), ("block", 128))
    ):
        for j, form in enumerate(SCALES):
            element = ELEMENTS[(i + j) % 3]
            quantize.append(
                Quantize(form, element, 2048, None, transform, block)
            )
    others = [
        Dequant(form, element, 2080, divide)
        for form in SCALES
        for element, divide in (("bf16", False), ("f16", True), ("f32", False))
    ]
    others += [GlobalScale(element, 2080) for element in ELEMENTS]
    others += [Linear(512, 2048)]
    sizes = ((1, 32), (8, 96), (17, 2080), (512, 2048), (512, 8192), (24, 64),
             (4096, 4096))  # fmt: skip
    alphas = (None, "tensor", "column")
    for i, (n, k) in enumerate(sizes):
        for j, form in enumerate(SCALES):
            products.append(
                Matmul(form, ELEMENTS[(i + 2 * j) % 3], n, k,
                       alphas[(i + j) % 3], bool((i // 2 + j) % 2))
            )  # fmt: skip
    speed = [Matmul(form, "bf16", n, k) for form in SCALES for n, k in LAYERS]
    speed += [Quantize(form, "bf16", 8192) for form in SCALES]
    return {
        "quantize": quantize, "others": others, "products": products,
        "speed": speed,
    }  # fmt: skip
