"""The Python client: one method for each thing a server can do, values in and values out.

    with Client.from_environment() as client:
        job = client.create_job(Path("digits.trainspec.json").read_bytes()).job
        for item in client.watch(job.id):
            print(item)

Blocking, thread-safe, and silent: it prints nothing and reads no environment unless asked to. ``AsyncClient`` is its
twin: the same methods with the same arguments, to be awaited.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from trainyard.client import address, calls
from trainyard.client.connection import Connection
from trainyard.client.settings import NO_TLS, Settings, Tls, settle
from trainyard.client.values.job import Artifact, ArtifactPage, Job, JobPage, JobSpec, JobState

if TYPE_CHECKING:
    from pathlib import Path

    from trainyard.client.backoff import Patience
    from trainyard.client.values.history import History
    from trainyard.client.values.report import LintReport, Submission
    from trainyard.client.values.server import Dataset, DatasetPage, ServerInfo
    from trainyard.client.watching import Watch


class Client:
    """Talks to one server. Every method raises ``ClientError``: its subclasses say what is the matter.

    Args:
        server: ``HOST:PORT``, or settings that were decided before; anything but a loopback address is dialled with TLS.
        token: sent with every call; None sends none.
        tls: files for TLS; without them the system's authorities are trusted and no certificate is shown.
    """

    def __init__(
        self, server: str | Settings = f"{address.DEFAULT_HOST}:{address.DEFAULT_PORT}", *, token: str | None = None, tls: Tls = NO_TLS
    ) -> None:
        settings = server if isinstance(server, Settings) else Settings(address.parse(server), token, None, tls)
        self._connection = Connection(settings)

    @classmethod
    def from_environment(
        cls,
        server: str | None = None,
        token_file: str | os.PathLike[str] | None = None,
        *,
        context: str | None = None,
        tls: Tls = NO_TLS,
    ) -> Self:
        """Make a client as the commands do: what is not given comes from TRAINYARD_* variables, a named context, this machine."""
        return cls(settle(server, token_file, os.environ, context=context, tls=tls))

    @property
    def server(self) -> str:
        """The address that is dialled."""
        return str(self._connection.settings.address)

    def lint(self, spec: bytes) -> LintReport:
        """Judge a spec as the server's gate would; a spec with faults is a report, not an exception."""
        return self._connection.unary(calls.lint_spec(spec))

    def plan(self, spec: bytes) -> bytes:
        """Return what a spec would do there, as the JSON of ``trainlint plan --format json``."""
        return self._connection.unary(calls.plan_spec(spec))

    def create_job(self, spec: bytes, *, request_id: str | None = None, validate_only: bool = False, priority: int = 0) -> Submission:
        """Submit a spec.

        Args:
            spec: the file's bytes; the client does not read them.
            request_id: a UUID; the same one twice is one job. Made up when absent.
            validate_only: judge and queue nothing; the returned job has no id.
            priority: larger runs first.

        Raises:
            SpecRefused: the gate refused it; the exception holds the findings.
        """
        request = request_id or str(uuid.uuid4())
        return self._connection.unary(calls.create_job(spec, request, validate_only=validate_only, priority=priority))

    def get_job(self, job_id: str) -> Job:
        """Return a job by its id or a prefix that is unique; raises NotFound."""
        return self._connection.unary(calls.get_job(job_id))

    def get_job_spec(self, job_id: str) -> JobSpec:
        """Return a job with its spec, as sent and resolved; raises NotFound."""
        return self._connection.unary(calls.get_job_spec(job_id))

    def list_jobs(
        self,
        *,
        states: Sequence[JobState] = (),
        tags: Sequence[str] = (),
        owner: str = "",
        experiment: str = "",
        page_size: int = 50,
        page_token: str = "",
    ) -> JobPage:
        """Return a page of jobs, newest first: in any of these states, with all of these tags, name containing ``experiment``."""
        return self._connection.unary(
            calls.list_jobs(states=states, tags=tags, owner=owner, experiment=experiment, page_size=page_size, page_token=page_token)
        )

    def jobs(
        self, *, limit: int, states: Sequence[JobState] = (), tags: Sequence[str] = (), owner: str = "", experiment: str = ""
    ) -> Iterator[Job]:
        """Yield up to ``limit`` jobs, newest first, fetching pages as they are needed."""
        token = ""
        while limit > 0:
            size = min(limit, 1000)
            page = self.list_jobs(states=states, tags=tags, owner=owner, experiment=experiment, page_size=size, page_token=token)
            yield from page.jobs[:limit]
            limit, token = limit - len(page.jobs), page.next_page_token
            if not token:
                return

    def watch(
        self,
        job_id: str,
        *,
        after_seq: int = 0,
        include_progress: bool = False,
        on_reconnect: Callable[[int], None] | None = None,
        on_reconnected: Callable[[int], None] | None = None,
        patience: Patience | None = None,
    ) -> Watch:
        """Follow a job by its full id: iterate to get every event after ``after_seq`` once, in order, up to the last.

        Broken connections are mended on the way; ``on_reconnect`` hears of each attempt, ``on_reconnected`` of success.
        """
        from trainyard.client.watching import Watch

        return Watch(
            self._connection,
            job_id,
            after_seq=after_seq,
            include_progress=include_progress,
            on_reconnect=on_reconnect,
            on_reconnected=on_reconnected,
            patience=patience,
        )

    def pause_job(self, job_id: str) -> Job:
        """Ask for a job's place to be saved and its slot to be freed; asking twice is asking once. Raises WrongState."""
        return self._connection.unary(calls.pause_job(job_id))

    def resume_job(self, job_id: str) -> Job:
        """Queue a paused job again; raises WrongState for one that is not paused."""
        return self._connection.unary(calls.resume_job(job_id))

    def stop_job(self, job_id: str) -> Job:
        """End training, evaluate, and keep the best model; raises WrongState."""
        return self._connection.unary(calls.stop_job(job_id))

    def cancel_job(self, job_id: str) -> Job:
        """Ask for a job to be cancelled, and return how it stands; asking twice is asking once."""
        return self._connection.unary(calls.cancel_job(job_id))

    def delete_job(self, job_id: str) -> None:
        """Forget a job that is over, with its files; raises WrongState for one that is not."""
        self._connection.unary(calls.delete_job(job_id))

    def lint_report(self, *, job_id: str = "", digest: str = "") -> LintReport:
        """Return the whole report that let a job in, or the one with a digest (those of refused specs are kept for a day)."""
        return self._connection.unary(calls.get_lint_report(job_id=job_id, digest=digest))

    def history(self, job_id: str) -> History:
        """Return a job's exact curve, one entry an epoch: plain lists, ready to plot."""
        from trainyard.client.values.history import History

        return History(job_id, self._connection.unary(calls.get_history(job_id)))

    def list_artifacts(self, job_id: str, *, page_size: int = 50, page_token: str = "") -> ArtifactPage:
        """Return a page of the files that a job made, by name."""
        return self._connection.unary(calls.list_artifacts(job_id, page_size=page_size, page_token=page_token))

    def artifacts(self, job_id: str) -> Iterator[Artifact]:
        """Yield every file that a job made, by name."""
        token = ""
        while True:
            page = self.list_artifacts(job_id, page_token=token)
            yield from page.artifacts
            token = page.next_page_token
            if not token:
                return

    def download(
        self,
        job_id: str,
        name: str,
        folder: str | os.PathLike[str],
        *,
        on_progress: Callable[[int, int], None] | None = None,
        patience: Patience | None = None,
    ) -> Path:
        """Fetch a file into ``folder`` and return its path; a broken transfer goes on where it stopped, now or next time.

        Args:
            job_id: full id of the job.
            name: the file's name, as ``artifacts`` tells it.
            folder: made where it is absent; nothing is written outside of it.
            on_progress: called with the bytes that are there and those that there will be.
            patience: how long to go on while the server is away.

        Raises:
            Damaged: what arrived has not the digest that the server told, or the name leads out of the folder.
        """
        from trainyard.client.downloading import download

        return download(self._connection, job_id, name, folder, on_progress=on_progress, patience=patience)

    def log(self, job_id: str, *, lines: int = 100, follow: bool = False) -> Iterator[str]:
        """Yield pieces of a trainer's log: its last lines, and with ``follow`` what is added until the job is over."""
        from trainyard.client.tailing import tail

        return tail(self._connection, job_id, lines, follow=follow)

    def list_datasets(self, *, page_size: int = 50, page_token: str = "") -> DatasetPage:
        """Return a page of what lies under the server's data root, by path."""
        return self._connection.unary(calls.list_datasets(page_size=page_size, page_token=page_token))

    def datasets(self) -> Iterator[Dataset]:
        """Yield everything that lies under the server's data root, by path."""
        token = ""
        while True:
            page = self.list_datasets(page_token=token)
            yield from page.datasets
            token = page.next_page_token
            if not token:
                return

    def server_info(self) -> ServerInfo:
        """Return who the server is and what it allows."""
        return self._connection.unary(calls.get_server_info())

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
