"""Questions to the store, on connections of their own: reading never waits for writing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine, Select, Subquery, case, func, or_, select
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from trainyard.service.core.errors import (
    AmbiguousJobError,
    StoreUnavailableError,
    UnknownArtifactError,
    UnknownJobError,
    UnknownReportError,
)
from trainyard.service.core.events import Event
from trainyard.service.core.jobs import Artifact, Documents, Job, JobQuery
from trainyard.service.core.jobstore import StoredReport
from trainyard.service.core.states import ATTENDED, LIVE, State
from trainyard.service.store import codec, listing, statements
from trainyard.service.store.schema import ARTIFACT, EVENT, JOB, REFUSAL, REPORT, SPEC

_AMBIGUOUS_COUNT = 100
_READ_ONLY = "25006"
# Places of a few jobs are counted; for a page of jobs the queue is put in order once.
_COUNTED_ONE_BY_ONE = 3
_EPOCHS = ("epoch_finished", "epoch_revised")


@contextmanager
def readable_failure() -> Iterator[None]:
    """Turn a locked, full or broken database into an error that can be shown; bugs stay what they are."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        raise StoreUnavailableError from error
    except DatabaseError as error:
        # SQLite says no more than this of a file that is broken or none, PostgreSQL this of one that may only be read.
        if type(error) is DatabaseError or getattr(error.orig, "sqlstate", None) == _READ_ONLY:
            raise StoreUnavailableError from error
        raise


class SqlReader:
    """Implements :class:`JobReader` for any dialect; safe from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine

    def job(self, job_id: str) -> Job:
        """Return a job; raises UnknownJobError."""
        with self._reading() as connection:
            return fetch_job(connection, statements.JOB_BY_ID, job_id)

    def find(self, prefix: str, owner: str | None = None) -> Job:
        """Return the one job (of ``owner``) whose id starts with ``prefix``; raises UnknownJobError or AmbiguousJobError."""
        if not (prefix.isascii() and prefix.isalnum()):
            raise UnknownJobError(job=prefix)
        exact = statements.JOB_BY_ID if owner is None else statements.JOB_OF_OWNER
        with self._reading() as connection:
            # A whole id is found by its index; a prefix looks at every id, because collations differ between databases.
            rows = connection.execute(exact, {"job_id": prefix} if owner is None else {"job_id": prefix, "owner": owner}).mappings().all()
            if not rows:
                visible = select(JOB) if owner is None else select(JOB).where(JOB.c.owner == owner)
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
        return self._jobs(listing.page(query))

    def documents(self, job_id: str) -> Documents:
        """Return the spec of a job; raises UnknownJobError."""
        with self._reading() as connection:
            row = connection.execute(select(SPEC).where(SPEC.c.job_id == job_id)).mappings().first()
        if row is None:
            raise UnknownJobError(job=job_id)
        return Documents(source=row["source"], resolved=row["resolved"])

    def events(self, job_id: str, after_seq: int, limit: int) -> list[Event]:
        """Return at most ``limit`` events after ``after_seq``, in order."""
        asked = {"job_id": job_id, "after_seq": after_seq, "most": limit}
        with self._reading() as connection:
            return [codec.event_of(row) for row in connection.execute(statements.EVENTS_AFTER, asked).mappings()]

    def last_seqs(self, job_ids: Sequence[str]) -> dict[str, int]:
        """Return the number of the last event of each of these jobs; jobs that are not there are left out."""
        asked = select(JOB.c.id, JOB.c.last_seq).where(JOB.c.id.in_(job_ids))
        with self._reading() as connection:
            return {row.id: row.last_seq for row in connection.execute(asked)}

    def artifacts(self, job_ids: Sequence[str]) -> dict[str, tuple[Artifact, ...]]:
        """Return the artifacts of each of these jobs, by name."""
        found: dict[str, tuple[Artifact, ...]] = dict.fromkeys(job_ids, ())
        of_them = select(ARTIFACT).where(ARTIFACT.c.job_id.in_(job_ids)).order_by(ARTIFACT.c.name)
        with self._reading() as connection:
            for row in connection.execute(of_them).mappings():
                found[row["job_id"]] += (codec.artifact_of(row),)
        return found

    def epochs(self, job_id: str, after_seq: int, limit: int) -> list[Event]:
        """Return at most ``limit`` events that tell of epochs, after ``after_seq``, in order."""
        told = select(EVENT).where(EVENT.c.job_id == job_id, EVENT.c.seq > after_seq, EVENT.c.kind.in_(_EPOCHS))
        with self._reading() as connection:
            return [codec.event_of(row) for row in connection.execute(told.order_by(EVENT.c.seq).limit(limit)).mappings()]

    def artifact(self, job_id: str, name: str) -> Artifact:
        """Return one artifact of a job; raises UnknownArtifactError."""
        with self._reading() as connection:
            row = connection.execute(select(ARTIFACT).where(ARTIFACT.c.job_id == job_id, ARTIFACT.c.name == name)).mappings().first()
        if row is None:
            raise UnknownArtifactError(name=name, job=job_id)
        return codec.artifact_of(row)

    def artifact_page(self, job_id: str, after_name: str, limit: int) -> list[Artifact]:
        """Return at most ``limit`` artifacts of a job after the one of that name, by name."""
        page = select(ARTIFACT).where(ARTIFACT.c.job_id == job_id, ARTIFACT.c.name > after_name).order_by(ARTIFACT.c.name).limit(limit)
        with self._reading() as connection:
            return [codec.artifact_of(row) for row in connection.execute(page).mappings()]

    def queue(self, limit: int, most_running: int | None = None, most_gpus: int | None = None) -> list[Job]:
        """Return queued jobs in the order in which they will start; not those whose last trainer still holds a slot."""
        order = queue_order()
        startable = select(JOB).join(order, JOB.c.number == order.c.number).where(~JOB.c.held)
        if most_running is not None:
            startable = startable.where(order.c.slots_then <= most_running)
        if most_gpus is not None:
            startable = startable.where(JOB.c.gpus <= most_gpus)
        return self._jobs(startable.order_by(order.c.place).limit(limit))

    def queue_positions(self, jobs: Sequence[Job]) -> dict[str, int]:
        """Tell for those of these jobs that are queued how many start before each."""
        waiting = [job for job in jobs if job.state is State.QUEUED]
        if not waiting:
            return {}
        if len(waiting) <= _COUNTED_ONE_BY_ONE and self._one_owner_waits():
            return {job.id: self._count_before(job) for job in waiting}
        queued, order = {job.id for job in waiting}, queue_order()
        places = select(order.c.id, order.c.place).where(order.c.id.in_(queued))
        with self._reading() as connection:
            return {row.id: row.place - 1 for row in connection.execute(places)}

    def _one_owner_waits(self) -> bool:
        owners = select(JOB.c.owner).where(JOB.c.state == State.QUEUED.value).distinct().limit(2)
        with self._reading() as connection:
            return len(connection.execute(owners).all()) == 1

    def _count_before(self, job: Job) -> int:
        """Count the jobs before one where nobody takes turns: much cheaper than an order of all."""
        sooner = or_(JOB.c.priority > job.priority, (JOB.c.priority == job.priority) & (JOB.c.number < job.number))
        count = select(func.count()).select_from(JOB).where(JOB.c.state == State.QUEUED.value, sooner)
        with self._reading() as connection:
            return connection.execute(count).scalar_one()

    def unsettled(self, node: str = "") -> list[Job]:
        """Return the jobs that a node must look after: it holds their slot, or nobody does and somebody must."""
        attended = JOB.c.state.in_([state.value for state in ATTENDED])
        # Two questions, each with an index; a query with OR would look at every job there ever was.
        held = select(JOB).where(JOB.c.held, or_(JOB.c.node == node, JOB.c.node.is_(None)))
        loose = select(JOB).where(attended, ~JOB.c.held)
        return sorted(self._jobs(held) + self._jobs(loose), key=lambda job: job.number)

    def held_devices(self, node: str = "") -> list[str]:
        """Name the device of every slot that jobs of a node hold."""
        held = select(JOB.c.device, JOB.c.more_devices).where(JOB.c.held, or_(JOB.c.node == node, JOB.c.node.is_(None)))
        with self._reading() as connection:
            return [device for row in connection.execute(held).mappings() for device in codec.held_devices(row)]

    def over_since(self, before: datetime, limit: int) -> list[Job]:
        """Return jobs that ended before a moment and hold nothing, the oldest first."""
        return self._jobs(select(JOB).where(JOB.c.ended_at < before, ~JOB.c.held).order_by(JOB.c.ended_at).limit(limit))

    def count_live(self, owner: str) -> int:
        """Count the jobs of an owner that are not over."""
        live = JOB.c.state.in_([state.value for state in LIVE])
        with self._reading() as connection:
            return connection.execute(select(func.count()).select_from(JOB).where(live, JOB.c.owner == owner)).scalar_one()

    def live(self) -> list[Job]:
        """Return the jobs that are not over, oldest first."""
        return self._jobs(select(JOB).where(JOB.c.state.in_([state.value for state in LIVE])).order_by(JOB.c.number))

    def report(self, digest: str, owner: str | None = None) -> StoredReport:
        """Return a lint report, one of a job or a refusal of ``owner`` where that is given; raises UnknownReportError."""
        wanted = select(REPORT).where(REPORT.c.digest == digest)
        if owner is not None:
            of_a_job = select(JOB.c.number).where(JOB.c.report_digest == digest, JOB.c.owner == owner)
            of_a_refusal = select(REFUSAL.c.digest).where(REFUSAL.c.digest == digest, REFUSAL.c.owner == owner)
            wanted = wanted.where(or_(of_a_job.exists(), of_a_refusal.exists()))
        with self._reading() as connection:
            row = connection.execute(wanted).mappings().first()
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


def queue_order() -> Subquery:
    """Return who starts when, as ``number``, ``id``, ``place`` (1 starts first) and ``slots_then``.

    Larger priorities first. Among equals owners take turns: the next turn is that of the owner with the fewest slots and
    jobs before it, so that a thousand jobs of one do not keep the only job of another waiting. An owner's own jobs keep
    the order in which they were submitted, and a job that was paused keeps its place. ``slots_then`` is how many slots its
    owner holds once it and the owner's jobs before it have started. A job on several GPUs takes a slot for each, and its turn
    comes when that of its first slot would: else jobs of others on one GPU would go before it for ever.
    """
    width = case((JOB.c.gpus > 1, JOB.c.gpus), else_=1)
    running = select(JOB.c.owner, func.sum(width).label("slots")).where(JOB.c.held).group_by(JOB.c.owner).subquery()
    turn = func.sum(width).over(partition_by=(JOB.c.priority, JOB.c.owner), order_by=JOB.c.number) - width + 1
    among_own = func.sum(width).over(partition_by=JOB.c.owner, order_by=(JOB.c.held, JOB.c.priority.desc(), JOB.c.number))
    slots = func.coalesce(running.c.slots, 0)
    turns = (
        select(JOB.c.number, JOB.c.id, JOB.c.priority, (turn + slots).label("turn"), (among_own + slots).label("slots_then"))
        .select_from(JOB.outerjoin(running, JOB.c.owner == running.c.owner))
        .where(JOB.c.state == State.QUEUED.value)
        .subquery()
    )
    place = func.row_number().over(order_by=(turns.c.priority.desc(), turns.c.turn, turns.c.number))
    return select(turns.c.number, turns.c.id, turns.c.slots_then, place.label("place")).subquery()


def fetch_job(connection: Connection, query: Select[tuple[object, ...]], job_id: str) -> Job:
    """Run a query for one job, by ``job_id``; raises UnknownJobError."""
    row = connection.execute(query, {"job_id": job_id}).mappings().first()
    if row is None:
        raise UnknownJobError(job=job_id)
    return codec.job_of(row)


def fetch_by_request(connection: Connection, owner: str, request_id: str) -> Job | None:
    """Return the job that this request made."""
    row = connection.execute(statements.JOB_BY_REQUEST, {"owner": owner, "request_id": request_id}).mappings().first()
    return None if row is None else codec.job_of(row)
