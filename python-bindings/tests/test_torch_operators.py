# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""torch.ops.fp4q.quantize, dequantize and scaled_matmul."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

import fp4q  # noqa: E402
import fp4q.torch  # noqa: E402
import torch_cases as cases  # noqa: E402

ops = torch.ops.fp4q
FORMATS = ("mxfp4", "nvfp4")
WEIGHTS = torch.randn(24, 64, generator=cases.seeded(3))


@pytest.fixture(autouse=True)
def forget_compiled_code():
    torch._dynamo.reset()


def rows(count, dtype=torch.float32):
    return torch.randn(count, 64, generator=cases.seeded(count)).to(dtype)


def product(x, fmt="mxfp4", backend=None):
    """A linear layer of three operators."""
    codes, scales, gs = ops.quantize(x, fmt, backend=backend)
    b, b_scales, b_gs = ops.quantize(WEIGHTS, fmt, backend=backend)
    y = ops.scaled_matmul(
        codes, scales, b, b_scales, gs * b_gs, None, x.dtype, backend
    )
    return y + ops.dequantize(codes, scales, gs, x.dtype).sum(-1, keepdim=True)


def bits(tensor):
    return cases.to_numpy(tensor)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_same_as_functions(fmt, dtype):
    x = rows(5, dtype)
    want = fp4q.quantize(x, fmt)
    codes, scales, gs = ops.quantize(x, fmt)
    assert torch.equal(codes, want.codes) and scales.dtype == want.scales.dtype
    assert (bits(scales) == bits(want.scales)).all()
    assert gs.shape == () and float(gs) == pytest.approx(float(want.global_scale))
    values = ops.dequantize(codes, scales, gs, dtype)
    assert torch.equal(values, fp4q.dequantize(want, dtype))
    b = fp4q.quantize(WEIGHTS, fmt)
    y = ops.scaled_matmul(
        codes, scales, b.codes, b.scales, torch.tensor(0.5), WEIGHTS[:, 0], dtype
    ) if dtype == torch.float32 else ops.scaled_matmul(
        codes, scales, b.codes, b.scales, torch.tensor(0.5), None, dtype
    )  # fmt: skip
    bias = WEIGHTS[:, 0].contiguous() if dtype == torch.float32 else None
    want_y = fp4q.scaled_matmul(want, b, alpha=0.5, bias=bias, dtype=dtype)
    assert torch.equal(y, want_y)


def test_all_options():
    x, transform = rows(4), cases.orthogonal((32, 32))
    gs, ss = torch.tensor(0.25), torch.tensor(3.0)
    want = fp4q.quantize(
        x, "nvfp4", 32, global_scale=gs, scale_scale=ss, transform=transform,
        backend="reference",
    )  # fmt: skip
    codes, scales, used = ops.quantize(
        x, "nvfp4", 32, None, gs, ss, transform, "reference"
    )
    assert torch.equal(codes, want.codes)
    assert (bits(scales) == bits(want.scales)).all()
    assert float(used) == 0.25 and used.data_ptr() != gs.data_ptr()
    divided = ops.dequantize(codes, scales, gs, torch.float32, True)
    assert torch.equal(divided, 16 * ops.dequantize(codes, scales, gs))


@pytest.mark.parametrize("fmt", FORMATS)
def test_checks_of_pytorch(fmt):
    x = rows(3)
    codes, scales, gs = ops.quantize(x, fmt)
    checks = ("test_faketensor", "test_autograd_registration")
    for operator, operands in (
        (ops.quantize.default, (x, fmt)),
        (ops.quantize.default, (x, fmt, None, None, gs)),
        (ops.dequantize.default, (codes, scales, gs)),
        (ops.scaled_matmul.default, (codes, scales, codes, scales, gs)),
    ):
        found = torch.library.opcheck(operator, operands, test_utils=checks)
        assert set(found.values()) == {"SUCCESS"}, (operator, found)


def test_compile_and_export():
    from torch._dynamo.testing import CompileCounterWithBackend

    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(
        product, backend=counter, fullgraph=True, dynamic=True
    )
    for count in (4, 3, 17, 100):
        assert torch.equal(compiled(rows(count)), product(rows(count)))
    assert counter.frame_count == 1

    class Product(torch.nn.Module):
        def forward(self, x):
            return product(x, "nvfp4")

    shapes = ({0: torch.export.Dim("rows")},)
    program = torch.export.export(Product(), (rows(3),), dynamic_shapes=shapes)
    names = {str(node.target) for node in program.graph.nodes}
    assert {
        "fp4q.quantize.default",
        "fp4q.dequantize.default",
        "fp4q.scaled_matmul.default",
    } <= names
    assert torch.equal(program.module()(rows(7)), product(rows(7), "nvfp4"))


def test_gradients_are_refused():
    x = rows(2).requires_grad_()
    _, _, gs = ops.quantize(x, "nvfp4")
    with pytest.raises(RuntimeError, match="are for inference"):
        gs.backward()
    codes, scales, gs = ops.quantize(x.detach())
    alpha = torch.ones((), requires_grad=True)
    y = ops.scaled_matmul(codes, scales, codes, scales, alpha)
    with pytest.raises(RuntimeError, match="are for inference"):
        y.sum().backward()
    values = ops.dequantize(codes, scales, alpha)
    with pytest.raises(RuntimeError, match="are for inference"):
        values.sum().backward()


@pytest.mark.parametrize(
    ("operands", "error", "message"),
    [
        ((torch.zeros(2, 64), torch.zeros(2, 2)), TypeError, "scales must be fl"),
        (
            (
                torch.zeros(2, 32, dtype=torch.uint8),
                torch.zeros(2, 3, dtype=torch.uint8).view(torch.float8_e8m0fnu),
            ),
            ValueError,
            r"scales must be \(..., K/G\) for codes",
        ),
        (
            (torch.zeros((), dtype=torch.uint8), torch.zeros((), dtype=torch.uint8)
             .view(torch.float8_e8m0fnu)),
            ValueError,
            r"scales must be \(..., K/G\)",
        ),
    ],
)  # fmt: skip
def test_bad_operands(operands, error, message):
    with pytest.raises(error, match=message):
        ops.dequantize(*operands)
