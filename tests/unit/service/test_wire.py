"""The words between trainer and server."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.service import wire

EPOCH = wire.EpochFinished(
    epoch=3, epochs_planned=5, metrics={"loss": 0.5, "val_loss": math.inf}, learning_rate=1e-3, seconds=0.25, samples_per_second=800.0
)
BODIES = (
    wire.Started("tensorflow", "3.15.1", "cpu", 10, 7, 2, 1, 4, 5, ("a", "b"), (0.5, 1.5)),
    EPOCH,
    wire.CheckpointSaved(3, "val_loss", 0.5, True, "best.keras"),
    wire.LearningRateChanged(3, 1e-3, 5e-4, "reduce_on_plateau"),
    wire.EarlyStopped(5, 3, "val_loss", 2),
    wire.Diagnosis("overfitting", 4, "The gap grows.", 0.5),
    wire.ArtifactWritten("best.keras", "model", 12, "ab" * 32),
    wire.Ended(wire.SUCCEEDED, "completed", "Trained 5 of 5 epochs."),
)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.kind)
def test_what_was_written_is_read_back(body: wire.Body) -> None:
    line = wire.Line(attempt=1, at=12.5, body=body)
    raw = wire.encode(line)
    assert raw.endswith(b"\n")
    assert raw.count(b"\n") == 1
    assert wire.decode(raw) == line


def test_a_loss_that_is_no_number_survives_the_way() -> None:
    body = wire.EpochFinished(1, 1, {"loss": math.nan}, 1e-3, 1.0, 1.0)
    read = wire.decode(wire.encode(wire.Line(1, 0.0, body))).body
    assert isinstance(read, wire.EpochFinished)
    assert math.isnan(read.metrics["loss"])


def test_every_body_has_a_key_of_its_own_and_a_rerun_epoch_keeps_its_key() -> None:
    keys = [wire.key(wire.Line(1, 0.0, body)) for body in BODIES]
    assert len(set(keys)) == len(keys)
    assert wire.key(wire.Line(1, 0.0, EPOCH)) == wire.key(wire.Line(2, 9.0, EPOCH)) == "epoch/0/3"
    assert wire.key(wire.Line(1, 0.0, BODIES[-1])) != wire.key(wire.Line(2, 0.0, BODIES[-1]))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"kind": "epoch_finished"}',
        b'{"kind": "unheard_of", "attempt": 1, "at": 0, "body": {}}',
        b'{"kind": "ended", "attempt": 1e999, "at": 0, "body": {"outcome": "", "reason": "", "message": ""}}',
        b'{"kind": "epoch_finished", "attempt": 1, "at": 0, "body": {"epoch": 1, "epochs_planned": 1, "metrics": 7}}',
        b"[" * 5000,
        b"x" * (wire.MAX_LINE_BYTES + 1),
    ],
)
def test_a_line_that_no_trainer_writes_is_a_wire_error(raw: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(raw)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_line_or_a_wire_error(raw: bytes) -> None:
    try:
        wire.decode(raw)
    except wire.WireError:
        return
    raise AssertionError("random bytes are no event")


def test_a_line_of_an_older_trainer_lacks_only_what_has_a_default() -> None:
    record = json.loads(wire.encode(wire.Line(1, 0.0, wire.Diagnosis("overfitting", 4, "The gap grows.", 0.5))))
    del record["body"]["rollback"]
    assert wire.decode(json.dumps(record).encode()).body == wire.Diagnosis("overfitting", 4, "The gap grows.", 0.5)
    del record["body"]["message"]
    with pytest.raises(wire.WireError):
        wire.decode(json.dumps(record).encode())


def test_an_epoch_that_is_run_again_at_a_lower_rate_says_everything_under_new_keys() -> None:
    for body in (
        wire.Diagnosis("x", 4, "Seen.", 0.5),
        wire.EarlyStopped(4, 3, "val_loss", 2),
        wire.LearningRateChanged(4, 1.0, 0.5, "roll_back"),
    ):
        again = type(body)(**{name: getattr(body, name) for name in body.__slots__} | {"rollback": 1})
        assert wire.key(wire.Line(1, 0.0, body)) != wire.key(wire.Line(1, 0.0, again))


def test_where_a_bundle_stands_is_read_from_its_manifest(tmp_path: Path) -> None:
    folder = wire.RunFolder(tmp_path)
    assert wire.read_bundle_head(folder) is None
    folder.bundle.mkdir()
    folder.bundle_manifest.write_text('{"head": {"epoch": 3, "step": 7, "rollback": 0, "attempt": 2, "spec_digest": "ab"}}')
    assert wire.read_bundle_head(folder) == wire.BundleHead(3, 7, 0, 2, "ab")
    folder.bundle_manifest.write_text('{"head": {"epoch": 3}}')
    with pytest.raises(wire.WireError):
        wire.read_bundle_head(folder)
