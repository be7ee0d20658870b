# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The totals of utils/run-tests.py: nothing that did not pass counts as passed."""

import importlib.util
import pathlib

import pytest

PATH = pathlib.Path(__file__).resolve().parents[2] / "utils" / "run-tests.py"
SPEC = importlib.util.spec_from_file_location("run_tests", PATH)
run_tests = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run_tests)

CONFIG = {"build_dir": "", "cuda_home": "", "sanitize": ""}
PASSED = '<testcase name="a"/>'
FAILED = '<testcase name="b"><failure message="2 != 3"/></testcase>'
SKIPPED = '<testcase name="c"><skipped message="no GPU"/></testcase>'
DISABLED = '<testcase name="d" status="notrun"/>'


@pytest.mark.parametrize(
    "report, status, passed, failed, skipped",
    [
        (PASSED + PASSED, 0, 2, [], []),
        (PASSED + FAILED, 1, 1, ["2 != 3"], []),
        (SKIPPED + DISABLED, 0, 0, [], ["no GPU", "disabled in the source"]),
        # A crash at exit, after every test passed.
        (PASSED, 7, 1, ["exit status 7"], []),
        ("", 0, 0, ["ran no test"], []),
    ],
)
def test_report(report, status, passed, failed, skipped, tmp_path):
    path = tmp_path / "report.xml"
    text = f"<testsuite>{report}</testsuite>"
    command = ["sh", "-c", f"echo '{text}' >{path}; exit {status}"]
    totals = run_tests.Totals()
    suite = run_tests.Suite("unit", "suite", command, path)
    run_tests.run_suite(CONFIG, suite, totals)
    assert totals.passed == passed
    assert [why for _, why in totals.failed] == failed
    assert [why for _, why in totals.skipped] == skipped


def test_missing_report_is_a_failure(tmp_path):
    totals = run_tests.Totals()
    path = tmp_path / "report.xml"
    path.write_text(f"<testsuite>{PASSED}</testsuite>")  # of an earlier run
    suite = run_tests.Suite("unit", "suite", ["true"], path)
    run_tests.run_suite(CONFIG, suite, totals)
    assert (totals.passed, len(totals.failed)) == (0, 1)


def test_program_that_cannot_start_is_a_failure(tmp_path):
    totals = run_tests.Totals()
    suite = run_tests.Suite(
        "unit", "suite", [str(tmp_path / "absent")], tmp_path / "report.xml"
    )
    run_tests.run_suite(CONFIG, suite, totals)
    assert len(totals.failed) == 1
    assert "cannot be run" in totals.failed[0][1]
