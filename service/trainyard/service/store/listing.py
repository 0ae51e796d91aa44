"""Which jobs a list shows, found without looking at any job that it does not show.

A row of a job is wide. So its number is found first, in an index or in the table of tags, which hold all that jobs are listed by;
the page's rows are read then. Jobs that are not over are few, whatever the store holds: who asks for them only starts there.
"""

from __future__ import annotations

from sqlalchemy import FromClause, Select, select

from trainyard.service.core.jobs import JobQuery
from trainyard.service.core.states import LIVE
from trainyard.service.store import codec
from trainyard.service.store.schema import JOB, TAG

# More than any store holds. A limit keeps a database from weaving an inner question into the outer one.
_ALL = 2**62


def page(query: JobQuery) -> Select[tuple[object, ...]]:
    """Return the question for the jobs of a query, newest first."""
    numbers = _numbers(query).limit(query.limit).subquery()
    return select(JOB).join(numbers, JOB.c.number == numbers.c.number).order_by(JOB.c.number.desc())


def _numbers(query: JobQuery) -> Select[tuple[int]]:
    if query.states and query.states <= LIVE:
        live = select(JOB.c.number, JOB.c.owner, JOB.c.state, JOB.c.experiment).where(JOB.c.state.in_(_values(query)))
        return _among(live.limit(_ALL).subquery(), query)
    return _by_tag(query) if query.tags else _among(JOB, query)


def _among(jobs: FromClause, query: JobQuery) -> Select[tuple[int]]:
    """Walk through jobs, the newest first."""
    found = _of_jobs(select(jobs.c.number), jobs, query)
    if query.before is not None:
        found = found.where(jobs.c.number < query.before)
    if query.owner is not None:
        found = found.where(jobs.c.owner == query.owner)
    for tag in query.tags:
        found = found.where(_tagged(tag).where(TAG.c.number == jobs.c.number).correlate(jobs).exists())
    return found.order_by(jobs.c.number.desc())


def _by_tag(query: JobQuery) -> Select[tuple[int]]:
    """Walk through the jobs with the first tag, the newest first."""
    first, *others = query.tags
    has = TAG.alias("has")
    found = select(has.c.number).where(has.c.tag == codec.tag_key(first))
    if query.before is not None:
        found = found.where(has.c.number < query.before)
    if query.owner is not None:
        found = found.where(has.c.owner == query.owner)
    for tag in others:
        found = found.where(_tagged(tag).where(TAG.c.number == has.c.number).correlate(has).exists())
    if query.states or query.experiment is not None:
        found = _of_jobs(found.join(JOB, JOB.c.number == has.c.number), JOB, query)
    return found.order_by(has.c.number.desc())


def _of_jobs(found: Select[tuple[int]], jobs: FromClause, query: JobQuery) -> Select[tuple[int]]:
    if query.states:
        found = found.where(jobs.c.state.in_(_values(query)))
    if query.experiment is not None:
        found = found.where(jobs.c.experiment.contains(query.experiment, autoescape=True))
    return found


def _values(query: JobQuery) -> list[str]:
    return sorted(state.value for state in query.states)


def _tagged(tag: str) -> Select[tuple[str]]:
    return select(TAG.c.tag).where(TAG.c.tag == codec.tag_key(tag))
