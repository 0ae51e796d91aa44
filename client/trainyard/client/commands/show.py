"""``trainyard show``: one job, or the spec it was made from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from trainyard.client.commands import references, session

if TYPE_CHECKING:
    from trainyard.client.values.job import Job


@click.command(
    epilog=session.examples(
        "trainyard show @", "trainyard show 0jb4 --spec > again.trainspec.json", "trainyard show @ --json | jq .best_metrics"
    )
)
@references.one_job()
@click.option("--spec", is_flag=True, help="Print the spec as it was sent, byte for byte.")
@click.option("--resolved", is_flag=True, help="Print the spec with every default filled in.")
@session.json_option
@session.server_options
def show(*, job: str, spec: bool, resolved: bool, as_json: bool, where: session.Where) -> int:
    """Show how a job stands, what it reached and which files it made.

    ID may be abbreviated; @ is the newest job.
    """
    if spec and resolved:
        raise click.UsageError("--spec and --resolved exclude each other")
    with session.session(where) as client:
        found = session.find(client, job)
        if spec or resolved:
            texts = client.get_job_spec(found.id)
            sys.stdout.buffer.write(texts.source if spec else texts.resolved + b"\n")
        elif as_json:
            from trainyard.client import documents

            click.echo(documents.dump(documents.job(found)))
        else:
            for line in describe(found):
                click.echo(session.shown(line))
    return 0


def describe(job: Job) -> list[str]:
    """Say everything about a job that a person asks for."""
    from trainyard.client.screen import phrases

    facts = {
        "owner": job.owner,
        "tags": ", ".join(job.tags),
        "learns": f"{job.model} on {job.dataset} with {job.optimizer}",
        "created": _time(job.created),
        "started": _time(job.started),
        "ended": _time(job.ended),
        "attempt": str(job.attempt) if job.attempt > 1 else "",
        "expected": _expected(job),
        "epoch": f"{job.epoch}/{job.epochs_planned}  {phrases.metrics(job.metrics)}" if job.epoch else "",
        "ruleset": job.ruleset,
        "spec": job.spec_digest,
    }
    head, *rest = phrases.outcome(job)
    return [head, *(f"  {name:<8} {value}" for name, value in facts.items() if value), *rest]


def _expected(job: Job) -> str:
    """Say what was predicted before the start, beside what a job that went all its way took."""
    from trainyard.client.screen import phrases

    said = []
    if job.predicted_seconds:
        took = (job.ended - job.started).total_seconds() if job.ended and job.started and job.reason == "completed" else None
        said.append(phrases.duration(job.predicted_seconds) + (f" (took {phrases.duration(took)})" if took is not None else ""))
    if job.predicted_memory_bytes:
        low, high = job.predicted_memory_bytes
        said.append(f"{phrases.size(low)} to {phrases.size(high)} of memory")
    return ", ".join(said)


def _time(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if value else ""
