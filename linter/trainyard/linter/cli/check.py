"""``trainlint check``: judge files, folders, patterns or standard input."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NoReturn

import click

from trainyard.linter.cli import combinations, exits, outputs, targets
from trainyard.linter.cli.checker import Checker, Run
from trainyard.linter.cli.completion import rule_names
from trainyard.linter.cli.settings import flags
from trainyard.linter.cli.settings.settings import SettingsReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainyard.linter.cli.fixing import Fixer

_LEVELS = ("info", "warning", "error", "never")


@click.command(context_settings={"max_content_width": 110})
@click.argument("paths", nargs=-1, required=True, metavar="FILE…", type=click.Path(allow_dash=True))
@click.option("--format", "formats", multiple=True, metavar="FORMAT[:FILE]", help=f"{', '.join(outputs.FORMATS)}; may be repeated.")
@click.option("--fail-on", type=click.Choice(_LEVELS), help="Lowest severity that fails, inclusive; default: warning.")
@click.option("--ruleset", metavar="NAME", help="recommended (default), strict, or a dated set such as 2026.1.")
@click.option(
    "--select",
    multiple=True,
    shell_complete=rule_names,
    metavar="RULES",
    help="Run only these: codes, names, families, ALL; comma-separated or repeated.",
)
@click.option("--extend-select", multiple=True, shell_complete=rule_names, metavar="RULES", help="Run these besides.")
@click.option("--ignore", multiple=True, shell_complete=rule_names, metavar="RULES", help="Do not run these.")
@click.option("--severity", multiple=True, metavar="RULE=LEVEL", help="Set the severity of a rule; may be repeated.")
@click.option("--partial/--no-partial", default=None, help="Judge only what is written: missing sections are no fault.")
@click.option("--hardware", metavar="NAME|FILE", help="Judge memory and time against this hardware profile.")
@click.option("--data-root", metavar="DIR", help="Folder that dataset paths are relative to; data is read and must be there.")
@click.option("--baseline", metavar="FILE", help="Known findings that do not count.")
@click.option(
    "--write-baseline",
    metavar="FILE",
    help="Write what rules find into a baseline file; faults of text and schema cannot be accepted, and fail.",
)
@click.option("--fix", is_flag=True, help="Mend what has a safe fix, in place; standard input is mended to standard output.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also write what rules suggest.")
@click.option("--diff", is_flag=True, help="Show what --fix would do, write nothing; exit code 1 when it would do something.")
@click.option("--exit-non-zero-on-fix", is_flag=True, help="With --fix: exit code 1 when a file was changed.")
@click.option("--statistics", is_flag=True, help="Add a table: findings and milliseconds per rule.")
@click.option("--config", metavar="FILE", help="Use this configuration for every file instead of the nearest one.")
@click.option("--isolated", is_flag=True, help="Use no configuration file.")
@click.option(
    "--show-config", is_flag=True, help="Print the settings that govern each FILE and who said them (also --format json); judge nothing."
)
@click.option("--watch", is_flag=True, help="Judge again after every change, until Ctrl-C.")
@click.option("--stdin-filename", metavar="PATH", help="Path that standard input (-) stands for.")
@click.option(
    "--color", type=click.Choice(("auto", "always", "never")), default="auto", help="When to colour; NO_COLOR and FORCE_COLOR count."
)
def check(*, paths: tuple[str, ...], formats: tuple[str, ...], color: str, **options: Any) -> int:
    """Judge specs: files, folders (every *.trainspec.json below), patterns, or - for standard input."""
    requested = [outputs.parse(text) for text in formats]
    combinations.demand(options, paths, requested)
    if options["watch"]:
        _watch(paths, lambda: _check(paths, requested, color, options))
    return _check(paths, requested, color, options)


def _watch(paths: Sequence[str], judge: Callable[[], int]) -> NoReturn:
    from trainyard.linter.cli.watching import watch

    watch(paths, judge)


def _check(paths: Sequence[str], requested: Sequence[outputs.Output], color: str, options: dict[str, Any]) -> int:
    checker = _checker(options)
    named = targets.expand(paths)
    if options["show_config"]:
        return _show(checker, named, as_json=bool(requested))
    files = [path for path in named if not checker.excludes(path)]
    lead = checker.settings(named[0]).configuration
    run = Run(checker, keep=options["write_baseline"] is not None)
    fixer = _fixer(options, checker)
    taken = fixer is not None and (options["diff"] or targets.STDIN in files)
    with outputs.reporters(requested, lead, color, stdout_taken=taken, statistics=options["statistics"]) as reporters:
        for path in files:
            report = checker.judge(path, checker.read(path)) if fixer is None else fixer.judge(path)
            run.add(path, report, reporters)
        for reporter in reporters:
            reporter.close()
    if run.stale:
        click.echo(f"mended since the baseline was written: {run.stale}; write it anew with --write-baseline", err=True)
    if options["write_baseline"] is not None:
        return _write_baseline(options["write_baseline"], run)
    return run.exit_code if fixer is None else _exit_code_of_fixing(run, fixer, options)


def _exit_code_of_fixing(run: Run, fixer: Fixer, options: dict[str, Any]) -> int:
    if run.exit_code == exits.INTERNAL:
        return exits.INTERNAL
    if fixer.changed and (options["diff"] or options["exit_non_zero_on_fix"]):
        return exits.FINDINGS
    return exits.OK if options["diff"] else run.exit_code


def _checker(options: dict[str, Any]) -> Checker:
    settings = SettingsReader(flags.read(options), config=options["config"], isolated=options["isolated"])
    clock = time.perf_counter if options["statistics"] else None
    return Checker(settings, stdin_filename=options["stdin_filename"], clock=clock)


def _fixer(options: dict[str, Any], checker: Checker) -> Fixer | None:
    if not (options["fix"] or options["diff"]):
        return None
    from trainyard.linter.cli.fixing import Fixer

    return Fixer(checker, unsafe=options["unsafe_fixes"], diff=options["diff"])


def _show(checker: Checker, files: Sequence[str], *, as_json: bool) -> int:
    from trainyard.linter.cli.settings import display

    if as_json:
        import json

        entries = [display.document(checker.shown(path), checker.settings(path)) for path in files]
        click.echo(json.dumps({"version": 1, "files": entries}, indent=2, ensure_ascii=False))
        return exits.OK
    click.echo("\n".join(display.table(checker.shown(path), checker.settings(path)) for path in files), nl=False)
    return exits.OK


def _write_baseline(file: str, run: Run) -> int:
    from trainyard.linter.cli import baselines

    written = baselines.write(file, run.kept)
    click.echo(f"{file}: {written.known} known {'finding' if written.known == 1 else 'findings'}", err=True)
    if run.exit_code == exits.INTERNAL:
        return exits.INTERNAL
    if written.unacceptable:
        click.echo(
            f"{written.unacceptable} not recorded: what is wrong with text or schema cannot be accepted, for nothing behind it was judged; "
            "mend it and write the baseline again",
            err=True,
        )
        return exits.FINDINGS
    return exits.OK
