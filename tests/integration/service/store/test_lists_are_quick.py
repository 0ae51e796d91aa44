"""What a list costs does not follow the jobs that it does not show: CPU time beside the list of the newest, in the same run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

import pytest
from tests.integration.service.conftest import Submit

from trainyard.service.core.jobs import JobQuery
from trainyard.service.core.states import State
from trainyard.service.store import SqlJobStore, listing, open_sqlite

JOBS = 20_000
LIVE = frozenset({State.QUEUED, State.RUNNING})
OVER = frozenset({State.SUCCEEDED, State.FAILED})
Cost = Callable[[Callable[[], object]], float]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlJobStore]:
    """A store with many jobs that are over: one, copied, each with a name of its own."""
    path = tmp_path_factory.mktemp("full") / "jobs.sqlite"
    submit = Submit()
    store = open_sqlite(path)
    source = submit(store, tags=("all",))
    connection = sqlite3.connect(path)
    names = [row[1] for row in connection.execute("PRAGMA table_info(job)")]
    own = {"number", "id", "request_id", "experiment", "state"}
    rest = ", ".join(name for name in names if name not in own)
    with connection:
        connection.executemany(
            f"INSERT INTO job (id, experiment, state, {rest}) SELECT ?, ?, 'succeeded', {rest} FROM job WHERE id = ?",  # noqa: S608 - columns
            ((f"z{number:010d}", f"sweep of rates, run {number}", source) for number in range(JOBS)),
        )
        connection.execute("INSERT INTO job_tag SELECT 'all', number, owner FROM job WHERE id LIKE 'z%'")
        connection.execute("INSERT INTO job_tag SELECT 'part', number, owner FROM job WHERE id LIKE 'z%' AND number % 100 = 0")
    connection.close()
    yield store
    store.close()


@pytest.mark.parametrize(
    "query, count",
    [
        (JobQuery(limit=5, tags=("nobody",)), 0),
        (JobQuery(limit=5, tags=("all",)), 5),
        (JobQuery(limit=5, tags=("part", "all")), 5),
        (JobQuery(limit=5, tags=("all",), owner="ann", before=JOBS // 2), 5),
        (JobQuery(limit=5, tags=("all",), states=LIVE), 1),
        (JobQuery(limit=5, tags=("all",), states=OVER), 5),
        (JobQuery(limit=5, owner="nobody"), 0),
        (JobQuery(limit=5, owner="ann"), 5),
        (JobQuery(limit=5, owner="ann", states=LIVE), 1),
        (JobQuery(limit=5, states=LIVE), 1),
        (JobQuery(limit=5, experiment="run 1"), 5),
    ],
    ids=range(11),
)
def test_a_list_that_has_an_index_costs_what_the_newest_cost(full: SqlJobStore, cost: Cost, query: JobQuery, count: int) -> None:
    assert len(full.jobs(query)) == count
    newest = cost(lambda: [full.jobs(JobQuery(limit=5)) for _ in range(20)])
    assert cost(lambda: [full.jobs(query) for _ in range(20)]) < 3 * newest


@pytest.mark.parametrize("owner", [None, "ann"])
@pytest.mark.parametrize("states", [frozenset(), OVER], ids=["any", "over"])
def test_a_name_that_nobody_has_is_looked_for_in_an_index_and_in_no_job(
    full: SqlJobStore, owner: str | None, states: frozenset[State]
) -> None:
    query = JobQuery(limit=5, experiment="nothing", owner=owner, states=states)
    with full._reader.connect() as connection:
        asked = listing.page(query).compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}")]
    looks = [step for step in plan if step.startswith(("SCAN job", "SEARCH job"))]
    assert any("COVERING INDEX" in step for step in looks)
    assert all("COVERING INDEX" in step or "INTEGER PRIMARY KEY (rowid=?)" in step for step in looks), plan
    assert full.jobs(query) == []
