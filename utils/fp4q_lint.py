#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lint: every check prints path:line: message and may be run alone.

utils/lint.sh is the way to start it.
"""

import argparse
import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import vacuous_tests

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED_DIRECTORIES = re.compile(r"(^|/)(\.git|\.venv|\.\w*cache|build[^/]*)/")

CPP = (".h", ".cpp", ".def")
CODE = (*CPP, ".td", ".py", ".sh", ".cmake", ".mlir", ".test", ".c")
TEXT = (*CODE, ".md", ".txt", ".in", ".json", ".yaml", ".toml", ".ini")

# What a program wrote, and the license, are not ours to shape.
GENERATED = re.compile(r"^(LICENSE$|docs/reference/)")

SOFT_LINES, HARD_LINES = 500, 800


class Skip(Exception):
    """A check that cannot run here; the message says why."""


@dataclasses.dataclass
class Context:
    """What a check gets: the files to look at and how to behave."""

    files: list
    fix: bool
    build_dir: pathlib.Path

    def select(self, suffixes, under=""):
        """(path relative to ROOT as text, lines) of the files that match."""
        for path in self.files:
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in suffixes and name.startswith(under):
                yield name, path.read_text(errors="replace").splitlines()


def repository_files():
    """What git tracks or would track; every file where there is no git."""
    command = ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True)
        names = listed.stdout.decode().splitlines()
    except (OSError, subprocess.CalledProcessError):
        names = [
            path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")
        ]
    kept = [
        name
        for name in names
        if not SKIPPED_DIRECTORIES.search(name) and not GENERATED.match(name)
    ]
    return sorted(ROOT / name for name in kept if (ROOT / name).is_file())


def check_sizes(context):
    """no file over 800 lines; over 500 is a warning"""
    for name, lines in context.select(TEXT):
        if len(lines) > HARD_LINES:
            yield f"{name}:{HARD_LINES}: {len(lines)} lines; split the file"
        elif len(lines) > SOFT_LINES:
            print(f"{name}:{SOFT_LINES}: warning: {len(lines)} lines")


# A layer may include those left of it. Runtime and Simulator stand apart.
LAYERS = [
    "Numerics",
    "Target",
    "Support",
    "IR",
    "Transforms",
    "CodeGen",
    "Conversion",
    "Compiler",
    "CAPI",
]
ALLOWED = {layer: LAYERS[: LAYERS.index(layer) + 1] for layer in LAYERS}
ALLOWED["Runtime"] = ["Runtime"]
ALLOWED["Simulator"] = ["Simulator", "Numerics"]
# What compiles or calls compiled code may use the runtime's interface.
ALLOWED["Compiler"] += ["Runtime"]
ALLOWED["CAPI"] += ["Runtime"]
WITHOUT_LLVM = ("Numerics", "Runtime", "Simulator")


def layer_of(path):
    """The layer of fp4q/<path> or lib/<path>; None where there is none."""
    parts = path.split("/")
    if parts[0] == "Dialect":
        return "Transforms" if "Transforms" in parts else "IR"
    return parts[0] if parts[0] in ALLOWED else None


def check_layering(context):
    """a folder includes only the layers left of it (docs/developing.md)"""
    include = re.compile(r'^\s*#include [<"]((?:fp4q|fp4q-c|llvm|mlir)[^>"]*)')
    for name, lines in context.select((*CPP, ".td")):
        inside = re.match(r"(?:include/fp4q|lib)/(.*)", name)
        layer = inside and layer_of(inside[1])
        if not layer:
            continue
        for number, line in enumerate(lines, 1):
            found = include.match(line)
            if not found:
                continue
            top, _, rest = found[1].partition("/")
            if top in ("llvm", "mlir") and layer in WITHOUT_LLVM:
                yield f"{name}:{number}: {layer} is free of LLVM: {found[1]}"
            other = layer_of(rest) if top == "fp4q" else None
            if other and other not in ALLOWED[layer]:
                yield f"{name}:{number}: {layer} may not include {other}"


@dataclasses.dataclass
class Rule:
    """A pattern that may not occur in files with the given suffixes."""

    pattern: str
    suffixes: tuple
    message: str


BRITISH = (
    r"(?i)(quanti|canonicali|optimi|vectori|bufferi|normali|initiali|seriali|"
    r"paralleli|tokeni|speciali|generali|materiali|synchroni|organi|summari|"
    r"recogni|minimi|maximi|utili|customi|randomi|lineari|legali|factori|"
    r"standardi)s(e|ing|able|ation)|"
    r"(analys(ed?|er|ing)\b|behaviour|neighbour|colour|honour|favour|"
    r"labell|modell|cancell(?!ation)|\bcentre|licence|artefact|whilst|\bgrey\b)"
)

RULES = [
    Rule(r"[\w)\]]\.create<", CPP, "write OpTy::create(builder, ...)"),
    Rule(r"\blet constructor\b", (".td",), "use GEN_PASS_DEF, no constructor"),
    Rule(
        r'\b(Interface)?Pass<"(?!fp4q-|convert-fp4q-|convert-[a-z-]*-to-fp4q")',
        (".td",),
        "a pass flag starts with fp4q- or convert-fp4q-",
    ),
    Rule(BRITISH, TEXT, "US spelling"),
    Rule(
        r"(?<![\w.%@$}-])/(work|root|home|Users)/",
        TEXT,
        "an absolute path of some machine",
    ),
    Rule(
        r"(?i)\b(deb|security|snapshot)\.debian\.org|\bpypi\.org|"
        r"pythonhosted\.org|apt\.llvm\.org|packages\.cloud|nodesource",
        TEXT,
        "the host name of a package server",
    ),
    Rule(r"\b(TODO|FIXME|XXX)\b", TEXT, "unfinished work goes to the tracker"),
]


def check_rules(context):
    """house rules: op creation, pass flags, US spelling, machine paths"""
    compiled = [(re.compile(rule.pattern), rule) for rule in RULES]
    for name, lines in context.select(TEXT):
        if (ROOT / name) == pathlib.Path(__file__).resolve():
            continue
        suffix = pathlib.Path(name).suffix
        for number, line in enumerate(lines, 1):
            for pattern, rule in compiled:
                found = suffix in rule.suffixes and pattern.search(line)
                if found:
                    yield f"{name}:{number}: '{found[0]}': {rule.message}"


def check_banner(context):
    """every source file names its license in the first ten lines"""
    for name, lines in context.select((*CPP, ".td", ".py", ".sh", ".cmake")):
        if lines and "SPDX-License-Identifier" not in "\n".join(lines[:10]):
            yield f"{name}:1: no SPDX-License-Identifier line"


def check_whitespace(context):
    """no trailing blanks, tabs, CRLF; one newline at the end"""
    for path in context.files:
        if path.suffix not in (*TEXT, ".clang-format", ".clang-tidy"):
            continue
        name = path.relative_to(ROOT).as_posix()
        text = path.read_bytes().decode(errors="replace")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield f"{name}:{number}: trailing white space"
            if "\t" in line:
                yield f"{name}:{number}: tab"
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield f"{name}:{text.count(chr(10))}: not one newline at the end"
        if context.fix and text:
            lines = [line.rstrip() for line in text.rstrip().split("\n")]
            path.write_text("\n".join(lines) + "\n")


def llvm_tool(name):
    """A tool of LLVM 22, wherever it is."""
    for candidate in (f"{name}-22", f"/usr/lib/llvm-22/bin/{name}", name):
        path = shutil.which(candidate)
        if path:
            version = subprocess.run(
                [path, "--version"], capture_output=True, text=True, check=False
            )
            if "version 22." in version.stdout:
                return path
    raise Skip(f"{name} 22 was not found")


def check_format(context):
    """C++ is formatted by clang-format 22"""
    tool = llvm_tool("clang-format")
    files = [str(p) for p in context.files if p.suffix in (".h", ".cpp", ".c")]
    if not files:
        return
    mode = ["-i"] if context.fix else ["--dry-run", "--ferror-limit=1"]
    done = subprocess.run(
        [tool, *mode, *files],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    for line in done.stderr.splitlines():
        found = re.match(rf"{re.escape(str(ROOT))}/([^:]+:\d+):.*code should", line)
        if found:
            yield f"{found[1]}: not formatted; run utils/lint.sh --fix format"


def check_shell(context):
    """shellcheck finds nothing in the shell scripts"""
    tool = shutil.which("shellcheck", path=str(ROOT / ".venv" / "bin"))
    tool = tool or shutil.which("shellcheck")
    if not tool:
        raise Skip("shellcheck was not found")
    scripts = [ROOT / ".ci" / "run"]
    scripts += [path for path in context.files if path.suffix == ".sh"]
    done = subprocess.run(
        [tool, "--format=gcc", *(str(path.relative_to(ROOT)) for path in scripts)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    yield from done.stdout.splitlines()


def check_vacuous(context):
    """a lit test of a pass fails when the pass is taken out of its RUN line"""
    opt = context.build_dir / "bin" / "fp4q-opt"
    if not opt.exists():
        raise Skip(f"no {opt}: build first")
    filecheck = pathlib.Path(llvm_tool("clang-format")).resolve().parent
    names = [path for path in context.files if path.suffix == ".mlir"]
    yield from vacuous_tests.find(ROOT, names, [opt.parent, filecheck])


CHECKS = {
    name.removeprefix("check_"): function
    for name, function in list(globals().items())
    if name.startswith("check_")
}


def run_check(name, context):
    """Runs one check; returns its JUnit element and its findings."""
    case = ElementTree.Element("testcase", classname="lint", name=name)
    try:
        findings = list(CHECKS[name](context))
    except Skip as reason:
        print(f"{name}: skipped: {reason}")
        ElementTree.SubElement(case, "skipped", message=str(reason))
        return case, []
    if findings:
        print("\n".join(findings))
        ElementTree.SubElement(
            case, "failure", message=f"{len(findings)} findings: {findings[0]}"
        )
    return case, findings


def main():
    summaries = [f"  {n:<12}{f.__doc__}" for n, f in CHECKS.items()]
    parser = argparse.ArgumentParser(
        prog="utils/lint.sh",
        description="Checks the source text.",
        epilog="checks:\n" + "\n".join(summaries),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "checks", nargs="*", metavar="CHECK", help="run only these checks"
    )
    parser.add_argument(
        "--fix", action="store_true", help="repair format and white space"
    )
    parser.add_argument(
        "--build-dir",
        type=pathlib.Path,
        default=ROOT / "build",
        help="build tree whose fp4q-opt is used (default: build)",
    )
    parser.add_argument("--junitxml", help="write a JUnit report to this file")
    options = parser.parse_args()
    unknown = set(options.checks) - set(CHECKS)
    if unknown:
        parser.error(f"unknown check {unknown.pop()}; see --help")

    context = Context(repository_files(), options.fix, options.build_dir)
    suite = ElementTree.Element("testsuite", name="lint")
    count = 0
    for name in options.checks or CHECKS:
        case, findings = run_check(name, context)
        suite.append(case)
        count += len(findings)
    if options.junitxml:
        ElementTree.ElementTree(suite).write(options.junitxml)
    print(f"lint: {count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
