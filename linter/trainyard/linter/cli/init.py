"""``trainlint init``: a good spec to start from, fitted to the data that is there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainyard.linter.cli import drafting, exits, starting, writing
from trainyard.linter.cli.targets import STDIN, SUFFIX
from trainyard.linter.engine.configuration import Configuration

if TYPE_CHECKING:
    from trainyard.linter.facts.model import Facts

# Where no data was named, everybody knows that none was read.
_QUIET = Configuration(ignore=("dataset-not-read",))
# What a template reads while no data is named.
_ABSENT: dict[str, dict[str, Any]] = {
    "cnn": {"type": "image_directory", "path": "images"},
    "transfer": {"type": "image_directory", "path": "images"},
    "mlp": {"type": "npz", "path": "data.npz"},
    "tabular": {"type": "csv", "path": "data.csv", "target": "target"},
}


@click.command()
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--template", type=click.Choice(starting.TEMPLATES), help="Kind of model; chosen by the data when absent.")
@click.option("--data", metavar="PATH", type=click.Path(path_type=Path), help="Image folder, csv, tsv, parquet or npz to fit the spec to.")
@click.option("--target", metavar="NAME", help="Column (or npz array) to learn; guessed for tables when absent.")
@click.option(
    "--data-root", metavar="DIR", type=click.Path(path_type=Path), default=Path(), help="Folder that dataset paths are relative to."
)
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def init(*, file: Path | None, template: str | None, data: Path | None, target: str | None, data_root: Path, force: bool) -> int:
    """Write a spec to FILE (default: named after the data; - for standard output)."""
    if data is None:
        kind, facts = template or "cnn", None
        name, value = kind, starting.spec(kind, kind, _ABSENT[kind], None, {})
    else:
        name, value, facts = _fitted(data, data_root, target, template)
    text = writing.pretty(value) + "\n"
    place = file or Path(f"{name}{SUFFIX}")
    if str(place) == STDIN:
        click.echo(text, nl=False)
    else:
        _save(place, text, force=force)
    return _judge(str(place), text, facts)


def _fitted(data: Path, root: Path, target: str | None, template: str | None) -> tuple[str, dict[str, Any], Facts]:
    from trainyard.linter.cli.facts import look

    dataset = drafting.draft(data, root, target)
    facts, known = look(data, dataset)
    if not facts.usable:
        raise exits.Refusal(facts.problems[0].message, exits.FINDINGS)
    if target is None and "target" in dataset:
        click.echo(f"learning column {dataset['target']!r}; name another with --target", err=True)
    kind = template or starting.template_for(dataset, facts)
    name = data.resolve().stem
    return name, starting.spec(f"{name}-{kind}", kind, dataset, facts, known), facts


def _save(place: Path, text: str, *, force: bool) -> None:
    try:
        with place.open("w" if force else "x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        raise exits.Refusal(f"{place} exists; --force overwrites it") from None
    except OSError as error:
        raise exits.Refusal(f"cannot write {place}: {error.strerror}") from None


def _judge(place: str, text: str, facts: Facts | None) -> int:
    """Show what the linter says about the new spec; it is good, but the data may not be."""
    from trainyard.linter.engine.lint import lint
    from trainyard.linter.report.concise import ConciseReporter

    report = lint(text, configuration=_QUIET, facts=facts)
    ConciseReporter(sys.stderr).file(place, report)
    if place != STDIN:
        click.echo(f"{place} written; `trainlint check {place}` judges it, `trainlint resolve {place}` shows every default", err=True)
    return exits.OK
