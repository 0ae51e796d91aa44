"""The feed of a job: no gaps, no doubles, bounded, and fair to others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.service.rpc import feed as feeds
from trainyard.service.rpc.feed import Feed, Sent

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def events(first: int, last: int, size: int = 10, *, final: bool = False) -> list[Sent]:
    return [Sent(seq, NOON, b"x" * size, final and seq == last) for seq in range(first, last + 1)]


def numbers(page: Sequence[Sent] | None) -> list[int] | None:
    return None if page is None else [sent.seq for sent in page]


def test_a_feed_that_knows_nothing_sends_to_the_store() -> None:
    assert Feed().after(0) is None
    assert Feed().last is None


def test_what_is_told_follows_for_who_has_seen_all_before_it_and_for_nobody_else() -> None:
    feed = Feed()
    feed.offer(events(7, 8), whole=True)
    assert [numbers(feed.after(seq)) for seq in (5, 6, 7, 8)] == [None, [7, 8], [8], []]


def test_a_gap_between_what_is_known_and_what_is_told_is_never_jumped() -> None:
    feed = Feed()
    feed.offer(events(1, 2), whole=True)
    feed.offer(events(5, 6), whole=True)
    assert [numbers(feed.after(seq)) for seq in (1, 2, 4)] == [None, None, [5, 6]]


def test_what_is_told_twice_is_there_once() -> None:
    feed = Feed()
    feed.offer(events(1, 3), whole=True)
    feed.offer(events(2, 5), whole=True)
    feed.offer(events(1, 2), whole=False)
    assert numbers(feed.after(0)) == [1, 2, 3, 4, 5]


def test_the_end_of_a_page_is_not_the_end_of_the_job() -> None:
    feed = Feed()
    feed.offer(events(1, 4), whole=False)
    assert numbers(feed.after(2)) == [3, 4]
    assert feed.after(4) is None
    feed.nothing_after(4)
    assert numbers(feed.after(4)) == []


def test_an_old_page_that_is_read_late_takes_nothing_back() -> None:
    feed = Feed()
    feed.offer(events(40, 41), whole=True)
    feed.offer(events(1, 9), whole=False)
    assert numbers(feed.after(39)) == [40, 41]
    assert numbers(feed.after(41)) == []
    assert feed.after(0) is None


def test_a_feed_holds_a_bounded_number_of_events_and_bytes() -> None:
    many, large = Feed(), Feed()
    many.offer(events(1, 3 * feeds.MOST_EVENTS), whole=True)
    large.offer(events(1, 100, feeds.MOST_BYTES // 8), whole=True)
    assert len(many.after(2 * feeds.MOST_EVENTS) or ()) == feeds.MOST_EVENTS
    assert many.after(2 * feeds.MOST_EVENTS - 1) is None
    assert len(large.after(92) or ()) == 8
    assert large.after(91) is None


def test_one_event_larger_than_all_room_is_still_handed_on() -> None:
    feed = Feed()
    feed.offer(events(1, 1, 2 * feeds.MOST_BYTES), whole=True)
    assert numbers(feed.after(0)) == [1]


def test_the_end_is_told_also_to_who_says_to_have_seen_more() -> None:
    feed = Feed()
    feed.offer(events(1, 3, final=True), whole=True)
    assert [feed.ended(seq) for seq in (2, 3, 9)] == [False, True, True]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 12), st.booleans()), max_size=30))
def test_whatever_is_offered_in_whatever_order_no_page_has_a_gap(pages: list[tuple[int, int, bool]]) -> None:
    feed = Feed()
    for first, more, whole in pages:
        feed.offer(events(first, first + more), whole=whole)
        for seq in range(60):
            found = numbers(feed.after(seq))
            assert found is None or found == list(range(seq + 1, seq + 1 + len(found)))


def test_many_watchers_are_woken_in_portions_with_room_for_others_between_them() -> None:
    async def order() -> list[str]:
        feed, told = Feed(), list[str]()

        async def watcher() -> None:
            await feed.news()
            told.append("watcher")

        watchers = [asyncio.create_task(watcher()) for _ in range(5 * feeds.AT_ONCE)]
        await asyncio.sleep(0)
        feed.offer(events(1, 1), whole=True)
        asyncio.get_running_loop().call_soon(told.append, "other")
        await asyncio.gather(*watchers)
        return told

    told = asyncio.run(order())
    assert told.count("watcher") == 5 * feeds.AT_ONCE
    assert told.index("other") <= 2 * feeds.AT_ONCE


def test_a_watcher_that_leaves_leaves_nothing_behind_and_takes_nobody_along() -> None:
    async def left() -> int:
        feed = Feed()
        stays, goes = asyncio.create_task(feed.news()), asyncio.create_task(feed.news())
        await asyncio.sleep(0)
        goes.cancel()
        with pytest.raises(asyncio.CancelledError):
            await goes
        waiting = len(feed._waiting)
        feed.wake()
        await asyncio.wait_for(stays, 5)
        return waiting

    assert asyncio.run(left()) == 1
