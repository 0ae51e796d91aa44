"""The runs that are named on a command line: jobs of a server, or folders that a run left here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainyard.client.commands import session

if TYPE_CHECKING:
    from trainyard.client.outcome.run import Run


def runs(references: Sequence[str], where: session.Where, *, files: bool = False, times: bool = False) -> list[Run]:
    """Return the runs; a server is asked only when one of them is no folder."""
    from trainyard.client.outcome.run import of_folder

    folders = {reference: Path(reference) for reference in references if Path(reference).is_dir()}
    with session.refusing():
        known = {reference: of_folder(folder) for reference, folder in folders.items()}
    rest = [reference for reference in references if reference not in known]
    if rest:
        known.update(_asked(rest, where, files=files, times=times))
    return [known[reference] for reference in references]


def _asked(references: Sequence[str], where: session.Where, *, files: bool, times: bool) -> dict[str, Run]:
    from trainyard.client.outcome.run import of_job

    with session.session(where) as client:
        jobs = {reference: session.find(client, reference) for reference in references}
        return {reference: of_job(client, job, files=files, times=times) for reference, job in jobs.items()}
