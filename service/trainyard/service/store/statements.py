"""Statements of the ways that are gone often, written down once.

To put a statement together costs more than to run it: fifty columns become fifty objects, and a key for the cache of compiled
statements from all of them. What is asked a hundred times a second is therefore a constant with parameters.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Select, bindparam, insert, select, update

from trainyard.service.store.schema import EVENT, JOB, REPORT, SPEC, TAG

#: ``job_id``
JOB_BY_ID: Select[tuple[object, ...]] = select(JOB).where(JOB.c.id == bindparam("job_id"))
#: ``job_id``. SQLite has no row locks and needs none: the whole transaction is the only writer.
JOB_TO_CHANGE: Select[tuple[object, ...]] = JOB_BY_ID.with_for_update()
#: ``job_id``, ``owner``
JOB_OF_OWNER: Select[tuple[object, ...]] = JOB_BY_ID.where(JOB.c.owner == bindparam("owner"))
#: ``owner``, ``request_id``
JOB_BY_REQUEST: Select[tuple[object, ...]] = select(JOB).where(
    JOB.c.owner == bindparam("owner"), JOB.c.request_id == bindparam("request_id")
)
#: ``job_id``, ``after_seq``, ``most``
EVENTS_AFTER = (
    select(EVENT)
    .where(EVENT.c.job_id == bindparam("job_id"), EVENT.c.seq > bindparam("after_seq"))
    .order_by(EVENT.c.seq)
    .limit(bindparam("most", type_=BigInteger))
)
#: ``job_id``, ``keys``
EVENTS_OF_KEYS = select(EVENT).where(EVENT.c.job_id == bindparam("job_id"), EVENT.c.key.in_(bindparam("keys", expanding=True)))
ADD_JOB = insert(JOB)
ADD_SPEC = insert(SPEC)
ADD_TAGS = insert(TAG)
ADD_EVENTS = insert(EVENT)
#: ``was_number``, ``was_state``, ``was_last_seq``, and the columns to write: guarded by what was read.
CHANGE_JOB = update(JOB).where(
    JOB.c.number == bindparam("was_number"), JOB.c.state == bindparam("was_state"), JOB.c.last_seq == bindparam("was_last_seq")
)
#: ``was_number``, and the columns to write.
SET_JOB = update(JOB).where(JOB.c.number == bindparam("was_number"))
#: ``report_digest``
REPORT_EXPIRY = select(REPORT.c.expires_at).where(REPORT.c.digest == bindparam("report_digest"))
ADD_REPORT = insert(REPORT)
