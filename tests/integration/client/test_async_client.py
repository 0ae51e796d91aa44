"""The asynchronous client keeps the promises of the blocking one, and has its surface."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from pathlib import Path

import pytest
from tests.integration.client.conftest import JOB_ID, FakeServer, whole_run

from trainyard.client import AsyncClient, Client, Event, NotFound, Patience, Unreachable

HASTY = Patience(first_ceiling_seconds=0.001, last_ceiling_seconds=0.001)


def surface(kind: type) -> dict[str, list[str]]:
    methods = inspect.getmembers(kind, lambda member: inspect.isfunction(member) or inspect.ismethod(member))
    return {name: list(inspect.signature(method).parameters) for name, method in methods if not name.startswith("_")}


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    assert surface(AsyncClient) == surface(Client)


def test_a_stream_that_is_cut_again_and_again_tells_each_event_once(fake: FakeServer) -> None:
    fake.add_job(epochs=20)
    fake.cuts = deque([3, 0, 1, 7, 0, 2])
    reconnected: list[int] = []

    async def follow() -> list[int]:
        async with AsyncClient(fake.address) as client:
            watch = client.watch(JOB_ID, patience=HASTY, on_reconnected=reconnected.append)
            return [item.seq async for item in watch if isinstance(item, Event)]

    assert asyncio.run(follow()) == list(range(1, len(whole_run(20)) + 1))
    assert reconnected


def test_calls_are_answered_and_errors_have_their_meaning(fake: FakeServer, tmp_path: Path) -> None:
    fake.add_job("first", epochs=2)
    fake.add_job("second")
    fake.files = {"best.keras": bytes(95), "a": b"", "c": b"c"}
    fake.cuts = deque([2, 0])

    async def talk() -> None:
        async with AsyncClient(fake.address) as client:
            assert [job.id async for job in client.jobs(limit=5)] == ["second", "first"]
            assert (await client.history("first")).column("loss") == [1.0, 0.5]
            assert [artifact.name async for artifact in client.artifacts("first")] == ["a", "best.keras", "c"]
            assert (await client.download("first", "best.keras", tmp_path, patience=HASTY)).read_bytes() == bytes(95)
            assert "".join([text async for text in client.log("first")]) == "Epoch 1\nEpoch 2\n"
            assert (await client.cancel_job("second")).state.value == "cancelled"
            with pytest.raises(NotFound):
                await client.get_job("zzz")

    asyncio.run(talk())


def test_a_server_that_is_not_there_is_unreachable(fake: FakeServer) -> None:
    fake.stop()

    async def ask() -> None:
        async with AsyncClient(fake.address) as client:
            await client.server_info()

    with pytest.raises(Unreachable, match="trainyard serve"):
        asyncio.run(ask())
