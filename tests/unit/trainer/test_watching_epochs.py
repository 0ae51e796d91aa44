"""What happens at the end of epochs, without Keras: counting, keeping, and going on from a state."""

import json
import math
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainyard.linter.estimate.launching import LAUNCH_SECONDS
from trainyard.linter.spec.model.training import EarlyStopping as Rule
from trainyard.service import wire
from trainyard.service.trainer.bundle.contents import Named
from trainyard.service.trainer.callbacks import divergence, event_file
from trainyard.service.trainer.callbacks.early_stopping import EarlyStopping
from trainyard.service.trainer.callbacks.event_file import EventFile
from trainyard.service.trainer.callbacks.heartbeat import Heartbeat
from trainyard.service.trainer.callbacks.shelf import Shelf
from trainyard.service.trainer.callbacks.tensorboard import TensorBoard
from trainyard.service.trainer.callbacks.watcher import Voice
from trainyard.service.trainer.failures import DivergedError, NonFiniteLossError
from trainyard.service.trainer.journal import Journal
from trainyard.service.trainer.speed.pace import Pace


@pytest.fixture
def voice(tmp_path: Path) -> Voice:
    return Voice(Journal(tmp_path / "events.jsonl", 1, lambda: 0.0))


def shelf() -> Shelf:
    return Shelf(lambda: (Named("kernel", np.ones(2, np.float32)),))


def test_a_shelf_never_gives_a_name_twice_not_even_when_it_is_rolled_back() -> None:
    kept = shelf()
    first = kept.put(1)
    before = (kept.all(), kept.count)
    second = kept.put(2, instead_of=first)
    assert list(kept.all()) == [second]
    kept.restore(*before)
    assert list(kept.all()) == [first]
    assert kept.put(2) not in {first, second}
    other = shelf()
    other.restore(*before)
    assert other.put(2) != first


def test_early_stopping_goes_on_counting_from_its_state(voice: Voice) -> None:
    rule = Rule("val_loss", "min", 3, 0.0, True, 1)
    curve = [9.0, 5.0, 4.0, 4.5, 4.2, 4.1, 4.3]

    def stopped_after(cut: int) -> tuple[int, int]:
        watcher = EarlyStopping(rule, voice, None)
        for epoch, value in enumerate(curve, start=1):
            if epoch == cut:
                again = EarlyStopping(rule, voice, None)
                again.restore(json.loads(json.dumps(watcher.state())))
                watcher = again
            watcher.epoch_ended(epoch, {"val_loss": value})
            if watcher.stopped:
                return epoch, watcher.best_epoch
        return 0, 0

    assert {stopped_after(cut) for cut in range(8)} == {(6, 3)}


def test_what_is_said_after_a_rollback_is_said_anew(voice: Voice, tmp_path: Path) -> None:
    said = wire.Diagnosis("x", 3, "Seen.", 0.5)
    voice.say(said)
    voice.rollback = 2
    voice.say(said)
    keys = [wire.key(wire.decode(line)) for line in (tmp_path / "events.jsonl").read_bytes().splitlines()]
    assert keys == ["diagnosis/x/3", "diagnosis/x/3/rollback/2"]


@pytest.mark.parametrize(
    "first, loss, error", [(1.0, math.nan, NonFiniteLossError), (1.0, 10.1, DivergedError), (1.0, 9.9, None), (-5.0, 60.0, None)]
)
def test_a_loss_far_above_its_beginning_is_divergence(first: float, loss: float, error: Any) -> None:
    found = divergence.found(first, loss, 4)
    assert (found if error is None else type(found)) is error


def test_launches_grow_to_half_a_second_and_the_compiling_one_teaches_nothing() -> None:
    pace, left = Pace(), 10**9
    assert pace.count(left) == 1
    pace.took(1, 30.0)
    assert pace.count(left) == 1
    for _ in range(9):
        count = pace.count(left)
        pace.took(count, count * 1e-3)
    assert pace.count(left) == pytest.approx(LAUNCH_SECONDS / 1e-3, rel=0.01)
    pace.took(pace.count(left), 50.0)
    assert pace.count(left) < 10
    assert pace.count(3) <= 3


def test_a_server_that_is_silent_for_long_enough_makes_an_orphan(tmp_path: Path) -> None:
    now, path = [0.0], tmp_path / "heartbeat"
    heart = Heartbeat(path, 10.0, lambda: now[0])

    def later(seconds: float) -> bool:
        now[0] += seconds
        return heart.orphaned()

    assert not later(4.0)
    path.touch()
    assert not later(4.0)
    # Stopped for an hour: that is one look, not an hour of silence.
    assert not later(3600.0)
    assert later(5.0)
    os.utime(path, ns=(1, 1))
    assert not later(4.0)
    assert not Heartbeat(path, None, lambda: now[0]).orphaned()


def _events(path: Path) -> list[bytes]:
    raw, events = path.read_bytes(), []
    while raw:
        (length,) = struct.unpack("<Q", raw[:8])
        events.append(raw[12 : 12 + length])
        raw = raw[16 + length :]
    return events


def test_records_carry_masked_castagnoli_checksums(tmp_path: Path) -> None:
    """RFC 3720, appendix B.4: the CRC-32C of "123456789" is E3069283; the mask is TensorFlow's."""
    masked = ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert event_file._checksum(b"123456789") == struct.pack("<I", masked)
    EventFile(tmp_path, 1.0, 3)
    (path,) = tmp_path.iterdir()
    assert [len(_events(path)), _events(path)[0].endswith(b"brain.Event:2")] == [2, True]


def test_each_attempt_has_a_file_and_an_epoch_that_comes_again_begins_another(tmp_path: Path) -> None:
    clock = iter(float(second) for second in range(1, 99))
    board = TensorBoard(tmp_path, lambda: next(clock), lambda _epoch: 0.1)
    for epoch in (1, 2, 2, 3):
        board.epoch_ended(epoch, {"loss": 0.5, "val_loss": 0.25})
    assert len(list((tmp_path / "train").iterdir())) == len(list((tmp_path / "validation").iterdir())) == 2
    newest = max((tmp_path / "train").iterdir())
    assert b"epoch_learning_rate" in newest.read_bytes()
