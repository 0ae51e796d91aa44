"""The Python client: one method for each thing a server can do, values in and values out.

    with Client.from_environment() as client:
        job = client.create_job(Path("digits.trainspec.json").read_bytes()).job
        for item in client.watch(job.id):
            print(item)

Blocking, thread-safe, and silent: it prints nothing and reads no environment unless asked to.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from trainyard.client import address, calls
from trainyard.client.connection import Connection
from trainyard.client.settings import Settings, settle
from trainyard.client.values.job import Job, JobPage, JobSpec, JobState

if TYPE_CHECKING:
    from trainyard.client.backoff import Patience
    from trainyard.client.values.report import LintReport, Submission
    from trainyard.client.values.server import ServerInfo
    from trainyard.client.watching import Watch


class Client:
    """Talks to one server. Every method raises ``ClientError``: its subclasses say what is the matter.

    Args:
        server: ``HOST:PORT``, or settings that were decided before; anything but a loopback address is dialled with TLS.
        token: sent with every call; None sends none.
    """

    def __init__(self, server: str | Settings = f"{address.DEFAULT_HOST}:{address.DEFAULT_PORT}", *, token: str | None = None) -> None:
        settings = server if isinstance(server, Settings) else Settings(address.parse(server), token, None)
        self._connection = Connection(settings)

    @classmethod
    def from_environment(cls, server: str | None = None, token_file: str | os.PathLike[str] | None = None) -> Self:
        """Make a client as the commands do: what is not given comes from TRAINYARD_SERVER, TRAINYARD_TOKEN_FILE, this machine."""
        return cls(settle(server, token_file, os.environ))

    @property
    def server(self) -> str:
        """The address that is dialled."""
        return str(self._connection.settings.address)

    def lint(self, spec: bytes) -> LintReport:
        """Judge a spec as the server's gate would; a spec with faults is a report, not an exception."""
        return self._connection.unary(calls.lint_spec(spec))

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

    def jobs(self, *, limit: int, states: Sequence[JobState] = (), tags: Sequence[str] = ()) -> Iterator[Job]:
        """Yield up to ``limit`` jobs, newest first, fetching pages as they are needed."""
        token = ""
        while limit > 0:
            page = self.list_jobs(states=states, tags=tags, page_size=min(limit, 1000), page_token=token)
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
        patience: Patience | None = None,
    ) -> Watch:
        """Follow a job by its full id: iterate to get every event after ``after_seq`` once, in order, up to the last.

        Broken connections are mended on the way; ``on_reconnect`` hears of each attempt.
        """
        from trainyard.client.watching import Watch

        return Watch(
            self._connection,
            job_id,
            after_seq=after_seq,
            include_progress=include_progress,
            on_reconnect=on_reconnect,
            patience=patience,
        )

    def cancel_job(self, job_id: str) -> Job:
        """Ask for a job to be cancelled, and return how it stands; asking twice is asking once."""
        return self._connection.unary(calls.cancel_job(job_id))

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
