"""``trainyard retry``: the spec of a job once more, as a new job, perhaps with a value or two changed."""

from __future__ import annotations

import click

from trainyard.client.commands import monitoring, references, session
from trainyard.client.commands.ordering import Order, accompany


@click.command(
    epilog=session.examples(
        "trainyard retry @",
        "trainyard retry 0jb4 --set training.batch_size=32 --watch",
        "trainyard retry @ --set optimizer.learning_rate=3e-4 --dry-run",
    )
)
@references.one_job()
@click.option("--set", "assignments", multiple=True, metavar="PATH=VALUE", help="Write a value into the spec; may be repeated.")
@click.option("--watch", is_flag=True, help="Follow the new job until it ends.")
@click.option("--dry-run", is_flag=True, help="Only ask whether the server would take it.")
@click.option("--priority", type=click.IntRange(-(2**31), 2**31 - 1), help="Larger runs first; default: that of the job.")
@monitoring.progress_option
@session.json_option
@session.server_options
def retry(
    *,
    job: str,
    assignments: tuple[str, ...],
    watch: bool,
    dry_run: bool,
    priority: int | None,
    progress: str,
    as_json: bool,
    where: session.Where,
) -> int:
    """Submit the spec of a job again, as a new job; the old one stays as it is."""
    from trainyard.client import overrides

    if dry_run and watch:
        raise click.UsageError("--dry-run makes no job to watch")
    mode = "none" if not watch else "json" if as_json else progress
    monitoring.demand(mode)
    with session.session(where) as client:
        found = client.get_job_spec(session.find(client, job).id)
        raw = overrides.apply(found.source, assignments)
        order = Order(dry_run, found.job.priority if priority is None else priority, None, as_json, last_word=not watch)
        made = order.place(client, f"{found.job.experiment}.trainspec.json", raw)
        if made is None:
            return session.REFUSED
        return accompany(client, made, mode, as_json=as_json) if watch else 0
