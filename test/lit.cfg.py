# -*- Python -*-
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""lit configuration: what a RUN line may use.

Tools        fp4q-* of the build tree; FileCheck, not, count, mlir-* of LLVM.
%python      the interpreter of the build; %source_dir, %build_dir.
Features     ptxas: a CUDA Toolkit's assembler is there; asan: sanitized build;
             x86-64-v3: the CPU has what that level needs.
FP4Q_ROUNDTRIP=1 in the environment adds --verify-roundtrip to every fp4q-opt.
"""

import os

import lit.formats
import lit.util
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

config.name = "FP4Q"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = [
    "Consumer",
    "Fuzz",
    "Inputs",
    "Python",
    "Unit",
    "lib",
    "oracle",
]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.fp4q_build_dir, "test")

# A test that hangs must not hang CI. lit needs psutil for it.
if lit.util.killProcessAndChildrenIsSupported()[0]:
    lit_config.maxIndividualTestTime = 300

# Variables that are captured under one CHECK-LABEL do not leak into the next.
config.environment["FILECHECK_OPTS"] = "-enable-var-scope"
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

config.substitutions.append(("%python", config.fp4q_python))
config.substitutions.append(("%source_dir", config.fp4q_source_dir))
config.substitutions.append(("%build_dir", config.fp4q_build_dir))
if os.environ.get("FP4Q_ROUNDTRIP") == "1":
    config.suffixes = [".mlir"]
    # Not twice: the option may be given only once.
    config.substitutions.append(
        (
            r"(?<![\w/.-])fp4q-opt(?= )(?![^|]*--?verify-roundtrip)",
            "fp4q-opt --verify-roundtrip",
        )
    )

tools_dir = os.path.join(config.fp4q_build_dir, "bin")
llvm_config.use_default_substitutions()
llvm_config.add_tool_substitutions(
    [
        ToolSubst(tool, unresolved="ignore")
        for tool in (
            "fp4q-opt",
            "fp4q-test-opt",
            "fp4q-run",
            "fp4q-bench",
            "fp4q-compile",
            "fp4q-lsp-server",
            "llc",
            "mlir-opt",
            "mlir-translate",
            "split-file",
        )
    ],
    [tools_dir, config.llvm_tools_dir],
)

if config.fp4q_cuda_home:
    config.environment["CUDA_HOME"] = config.fp4q_cuda_home
    if os.access(f"{config.fp4q_cuda_home}/bin/ptxas", os.X_OK):
        config.available_features.add("ptxas")
if config.fp4q_sanitize:
    config.available_features.add("asan")
if os.path.exists("/proc/cpuinfo"):
    with open("/proc/cpuinfo") as file:
        flags = set(file.read().split())
    if {"abm", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"} <= flags:
        config.available_features.add("x86-64-v3")
