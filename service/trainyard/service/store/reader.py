"""Questions to the store, on connections of their own: reading never waits for writing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Select, func, or_, select
from sqlalchemy.exc import OperationalError

from trainyard.service.core.errors import AmbiguousJobError, StoreUnavailableError, UnknownJobError, UnknownReportError
from trainyard.service.core.events import Event
from trainyard.service.core.jobs import Artifact, Documents, Job, JobQuery
from trainyard.service.core.jobstore import StoredReport
from trainyard.service.core.states import ATTENDED, LIVE, State
from trainyard.service.store import codec
from trainyard.service.store.schema import ARTIFACT, EVENT, JOB, REPORT, SPEC

_AMBIGUOUS_COUNT = 100
# Places of a few jobs are counted; for a page of jobs the queue is read once.
_COUNTED_ONE_BY_ONE = 3


@contextmanager
def readable_failure() -> Iterator[None]:
    """Turn a locked, full or broken database into an error that can be shown; bugs stay what they are."""
    try:
        yield
    except OperationalError as error:
        raise StoreUnavailableError from error


class SqlReader:
    """Implements :class:`JobReader` for any dialect; safe from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine

    def job(self, job_id: str) -> Job:
        """Return a job; raises UnknownJobError."""
        with self._reading() as connection:
            return fetch_job(connection, select(JOB).where(JOB.c.id == job_id), job_id)

    def find(self, prefix: str, owner: str | None = None) -> Job:
        """Return the one job (of ``owner``) whose id starts with ``prefix``; raises UnknownJobError or AmbiguousJobError."""
        if not (prefix.isascii() and prefix.isalnum()):
            raise UnknownJobError(job=prefix)
        visible = select(JOB) if owner is None else select(JOB).where(JOB.c.owner == owner)
        with self._reading() as connection:
            # A whole id is found by its index; a prefix looks at every id, because collations differ between databases.
            rows = connection.execute(visible.where(JOB.c.id == prefix)).mappings().all()
            if not rows:
                matching = visible.where(JOB.c.id.startswith(prefix, autoescape=True)).limit(_AMBIGUOUS_COUNT)
                rows = connection.execute(matching).mappings().all()
        if not rows:
            raise UnknownJobError(job=prefix)
        if len(rows) > 1:
            raise AmbiguousJobError(prefix=prefix, count=len(rows))
        return codec.job_of(rows[0])

    def by_request(self, owner: str, request_id: str) -> Job | None:
        """Return the job that this request made."""
        with self._reading() as connection:
            return fetch_by_request(connection, owner, request_id)

    def jobs(self, query: JobQuery) -> list[Job]:
        """Return jobs, newest first."""
        return self._jobs(_filtered(query).order_by(JOB.c.number.desc()).limit(query.limit))

    def documents(self, job_id: str) -> Documents:
        """Return the spec of a job; raises UnknownJobError."""
        with self._reading() as connection:
            row = connection.execute(select(SPEC).where(SPEC.c.job_id == job_id)).mappings().first()
        if row is None:
            raise UnknownJobError(job=job_id)
        return Documents(source=row["source"], resolved=row["resolved"])

    def events(self, job_id: str, after_seq: int, limit: int) -> list[Event]:
        """Return at most ``limit`` events after ``after_seq``, in order."""
        page = select(EVENT).where(EVENT.c.job_id == job_id, EVENT.c.seq > after_seq).order_by(EVENT.c.seq).limit(limit)
        with self._reading() as connection:
            return [codec.event_of(row) for row in connection.execute(page).mappings()]

    def artifacts(self, job_ids: Sequence[str]) -> dict[str, tuple[Artifact, ...]]:
        """Return the artifacts of each of these jobs, by name."""
        found: dict[str, tuple[Artifact, ...]] = dict.fromkeys(job_ids, ())
        of_them = select(ARTIFACT).where(ARTIFACT.c.job_id.in_(job_ids)).order_by(ARTIFACT.c.name)
        with self._reading() as connection:
            for row in connection.execute(of_them).mappings():
                found[row["job_id"]] += (codec.artifact_of(row),)
        return found

    def queue(self, limit: int) -> list[Job]:
        """Return queued jobs in the order in which they will start; not those whose last trainer still holds a slot."""
        queued = select(JOB).where(JOB.c.state == State.QUEUED.value, ~JOB.c.held)
        return self._jobs(queued.order_by(JOB.c.priority.desc(), JOB.c.number).limit(limit))

    def queue_positions(self, jobs: Sequence[Job]) -> dict[str, int]:
        """Tell for those of these jobs that are queued how many start before each."""
        queued = [job for job in jobs if job.state is State.QUEUED]
        if len(queued) <= _COUNTED_ONE_BY_ONE:
            return {job.id: self._count_before(job) for job in queued}
        order = select(JOB.c.id).where(JOB.c.state == State.QUEUED.value).order_by(JOB.c.priority.desc(), JOB.c.number)
        with self._reading() as connection:
            places = {job_id: place for place, job_id in enumerate(connection.execute(order).scalars())}
        return {job.id: places[job.id] for job in queued if job.id in places}

    def _count_before(self, job: Job) -> int:
        sooner = or_(JOB.c.priority > job.priority, (JOB.c.priority == job.priority) & (JOB.c.number < job.number))
        count = select(func.count()).select_from(JOB).where(JOB.c.state == State.QUEUED.value, sooner)
        with self._reading() as connection:
            return connection.execute(count).scalar_one()

    def unsettled(self) -> list[Job]:
        """Return the jobs that somebody must look after: a process may exist, or a slot is held."""
        attended = JOB.c.state.in_([state.value for state in ATTENDED])
        return self._jobs(select(JOB).where(or_(attended, JOB.c.held)).order_by(JOB.c.number))

    def held_devices(self) -> list[str]:
        """Name the device of every slot that is held."""
        with self._reading() as connection:
            return list(connection.execute(select(JOB.c.device).where(JOB.c.held)).scalars())

    def live(self) -> list[Job]:
        """Return the jobs that are not over, oldest first."""
        return self._jobs(select(JOB).where(JOB.c.state.in_([state.value for state in LIVE])).order_by(JOB.c.number))

    def report(self, digest: str) -> StoredReport:
        """Return a lint report; raises UnknownReportError."""
        with self._reading() as connection:
            row = connection.execute(select(REPORT).where(REPORT.c.digest == digest)).mappings().first()
        if row is None:
            raise UnknownReportError(report=digest)
        return StoredReport(row["digest"], row["body"], row["created_at"], row["expires_at"])

    def close(self) -> None:
        """Let go of the connections."""
        self._reader.dispose()

    def _jobs(self, query: Select[tuple[object, ...]]) -> list[Job]:
        with self._reading() as connection:
            return [codec.job_of(row) for row in connection.execute(query).mappings()]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with readable_failure(), self._reader.connect() as connection:
            yield connection


def fetch_job(connection: Connection, query: Select[tuple[object, ...]], job_id: str) -> Job:
    """Run a query for one job; raises UnknownJobError."""
    row = connection.execute(query).mappings().first()
    if row is None:
        raise UnknownJobError(job=job_id)
    return codec.job_of(row)


def fetch_by_request(connection: Connection, owner: str, request_id: str) -> Job | None:
    """Return the job that this request made."""
    row = connection.execute(select(JOB).where(JOB.c.owner == owner, JOB.c.request_id == request_id)).mappings().first()
    return None if row is None else codec.job_of(row)


def _filtered(query: JobQuery) -> Select[tuple[object, ...]]:
    selected = select(JOB)
    if query.before is not None:
        selected = selected.where(JOB.c.number < query.before)
    if query.states:
        selected = selected.where(JOB.c.state.in_(sorted(state.value for state in query.states)))
    if query.owner is not None:
        selected = selected.where(JOB.c.owner == query.owner)
    if query.experiment is not None:
        selected = selected.where(JOB.c.experiment.contains(query.experiment, autoescape=True))
    for tag in query.tags:
        selected = selected.where(JOB.c.tags.contains(codec.tag_needle(tag), autoescape=True))
    return selected
