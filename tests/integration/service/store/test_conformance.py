"""What every job store promises. One suite, run on each dialect of ``DIALECTS``."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from trainyard.service.core.errors import (
    AmbiguousJobError,
    IllegalCommandError,
    RequestReusedError,
    StaleAttemptError,
    StaleOffsetError,
    UnknownArtifactError,
    UnknownJobError,
    UnknownReportError,
)
from trainyard.service.core.events import ArtifactWritten, EpochRevised, StateChanged
from trainyard.service.core.jobs import JobQuery, Lease, TrainerProcess
from trainyard.service.core.jobstore import Batch, StoredReport
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import Command, State
from trainyard.service.store import SqlJobStore

Submit = Any
Words = Any
OpenStore = Callable[[], SqlJobStore]
PROCESS = TrainerProcess(host="h", boot_id="b", pid=7, start_ticks=8)


def seqs(store: SqlJobStore, job_id: str) -> list[int]:
    return [event.seq for event in store.events(job_id, 0, 10_000)]


def ingest(store: SqlJobStore, job_id: str, noon: datetime, *entries: Any, attempt: int = 1, start: int = 0, end: int = 10) -> None:
    store.ingest(job_id, Batch(attempt, start, end, tuple(entries)), noon)


def running(store: SqlJobStore, submit: Submit, words: Words, noon: datetime, **of: object) -> str:
    job_id: str = submit(store, **of)
    store.claim(job_id, "cpu", noon)
    ingest(store, job_id, noon, words.started())
    return job_id


def test_a_job_comes_back_as_it_was_kept(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    new = submit.new(tags=("a", "b"), experiment="β test", priority=3)
    change = store.create(new, submit.report())
    job = store.job(new.id)
    assert job == change.job
    assert (job.summary, job.prediction, job.digests, job.created_at) == (new.summary, new.prediction, new.digests, noon)
    assert store.documents(new.id).source == new.source
    assert store.documents(new.id).resolved == new.resolved
    assert store.events(new.id, 0, 10) == list(change.events)
    assert store.report("3").body == submit.report().body


def test_everything_a_running_job_learns_comes_back_too(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon)
    store.bind(job_id, 1, PROCESS)
    last = store.ingest(job_id, Batch(1, 10, 99, (words.epoch(1, math.inf),)), noon).job
    kept = store.job(job_id)
    assert kept == last
    assert (kept.process, kept.device, kept.held, kept.spool_offset) == (PROCESS, "cpu", True, 99)
    assert kept.last_metrics == {"loss": math.inf}


def test_a_nan_survives_in_metrics_and_events(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon)
    store.ingest(job_id, Batch(1, 10, 20, (words.epoch(1, math.nan),)), noon)
    assert math.isnan(store.job(job_id).last_metrics["loss"])
    body = store.events(job_id, 0, 10)[-1].body
    assert math.isnan(body.metrics["loss"])  # type: ignore[union-attr]  # the last event is the epoch


def test_the_same_request_makes_one_job(store: SqlJobStore, submit: Submit) -> None:
    first = store.create(submit.new(request_id="r"), submit.report())
    second = store.create(submit.new(request_id="r"), submit.report())
    assert second.job.id == first.job.id
    assert second.events == ()
    assert store.by_request("ann", "r") == first.job
    assert len(store.jobs(JobQuery(limit=10))) == 1


def test_the_same_request_of_somebody_else_is_another_job(store: SqlJobStore, submit: Submit) -> None:
    assert submit(store, request_id="r") != submit(store, request_id="r", owner="bob")


def test_a_request_id_with_another_body_is_refused(store: SqlJobStore, submit: Submit) -> None:
    submit(store, request_id="r")
    with pytest.raises(RequestReusedError):
        submit(store, request_id="r", request_digest="other")


def test_requests_without_an_id_are_always_new(store: SqlJobStore, submit: Submit) -> None:
    assert submit(store) != submit(store)


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.job("nope"),
        lambda store: store.documents("nope"),
        lambda store: store.find("nope"),
        lambda store: store.find("%"),
        lambda store: store.find(""),
        lambda store: store.find("é"),
        lambda store: store.move("nope", Command.CANCEL, datetime.now().astimezone()),
    ],
)
def test_an_unknown_job_is_unknown(store: SqlJobStore, submit: Submit, ask: Callable[[SqlJobStore], object]) -> None:
    submit(store)
    with pytest.raises(UnknownJobError):
        ask(store)


def test_a_prefix_finds_its_job_when_it_is_the_only_one(store: SqlJobStore, submit: Submit) -> None:
    submit(store, id="abc1")
    submit(store, id="abc12")
    submit(store, id="b9")
    submit(store, id="ab", owner="bob")
    assert store.find("b").id == "b9"
    assert store.find("abc1").id == "abc1"
    assert store.find("a", "bob").id == "ab"
    with pytest.raises(AmbiguousJobError, match="2 jobs start with 'abc'"):
        store.find("abc")
    with pytest.raises(UnknownJobError):
        store.find("abc1", "bob")


def test_lists_are_newest_first_and_pages_do_not_shift(store: SqlJobStore, submit: Submit) -> None:
    ids = [submit(store) for _ in range(5)]
    first = store.jobs(JobQuery(limit=2))
    submit(store)
    second = store.jobs(JobQuery(limit=2, before=first[-1].number))
    assert [job.id for job in first + second] == ids[::-1][:4]


def test_lists_are_filtered_by_everything_that_is_asked_for(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    a = submit(store, tags=("x", "y"), experiment="50%_off")
    b = submit(store, tags=('"x', "xy"), experiment="500 off", owner="bob")
    store.move(b, Command.CANCEL, noon)

    def found(**of: Any) -> list[str]:
        return [job.id for job in store.jobs(JobQuery(limit=9, **of))]

    assert found(tags=("x",)) == [a]
    assert found(tags=("x", "xy")) == []
    assert found(experiment="50%") == [a]
    assert found(owner="bob") == [b]
    assert found(states=frozenset({State.CANCELLING})) == [b]
    assert found() == [b, a]


def test_a_list_by_tags_is_the_same_however_it_is_found(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    """Held to what a reader of every job would say, for each combination of filters."""
    for number in range(24):
        has = tuple(tag for tag, every in (("two", 2), ("three", 3), ("Two", 5)) if number % every == 0)
        job_id = submit(store, tags=has, experiment=f"run {number % 4}", owner="bob" if number % 7 == 0 else "ann")
        if number % 5 < 2:
            store.move(job_id, Command.CANCEL, noon)
        if number % 5 == 1:
            store.move(job_id, Command.CLEAR, noon, reason=Reason.USER)
    everybody = store.jobs(JobQuery(limit=99))
    states: list[frozenset[State]] = [frozenset(), frozenset({State.CANCELLED}), frozenset({State.QUEUED, State.CANCELLING})]
    states.append(frozenset({State.CANCELLED, State.QUEUED}))
    tags: list[tuple[str, ...]] = [(), ("two",), ("Two",), ("two", "three"), ("nobody",), ("two", "nobody")]
    combined = itertools.product(states, tags, (None, "ann", "bob"), (None, "run 1", "2"), (None, everybody[8].number))
    for asked, wanted, owner, name, before in combined:
        expected = [
            job.id
            for job in everybody
            if (not asked or job.state in asked)
            and set(wanted) <= set(job.summary.tags)
            and owner in {None, job.owner}
            and (name or "") in job.summary.experiment
            and (before is None or job.number < before)
        ]
        query = JobQuery(limit=5, before=before, states=asked, tags=wanted, owner=owner, experiment=name)
        assert [job.id for job in store.jobs(query)] == expected[:5], query


def test_the_tags_of_a_job_that_was_removed_are_gone(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    gone, stays = submit(store, tags=("x", "x", "a\x1fb")), submit(store, tags=("x",))
    assert [job.id for job in store.jobs(JobQuery(limit=9, tags=("a\x1fb",)))] == [gone]
    store.move(gone, Command.CANCEL, noon)
    store.move(gone, Command.CLEAR, noon, reason=Reason.USER)
    store.remove(gone)
    assert [job.id for job in store.jobs(JobQuery(limit=9, tags=("x",)))] == [stays]


def test_a_tag_may_be_of_any_length(store: SqlJobStore, submit: Submit) -> None:
    long = "".join(chr(0x4E00 + number % 5000) for number in range(9000))
    job_id = submit(store, tags=(long, "short"))
    assert [job.id for job in store.jobs(JobQuery(limit=9, tags=(long, "short")))] == [job_id]
    assert store.jobs(JobQuery(limit=9, tags=(long[:-1],))) == []
    assert store.job(job_id).summary.tags == (long, "short")


def test_the_last_number_of_each_job_is_told_and_of_no_other(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    one, two = submit(store), submit(store)
    store.move(two, Command.CANCEL, noon)
    assert store.last_seqs([one, two, "none"]) == {one: 1, two: 2}
    assert store.last_seqs([]) == {}


def test_the_queue_runs_large_priorities_first_and_then_the_oldest(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    low, high, low_again = submit(store), submit(store, priority=5), submit(store)
    assert [job.id for job in store.queue(10)] == [high, low, low_again]
    jobs = [store.job(job_id) for job_id in (low, high, low_again)]
    places = {high: 0, low: 1, low_again: 2}
    assert store.queue_positions(jobs) == places
    assert store.queue_positions([*jobs, *jobs]) == places
    store.claim(high, "cpu", noon)
    assert [job.id for job in store.queue(10)] == [low, low_again]
    assert store.queue_positions([store.job(high)]) == {}


def test_a_job_is_claimed_once(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    job_id = submit(store)
    assert store.claim(job_id, "gpu-1", noon).job.attempt == 1
    with pytest.raises(IllegalCommandError):
        store.claim(job_id, "gpu-2", noon)
    assert store.job(job_id).device == "gpu-1"


def test_jobs_stay_unsettled_until_their_slot_is_given_back(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    submit(store)
    job_id = running(store, submit, words, noon)
    store.bind(job_id, 1, PROCESS)
    ingest(store, job_id, noon, words.ended(), start=10, end=20)
    assert [job.id for job in store.unsettled()] == [job_id]
    assert store.held_devices() == ["cpu"]
    assert job_id not in [job.id for job in store.live()]
    released = store.release(job_id, 1)
    assert released == store.job(job_id)
    assert (released.held, released.process) == (False, None)
    assert store.held_devices() == []
    assert store.unsettled() == []


def test_a_job_whose_last_trainer_still_holds_a_slot_is_not_started_again(
    store: SqlJobStore, submit: Submit, words: Words, noon: datetime
) -> None:
    job_id = running(store, submit, words, noon)
    store.move(job_id, Command.RETRY, noon, message="lost")
    assert store.job(job_id).state is State.QUEUED
    assert store.queue(10) == []
    with pytest.raises(IllegalCommandError):
        store.claim(job_id, "cpu", noon)
    store.release(job_id, 1)
    assert store.claim(job_id, "cpu", noon).job.attempt == 2


def test_a_cancelled_queued_job_is_unsettled_too(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    job_id = submit(store)
    store.move(job_id, Command.CANCEL, noon)
    assert [job.id for job in store.unsettled()] == [job_id]


def test_state_and_event_change_together_and_numbers_have_no_gaps(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon)
    ingest(store, job_id, noon, *(words.epoch(n) for n in range(1, 5)), words.ended(), start=10, end=20)
    events = store.events(job_id, 0, 100)
    assert [event.seq for event in events] == list(range(1, 9))
    states = [event.body.after for event in events if isinstance(event.body, StateChanged)]
    assert states == [State.QUEUED, State.STARTING, State.RUNNING, State.SUCCEEDED]
    assert store.job(job_id).last_seq == 8


def test_events_are_paged_by_number(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon)
    assert [event.seq for event in store.events(job_id, 1, 1)] == [2]
    assert [event.seq for event in store.events(job_id, 3, 5)] == []
    assert store.events("nope", 0, 5) == []


def test_the_offset_and_its_events_are_kept_together(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon)
    with pytest.raises(StaleOffsetError):
        ingest(store, job_id, noon, words.epoch(1), start=0, end=5)
    assert store.job(job_id).spool_offset == 10
    assert seqs(store, job_id) == [1, 2, 3]


def test_an_attempt_that_is_over_writes_nothing(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon)
    store.move(job_id, Command.RETRY, noon)
    store.release(job_id, 1)
    store.claim(job_id, "cpu", noon)
    before = store.job(job_id)
    for write in (
        lambda: ingest(store, job_id, noon, words.epoch(1), start=10, end=20),
        lambda: store.bind(job_id, 1, PROCESS),
        lambda: store.release(job_id, 1),
    ):
        with pytest.raises(StaleAttemptError):
            write()
    assert store.job(job_id) == before


def test_a_key_counts_once_even_when_the_spool_is_read_again(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon)
    ingest(store, job_id, noon, words.epoch(1), words.epoch(1), start=10, end=20)
    ingest(store, job_id, noon, words.epoch(1), words.epoch(2), start=20, end=30)
    assert [event.key for event in store.events(job_id, 3, 10)] == ["epoch/0/1", "epoch/0/2"]


def test_an_epoch_with_another_result_is_revised(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon)
    ingest(store, job_id, noon, words.epoch(1), words.epoch(2), start=10, end=20)
    store.move(job_id, Command.RETRY, noon)
    store.release(job_id, 1)
    store.claim(job_id, "cpu", noon)
    again = (words.epoch(1, attempt=2), words.epoch(2, 0.1, attempt=2), words.epoch(2, 0.1, attempt=2))
    ingest(store, job_id, noon, *again, attempt=2, start=20, end=30)
    revised = [event.body for event in store.events(job_id, 0, 100) if isinstance(event.body, EpochRevised)]
    assert [(body.epoch.epoch, body.revises_seq) for body in revised] == [(2, 5)]


def test_artifacts_are_listed_by_name_and_replaced_by_name(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon)
    for index, (name, size) in enumerate([("z", 1), ("best.keras", 2), ("best.keras", 3)]):
        word = words.entry(ArtifactWritten(name, "model", size, f"{index}"), f"artifact/{name}/{index}")
        ingest(store, job_id, noon, word, start=10 + index, end=11 + index)
    listed = store.artifacts([job_id, "nope"])
    assert [(artifact.name, artifact.size_bytes) for artifact in listed[job_id]] == [("best.keras", 3), ("z", 1)]
    assert listed["nope"] == ()


def test_refused_reports_expire_and_reports_of_jobs_do_not(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    submit(store)
    store.keep_report(StoredReport("refused", "{}", noon, noon + timedelta(hours=24)), "ann")
    store.keep_report(StoredReport("3", "{}", noon, noon + timedelta(hours=24)), "ann")
    assert store.report("refused").expires_at == noon + timedelta(hours=24)
    store.keep_report(StoredReport("later", "{}", noon + timedelta(hours=25), noon + timedelta(hours=49)), "ann")
    with pytest.raises(UnknownReportError):
        store.report("refused")
    assert store.report("3").expires_at is None


def test_a_report_is_shown_to_those_whose_spec_it_judges(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    submit(store)
    for owner in ("ann", "ann", "bob"):
        store.keep_report(StoredReport("refused", "{}", noon, noon + timedelta(hours=24)), owner)
    assert [store.report("refused", owner).digest for owner in ("ann", "bob", None)] == ["refused"] * 3
    assert [store.report("3", owner).digest for owner in ("ann", None)] == ["3"] * 2
    for digest, owner in (("refused", "eve"), ("3", "bob"), ("3", "eve")):
        with pytest.raises(UnknownReportError):
            store.report(digest, owner)


def test_too_many_refused_reports_push_the_oldest_out(store: SqlJobStore, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainyard.service.store.changes.REFUSED_REPORTS_KEPT", 3)
    for index in range(6):
        at = noon + timedelta(seconds=index)
        store.keep_report(StoredReport(f"r{index}", "{}", at, at + timedelta(hours=24)), "ann")
    kept = []
    for index in range(6):
        try:
            kept.append(store.report(f"r{index}").digest)
        except UnknownReportError:
            continue
    assert kept == ["r3", "r4", "r5"]


def test_observers_hear_of_changes_in_the_order_in_which_they_were_committed(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    heard: list[int] = []

    class Ear:
        def committed(self, change: Any) -> None:
            heard.extend(event.seq for event in change.events if event.job_id == job_id)

    job_id = submit(store)
    store._observers = (Ear(),)
    store.move(job_id, Command.CANCEL, noon)
    store.move(job_id, Command.CANCEL, noon)
    store.move(job_id, Command.CLEAR, noon, reason=Reason.USER)
    assert heard == [2, 3]


def test_two_writers_never_lose_or_double_a_number(
    open_store: Callable[[], SqlJobStore], submit: Submit, words: Words, noon: datetime
) -> None:
    stores = [open_store(), open_store()]
    job_id = running(stores[0], submit, words, noon)
    appended = [0, 0]

    def write(who: int) -> None:
        while appended[who] < 60:
            job = stores[who].job(job_id)
            line = replace(words.epoch(1), key=f"epoch/{who}/{appended[who]}")
            try:
                stores[who].ingest(job_id, Batch(1, job.spool_offset, job.spool_offset + 1, (line,)), noon)
            except StaleOffsetError:
                continue
            appended[who] += 1

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(2)))
    assert seqs(stores[0], job_id) == list(range(1, 124))
    assert stores[1].job(job_id).last_seq == 123


def test_two_writers_claim_each_job_once(open_store: OpenStore, submit: Submit, noon: datetime) -> None:
    stores = [open_store(), open_store()]
    ids = [submit(stores[0]) for _ in range(20)]

    def claim_all(who: int) -> int:
        won = 0
        for job_id in ids:
            try:
                stores[who].claim(job_id, str(who), noon)
            except IllegalCommandError:
                continue
            won += 1
        return won

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(claim_all, range(2))) == len(ids)
    assert all(stores[0].job(job_id).attempt == 1 for job_id in ids)


def test_owners_take_turns_and_each_keeps_its_own_order(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    ann = [submit(store, owner="ann") for _ in range(4)]
    bob = [submit(store, owner="bob") for _ in range(2)]
    assert [job.id for job in store.queue(9)] == [ann[0], bob[0], ann[1], bob[1], ann[2], ann[3]]
    store.claim(ann[0], "cpu", noon)
    store.claim(ann[1], "cpu", noon)
    # Ann holds two slots, so both of Bob's go first; and a larger priority goes before any turn.
    urgent = submit(store, owner="ann", priority=1)
    assert [job.id for job in store.queue(9)] == [urgent, bob[0], bob[1], ann[2], ann[3]]
    assert store.queue_positions([store.job(ann[2])]) == {ann[2]: 3}


def test_a_job_on_several_gpus_holds_a_slot_on_each(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    names = [f"GPU-{number:036d}" for number in range(8)]
    wide, narrow = submit(store, gpus=8), submit(store)
    claimed = store.claim(wide, ",".join(names), noon, A).job
    store.claim(narrow, names[0], noon, A)
    assert claimed.devices == store.job(wide).devices == tuple(names)
    assert sorted(store.held_devices(A.node)) == sorted([*names, names[0]])
    assert store.job(narrow).devices == (names[0],)
    store.release(wide, 1)
    assert store.held_devices(A.node) == [names[0]]


def test_a_node_is_shown_no_job_on_more_gpus_than_it_has(store: SqlJobStore, submit: Submit) -> None:
    four, one, none = (submit(store, gpus=count) for count in (4, 1, 0))
    assert [job.id for job in store.queue(9)] == [four, one, none]
    assert [job.id for job in store.queue(9, most_gpus=1)] == [one, none]
    assert [job.id for job in store.queue(9, most_gpus=0)] == [none]


def test_every_gpu_of_a_job_counts_for_its_owner_and_its_own_turn_comes_early(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    first, wide = submit(store, owner="bob"), submit(store, owner="ann", gpus=4)
    after, others = submit(store, owner="ann"), [submit(store, owner="bob") for _ in range(2)]
    # Ann's job on four comes when her first slot would, and what she has after it when her fifth would.
    assert [job.id for job in store.queue(9)] == [first, wide, *others, after]
    assert [job.id for job in store.queue(9, most_running=3)] == [first, *others]
    store.claim(wide, "a,b,c,d", noon)
    assert [job.id for job in store.queue(9, most_running=4)] == [first, *others]
    assert [job.id for job in store.queue(9, most_running=5)] == [first, *others, after]


def test_a_resumed_job_takes_the_place_of_its_submission(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    paused = running(store, submit, words, noon)
    later = submit(store)
    store.move(paused, Command.PAUSE, noon)
    store.move(paused, Command.HOLD, noon)
    store.release(paused, 1)
    assert [job.id for job in store.queue(9)] == [later]
    assert store.unsettled() == []
    store.move(paused, Command.RESUME, noon)
    assert [job.id for job in store.queue(9)] == [paused, later]
    assert store.claim(paused, "cpu", noon).job.attempt == 2


A, B = Lease("a", 60.0), Lease("b", 60.0)


def test_a_node_looks_after_its_own_jobs_and_those_that_nobody_holds(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    ours, theirs, loose = submit(store), submit(store), submit(store)
    store.claim(ours, "cpu", noon, A)
    store.claim(theirs, "gpu", noon, B)
    store.move(loose, Command.CANCEL, noon)
    assert [job.id for job in store.unsettled("a")] == [ours, loose]
    assert [job.id for job in store.unsettled("b")] == [theirs, loose]
    assert (store.held_devices("a"), store.held_devices("b")) == (["cpu"], ["gpu"])
    assert store.renew(A, noon) == [ours]
    store.release(ours, 1)
    assert (store.job(ours).node, store.renew(A, noon)) == (None, [])


def test_a_slot_changes_hands_only_long_after_its_lease(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    """On the database's clock where it has one: leases and patience are moved instead of the time."""
    job_id = submit(store)
    store.claim(job_id, "cpu", noon, Lease("a", 10.0))
    assert store.adopt(B, 5.0, noon) == []
    assert store.renew(Lease("a", -20.0), noon) == [job_id]
    assert store.adopt(B, 30.0, noon) == []
    assert store.adopt(Lease("a", 60.0), 5.0, noon) == []
    (taken,) = store.adopt(B, 5.0, noon)
    assert (taken.id, taken.node, taken.attempt, taken.held) == (job_id, "b", 1, True)
    assert store.renew(A, noon) == []
    assert [job.id for job in store.unsettled("b")] == [job_id]


def test_two_servers_that_adopt_at_once_do_not_both_get_a_job(open_store: OpenStore, submit: Submit, noon: datetime) -> None:
    stores = [open_store(), open_store()]
    for _ in range(20):
        stores[0].claim(submit(stores[0]), "cpu", noon, Lease("gone", -100.0))
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(lambda who: stores[who].adopt(Lease(f"{who}", 60.0), 1.0, noon), range(2)))
    names = [job.id for jobs in taken for job in jobs]
    assert len(names) == len(set(names)) == 20


def test_a_lost_trainer_is_written_down_for_its_own_attempt_only(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon, max_attempts=3)
    assert store.lose(job_id, 1, noon, reason=Reason.TRAINER_LOST, message="gone").job.state is State.QUEUED
    store.release(job_id, 1)
    store.claim(job_id, "cpu", noon)
    with pytest.raises(StaleAttemptError):
        store.lose(job_id, 1, noon, reason=Reason.TRAINER_LOST, message="gone")
    assert (store.job(job_id).losses, store.job(job_id).state) == (1, State.STARTING)


def test_only_a_job_that_is_over_is_removed_and_nothing_of_it_stays(
    store: SqlJobStore, submit: Submit, words: Words, noon: datetime
) -> None:
    job_id = running(store, submit, words, noon)
    with pytest.raises(IllegalCommandError, match="can not be deleted"):
        store.remove(job_id)
    ingest(store, job_id, noon, words.ended(), start=10, end=20)
    with pytest.raises(IllegalCommandError, match="still holding a slot"):
        store.remove(job_id)
    store.release(job_id, 1)
    assert store.remove(job_id).id == job_id
    assert (store.events(job_id, 0, 9), store.artifacts([job_id])[job_id]) == ([], ())
    for ask in (lambda: store.job(job_id), lambda: store.documents(job_id), lambda: store.remove(job_id)):
        with pytest.raises(UnknownJobError):
            ask()
    with pytest.raises(UnknownReportError):
        store.report("3")
    store.vacuum()


def test_a_report_that_another_job_stands_on_outlives_a_removed_one(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    first, second = submit(store), submit(store)
    for job_id in (first, second):
        store.move(job_id, Command.CANCEL, noon)
        store.move(job_id, Command.CLEAR, noon, reason=Reason.USER)
    store.remove(first)
    assert store.report("3").body
    store.remove(second)
    with pytest.raises(UnknownReportError):
        store.report("3")


def test_a_number_is_never_given_twice(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    job_id = submit(store)
    number = store.job(job_id).number
    store.move(job_id, Command.CANCEL, noon)
    store.move(job_id, Command.CLEAR, noon, reason=Reason.USER)
    store.remove(job_id)
    assert store.job(submit(store)).number > number


def test_jobs_that_ended_long_ago_are_found(store: SqlJobStore, submit: Submit, noon: datetime) -> None:
    old, young, live = submit(store), submit(store), submit(store)
    for job_id, at in ((old, noon), (young, noon + timedelta(days=2))):
        store.move(job_id, Command.CANCEL, at)
        store.move(job_id, Command.CLEAR, at, reason=Reason.USER)
    assert [job.id for job in store.over_since(noon + timedelta(days=1), 9)] == [old]
    assert [job.id for job in store.over_since(noon + timedelta(days=9), 9)] == [old, young]
    assert store.count_live("ann") == 1
    assert store.job(live).ended_at is None


def test_artifacts_are_paged_by_name(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon)
    for index, name in enumerate(("c", "a", "b")):
        ingest(
            store, job_id, noon, words.entry(ArtifactWritten(name, "model", 1, "0"), f"artifact/{name}"), start=10 + index, end=11 + index
        )
    assert [found.name for found in store.artifact_page(job_id, "", 2)] == ["a", "b"]
    assert [found.name for found in store.artifact_page(job_id, "b", 2)] == ["c"]
    assert store.artifact(job_id, "b").size_bytes == 1
    with pytest.raises(UnknownArtifactError, match="has no file 'z'"):
        store.artifact(job_id, "z")


def test_epochs_are_read_apart_from_everything_else(store: SqlJobStore, submit: Submit, words: Words, noon: datetime) -> None:
    job_id = running(store, submit, words, noon)
    ingest(store, job_id, noon, *(words.epoch(n) for n in range(1, 4)), words.ended(), start=10, end=20)
    assert [event.seq for event in store.epochs(job_id, 0, 2)] == [4, 5]
    assert [event.seq for event in store.epochs(job_id, 5, 9)] == [6]
