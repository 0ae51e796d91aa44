"""A watcher whose wire is cut, slow or no longer trusted: each epoch is printed once, in order, or it is said why not."""

from __future__ import annotations

import io
import random
import threading
from typing import Any

import pytest
from tests.integration.client.conftest import JOB_ID, WAIT_SECONDS, FakeServer, Shell, epoch_event, moved, whole_run
from tests.integration.client.cutting import Wire, wire

from trainyard.client import Client, Patience, Unauthenticated, Watch
from trainyard.client.connection import LOOPBACK_OPTIONS
from trainyard.client.following import follow
from trainyard.client.screen.plain import Plain
from trainyard.v1 import event_pb2

CUTS, EPOCHS = 100, 300
HASTY = Patience(first_ceiling_seconds=0.001, last_ceiling_seconds=0.002)
FAST = (
    *(option for option in LOOPBACK_OPTIONS if "reconnect" not in option[0]),
    ("grpc.initial_reconnect_backoff_ms", 1),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 100),
)


def hastily(client: Client, job_id: str, **options: Any) -> Watch:
    return WATCH(client, job_id, patience=HASTY, **options)


WATCH = Client.watch


@pytest.mark.parametrize("seed", [1, 2])
def test_a_watcher_that_is_cut_a_hundred_times_prints_each_epoch_once_and_in_order(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    # The channel's own pause between two attempts, so that a hundred of them take seconds.
    monkeypatch.setattr("trainyard.client.connection.LOOPBACK_OPTIONS", FAST)
    monkeypatch.setattr(Client, "watch", hastily)
    chance = random.Random(seed)
    fake.add_job()
    fake.tell(JOB_ID, *whole_run(EPOCHS)[:3])
    left = iter([*(chance.choice([1, 40, 400, 1500, 3000]) + chance.randrange(200) for _ in range(CUTS))])
    stop = threading.Event()

    def train(watched: Wire) -> None:
        # Epochs come while the wire breaks, not only before; between them something that is not printed keeps it busy.
        for epoch in range(1, EPOCHS + 2):
            while epoch > EPOCHS * watched.cuts / CUTS and watched.cuts < CUTS and not stop.wait(0.001):
                fake.tell(JOB_ID, event_pb2.Event(checkpoint_saved=event_pb2.CheckpointSaved(epoch=epoch)))
            if epoch <= EPOCHS:
                fake.tell(JOB_ID, epoch_event(epoch, EPOCHS))
        fake.tell(JOB_ID, moved("RUNNING", "SUCCEEDED", "COMPLETED"))

    printed = io.StringIO()
    with wire(fake.port, lambda: next(left, None)) as line, Client(f"127.0.0.1:{line.port}") as client:
        trainer = threading.Thread(target=train, args=(line,), daemon=True)
        trainer.start()
        try:
            assert follow(client, JOB_ID, Plain(printed), until_seconds=120)
        finally:
            stop.set()
            trainer.join(WAIT_SECONDS)
        assert line.cuts == CUTS
    lines = printed.getvalue().splitlines()
    assert [int(line.split()[1].partition("/")[0]) for line in lines if line.startswith("epoch ")] == list(range(1, EPOCHS + 1))
    assert sum(line.startswith("reconnected (") for line in lines) <= sum(line.startswith("reconnecting (") for line in lines)
    assert lines[-1] == "succeeded (completed)"


def test_a_wire_that_lets_through_a_few_bytes_at_a_time_loses_nothing(fake: FakeServer) -> None:
    fake.add_job(epochs=30)
    with wire(fake.port, lambda: None, piece_bytes=7) as line, Client(f"127.0.0.1:{line.port}") as client:
        assert len(list(client.watch(JOB_ID))) == len(whole_run(30))


def test_a_token_that_expires_while_watching_ends_the_watch_in_words(fake: FakeServer, shell: Shell) -> None:
    fake.token = "s3cret-s3cret"
    (shell.folder / "token").write_text("s3cret-s3cret")
    fake.add_job()
    fake.tell(JOB_ID, *whole_run(3)[:4])
    with shell.start("watch", JOB_ID, "--token-file", "token", "--progress", "plain", stdout=-1, stderr=-1) as process:
        fake.await_call("WatchJob")
        fake.token = "another"
        fake.stop()
        fake.start()
        out, err = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, out) == (5, b"")
    assert err.decode().splitlines()[-1] == f"error: the server at {fake.address} does not accept the token in token"
    assert b"s3cret" not in err


def test_a_token_that_is_refused_is_no_outage(fake: FakeServer) -> None:
    fake.token = "right"
    fake.add_job(epochs=1)
    with Client(fake.address, token="wrong") as client, pytest.raises(Unauthenticated):
        list(client.watch(JOB_ID))
    assert fake.count("WatchJob") == 1
