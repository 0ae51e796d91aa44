"""``trainyard jobs``: the newest jobs, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from trainyard.client.commands import session
from trainyard.client.commands.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainyard.client.values.job import Job

# Written out, so that --help imports nothing; a test holds them to JobState.
STATES = ("queued", "starting", "running", "pausing", "paused", "stopping", "cancelling", "succeeded", "failed", "cancelled")
COLUMNS = (
    *("id", "name", "state", "epoch", "best", "created", "started", "ended"),
    *("owner", "tags", "priority", "attempt", "model", "dataset", "optimizer"),
)
USUAL = "id,name,state,epoch,best,created"
SORTS = ("created", "name", "state", "best", "ended", "priority")


def _columns(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Read names of columns, in the order that was asked for."""
    names = tuple(part.strip().lower() for part in value.split(","))
    for name in names:
        if name not in COLUMNS:
            raise click.BadParameter(f"there is no column {name!r}; there are {', '.join(COLUMNS)}")
    return names


@click.command(
    epilog=session.examples(
        "trainyard jobs --state running --state queued",
        "trainyard jobs --tag baseline --sort best",
        "trainyard jobs --state failed --columns id --no-header",
        "trainyard jobs --json | jq '.[0].best_metrics'",
    )
)
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only jobs in this state; may be repeated.")
@click.option("--tag", "tags", multiple=True, help="Only jobs with this tag; may be repeated.")
@click.option("--owner", default="", metavar="NAME", help="Only jobs of this owner.")
@click.option("--name", default="", metavar="TEXT", help="Only jobs whose experiment's name contains this.")
@click.option(
    "--sort", type=click.Choice(SORTS), default="created", show_default=True, help="Order of what is listed; the newest or best come first."
)
@click.option("--columns", callback=_columns, default=USUAL, show_default=True, metavar="NAME,…", help=f"Of: {', '.join(COLUMNS)}.")
@click.option("--no-header", is_flag=True, help="Leave the headings out.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many, newest first.")
@session.json_option
@session.server_options
def jobs(
    *,
    states: tuple[str, ...],
    tags: tuple[str, ...],
    owner: str,
    name: str,
    sort: str,
    columns: tuple[str, ...],
    no_header: bool,
    limit: int,
    as_json: bool,
    where: session.Where,
) -> int:
    """List jobs, newest first."""
    from trainyard.client.values.job import JobState

    with session.session(where) as client:
        wanted = [JobState(state) for state in states]
        found = ordered(list(client.jobs(limit=limit, states=wanted, tags=tags, owner=owner, experiment=name)), sort)
        if as_json:
            from trainyard.client import documents

            click.echo(documents.dump([documents.job(job) for job in found]))
        elif found:
            head = [] if no_header else [tuple(column.upper() for column in columns)]
            click.echo(table([*head, *(row(job, columns) for job in found)]))
        else:
            click.echo(f"no jobs at {client.server}" + (" that are so" if states or tags or owner or name else ""), err=True)
    return 0


def row(job: Job, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Write a job as a row of the table."""
    return tuple(session.shown(_CELLS[column](job)) for column in columns)


def ordered(found: list[Job], sort: str) -> list[Job]:
    """Sort jobs; those without what is asked for come last, and equals stay newest first."""
    if sort == "created":
        return found
    if sort == "best":
        return sorted(found, key=_goodness)
    if sort == "priority":
        return sorted(found, key=lambda job: -job.priority)
    if sort == "ended":
        return sorted(found, key=lambda job: -job.ended.timestamp() if job.ended else 0.0)
    return sorted(found, key=_CELLS[sort])


def _goodness(job: Job) -> tuple[float, ...]:
    told = _telling(job)
    if told is None:
        return (1.0, 0.0)
    name, value = told
    return (0.0, value if name.endswith("loss") else -value) if value == value else (1.0, 0.0)  # noqa: PLR0124 - NaN is no result


def _telling(job: Job) -> tuple[str, float] | None:
    """Return the best epoch's most telling metric: validation before training, a score before the loss."""
    metrics = job.best_metrics or job.metrics
    ranked = sorted(metrics, key=lambda name: (not name.startswith("val_"), name.endswith("loss")))
    return (ranked[0], metrics[ranked[0]]) if ranked else None


def _best(job: Job) -> str:
    told = _telling(job)
    return f"{told[0]} {told[1]:.4f}" if told else "-"


def _minute(when: object) -> str:
    return f"{when:%Y-%m-%d %H:%M}" if when else "-"


_CELLS: dict[str, Callable[[Job], str]] = {
    "id": lambda job: job.id,
    "name": lambda job: job.experiment,
    "state": lambda job: job.state.value + (f" ({job.reason.replace('_', ' ')})" if job.reason else ""),
    "epoch": lambda job: f"{job.epoch}/{job.epochs_planned}" if job.epochs_planned else "-",
    "best": _best,
    "created": lambda job: _minute(job.created),
    "started": lambda job: _minute(job.started),
    "ended": lambda job: _minute(job.ended),
    "owner": lambda job: job.owner or "-",
    "tags": lambda job: ",".join(job.tags) or "-",
    "priority": lambda job: str(job.priority),
    "attempt": lambda job: str(job.attempt),
    "model": lambda job: job.model or "-",
    "dataset": lambda job: job.dataset or "-",
    "optimizer": lambda job: job.optimizer or "-",
}
