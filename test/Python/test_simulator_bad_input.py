# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bad PTX, bad launches and bad command lines: one clear line each."""

import subprocess

import cudadriver
import numpy as np
import pytest

HEAD = ".version 8.8\n.target sm_90a\n.address_size 64\n"


def kernel(body, head=HEAD, attributes=""):
    return (
        f"{head}.visible .entry k(.param .u64 p)\n{attributes}{{\n"
        ".reg .b32 %r<8>; .reg .b64 %rd<8>; .reg .pred %p<4>; .reg .b16 %h<4>;\n"
        f"{body}\nret;\n}}\n"
    )


def load_error(driver, ptx):
    with pytest.raises(cudadriver.DriverError) as caught:
        driver.unload(driver.load(ptx))
    return caught.value.message


# name -> (PTX, the whole message)
BAD_PTX = {
    "empty": ("", "PTX text must start with .version, got end of text at line 1"),
    "garbage": ("hello world", "PTX text must start with .version, got `hello` at line 1"),
    "control-character": (".version 8.8\n\x01", "unexpected character 0x01 at line 2"),
    "version": (".version 99.0\n", "unsupported .version 99.0 (supported: 6.0 to 9.2) at line 1"),
    "version-text": (".version abc\n", "malformed .version `abc` at line 1"),
    "target": (".version 8.8\n.target sm_999\n", "unknown .target sm_999 at line 2"),
    "address-size": (".version 8.8\n.target sm_90a\n.address_size 32\n",
                     "unsupported .address_size 32 (supported: 64) at line 3"),
    "no-entry": (HEAD, "PTX text has no .entry"),
    "truncated": (kernel("mov.b32 %r1, 0;")[:-20],
                  "expected a number, got end of text at line 7"),
    "truncated-comment": (HEAD + "/* never closed", "unterminated comment at line 4"),
    "unsupported": (kernel("tex.2d.v4.f32.f32 {%r1,%r1,%r1,%r1}, [%rd1, {%r1,%r1}];"),
                    "expected `]` after an address, got `,` at line 7"),
    "unsupported-op": (kernel("wgmma.fence.sync.aligned;"),
                       "unsupported instruction `wgmma.fence.sync.aligned` at line 7"),
    "unsupported-modifier": (kernel("add.wat.u32 %r1, %r1, %r1;"),
                             "unsupported instruction `add.wat.u32` at line 7"),
    "unsupported-type": (kernel("add.f8 %r1, %r1, %r1;"),
                         "unsupported instruction `add.f8` at line 7"),
    "undeclared": (kernel("add.u32 %r1, %r1, %x9;"),
                   "undeclared register `%x9` in `add.u32` at line 7"),
    "undeclared-number": (kernel("add.u32 %r1, %r1, %r8;"),
                          "undeclared register `%r8` in `add.u32` at line 7"),
    "undeclared-guard": (kernel("@%q1 add.u32 %r1, %r1, %r1;"),
                         "undeclared register `%q1` at line 7"),
    "width": (kernel("add.u64 %rd1, %rd1, %r1;"),
              "register `%r1` is .b32, but 64 bits are needed in `add.u64` at line 7"),
    "operands": (kernel("add.u32 %r1, %r2;"),
                 "expected 3 operands, got 2 in `add.u32` at line 7"),
    "label": (kernel("bra NOWHERE;"), "unknown label `NOWHERE` at line 7"),
    "label-twice": (kernel("L: mov.b32 %r1, 0; L: ret;"),
                    "redefinition of label `L` at line 7"),
    "recursion": (HEAD + ".func f() { call f; ret; }\n.visible .entry k() { call f; ret; }\n",
                  "unsupported recursion: `f` calls itself at line 4"),
    "unknown-function": (kernel("call vprintf;"),
                         "unsupported call of `vprintf`, which this module does not define at line 7"),
    "static-shared": (kernel(".shared .b8 big[50000]; mov.b32 %r1, big;"),
                      "kernel `k` uses 50000 bytes of static shared memory (at most 49152) at line 4"),
    "target-of-instruction": (kernel("cvt.rn.satfinite.e2m1x2.f32 %h1, %r1, %r2;"),
                              "needs .target sm_100a, sm_103a, sm_120a, ..., got sm_90a in "
                              "`cvt.rn.satfinite.e2m1x2.f32` at line 7"),
    "selector": (kernel("mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.scale_vec::2X"
                        ".f32.e2m1.e2m1.f32.ue8m0 {%r0,%r1,%r2,%r3}, {%r0,%r1,%r2,%r3}, {%r0,%r1},"
                        " {%r0,%r1,%r2,%r3}, {%r0}, {1, 0}, {%r0}, {0, 0};",
                        HEAD.replace("sm_90a", "sm_120a")),
                 "byte-id must be 0 or 2, got 1 in `mma.sync.aligned.m16n8k64.row.col.kind::mxf4"
                 ".block_scale.scale_vec::2X.f32.e2m1.e2m1.f32.ue8m0` at line 7"),
    "registers": (kernel(".reg .b32 %x<99999999>;"), "too many registers at line 7"),
    "parameter": (kernel("ld.param.u64 %rd1, [p+8];"),
                  "read beyond parameter `p` in `ld.param.u64` at line 7"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_PTX)
def test_bad_ptx(driver, name):
    ptx, message = BAD_PTX[name]
    assert load_error(driver, ptx) == message


def run_error(driver, ptx, grid=(1, 1, 1), block=(32, 1, 1), shared=0):
    with pytest.raises(cudadriver.DriverError) as caught:
        driver.run(ptx, "k", grid, block, [np.zeros(4, np.int32)], shared=shared)
    return caught.value.message


def test_zero_grid(driver):
    assert run_error(driver, kernel(""), grid=(0, 1, 1)) == (
        "kernel `k`: grid 0,1,1 is outside 1,1,1 to 2147483647,65535,65535"
    )


def test_oversized_grid(driver):
    assert run_error(driver, kernel(""), grid=(1, 65536, 1)) == (
        "kernel `k`: grid 1,65536,1 is outside 1,1,1 to 2147483647,65535,65535"
    )


def test_oversized_block(driver):
    assert run_error(driver, kernel(""), block=(1024, 2, 1)) == (
        "kernel `k`: block 1024,2,1 is outside 1,1,1 to 1024,1024,64, or has "
        "more than 1024 threads"
    )


def test_block_is_not_reqntid(driver):
    ptx = kernel("", attributes=".reqntid 64\n")
    assert run_error(driver, ptx) == (
        "kernel `k`: block 32,1,1 is not the .reqntid 64,1,1"
    )


def test_too_much_shared_memory(driver):
    assert run_error(driver, kernel(""), shared=232449) == (
        "kernel `k`: 232449 bytes of shared memory are above the 232448 of "
        "sm_90a"
    )


def test_endless_loop(driver):
    driver.option("budget", 10000)
    try:
        message = run_error(driver, kernel("L: bra L;"))
    finally:
        driver.option("budget", 1 << 30)
    assert message == (
        "budget: instruction budget of 10000 warp instructions is used up "
        "(endless loop?), CTA (0,0,0), thread 0 (warp 0, lane 0), `bra` at "
        "line 7"
    )


def test_fault_names_its_place(driver):
    ptx = kernel(
        "mov.u32 %r1, %tid.x; mul.wide.u32 %rd1, %r1, 4;\n"
        "ld.param.u64 %rd2, [p]; add.u64 %rd1, %rd1, %rd2;\n"
        "st.global.u32 [%rd1], %r1;"
    )
    message = run_error(driver, ptx)
    assert message.startswith(
        "out-of-bounds: global write of 4 bytes is out of bounds: it ends 4 "
        "bytes behind an allocation of 16 bytes, address 0x"
    )
    assert message.endswith(
        "CTA (0,0,0), thread 4 (warp 0, lane 4), `st.global.u32` at line 9"
    )


@pytest.fixture
def tool(build_dir, tmp_path):
    """tool(*arguments) -> (exit status, stdout, stderr)."""
    np.save(tmp_path / "x.npy", np.arange(64, dtype=np.int32))
    body = (
        "mov.u32 %r1, %tid.x; mul.wide.u32 %rd1, %r1, 4;\n"
        "ld.param.u64 %rd2, [p]; add.u64 %rd1, %rd1, %rd2;\n"
        "ld.global.u32 %r2, [%rd1]; add.u32 %r2, %r2, %r1;\n"
        "st.global.u32 [%rd1], %r2;"
    )
    (tmp_path / "k.ptx").write_text(kernel(body))

    def run(*arguments):
        result = subprocess.run(
            [build_dir / "bin" / "fp4q-sim", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        return result.returncode, result.stdout, result.stderr

    run.folder = tmp_path
    return run


LAUNCH = ("k.ptx", "--grid=1", "--block=64")


def test_tool_runs(tool):
    status, out, err = tool(*LAUNCH, "--arg=inout:x.npy:y.npy", "--report=json")
    assert (status, err) == (0, "")
    assert '"global_sectors": 16' in out
    assert (np.load(tool.folder / "y.npy") == 2 * np.arange(64)).all()


BAD_COMMANDS = {
    "no-file": (("--grid=1", "--block=1"), "expected one PTX file, got 0 (see --help)"),
    "missing-file": (("nowhere.ptx", "--grid=1", "--block=1"), "nowhere.ptx: cannot be read"),
    "no-grid": (("k.ptx", "--block=1"), "expected --grid=X,Y,Z"),
    "grid": (("k.ptx", "--grid=1,x", "--block=1"),
             "--grid=x: expected a number from 0 to 4294967295"),
    "entry": ((*LAUNCH, "--entry=z"), "--entry=z: no such kernel (in k.ptx: k)"),
    "count": (LAUNCH, "kernel `k` takes 1 arguments, got 0 --arg"),
    "size": ((*LAUNCH, "--arg=i32:1"),
             "--arg=i32:1 has 4 bytes, but parameter `p` takes 8"),
    "type": ((*LAUNCH, "--arg=f8:1"),
             "--arg=f8:1: unknown type `f8` (known: in, out, inout, u8, i8, u16, i16, u32, i32,"
             " u64, i64, f16, bf16, f32, f64)"),
    "value": ((*LAUNCH, "--arg=u8:256"), "--arg=u8:256: `256` is no u8"),
    "shape": ((*LAUNCH, "--arg=out:y.npy:f32"),
              "--arg=out:y.npy:f32: expected out:OUT.npy:TYPE:SHAPE"),
    "option": ((*LAUNCH, "--frob"), "--frob: unknown option, or one without its value (see --help)"),
    "fault": ((*LAUNCH, "--arg=out:y.npy:i32:64"),
              "k.ptx: uninitialized: global read of 4 bytes of uninitialized memory, address "
              "0x100000000000, CTA (0,0,0), thread 0 (warp 0, lane 0), `ld.global.u32` at line 9"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_COMMANDS)
def test_bad_command(tool, name):
    arguments, message = BAD_COMMANDS[name]
    status, out, err = tool(*arguments)
    assert (status, out, err) == (1, "", f"fp4q-sim: error: {message}\n")
    assert not (tool.folder / "y.npy").exists()
