import errno
import hashlib
import json
import math
import os
from pathlib import Path

import pytest

from trainyard.service import wire
from trainyard.service.trainer import failures
from trainyard.service.trainer.artifacts import Artifacts, replace_whole
from trainyard.service.trainer.control import read_word
from trainyard.service.trainer.failures import DataError, TerminatedRun
from trainyard.service.trainer.following import Follower, line_for_people
from trainyard.service.trainer.journal import Journal

ENDED = wire.Ended(wire.SUCCEEDED, "completed", "Done.")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "events.jsonl", attempt=2, now=lambda: 12.5)


def _bodies(path: Path) -> list[wire.Body]:
    return [wire.decode(line).body for line in path.read_bytes().splitlines()]


def test_events_are_appended_one_a_line_with_attempt_and_time(journal: Journal, tmp_path: Path) -> None:
    journal.append(ENDED)
    journal.append(ENDED)

    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    assert [wire.decode(line) for line in lines] == [wire.Line(2, 12.5, ENDED)] * 2


def test_the_last_word_is_written_on_a_disk_that_is_full(journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk of one page, which the room for the last word takes: a line is cut where it ends."""
    write = os.write
    room = next(path for path in tmp_path.iterdir() if path.name.startswith("."))

    def full(file: int, raw: bytes) -> int:
        if room.exists() and len(raw) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, raw[:-10] if room.exists() else raw)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        journal.append(ENDED)
    journal.end(ENDED)

    whole = [line for line in (tmp_path / "events.jsonl").read_bytes().splitlines() if line.endswith(b"}")]
    assert [wire.decode(line).body for line in whole] == [ENDED]
    assert not room.exists()


def test_a_line_that_an_earlier_attempt_left_cut_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"v":1,"atte')

    Journal(path, 1, lambda: 0.0).append(ENDED)

    assert wire.decode(path.read_bytes().splitlines()[1]).body == ENDED


def test_an_artifact_is_announced_with_its_size_and_digest(journal: Journal, tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path / "artifacts", journal)

    def write(path: Path) -> None:
        path.write_bytes(b"abc")

    artifacts.put("a.bin", "model", write)

    digest = hashlib.sha256(b"abc").hexdigest()
    assert _bodies(tmp_path / "events.jsonl") == [wire.ArtifactWritten("a.bin", "model", 3, digest)]
    assert [file.name for file in (tmp_path / "artifacts").iterdir()] == ["a.bin"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "best.keras"
    target.write_bytes(b"old")

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        replace_whole(target, fail)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_number_that_json_has_not_becomes_null(journal: Journal, tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path / "artifacts", journal)

    artifacts.put_json("history.json", "history", {"epochs": [{"loss": math.nan, "val_loss": math.inf, "epoch": 1}]})

    text = (tmp_path / "artifacts" / "history.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"epochs": [{"loss": None, "val_loss": None, "epoch": 1}]}


@pytest.mark.parametrize(
    "content, word",
    [(b"stop\n", "stop"), (b"cancel", "cancel"), (b"pause\n", "pause"), (b"", None), (b"go", None), (b"\xff\xfe", None), (None, None)],
)
def test_only_words_that_the_trainer_knows_are_heard(tmp_path: Path, content: bytes | None, word: str | None) -> None:
    if content is not None:
        (tmp_path / "control").write_bytes(content)

    assert read_word(tmp_path / "control") == word


@pytest.mark.parametrize(
    "error, reason",
    [
        (DataError("No such column."), "data"),
        (MemoryError(), "oom_host"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EFBIG, "File too large"), "disk_full"),
        (OSError("Can't write data (file write failed: errno = 28, error message = 'No space left')"), "disk_full"),
        (FileNotFoundError(errno.ENOENT, "gone"), "server"),
        (TerminatedRun(), "trainer_lost"),
        (ValueError("what\never"), "server"),
    ],
)
def test_every_error_has_a_reason_and_a_sentence_on_one_line(error: BaseException, reason: str) -> None:
    failure = failures.explain(error)

    assert failure.reason == reason
    assert failure.message
    assert "\n" not in failure.message
    assert failure.bug == (reason == "server")


def test_a_long_message_is_clipped() -> None:
    assert len(failures.explain(ValueError("x" * 100_000)).message) == 1000


def test_a_follower_reads_each_line_once_and_waits_for_half_a_line(journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    follower = Follower(path)
    assert list(follower.read()) == []

    journal.append(wire.Diagnosis("bad-records", 0, "Two.", 0.5))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"v":1,')
    assert len(list(follower.read())) == 1
    assert list(follower.read()) == []

    path.write_bytes(whole)
    journal.append(ENDED)
    assert list(follower.read()) == [ENDED]
    assert follower.ended == ENDED


def test_an_epoch_is_one_line_for_people() -> None:
    epoch = wire.EpochFinished(3, 25, {"loss": 0.5, "val_accuracy": 0.75, "f1": 0.1}, 0.001, 1.25, 100.0)

    assert line_for_people(epoch) == "epoch  3/25  loss 0.5000  val_accuracy 0.7500  f1 0.1000  lr 0.001  1.2 s"
