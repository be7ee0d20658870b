#!/usr/bin/env bash
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# All checks of the source text: utils/lint.sh [--fix] [CHECK...]
# The checks are in utils/fp4q_lint.py; --help lists them.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=$root/.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" "$root/utils/fp4q_lint.py" "$@"
