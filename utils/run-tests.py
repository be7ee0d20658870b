#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the test suites of a build tree and adds up their results.

Each suite writes a JUnit report; from those come the list of failures, the
reasons of skips, and the last line: N passed, N failed, N skipped. A suite that
ends badly without reporting a failure, or that ran nothing, is a failure.
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

SUITE_TIMEOUT = 1800


@dataclasses.dataclass
class Suite:
    """One command that writes a JUnit report to `report`."""

    group: str  # lint, unit, lit or python: what --suite selects
    name: str
    command: list
    report: pathlib.Path
    environment: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Totals:
    """Results over all suites; a failure or skip is a (test, why) pair."""

    passed: int = 0
    failed: list = dataclasses.field(default_factory=list)
    skipped: list = dataclasses.field(default_factory=list)


def lit_suite(config, name, jobs, environment=None):
    report = pathlib.Path(config["build_dir"], "test", f"{name}.xml")
    command = [sys.executable, config["lit"], "-sv", f"-j{jobs}"]
    command += [f"--xunit-xml-output={report}", f"{config['build_dir']}/test"]
    return Suite("lit", name, command, report, environment or {})


def make_suites(config, jobs):
    """All suites of the build tree, the quick ones first."""
    source = pathlib.Path(config["source_dir"])
    reports = pathlib.Path(config["build_dir"], "test")
    suites = []
    report = reports / "lint.xml"
    command = [str(source / "utils" / "lint.sh"), f"--junitxml={report}"]
    command += [f"--build-dir={config['build_dir']}"]
    suites.append(Suite("lint", "lint", command, report))
    for program in config["unit_tests"]:
        name = pathlib.Path(program).name
        report = reports / f"{name}.xml"
        command = [program, "--gtest_brief=1", f"--gtest_output=xml:{report}"]
        suites.append(Suite("unit", name, command, report))
    if config["lit"]:
        suites.append(lit_suite(config, "lit", jobs))
        suites.append(
            lit_suite(config, "lit-roundtrip", jobs, {"FP4Q_ROUNDTRIP": "1"})
        )
    report = reports / "pytest.xml"
    command = [sys.executable, "-m", "pytest", "-n", str(jobs)]
    command += [f"--junitxml={report}", str(source / "test" / "Python")]
    suites.append(Suite("python", "pytest", command, report))
    if config["python_package"]:
        report = reports / "pytest-package.xml"
        tests = str(source / "python-bindings" / "tests")
        command = [sys.executable, "-m", "pytest", "-n", str(jobs)]
        command += ["-c", f"{tests}/pytest.ini", f"--junitxml={report}", tests]
        suites.append(Suite("python", "pytest-package", command, report))
    return suites


def suite_environment(config, suite):
    environment = dict(os.environ, FP4Q_BUILD_DIR=config["build_dir"])
    if config["cuda_home"]:
        environment["CUDA_HOME"] = config["cuda_home"]
    if config["sanitize"]:
        # libMLIR.so and libLLVM.so are not instrumented: they keep what they
        # allocate until exit, and pass containers across the boundary.
        environment.setdefault(
            "ASAN_OPTIONS", "detect_leaks=0:detect_container_overflow=0"
        )
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    environment.update(suite.environment)
    return environment


def first_line(element, default):
    """Why a test failed or was skipped, in one line."""
    text = element.get("message") or element.text or ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300] if lines else default


def read_report(suite, totals):
    """Adds one report to the totals; returns the number of its tests."""
    tests = list(ElementTree.parse(suite.report).iter("testcase"))
    for test in tests:
        name = f"[{suite.name}] {test.get('classname', '')}.{test.get('name')}"
        broken = test.find("failure")
        if broken is None:
            broken = test.find("error")
        skipped = test.find("skipped")
        if broken is not None:
            totals.failed.append((name, first_line(broken, "see above")))
        elif skipped is not None:
            totals.skipped.append((name, first_line(skipped, "no reason")))
        elif test.get("status") == "notrun":
            totals.skipped.append((name, "disabled in the source"))
        else:
            totals.passed += 1
    return len(tests)


def run_suite(config, suite, totals):
    """Runs one suite with its output shown, and adds up what it reports."""
    print(f"\n== {suite.name}", flush=True)
    start = time.monotonic()
    suite.report.parent.mkdir(parents=True, exist_ok=True)
    suite.report.unlink(missing_ok=True)
    failures_before = len(totals.failed)
    trouble = None
    try:
        status = subprocess.run(
            suite.command,
            env=suite_environment(config, suite),
            stdin=subprocess.DEVNULL,
            timeout=SUITE_TIMEOUT,
            check=False,
        ).returncode
        if status != 0:
            trouble = f"exit status {status}"
    except subprocess.TimeoutExpired:
        trouble = f"still running after {SUITE_TIMEOUT} s"
    except OSError as error:
        trouble = f"cannot be run: {error}"
    try:
        if read_report(suite, totals) == 0:
            trouble = trouble or "ran no test"
    except (OSError, ElementTree.ParseError) as error:
        trouble = f"{trouble or 'no report'}: {error}"
    if trouble and len(totals.failed) == failures_before:
        totals.failed.append((f"[{suite.name}]", trouble))
    print(f"   {time.monotonic() - start:.1f} s", flush=True)


def print_summary(totals):
    by_reason = collections.defaultdict(list)
    for name, reason in totals.skipped:
        by_reason[reason].append(name)
    print()
    for reason, names in sorted(by_reason.items()):
        print(f"skipped {len(names)}: {reason}")
        for name in names:
            print(f"    {name}")
    for name, reason in totals.failed:
        print(f"FAILED {name}: {reason}")
    print(
        f"{totals.passed} passed, {len(totals.failed)} failed, "
        f"{len(totals.skipped)} skipped",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config",
        default="build/test/test-config.json",
        help="test-config.json of the build tree (default: %(default)s)",
    )
    parser.add_argument(
        "--suite",
        action="append",
        choices=["lint", "unit", "lit", "python"],
        help="run only this kind of suite; may be repeated",
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="parallel jobs"
    )
    options = parser.parse_args()
    try:
        config = json.loads(pathlib.Path(options.config).read_text())
    except OSError as error:
        parser.exit(1, f"run-tests.py: error: {error}; build first\n")

    totals = Totals()
    for suite in make_suites(config, options.jobs):
        if not options.suite or suite.group in options.suite:
            run_suite(config, suite, totals)
    print_summary(totals)
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
