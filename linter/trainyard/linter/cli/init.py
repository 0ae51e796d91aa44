"""``trainlint init``: a good spec to start from, fitted to the data that is there."""

from __future__ import annotations

import shlex
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
    "sequence": {"type": "npz", "path": "data.npz"},
}

_TASKS = ("classification", "multilabel", "regression")


@click.command()
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(path_type=Path, allow_dash=True))
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True), help="The same as FILE.")
@click.option("--template", type=click.Choice(starting.TEMPLATES), help="Kind of model; chosen by the data when absent.")
@click.option("--data", metavar="PATH", type=click.Path(path_type=Path), help="Image folder, csv, tsv, parquet or npz to fit the spec to.")
@click.option("--delimiter", metavar="MARK", help="What stands between the columns of a csv; seen in its header when absent.")
@click.option("--target", metavar="NAME", help="Column (or npz array) to learn; guessed when absent.")
@click.option("--task", type=click.Choice(_TASKS), help="What is predicted; guessed from the labels when absent.")
@click.option(
    "--data-root",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder that dataset paths are relative to: the working directory; for data outside of it, the folder above the data.",
)
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def init(*, file: Path | None, output: Path | None, data: Path | None, force: bool, **wanted: Any) -> int:
    """Write a spec to FILE (default: named after the data; - for standard output)."""
    if file is not None and output is not None:
        raise exits.Refusal("FILE and --output name the same thing: give one")
    template = wanted["template"]
    root: Path | None = None
    if data is None:
        name, value, facts = *_unfitted(template or "cnn", wanted["task"] or "classification"), None
    else:
        root = wanted["data_root"] or _root_of(data)
        drafted = drafting.draft(data, root, wanted["target"], wanted["delimiter"])
        name, value, facts = _fitted(data, drafted, wanted["task"], template, guessed=wanted["target"] is None)
    text = writing.pretty(value) + "\n"
    place = file or output or Path(f"{name}{SUFFIX}")
    if str(place) == STDIN:
        click.echo(text, nl=False)
    else:
        _save(place, text, force=force)
    _judge(str(place), text, facts)
    if str(place) != STDIN:
        click.echo(_next_steps(str(place), value["dataset"]["path"], root), err=True)
    return exits.OK


def _root_of(data: Path) -> Path:
    """Return the folder that the path of the data is told from: here, or the one above the data where that lies elsewhere."""
    whole = data.resolve()
    return Path() if whole.is_relative_to(Path.cwd()) else whole.parent


def _next_steps(place: str, path: str, root: Path | None) -> str:
    elsewhere = root is not None and root.resolve() != Path.cwd()
    option = f" --data-root {shlex.quote(str(root))}" if elsewhere else ""
    from_where = f"{root} here" if elsewhere else "the working directory here"
    file = shlex.quote(place)
    return (
        f"{place} written; `trainlint check {file}{option}` judges it, `trainlint resolve {file}` shows every default\n"
        f"dataset.path {path!r} is told from {from_where}; a server looks for it below its own data root"
    )


def _unfitted(kind: str, task: str) -> tuple[str, dict[str, Any]]:
    if _ABSENT[kind]["type"] == "image_directory" and task != "classification":
        raise exits.Refusal(f"the template {kind} learns from an image folder, which names one class per image: no {task}")
    return kind, starting.spec(kind, kind, _ABSENT[kind], None, {}, task=task)


def _fitted(
    data: Path, drafted: dict[str, Any], task: str | None, template: str | None, *, guessed: bool
) -> tuple[str, dict[str, Any], Facts]:
    from trainyard.linter.cli import surveying
    from trainyard.linter.cli.facts import declared, look

    facts, digest = look(data, drafted)
    _demand_readable(data, drafted, facts)
    if (between := drafted.get("delimiter")) is not None:
        click.echo(f"columns are split by {between!r}", err=True)
    if guessed and facts.columns:
        click.echo(f"learning column {drafted['target']!r}; name another with --target", err=True)
    found = surveying.survey(drafted, facts, task)
    vocabulary = drafting.tokens(data, drafted, facts)
    kind = template or starting.template_for(found.dataset, found.facts, vocabulary)
    starting.demand_fit(kind, found.dataset, found.facts)
    click.echo(surveying.summary(found, str(data)), err=True)
    for note in found.notes:
        click.echo(note, err=True)
    if template is None and kind == "sequence":
        click.echo("taken as token numbers; --template mlp takes them for amounts", err=True)
    known = declared(found.facts, digest)
    if kind == "sequence":
        known["sequence"] = starting.sequence(found.facts)
    targets = drafting.targets(data, found.dataset)
    if found.task == "multilabel":
        known["classes"] = targets
    name = data.resolve().stem
    values = targets if found.task == "regression" else 1
    value = starting.spec(f"{name}-{kind}", kind, found.dataset, found.facts, known, task=found.task, targets=values)
    if found.facts.type == "image_directory" and found.facts.images is None:
        click.echo(f"assumed: dataset.input_shape {value['dataset']['input_shape']}; write what fits", err=True)
    return name, value, found.facts


def _demand_readable(data: Path, drafted: dict[str, Any], facts: Facts) -> None:
    """Return when what was read can be learnt from.

    Raises:
        Refusal: when it cannot: a spec of it would only say so again.
    """
    from trainyard.linter.facts import Trouble

    broken = [problem for problem in facts.problems if problem.trouble is Trouble.UNREADABLE]
    if not facts.usable or (facts.samples is None and broken):
        raise exits.Refusal((facts.problems if not facts.usable else broken)[0].message, exits.FINDINGS)
    if commas := drafting.decimal_commas(data, drafted):
        told = f"numbers of {', '.join(commas)} have a decimal comma, and readers take them for text: write points"
        raise exits.Refusal(f"{told} (pandas.read_csv(…, sep={drafted['delimiter']!r}, decimal=',') reads them)", exits.FINDINGS)


def _save(place: Path, text: str, *, force: bool) -> None:
    try:
        with place.open("w" if force else "x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        raise exits.Refusal(f"{place} exists; --force overwrites it") from None
    except OSError as error:
        raise exits.Refusal(f"cannot write {place}: {error.strerror}") from None


def _judge(place: str, text: str, facts: Facts | None) -> None:
    """Show what the linter says about the new spec; it is good, but the data may not be."""
    from trainyard.linter.engine.lint import lint
    from trainyard.linter.report.concise import ConciseReporter

    report = lint(text, configuration=_QUIET, facts=facts)
    ConciseReporter(sys.stderr).file(place, report)
