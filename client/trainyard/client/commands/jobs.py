"""``trainyard jobs``: the newest jobs, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from trainyard.client.commands import session

if TYPE_CHECKING:
    from trainyard.client.values.job import Job

# Written out, so that --help imports nothing; a test holds them to JobState.
STATES = ("queued", "starting", "running", "pausing", "paused", "stopping", "cancelling", "succeeded", "failed", "cancelled")
HEADINGS = ("ID", "NAME", "STATE", "EPOCH", "BEST", "CREATED")


@click.command()
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only jobs in this state; may be repeated.")
@click.option("--tag", "tags", multiple=True, help="Only jobs with this tag; may be repeated.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many, newest first.")
@session.json_option
@session.server_options
def jobs(*, states: tuple[str, ...], tags: tuple[str, ...], limit: int, as_json: bool, server: str | None, token_file: str | None) -> int:
    """List jobs, newest first."""
    from trainyard.client.values.job import JobState

    with session.session(server, token_file) as client:
        found = list(client.jobs(limit=limit, states=[JobState(state) for state in states], tags=tags))
        if as_json:
            from trainyard.client import documents

            click.echo(documents.dump([documents.job(job) for job in found]))
        elif found:
            click.echo(table([HEADINGS, *(row(job) for job in found)]))
        else:
            click.echo(f"no jobs at {client.server}" + (" in that state" if states else ""), err=True)
    return 0


def row(job: Job) -> tuple[str, ...]:
    """Write a job as a row of the table."""
    return (
        job.id,
        session.shown(job.experiment),
        job.state.value + (f" ({job.reason.replace('_', ' ')})" if job.reason else ""),
        f"{job.epoch}/{job.epochs_planned}" if job.epochs_planned else "-",
        _best(job),
        job.created.strftime("%Y-%m-%d %H:%M") if job.created else "-",
    )


def table(rows: list[tuple[str, ...]]) -> str:
    """Align columns; the last one is left ragged, so that no line ends in blanks."""
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(rows[0]) - 1)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)), cells[-1]]) for cells in rows)


def _best(job: Job) -> str:
    """Name the best epoch's most telling metric: validation before training, a score before the loss."""
    metrics = job.best_metrics or job.metrics
    ranked = sorted(metrics, key=lambda name: (not name.startswith("val_"), name.endswith("loss")))
    return f"{session.shown(ranked[0])} {metrics[ranked[0]]:.4f}" if ranked else "-"
