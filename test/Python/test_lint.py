# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lint finds what it is there to find, and nothing in clean text."""

import fp4q_lint
import pytest
import vacuous_tests

LAW_BREAKERS = [
    ("layering", "lib/Numerics/A.cpp", '#include "llvm/ADT/APFloat.h"\n'),
    ("layering", "lib/Numerics/A.cpp", '#include "fp4q/Runtime/Npy.h"\n'),
    ("layering", "lib/Runtime/A.cpp", '#include "fp4q/Numerics/Recipe.h"\n'),
    (
        "layering",
        "include/fp4q/Dialect/FP4Q/IR/A.h",
        '#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"\n',
    ),
    ("rules", "lib/A.cpp", "  builder.create<AddOp>(loc);\n"),
    ("rules", "lib/A.td", "  let constructor = 0;\n"),
    ("rules", "lib/A.td", 'def A : Pass<"fuse-fma"> {}\n'),
    ("rules", "docs/a.md", "We " + "optim" + "ise.\n"),
    ("rules", "docs/a.md", "See /ro" + "ot/notes.\n"),
    ("rules", "utils/a.sh", "curl " + "pypi" + ".org\n"),
    ("rules", "lib/A.cpp", "// TO" + "DO: later\n"),
    ("banner", "lib/A.cpp", "int main() {}\n"),
    ("whitespace", "docs/a.md", "text \n"),
    ("whitespace", "docs/a.md", "a\tb\n"),
    ("whitespace", "docs/a.md", "no newline"),
    ("sizes", "lib/A.cpp", "\n" * 801),
]

CLEAN = [
    ("layering", "lib/Compiler/A.cpp", '#include "fp4q/Runtime/Npy.h"\n'),
    ("layering", "lib/Simulator/A.cpp", '#include "fp4q/Numerics/E2M1.h"\n'),
    ("rules", "lib/A.cpp", "  AddOp::create(builder, loc);\n"),
    ("rules", "lib/A.td", 'def A : Pass<"convert-fp4q-to-linalg"> {}\n'),
    ("rules", "docs/a.md", "Analyses of parallelism, optimized, in a/root/b.\n"),
    ("sizes", "lib/A.cpp", "\n" * 800),
]


def findings(check, root, name, text, monkeypatch):
    """What `check` finds in a tree that has just this file."""
    path = root / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    monkeypatch.setattr(fp4q_lint, "ROOT", root)
    context = fp4q_lint.Context([path], fix=False, build_dir=root)
    return list(fp4q_lint.CHECKS[check](context))


@pytest.mark.parametrize("check, name, text", LAW_BREAKERS)
def test_finding(check, name, text, tmp_path, monkeypatch):
    found = findings(check, tmp_path, name, text, monkeypatch)
    assert len(found) == 1
    assert found[0].startswith(f"{name}:")


@pytest.mark.parametrize("check, name, text", CLEAN)
def test_no_finding(check, name, text, tmp_path, monkeypatch):
    assert findings(check, tmp_path, name, text, monkeypatch) == []


def test_run_lines_are_joined():
    text = "// RUN: fp4q-opt %s \\\n// RUN:   --fp4q-x | FileCheck %s\nfoo\n"
    assert vacuous_tests.run_lines(text) == [
        "fp4q-opt %s  --fp4q-x | FileCheck %s"
    ]


@pytest.mark.parametrize(
    "command, expected",
    [
        (
            "fp4q-opt %s --fp4q-x='a=1 b=2' --split-input-file | FileCheck %s",
            "fp4q-opt %s --split-input-file | FileCheck %s",
        ),
        (
            "fp4q-opt --pass-pipeline='builtin.module(a,b)' %s | FileCheck %s",
            "fp4q-opt %s | FileCheck %s",
        ),
        ("fp4q-opt %s --verify-roundtrip | FileCheck %s", None),
        ("fp4q-run %s --entry=f", None),
    ],
)
def test_passes_are_removed(command, expected):
    assert vacuous_tests.without_passes(command) == expected


def test_vacuous_test_is_found(tmp_path):
    """fp4q-opt is cat here: a check that holds for the input is vacuous."""
    test = tmp_path / "test" / "Transforms" / "a.mlir"
    test.parent.mkdir(parents=True)
    test.write_text("// RUN: fp4q-opt --fp4q-x %s | grep -q input\n// input\n")
    tool = tmp_path / "bin" / "fp4q-opt"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\nexec cat "$@"\n')
    tool.chmod(0o755)
    found = list(vacuous_tests.find(tmp_path, [test], [tool.parent]))
    assert found == [
        "test/Transforms/a.mlir:1: passes without its pass: "
        "fp4q-opt %s | grep -q input"
    ]
    test.write_text("// RUN: fp4q-opt --fp4q-x %s | grep -q outpu[t]\n")
    assert list(vacuous_tests.find(tmp_path, [test], [tool.parent])) == []
