"""``trainyard report``: a page with pictures about a finished run."""

from __future__ import annotations

from pathlib import Path

import click

from trainyard.client.commands import gathering, references, session


@click.command(epilog=session.examples("trainyard report @ -o run.html", "trainyard report runs/digits -o digits.html"))
@references.one_job("reference", "ID|FOLDER")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="Where to; - is standard output.",
)
@session.server_options
def report(reference: str, output: Path, where: session.Where) -> int:
    """Write one HTML file about a run: curves, confusion matrix, predictions beside what was so, configuration.

    It loads nothing and runs nothing, so it can be mailed and kept. A run folder needs no server.
    """
    (run,) = gathering.runs([reference], where, files=True)
    from trainyard.client.outcome.page import page

    text = page(run)
    if str(output) == "-":
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8", newline="\n")
        click.echo(f"{session.shown(str(output))} written", err=True)
    return 0
