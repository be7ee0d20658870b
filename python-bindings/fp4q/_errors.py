# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What can go wrong when a module is compiled."""

from __future__ import annotations

from typing import NamedTuple


class Diagnostic(NamedTuple):
    """One message of the compiler; line and column count from 1, and are 0
    where the place is not known."""

    severity: str
    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else ""
        return f"{place}{self.severity}: {self.message}"


class CompileError(RuntimeError):
    """A module is wrong or cannot be compiled. `diagnostics` says where and
    why; the text of the exception is the first error."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics
        errors = [d for d in diagnostics if d.severity == "error"]
        super().__init__(str(errors[0]) if errors else "the compilation failed")

    def __reduce__(self):
        return CompileError, (self.diagnostics,)


class Fp4qWarning(UserWarning):
    """What fp4q warns about: a back end or a file of the cache that it had to
    do without."""
