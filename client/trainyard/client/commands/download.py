"""``trainyard download``: the files that a job made, checked byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainyard.client.commands import references, session
from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.client.client import Client
    from trainyard.client.values.job import Artifact


@click.command(
    epilog=session.examples("trainyard download @", "trainyard download 0jb4 best.keras -o models/", "trainyard download @ --list")
)
@references.one_job()
@click.argument("names", metavar="[NAME]…", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to; default: a folder named like the job.",
)
@click.option("--list", "only_list", is_flag=True, help="List the files and fetch none.")
@session.json_option
@session.server_options
def download(*, job: str, names: tuple[str, ...], output: Path | None, only_list: bool, as_json: bool, where: session.Where) -> int:
    """Fetch all files of a job, or those that are named. What breaks off goes on where it stopped, now or next time.

    A file is put into its place only when its SHA-256 is the one that the server told.
    """
    with session.session(where) as client:
        found = session.find(client, job)
        chosen = _chosen(list(client.artifacts(found.id)), names, found.id)
        folder = output or Path(found.id)
        for artifact in chosen:
            if only_list:
                _tell(artifact, None, as_json=as_json)
            else:
                _tell(artifact, _fetch(client, found.id, artifact, folder), as_json=as_json)
        if not chosen:
            click.echo(f"{found.id} has made no files yet", err=True)
    return 0


def _chosen(artifacts: Sequence[Artifact], names: Sequence[str], job_id: str) -> list[Artifact]:
    known = {artifact.name: artifact for artifact in artifacts}
    absent = [name for name in names if name not in known]
    if absent:
        there = f"there are {', '.join(known)}" if known else "it has made none yet"
        raise Refusal(session.shown(f"{job_id} has no file {absent[0]!r}; {there}"), 6)
    return [known[name] for name in names] if names else list(artifacts)


def _fetch(client: Client, job_id: str, artifact: Artifact, folder: Path) -> Path:
    """Fetch a file that is not there already, showing how far it is on a terminal."""
    from trainyard.client import landing

    target = landing.place(folder, artifact.name)
    if target.is_file() and target.stat().st_size == artifact.size_bytes and landing.digest(target) == artifact.sha256:
        return target
    progress = _progress(artifact)
    try:
        return client.download(job_id, artifact.name, folder, on_progress=progress)
    finally:
        if progress is not None:
            sys.stderr.write("\r\x1b[K")


def _progress(artifact: Artifact) -> Callable[[int, int], None] | None:
    if not sys.stderr.isatty() or artifact.size_bytes < 2**20:
        return None
    from trainyard.client.screen.phrases import size

    def show(there: int, whole: int) -> None:
        sys.stderr.write(f"\r{session.shown(artifact.name)}  {size(there)} of {size(whole)}\x1b[K")
        sys.stderr.flush()

    return show


def _tell(artifact: Artifact, place: Path | None, *, as_json: bool) -> None:
    from trainyard.client import documents
    from trainyard.client.screen.phrases import size

    if as_json:
        click.echo(documents.dump({**documents.artifact(artifact), "path": str(place) if place else None}))
    elif place is None:
        click.echo(f"{session.shown(artifact.name)}  {artifact.kind}  {size(artifact.size_bytes)}")
    else:
        click.echo(session.shown(str(place)))
