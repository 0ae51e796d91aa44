"""``trainyard curves``: curves of runs in the terminal."""

from __future__ import annotations

import sys

import click

from trainyard.client.commands import gathering, references, session
from trainyard.linter.cli.exits import Refusal


@click.command(
    epilog=session.examples(
        "trainyard curves @",
        "trainyard curves @ --metric loss",
        "trainyard curves 0jb4 7k2m --metric val_accuracy",
        "trainyard curves runs/first runs/second",
    )
)
@references.some_jobs("runs", "ID|FOLDER…")
@click.option("-m", "--metric", "metrics", multiple=True, metavar="NAME", help="Only this metric, or learning_rate; may be repeated.")
@click.option("--width", type=click.IntRange(40, 1000), metavar="CELLS", help="How wide; default: the terminal.")
@click.option("--ascii", "only_ascii", is_flag=True, help="Draw with ASCII only.")
@session.json_option
@session.server_options
def curves(
    *, runs: tuple[str, ...], metrics: tuple[str, ...], width: int | None, only_ascii: bool, as_json: bool, where: session.Where
) -> int:
    """Draw the curves of jobs, or of folders that `trainyard train` wrote; several runs are drawn over one another.

    One run shows each metric with its validation; several show one metric a picture, the best run named first.
    """
    from trainyard.client import documents
    from trainyard.client.outcome import pictures
    from trainyard.linter.charts.text import draw
    from trainyard.linter.cli import screens

    found = gathering.runs(runs, where)
    if as_json:
        for run in found:
            columns = {name: [documents.number(value) for value in values] for name, values in run.history.lists().items()}
            click.echo(documents.dump({"run": run.job.id if run.job else run.name, **columns}))
        return 0
    known = pictures.known(found)
    absent = [name for name in metrics if name not in known and name not in pictures.metrics(found)]
    if absent:
        raise Refusal(session.shown(f"nobody measured {absent[0]!r}; there are {', '.join(known)}"), 6)
    if not any(len(run.history) for run in found):
        click.echo("no epoch has ended yet", err=True)
        return 0
    screen = screens.of(sys.stdout, "auto", width, only_ascii=only_ascii)
    for index, chart in enumerate(pictures.charts(found, metrics)):
        head = [*([""] if index else []), screen.paint("bold", session.shown(chart.title)), session.shown(chart.summary)]
        for line in (*head, *draw(chart, screen)):
            click.echo(screen.shown(line), color=True)
    return 0
