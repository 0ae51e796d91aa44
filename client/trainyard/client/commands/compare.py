"""``trainyard compare``: runs beside each other."""

from __future__ import annotations

import sys

import click

from trainyard.client.commands import gathering, references, session


@click.command(
    epilog=session.examples(
        "trainyard compare 0jb4 7k2m", "trainyard compare @ runs/yesterday", "trainyard compare 0jb4 7k2m --json | jq .specs"
    )
)
@references.some_jobs("runs", "ID|FOLDER…")
@session.json_option
@session.server_options
def compare(runs: tuple[str, ...], as_json: bool, where: session.Where) -> int:
    """Show where the specs of runs differ, what they reached and what was predicted for them; * marks the best."""
    from trainyard.client import documents
    from trainyard.client.outcome import comparison
    from trainyard.linter.charts.text.grid import grid
    from trainyard.linter.cli import screens

    if len(runs) < 2:
        raise click.UsageError("a comparison needs two runs or more")
    compared = comparison.compare(gathering.runs(runs, where))
    if as_json:
        click.echo(documents.dump(comparison.document(compared)))
        return 0
    screen = screens.of(sys.stdout, "auto")
    for index, (title, table) in enumerate(comparison.tables(compared)):
        for line in (*([""] if index else []), screen.paint("bold", title), *grid(table, screen)):
            click.echo(screen.shown(line), color=True)
    return 0
