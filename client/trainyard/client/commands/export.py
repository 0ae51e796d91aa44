"""``trainyard export``: a job's exact curve for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainyard.client.commands import gathering, references, session

if TYPE_CHECKING:
    from trainyard.client.outcome.run import Run

FORMATS = ("openmetrics", "csv", "json", "tensorboard")


@click.command(
    epilog=session.examples(
        "trainyard export @ --format csv > curve.csv",
        "trainyard export 0jb4 --format openmetrics -o run.om && promtool tsdb create-blocks-from openmetrics run.om DATA",
        "trainyard export 0jb4 --format tensorboard -o logs/0jb4 && tensorboard --logdir logs",
    )
)
@references.one_job("reference", "ID|FOLDER")
@click.option("-f", "--format", "format_", type=click.Choice(FORMATS), default="csv", show_default=True, help="What is written.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="PATH", help="A file; for tensorboard a folder. Default: standard output."
)
@session.server_options
def export(reference: str, format_: str, output: Path | None, where: session.Where) -> int:
    """Write the curve of a job, one value an epoch, exactly as it was told; openmetrics and tensorboard with the time of each."""
    if format_ == "tensorboard" and output is None:
        raise click.UsageError("tensorboard reads folders; name one with --output")
    (run,) = gathering.runs([reference], where, times=format_ != "csv")
    with session.refusing():
        _write(run, format_, output)
    return 0


def _write(run: Run, format_: str, output: Path | None) -> None:
    from trainyard.client.outcome import exports, tensorboard

    if format_ == "tensorboard" and output is not None:
        for path in tensorboard.write(run, output):
            click.echo(session.shown(str(path)))
        return
    text = {"csv": exports.as_csv, "json": exports.as_json, "openmetrics": exports.as_openmetrics}[format_](run)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8", newline="\n")
