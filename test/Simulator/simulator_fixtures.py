# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where the simulator's test data lie."""

import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent
