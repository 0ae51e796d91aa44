"""``trainyard pause``, ``resume``, ``stop``, ``cancel``, ``delete``: one word each to jobs that are named."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from trainyard.client.commands import references, session
from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.client.client import Client
    from trainyard.client.values.job import Job


@click.command(epilog=session.examples("trainyard pause @", "trainyard pause 0jb4 && trainyard wait urgent-job; trainyard resume 0jb4"))
@references.some_jobs()
@session.json_option
@session.server_options
def pause(jobs: tuple[str, ...], as_json: bool, where: session.Where) -> int:
    """Save where jobs are and free their slots; `trainyard resume` goes on from there as if nothing had happened."""
    with session.session(where) as client:
        for job in _found(client, jobs):
            _tell(client.pause_job(job.id), as_json=as_json)
    return 0


@click.command(epilog=session.examples("trainyard resume @", "trainyard jobs --state paused"))
@references.some_jobs()
@session.json_option
@session.server_options
def resume(jobs: tuple[str, ...], as_json: bool, where: session.Where) -> int:
    """Queue paused jobs again, at the place that they had when they were submitted."""
    with session.session(where) as client:
        for job in _found(client, jobs):
            _tell(client.resume_job(job.id), as_json=as_json)
    return 0


@click.command(epilog=session.examples("trainyard stop @", "trainyard stop 0jb4 && trainyard wait 0jb4 && trainyard download 0jb4"))
@references.some_jobs()
@session.json_option
@session.server_options
def stop(jobs: tuple[str, ...], as_json: bool, where: session.Where) -> int:
    """End training now and keep what was learnt: the best model is evaluated and the job succeeds."""
    with session.session(where) as client:
        for job in _found(client, jobs):
            _tell(client.stop_job(job.id), as_json=as_json)
    return 0


@click.command(epilog=session.examples("trainyard cancel @", "trainyard cancel 0jb4 7k2m"))
@references.some_jobs()
@session.json_option
@session.server_options
def cancel(jobs: tuple[str, ...], as_json: bool, where: session.Where) -> int:
    """End jobs at once, without a model; what they have told so far is kept. Asking twice is asking once."""
    with session.session(where) as client:
        for job in _found(client, jobs):
            _tell(client.cancel_job(job.id), as_json=as_json)
    return 0


@click.command(
    epilog=session.examples(
        "trainyard delete 0jb4", "trainyard jobs --state failed --columns id --no-header | xargs trainyard delete --yes"
    )
)
@references.some_jobs()
@click.option("-y", "--yes", is_flag=True, help="Do not ask; off a terminal it is needed.")
@session.json_option
@session.server_options
def delete(jobs: tuple[str, ...], yes: bool, as_json: bool, where: session.Where) -> int:
    """Forget jobs that are over, with their files. There is no way back."""
    from trainyard.client import documents

    with session.session(where) as client:
        found = _found(client, jobs)
        if not yes:
            _ask(found)
        for job in found:
            client.delete_job(job.id)
            click.echo(documents.dump({"id": job.id, "state": "deleted"}) if as_json else f"{job.id}  deleted")
    return 0


def _found(client: Client, references_: Sequence[str]) -> list[Job]:
    """Look every job up before the first is touched, so that a typing error touches none."""
    return [session.find(client, reference) for reference in references_]


def _ask(jobs: Sequence[Job]) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask; say --yes to delete for good")
    for job in jobs:
        click.echo(f"{job.id}  {session.shown(job.experiment)}  {job.state.value}", err=True)
    if not click.confirm(f"Delete {'this job' if len(jobs) == 1 else f'these {len(jobs)} jobs'} with all files?", err=True):
        raise Refusal("nothing was deleted", 130)


def _tell(job: Job, *, as_json: bool) -> None:
    from trainyard.client import documents

    click.echo(documents.dump({"id": job.id, "state": job.state.value}) if as_json else f"{job.id}  {job.state.value}")
