"""``trainlint facts``: what a dataset is, printed or written into a spec, so that CI without the data still judges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainyard.linter.cli import datasets, drafting, exits, surveying, writing
from trainyard.linter.facts import FATAL, read

if TYPE_CHECKING:
    from trainyard.linter.facts.model import Facts

#: Facts are read once and on purpose: minutes are fine.
BUDGET_SECONDS = 600.0


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--target", metavar="NAME", help="Column (or npz array) to learn; guessed for tables when absent.")
@click.option(
    "--write", "spec", metavar="SPEC", type=click.Path(path_type=Path), help="Write the facts into this spec, keeping its formatting."
)
@click.option("--deep", is_flag=True, help="Open every image instead of a sample.")
@click.option("--no-cache", is_flag=True, help="Read it again, even if nothing has changed since it was read last.")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", help="How to print it.")
def facts(*, path: Path, target: str | None, spec: Path | None, deep: bool, no_cache: bool, format_: str) -> int:
    """Say what lies at PATH: samples, classes, counts, ranges, fingerprint."""
    dataset = drafting.draft(path, path.resolve().parent, target)
    if spec is not None:
        return _write(spec, path, dataset, deep=deep, cached=not no_cache)
    found, digest = look(path, dataset, deep=deep, cached=not no_cache)
    found = surveying.concerning(found, surveying.guessed_task(dataset, found))
    known = declared(found, digest)
    click.echo(json.dumps(_json(found, known), indent=2, ensure_ascii=False) if format_ == "json" else _text(found, known), nl=True)
    return _outcome(found)


def look(path: Path, dataset: dict[str, Any], *, deep: bool = False, cached: bool = True) -> tuple[Facts, str | None]:
    """Return what lies at ``path``, and its fingerprint where there is something to train on."""
    import time

    from trainyard.linter.facts.budget import Budget
    from trainyard.linter.facts.fingerprint import fingerprint

    here = {**dataset, "path": path.resolve().name}
    cache = datasets.cache() if cached else None
    found = read(drafting.typed(here), path.resolve().parent, BUDGET_SECONDS, deep=deep, cache=cache)
    return found, fingerprint(path, Budget(BUDGET_SECONDS, time.monotonic)) if found.usable else None


def declared(found: Facts, digest: str | None) -> dict[str, Any]:
    """Return facts as a spec declares them."""
    return {**drafting.declared(found), **({"fingerprint": digest} if digest else {})}


def _outcome(found: Facts) -> int:
    for problem in found.problems:
        click.echo(f"{'error' if problem.trouble in FATAL else 'warning'}: {problem.message}", err=True)
    return exits.OK if found.usable else exits.FINDINGS


def _json(found: Facts, known: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": 1,
        "type": found.type,
        "complete": found.complete,
        "input_shape": list(found.input_shape) if found.input_shape is not None else None,
        "facts": known,
        "columns": [column._asdict() for column in found.columns],
        "images": None if found.images is None else found.images._asdict(),
        "problems": [{"trouble": problem.trouble.value, "path": problem.path, "message": problem.message} for problem in found.problems],
    }


def _text(found: Facts, known: dict[str, Any]) -> str:
    rows = [("type", found.type), ("samples", _amount(found.samples))]
    if found.class_names:
        total = sum(found.class_counts)
        rows.append(("classes", _amount(len(found.class_names))))
        rows += [
            (f"  {name}", f"{count:,} ({100 * count / total:.1f} %)")
            for name, count in zip(found.class_names, found.class_counts, strict=True)
        ]
    if found.images is not None:
        sizes = {found.images.smallest, found.images.largest}
        rows.append(("sizes", " to ".join(f"{height} x {width}" for height, width in sorted(sizes)) + f" in {found.images.sampled} images"))
        rows.append(("channels", ", ".join(map(str, found.images.channels))))
    for name, ends in (("inputs", found.input_range), ("target", found.target_range)):
        if ends is not None:
            rows.append((name, f"{ends[0]:g} to {ends[1]:g}"))
    rows += [("columns", _amount(len(found.columns)))] if found.columns else []
    rows += [("fingerprint", known["fingerprint"])] if "fingerprint" in known else []
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _amount(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _write(spec: Path, path: Path, dataset: dict[str, Any], *, deep: bool, cached: bool) -> int:
    from trainyard.linter.cli.fixing import replace
    from trainyard.linter.cli.targets import read as read_spec
    from trainyard.linter.engine import edits
    from trainyard.linter.source.document import Document
    from trainyard.linter.source.limits import Limits

    document = Document.parse(read_spec(str(spec), Limits().bytes))
    written = (document.value or {}).get("dataset")
    if not isinstance(written, dict):
        raise exits.Refusal(f"{spec} has no dataset to write facts into (`trainlint check {spec}` tells more)")
    if written.get("type") != dataset["type"]:
        raise exits.Refusal(f"{spec} reads {written.get('type')}, {path} is {dataset['type']}")
    found, digest = look(path, {key: value for key, value in written.items() if key != "facts"}, deep=deep, cached=cached)
    task = (document.value or {}).get("task")
    known = declared(surveying.concerning(found, task if isinstance(task, str) else surveying.guessed_task(written, found)), digest)
    old = written.get("facts")
    value = {**(old if isinstance(old, dict) else {}), **known}
    made = edits.setting(document, "/dataset/facts", value, writing.pretty)
    raw = edits.apply(document.raw, made)
    if raw != document.raw and found.usable:
        replace(str(spec), raw)
    click.echo(f"{spec}: {'facts are as they were' if raw == document.raw else 'facts written'}", err=True)
    return _outcome(found)
