"""``trainlint check``: judge files, folders, patterns or standard input."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from trainyard.linter.cli import exits, outputs, targets
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.lint import lint
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report

_LEVELS = ("info", "warning", "error", "never")


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE…")
@click.option("--format", "formats", multiple=True, metavar="FORMAT[:FILE]", help="full (default), concise, json; may be repeated.")
@click.option("--fail-on", type=click.Choice(_LEVELS), help="Lowest severity that fails, inclusive; default: warning.")
@click.option("--stdin-filename", metavar="PATH", help="Path to show for standard input (-).")
@click.option(
    "--color", type=click.Choice(("auto", "always", "never")), default="auto", help="When to colour; NO_COLOR and FORCE_COLOR count."
)
def check(
    *,
    paths: tuple[str, ...],
    formats: tuple[str, ...],
    fail_on: str | None,
    stdin_filename: str | None,
    color: str,
) -> int:
    """Judge specs: files, folders (every *.trainspec.json below), patterns, or - for standard input."""
    requested = [outputs.parse(text) for text in formats]
    files = targets.expand(paths)
    configuration = Configuration()
    if fail_on is not None:
        configuration = configuration._replace(fail_on=None if fail_on == "never" else Severity[fail_on.upper()])
    passed, crashed = True, False
    with outputs.reporters(requested, configuration, color) as reporters:
        for path in files:
            report = lint(targets.read(path, configuration.limits.bytes), configuration=configuration)
            shown = stdin_filename or "<stdin>" if path == targets.STDIN else path
            for reporter in reporters:
                reporter.file(shown, report)
            passed = passed and report.passed
            crashed = _tell_crashes(report) or crashed
        for reporter in reporters:
            reporter.close()
    if crashed:
        return exits.INTERNAL
    return exits.OK if passed else exits.FINDINGS


def _tell_crashes(report: Report) -> bool:
    for crash in report.crashes:
        sys.stderr.write(f"{crash.traceback}{crash.where} crashed: a fault of ours. Please report it with the lines above.\n")
    return bool(report.crashes)
