"""Breaks a copy of Trainyard in one place after another and looks whether the tests of the promise turn red.

    python -m tests.crash.breaking [--promise N] [--only WORDS] [--keras] [--results NAME]

First every test that is named runs on the sound copy and must be green: red would say nothing otherwise. Then each breakage is put in,
its tests run, and it is taken out again. Ends with 1 and names them when tests stayed green. Tests that are skipped here (no
PostgreSQL, no Keras asked for) neither pass nor fail. The checkout itself is never touched.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from tests.crash.breakages import BREAKAGES, Breakage

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "tests/bench/results"
PARTS = ("client", "linter", "proto", "service")
COPIED = (*PARTS, "tests", "examples", "docs", "pyproject.toml", "README.md")
PYTEST = ("-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider", "--no-header", "--tb=line", "--timeout=90")
_TESTS_FAILED = 1


def broken_text(breakage: Breakage, root: Path = ROOT) -> str:
    """Return the file with the breakage in it; raises ValueError when the text is not there, or more than once."""
    text = (root / breakage.file).read_text(encoding="utf-8")
    if text.count(breakage.old) != 1:
        raise ValueError(f"{breakage.name}: its text stands {text.count(breakage.old)} times in {breakage.file}")
    return text.replace(breakage.old, breakage.new)


def copy_tree(to: Path) -> None:
    """Copy what the tests need; compiled files and run folders stay behind."""
    for name in COPIED:
        found = ROOT / name
        if found.is_dir():
            shutil.copytree(found, to / name, ignore=shutil.ignore_patterns("__pycache__", "runs", ".hypothesis"), symlinks=True)
        else:
            shutil.copy2(found, to / name)


def run_tests(root: Path, tests: Iterable[str], seconds: float = 500.0) -> tuple[int, str]:
    """Run tests of a copy; return pytest's exit code and what it said."""
    path = os.pathsep.join(str(root / part) for part in PARTS)
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *PYTEST, *tests]
    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return _TESTS_FAILED, "did not end"
    return done.returncode, done.stdout[-3000:] + done.stderr[-1000:]


def still_green(root: Path, breakage: Breakage) -> list[str]:
    """Break the copy; return the tests that did not notice."""
    path = root / breakage.file
    sound = path.read_bytes()
    path.write_text(broken_text(breakage, root), encoding="utf-8")
    try:
        return [test for test in breakage.tests if _is_green(*run_tests(root, [test]))]
    finally:
        path.write_bytes(sound)


def _is_green(code: int, said: str) -> bool:
    """Tell whether a test ran and passed, or could not be run at all; one that is skipped here says nothing."""
    return code != _TESTS_FAILED and not (code == 0 and " passed" not in said)


def chosen(promise: int | None, words: str, *, keras: bool) -> list[Breakage]:
    """Pick breakages; those of the trainer take minutes and are asked for."""
    return [
        one
        for one in BREAKAGES
        if promise in {None, one.promise} and words in one.name and (keras or not any("killed_trainers" in test for test in one.tests))
    ]


def main() -> int:
    """Break, look and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--promise", type=int, choices=range(1, 9))
    parser.add_argument("--only", default="", help="breakages whose name holds this")
    parser.add_argument("--keras", action="store_true", help="those too whose tests train with Keras, for minutes")
    parser.add_argument("--results", help="keep the outcome under this name")
    given = parser.parse_args()
    breakages, began = chosen(given.promise, given.only, keras=given.keras), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ty-broken-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder)
        copy_tree(copy)
        code, said = run_tests(copy, sorted({test for one in breakages for test in one.tests}), seconds=1500.0)
        if code:
            print(f"the tests are not green on the sound copy (exit code {code}):\n{said}", file=sys.stderr)
            return 2
        blind: list[str] = []
        for one in breakages:
            green = still_green(copy, one)
            print(f"{'NOT SEEN' if green else 'red':9}promise {one.promise}: {one.name}", flush=True)
            blind += [f"promise {one.promise}, {one.name}: {test} did not notice" for test in green]
    for line in blind:
        print(line, file=sys.stderr)
    if given.results and not blind:
        record = {
            "measured_on": datetime.now(UTC).date().isoformat(),
            "breakages": [{"promise": one.promise, "name": one.name, "tests": one.tests} for one in breakages],
            "seconds": round(time.monotonic() - began),
        }
        (RESULTS / f"{given.results}.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return bool(blind)


if __name__ == "__main__":
    sys.exit(main())
