"""What the linter promises for any bytes, as checks on one input.

The figures are those of the service's promise 8: in a warm process at most 100 ms of CPU and 100 MiB above idle, at
most 200 findings, no crash, no exception. Everything that readers rely on besides is held too: places inside the text,
JSON without NaN, a resolved spec that resolves to itself, fixes that come to an end.
"""

from __future__ import annotations

import io
import json
import time
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from trainyard.linter import Configuration, lint, spec
from trainyard.linter.cli.outputs import FORMATS, Output, reporters
from trainyard.linter.engine.configuration import MAX_FINDINGS, RULESETS
from trainyard.linter.engine.fixes import mend

if TYPE_CHECKING:
    from trainyard.linter import Report

LARGEST_CPU_SECONDS = 0.1
_TRIES = 12
CONFIGURATIONS = tuple(Configuration(ruleset=ruleset, partial=partial) for ruleset in RULESETS for partial in (False, True))


class BrokenPromiseError(Exception):
    """The linter does not keep what it promises; the message says which promise, in words that are the same for every input."""


def judge(raw: bytes, configuration: Configuration) -> tuple[Report, float]:
    """Judge a text; return the report and the CPU seconds that it took.

    Raises:
        BrokenPromiseError: when it took too long, in the best of several tries because machines have other things to do.
    """
    seconds = float("inf")
    for _ in range(_TRIES):
        began = time.process_time()
        report = lint(raw, configuration=configuration)
        seconds = min(seconds, time.process_time() - began)
        if seconds <= LARGEST_CPU_SECONDS:
            return report, seconds
    raise BrokenPromiseError("more than 100 ms of CPU")


def check(raw: bytes, report: Report) -> None:
    """Hold a report to what is promised of every report.

    Raises:
        BrokenPromiseError: when it is not kept.
    """
    for crash in report.crashes:
        raise BrokenPromiseError(f"{crash.where} crashed: {crash.traceback.strip().splitlines()[-1]}")
    _demand(len(report.findings) <= MAX_FINDINGS, "more than 200 findings")
    for finding in report.findings:
        _demand(0 <= finding.start.offset <= finding.end.offset <= len(raw), f"{finding.name} lies outside the text")
        _demand(finding.message != "" and finding.start.line >= 1 and finding.start.column >= 1, f"{finding.name} has no place or message")
    json.dumps(report.to_json("x"), allow_nan=False)
    if report.resolved is not None:
        _demand(spec.check(report.resolved) == (), "a resolved spec is not valid")
        _demand(spec.resolve(report.resolved) == report.resolved, "a resolved spec resolves to another")
        _demand(report.spec_digest is not None, "a resolved spec has no digest")


def check_outputs(report: Report) -> None:
    """Write a report in every format.

    Raises:
        BrokenPromiseError: when text of the spec could drive a terminal.
    """
    for name in FORMATS:
        with redirect_stdout(io.StringIO()) as written, reporters([Output(name, None)], report.configuration, "never") as (reporter,):
            reporter.file("a.trainspec.json", report)
            reporter.close()
        _demand("\x1b" not in written.getvalue(), f"format {name} lets an escape sequence through")


def check_fixes(raw: bytes, configuration: Configuration) -> None:
    """Mend a text, safely and not.

    Raises:
        BrokenPromiseError: when a fix makes a spec unreadable, or mending a readable one again would change it again.
    """

    def judge_text(text: bytes) -> Report:
        return lint(text, configuration=configuration)

    readable = judge_text(raw).document.value is not None
    for unsafe in (False, True):
        mended = mend(raw, judge_text, unsafe=unsafe)
        _demand(not readable or mended.report.document.value is not None, "a fix makes a spec unreadable")
        again = mend(mended.raw, judge_text, unsafe=unsafe)
        _demand(not readable or again.raw == mended.raw, f"{'unsafe' if unsafe else 'safe'} fixes never come to an end")


def _demand(holds: bool, promise: str) -> None:
    if not holds:
        raise BrokenPromiseError(f"not kept: {promise}")
