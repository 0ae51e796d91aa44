"""``trainlint plan``: what will happen if this spec is started, before it is."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from trainyard.linter.cli import exits, screens, targets
from trainyard.linter.cli.checker import Checker
from trainyard.linter.cli.settings import flags
from trainyard.linter.cli.settings.settings import SettingsReader

if TYPE_CHECKING:
    from trainyard.linter.charts.text import Screen
    from trainyard.linter.planning import TrainingPlan

_FORMATS = ("text", "json", "html")
_WIDTHS = click.IntRange(screens.FEWEST_COLUMNS, screens.MOST_COLUMNS)
_SUFFIXES = {".json": "json", ".html": "html", ".htm": "html"}


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--hardware", metavar="NAME|FILE", help="Plan for this hardware profile: does it fit, how long does it take.")
@click.option("--data-root", metavar="DIR", help="Folder that dataset paths are relative to; data is read and must be there.")
@click.option("--format", "format_", type=click.Choice(_FORMATS), help="text (default), json, or html: one page without any address in it.")
@click.option("-o", "--output", metavar="FILE", help="Write to this file; its ending (.html, .json) says the format.")
@click.option("--ruleset", metavar="NAME", help="recommended (default), strict, or a dated set such as 2026.1.")
@click.option("--config", metavar="FILE", help="Use this configuration instead of the nearest one.")
@click.option("--isolated", is_flag=True, help="Use no configuration file.")
@click.option("--stdin-filename", metavar="PATH", help="Path that standard input (-) stands for.")
@click.option(
    "--width",
    type=click.IntRange(screens.FEWEST_COLUMNS, screens.MOST_COLUMNS),
    metavar="N",
    help="Columns of the text; default: those of the terminal.",
)
@click.option("--ascii", "only_ascii", is_flag=True, help="Draw the text with ASCII characters only.")
@click.option(
    "--color", type=click.Choice(("auto", "always", "never")), default="auto", help="When to colour; NO_COLOR and FORCE_COLOR count."
)
def plan(*, path: str, format_: str | None, output: str | None, color: str, width: int | None, only_ascii: bool, **options: Any) -> int:
    """Show what will happen if FILE (or - for standard input) is started.

    Steps, learning rate, time, memory, disk, class weights, callbacks, checks and the verdict. A spec that fails is
    planned as far as it can be understood. Exit code 0 when it passes, 1 when it does not, as `check` has it.
    """
    (file,) = targets.expand([path])
    settings = SettingsReader(flags.read(options), config=options["config"], isolated=options["isolated"])
    checker = Checker(settings, stdin_filename=options["stdin_filename"])
    from trainyard.linter.planning import training_plan

    report = checker.judge(file, checker.read(file))
    made = training_plan(report)
    shown = checker.shown(file)
    format_ = format_ or _SUFFIXES.get(os.path.splitext(output or "")[1].lower(), "text")  # noqa: PTH122 - pathlib is left out of the cold start
    _write(_rendered(made, shown, format_, _screen(output, color, width, only_ascii=only_ascii)), output)
    if report.crashes:
        for crash in report.crashes:
            sys.stderr.write(f"{crash.traceback}{crash.appeal} with the lines above.\n")
        return exits.INTERNAL
    return exits.OK if report.passed else exits.FINDINGS


def _rendered(made: TrainingPlan, path: str, format_: str, screen: Screen) -> str:
    if format_ == "json":
        import json

        from trainyard.linter.planning.machine import document

        return json.dumps(document(made, path), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if format_ == "html":
        from trainyard.linter.planning.page import page

        return page(made, path)
    from trainyard.linter.planning.text import text

    return text(made, path, screen)


def _screen(output: str | None, color: str, width: int | None, *, only_ascii: bool) -> Screen:
    """Return what the text is shown on; a file is 80 columns of any character without colour."""
    if output is not None:
        return screens.paper(width, only_ascii=only_ascii)
    return screens.of(sys.stdout, color, width, only_ascii=only_ascii)


def _write(text: str, output: str | None) -> None:
    if output is None:
        click.echo(text, nl=False, color=True)
        return
    try:
        with open(output, "w", encoding="utf-8", newline="\n") as stream:  # noqa: PTH123 - pathlib is left out of the cold start
            stream.write(text)
    except OSError as error:
        raise exits.Refusal(f"cannot write {output}: {error.strerror}") from None
