# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The simulator as a CUDA driver: entry points, attributes, memory, modules."""

import ctypes

import corpus_runs
import cudadriver
import numpy as np
import pytest


def test_entry_points_are_found_by_name(driver):
    entry, status = ctypes.c_void_p(), ctypes.c_int()
    for name in (b"cuInit", b"cuMemAlloc", b"cuCtxCreate", b"cuLaunchKernel"):
        driver.call(
            "cuGetProcAddress_v2",
            name,
            ctypes.byref(entry),
            13000,
            ctypes.c_uint64(0),
            ctypes.byref(status),
        )
        assert entry.value and status.value == 0
    code = driver.lib.cuGetProcAddress_v2(
        b"cuNowhere", ctypes.byref(entry), 13000, ctypes.c_uint64(0), None
    )
    assert code == 500 and not entry.value


@pytest.mark.parametrize(
    "chip, capability", [("sm_90a", (9, 0)), ("sm_120a", (12, 0))]
)
def test_chip_is_an_option(driver, chip, capability):
    driver.option("chip", chip)
    try:
        got = []
        for attribute in (75, 76):
            value = ctypes.c_int()
            driver.call("cuDeviceGetAttribute", ctypes.byref(value), attribute, 0)
            got.append(value.value)
    finally:
        driver.option("chip", "sm_120a")
    assert tuple(got) == capability


def test_unknown_options_are_refused(driver):
    for name, value in (
        ("wat", "1"), ("checks", "2"), ("chip", "gpu"), ("memory", "0"),
        ("cuda", "12"), ("cuda", "10.2"), ("cuda", "12.4x"),
    ):  # fmt: skip
        assert driver.lib.fp4qSimSetOption(name.encode(), value.encode())


def test_memory_is_an_option(driver):
    """A device that is full, and what is said of it."""
    address = ctypes.c_uint64()
    used = ctypes.c_uint64()
    total = ctypes.c_uint64()
    driver.call("cuMemGetInfo_v2", ctypes.byref(used), ctypes.byref(total))
    assert total.value == 1 << 34
    used = total.value - used.value
    driver.option("memory", used + 64)
    try:
        size = ctypes.c_size_t(65)
        assert driver.lib.cuMemAlloc_v2(ctypes.byref(address), size) == 2
        driver.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(64))
        driver.call("cuMemFree_v2", address)
    finally:
        driver.option("memory", 1 << 34)


@pytest.mark.parametrize(
    "cuda, version, newest",
    [("11.8", 11080, "7.8"), ("12.5", 12050, "8.5"), ("12.6", 12060, "8.5"),
     ("12.9", 12090, "8.8"), ("13.0", 13000, "9.0")],
)  # fmt: skip
def test_release_is_an_option(driver, cuda, version, newest):
    """Each release takes PTX up to a version."""
    driver.option("cuda", cuda)
    try:
        got = ctypes.c_int()
        driver.call("cuDriverGetVersion", ctypes.byref(got))
        assert got.value == version
        text = ".version {}\n.target sm_80\n.visible .entry k() {{ ret; }}\n"
        driver.unload(driver.load(text.format(newest)))
        major, minor = newest.split(".")
        newer = f"{major}.{int(minor) + 1}"
        module = ctypes.c_void_p()
        code = driver.lib.cuModuleLoadData(
            ctypes.byref(module), text.format(newer).encode()
        )
        assert code == 222
        name, message = ctypes.c_char_p(), ctypes.c_char_p()
        driver.call("cuGetErrorName", code, ctypes.byref(name))
        assert name.value == b"CUDA_ERROR_UNSUPPORTED_PTX_VERSION"
        driver.call("cuGetErrorString", code, ctypes.byref(message))
        assert message.value.decode() == (
            f"PTX {newer} is newer than the option cuda allows, which is {newest}"
        )
        # Another error is not explained by this one.
        driver.call("cuGetErrorString", 1, ctypes.byref(message))
        assert message.value == b"CUDA_ERROR_INVALID_VALUE"
    finally:
        driver.option("cuda", "13.2")


def test_memory(driver):
    address = ctypes.c_uint64()
    driver.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(64))
    driver.call("cuMemsetD16_v2", address, 0x1234, ctypes.c_size_t(32))
    host = np.zeros(32, np.uint16)
    pointer = host.ctypes.data_as(ctypes.c_void_p)
    driver.call("cuMemcpyDtoH_v2", pointer, address, ctypes.c_size_t(64))
    assert (host == 0x1234).all()
    # One byte more than the allocation has.
    code = driver.lib.cuMemcpyDtoH_v2(pointer, address, ctypes.c_size_t(65))
    assert code == 1
    driver.call("cuMemFree_v2", address)
    assert driver.lib.cuMemFree_v2(address) == 1


def test_cubins_are_refused(driver):
    module = ctypes.c_void_p()
    code = driver.lib.cuModuleLoadData(ctypes.byref(module), b"\x7fELF....")
    assert code == 200
    message = driver.lib.fp4qSimLastMessage().decode()
    assert message == "the simulator runs PTX text, not cubins"


def test_unknown_kernels_are_not_found(driver):
    module = driver.load(corpus_runs.text("basic"))
    function = ctypes.c_void_p()
    code = driver.lib.cuModuleGetFunction(
        ctypes.byref(function), module, b"nowhere"
    )
    driver.unload(module)
    assert code == 500


def test_dynamic_shared_memory_needs_its_attribute(driver):
    ptx = (
        ".version 8.8\n.target sm_90a\n.extern .shared .align 16 .b8 s[];\n"
        ".visible .entry k() { .reg .b32 %r; mov.u32 %r, s;\n"
        "st.shared.u32 [%r+65532], 0; ret; }\n"
    )
    module = driver.load(ptx)
    driver.launch(module, "k", (1, 1, 1), (1, 1, 1), [], shared=65536)
    driver.unload(module)
    with pytest.raises(cudadriver.DriverError) as caught:
        driver.run(ptx, "k", (1, 1, 1), (1, 1, 1), [], shared=49152)
    assert caught.value.message.startswith("out-of-bounds")


def test_contexts_are_a_stack(driver):
    context, top = ctypes.c_void_p(), ctypes.c_void_p()
    driver.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
    driver.call("cuCtxPushCurrent_v2", context)
    driver.call("cuCtxPopCurrent_v2", ctypes.byref(top))
    assert top.value == context.value
    # The one below is current again.
    driver.call("cuCtxGetCurrent", ctypes.byref(top))
    assert top.value == context.value
    driver.call("cuCtxSetCurrent", None)
    driver.call("cuCtxGetCurrent", ctypes.byref(top))
    assert top.value is None
    assert driver.lib.cuCtxPopCurrent_v2(ctypes.byref(top)) == 201
    driver.call("cuCtxSetCurrent", context)


def test_pools_and_pointer_attributes(driver):
    pool, address = ctypes.c_void_p(), ctypes.c_uint64()
    properties = ctypes.create_string_buffer(88)
    driver.call("cuMemPoolCreate", ctypes.byref(pool), properties)
    threshold = ctypes.c_uint64(1 << 20)
    driver.call("cuMemPoolSetAttribute", pool, 4, ctypes.byref(threshold))
    driver.call("cuMemAllocFromPoolAsync", ctypes.byref(address),
                ctypes.c_size_t(100), pool, None)  # fmt: skip
    inside = ctypes.c_uint64(address.value + 99)
    for attribute, kind, want in (
        (2, ctypes.c_uint32, 2),
        (3, ctypes.c_uint64, inside.value),
        (9, ctypes.c_int, 0),
        (11, ctypes.c_uint64, address.value),
        (12, ctypes.c_size_t, 100),
    ):
        value = kind(77)
        driver.call(
            "cuPointerGetAttribute", ctypes.byref(value), attribute, inside
        )
        assert value.value == want, attribute
    outside = ctypes.c_uint64(address.value + 100)
    value = ctypes.c_uint64()
    assert driver.lib.cuPointerGetAttribute(ctypes.byref(value), 2, outside) == 1
    driver.call("cuMemFreeAsync", address, None)
    driver.call("cuMemPoolDestroy", pool)


def test_graphs_are_refused(driver):
    status = ctypes.c_int(7)
    driver.call("cuStreamIsCapturing", None, ctypes.byref(status))
    assert status.value == 0
    mode = ctypes.c_int(2)
    driver.call("cuThreadExchangeStreamCaptureMode", ctypes.byref(mode))
    assert mode.value == 0
    driver.call("cuThreadExchangeStreamCaptureMode", ctypes.byref(mode))
    assert mode.value == 2
    assert driver.lib.cuStreamBeginCapture_v2(None, 0) == 801
    message = driver.lib.fp4qSimLastMessage().decode()
    assert message == "cuStreamBeginCapture: CUDA graphs are not simulated"


def test_multiprocessors_are_an_option(driver):
    driver.option("sms", 132)
    value = ctypes.c_int()
    driver.call("cuDeviceGetAttribute", ctypes.byref(value), 16, 0)
    driver.option("sms", 1)
    assert value.value == 132
    assert driver.lib.fp4qSimSetOption(b"sms", b"0")


def test_host_functions_run(driver):
    seen = []
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(seen.append)
    driver.call("cuLaunchHostFunc", None, function, ctypes.c_void_p(5))
    assert seen == [5]
