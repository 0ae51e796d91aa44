"""``trainlint diff``: what two specs would do differently, section by section.

Specs with equal digests train the same, whatever they are called: names, notes and suppressions are shown, but do not count.
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from trainyard.linter.cli import exits, outputs, targets
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.difference import ABSENT, Difference, differences
from trainyard.linter.engine.lint import lint
from trainyard.linter.report.terminal import harmless
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report
    from trainyard.linter.report.terminal import Palette

_NO_RULES = Configuration(ignore=("ALL",))
_MAX_CELLS = 60


@click.command()
@click.argument("left", metavar="A", type=click.Path(allow_dash=True))
@click.argument("right", metavar="B", type=click.Path(allow_dash=True))
@click.option("--written", is_flag=True, help="Compare what was written; without it, defaults and presets are written out first.")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", help="How to print it.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", help="When to colour.")
def diff(*, left: str, right: str, written: bool, format_: str, color: str) -> int:
    """Say what two specs would do differently. Exit code 0 when they train the same, 1 when not, 2 when one is no spec."""
    reports = [_understood(path) for path in (left, right)]
    first, second = (report.document.value if written else report.resolved for report in reports)
    found = list(differences(first, second))
    same = reports[0].spec_digest == reports[1].spec_digest
    counts = bool(found) if written else not same
    if format_ == "json":
        click.echo(json.dumps(_json((left, right), reports, found), indent=2, ensure_ascii=False))
    else:
        click.echo(_text(found, reports, outputs.palette(sys.stdout, color), same=same, written=written), nl=False, color=True)
    return exits.FINDINGS if counts else exits.OK


def _understood(path: str) -> Report:
    (file,) = targets.expand([path])
    report = lint(targets.read(file, _NO_RULES.limits.bytes), configuration=_NO_RULES)
    if report.resolved is None:
        first = next(finding for finding in report.findings if finding.severity >= Severity.ERROR)
        raise exits.Refusal(
            f"{path}:{first.start.line}:{first.start.column} is no spec: {first.message} (`trainlint check {path}` tells all)"
        )
    return report


def _text(found: list[Difference], reports: list[Report], palette: Palette, *, same: bool, written: bool) -> str:
    if not found:
        return "The two specs mean the same.\n" if not written else "The two specs are written the same.\n"
    width = min(max(len(_below(difference)) for difference in found), _MAX_CELLS)
    lines: list[str] = []
    for section, differing in groupby(found, key=_section):
        lines.append(palette.paint(palette.bold, harmless(section)))
        lines += [f"  {harmless(_below(difference)):<{width}}  {_sides(difference, reports, palette)}" for difference in differing]
    verdict = "Same digest: both train the same." if same else f"{len(found)} {'difference' if len(found) == 1 else 'differences'}."
    return "\n".join([*lines, "", verdict]) + "\n"


def _sides(difference: Difference, reports: list[Report], palette: Palette) -> str:
    left, right = (
        _shown(value, report, difference.pointer) for value, report in zip((difference.left, difference.right), reports, strict=True)
    )
    return f"{palette.paint(palette.error, left)} → {palette.paint(palette.good, right)}"


def _section(difference: Difference) -> str:
    return difference.pointer[1:].partition("/")[0]


def _below(difference: Difference) -> str:
    """Return the pointer without its section; a section that differs as a whole says itself."""
    below = difference.pointer[1:].partition("/")[2]
    return f"/{below}" if below else "(all)"


def _shown(value: Any, report: Report, pointer: str) -> str:
    if value is ABSENT:
        return "(absent)"
    text = json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= _MAX_CELLS else text[: _MAX_CELLS - 1] + "…"
    return harmless(f"{text} (default)" if _is_default(report.document.value, pointer) else text)


def _is_default(written: Any, pointer: str) -> bool:
    """Tell whether nobody wrote this value, not even as a shorthand (one schedule for a list of one, 100 for {"exactly": 100})."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(written, list) and key.isdecimal() and int(key) < len(written):
            written = written[int(key)]
        elif isinstance(written, dict) and key in written:
            written = written[key]
        else:
            return isinstance(written, dict) and not key.isdecimal()
    return False


def _json(paths: tuple[str, str], reports: list[Report], found: list[Difference]) -> dict[str, Any]:
    return {
        "version": 1,
        "paths": list(paths),
        "digests": [report.spec_digest for report in reports],
        "differences": [
            {
                "section": _section(difference),
                "pointer": difference.pointer,
                "sides": [
                    {
                        "present": value is not ABSENT,
                        "value": None if value is ABSENT else value,
                        "default": value is not ABSENT and _is_default(report.document.value, difference.pointer),
                    }
                    for value, report in zip((difference.left, difference.right), reports, strict=True)
                ],
            }
            for difference in found
        ],
    }
