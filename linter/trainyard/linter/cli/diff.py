"""``trainlint diff``: what two specs say differently, section by section, and what follows from it.

Specs with equal digests train the same, whatever they are called: names, notes and suppressions are shown, but do not count.
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from trainyard.linter.cli import exits, screens, targets
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.difference import ABSENT, Difference, differences
from trainyard.linter.engine.lint import lint
from trainyard.linter.report.terminal import harmless
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.charts.text import Screen
    from trainyard.linter.engine.report import Report
    from trainyard.linter.planning.consequences import Consequences
    from trainyard.linter.report.terminal import Palette

_NO_RULES = Configuration(ignore=("ALL",))
_MAX_CELLS = 60


@click.command()
@click.argument("left", metavar="A", type=click.Path(allow_dash=True))
@click.argument("right", metavar="B", type=click.Path(allow_dash=True))
@click.option("--written", is_flag=True, help="Compare what was written; without it, defaults and presets are written out first.")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", help="How to print it.")
@click.option("--hardware", metavar="NAME|FILE", help="Compare memory and time on this hardware profile.")
@click.option("--data-root", metavar="DIR", help="Folder that dataset paths are relative to; data is read for both.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", help="When to colour.")
def diff(*, left: str, right: str, written: bool, format_: str, color: str, hardware: str | None, data_root: str | None) -> int:
    """Say what two specs would do differently, and what that does to steps, memory, time, learning rate, weights and verdict.

    Exit code 0 when they train the same, 1 when not, 2 when one is no spec.
    """
    texts = [_read(path) for path in (left, right)]
    reports = [_understood(path, raw) for path, raw in zip((left, right), texts, strict=True)]
    first, second = (report.document.value if written else report.resolved for report in reports)
    found = list(differences(first, second))
    same = reports[0].spec_digest == reports[1].spec_digest
    follows = None if written or same else _consequences((left, right), texts, hardware, data_root)
    if format_ == "json":
        click.echo(json.dumps(_json((left, right), reports, found, follows), indent=2, ensure_ascii=False))
    else:
        screen = screens.of(sys.stdout, color)
        below = _below_the_differences(follows, (left, right), screen)
        click.echo(_text(found, reports, screen.palette, below, same=same, written=written), nl=False, color=True)
    counts = bool(found) if written else not same
    return exits.FINDINGS if counts else exits.OK


def _read(path: str) -> bytes:
    (file,) = targets.expand([path])
    return targets.read(file, _NO_RULES.limits.bytes)


def _consequences(paths: tuple[str, str], texts: list[bytes], hardware: str | None, data_root: str | None) -> Consequences:
    """Judge and plan both, each under the settings of its own place."""
    from trainyard.linter.cli.checker import Checker
    from trainyard.linter.cli.settings import flags
    from trainyard.linter.cli.settings.settings import SettingsReader
    from trainyard.linter.planning import training_plan
    from trainyard.linter.planning.consequences import consequences

    given = flags.read({"hardware": hardware, "data_root": data_root})
    checker = Checker(SettingsReader(given, config=None, isolated=False))
    left, right = (training_plan(checker.judge(path, raw)) for path, raw in zip(paths, texts, strict=True))
    return consequences(left, right)


def _below_the_differences(follows: Consequences | None, paths: tuple[str, str], screen: Screen) -> list[str]:
    if follows is None:
        return []
    from trainyard.linter.planning import comparison

    lines = comparison.text(follows, paths, screen.narrower(2))
    title = screen.paint("bold", "what follows")
    return ["", title, *(f"  {line}".rstrip() for line in lines)] if lines else []


def _understood(path: str, raw: bytes) -> Report:
    report = lint(raw, configuration=_NO_RULES)
    if report.resolved is None:
        first = next(finding for finding in report.findings if finding.severity >= Severity.ERROR)
        raise exits.Refusal(
            f"{path}:{first.start.line}:{first.start.column} is no spec: {first.message} (`trainlint check {path}` tells all)"
        )
    return report


def _text(found: list[Difference], reports: list[Report], palette: Palette, below: list[str], *, same: bool, written: bool) -> str:
    if not found:
        return "The two specs mean the same.\n" if not written else "The two specs are written the same.\n"
    width = min(max(len(_below(difference)) for difference in found), _MAX_CELLS)
    lines: list[str] = []
    for section, differing in groupby(found, key=_section):
        lines.append(palette.paint(palette.bold, harmless(section)))
        lines += [f"  {harmless(_below(difference)):<{width}}  {_sides(difference, reports, palette)}" for difference in differing]
    verdict = "Same digest: both train the same." if same else f"{len(found)} {'difference' if len(found) == 1 else 'differences'}."
    return "\n".join([*lines, *below, "", verdict]) + "\n"


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


def _json(paths: tuple[str, str], reports: list[Report], found: list[Difference], follows: Consequences | None) -> dict[str, Any]:
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
        "consequences": None if follows is None else _follows(follows),
    }


def _follows(follows: Consequences) -> dict[str, Any]:
    from trainyard.linter.planning import comparison

    return comparison.document(follows)
