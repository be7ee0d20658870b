# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds lit tests that pass although their pass did not run.

Each RUN line that gives fp4q-opt or fp4q-test-opt a pass is run again without
it. If FileCheck or -verify-diagnostics is still content, the test proves
nothing.
"""

import concurrent.futures
import os
import re
import subprocess

# Their options that are not passes, and so stay.
KEPT_OPTIONS = re.compile(
    r"--?(split-input-file|verify-diagnostics|verify-each|verify-roundtrip|"
    r"allow-unregistered-dialect|mlir-|emit-|no-implicit-module|o\b|remark|"
    r"fp4q-remarks)"
)
OPTS = {"fp4q-opt", "fp4q-test-opt"}
TIMEOUT = 120


def run_lines(text):
    """The commands of the RUN lines, continued lines joined."""
    lines = re.findall(r"^\s*(?://|#|;)\s*RUN:\s*(.*)$", text, re.MULTILINE)
    return re.sub(r"\\\n", " ", "\n".join(lines)).splitlines()


def without_passes(command):
    """The command with every pass removed; None if it has none."""
    removed = False
    stages = []
    for stage in command.split("|"):
        words = re.findall(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""", stage)
        if OPTS.intersection(words):
            kept = [
                word
                for word in words
                if not word.startswith("-") or KEPT_OPTIONS.match(word)
            ]
            removed = removed or kept != words
            words = kept
        stages.append(" ".join(words))
    return " | ".join(stages) if removed else None


def still_passes(command, path, tools):
    """Whether the command succeeds on the file, as lit would run it."""
    environment = dict(os.environ, FILECHECK_OPTS="-enable-var-scope")
    environment["PATH"] = os.pathsep.join([*map(str, tools), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace("%s", f"'{path}'")],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=TIMEOUT,
        check=False,
    )
    return done.returncode == 0


def find(root, paths, tools):
    """Yields path:line: message for each vacuous RUN line of the tests."""
    jobs = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        if not re.match(r"test/(Dialect|Transforms|Conversion|CodeGen)/", name):
            continue
        for command in run_lines(path.read_text()):
            stripped = without_passes(command)
            # A line that writes files would need lit's temporary names.
            if stripped and "%t" not in stripped:
                jobs.append((name, path, stripped))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda job: still_passes(job[2], job[1], tools), jobs)
        for (name, _, command), passes in zip(jobs, results):
            if passes:
                yield f"{name}:1: passes without its pass: {command}"
