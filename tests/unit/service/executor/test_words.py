"""Lines of a spool are untrusted: what fits becomes an entry, everything else is one refusal."""

from __future__ import annotations

import contextlib
import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.service import wire
from trainyard.service.core import events
from trainyard.service.core.events import Entry
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State
from trainyard.service.executor import words
from trainyard.service.wire import WireError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = NOON.timestamp()
EPOCH = wire.EpochFinished(3, 5, {"loss": math.nan, "val_loss": 0.5}, 1e-3, 2.0, 100.0, 7, 1)
BODIES: list[wire.Body] = [
    wire.Started("tensorflow", "3.15", "cpu", 10, 8, 2, 2, 4, 5, ("a", "b"), (1.0, 2.0)),
    EPOCH,
    wire.CheckpointSaved(3, "val_loss", 0.5, best=True, artifact="best.keras"),
    wire.LearningRateChanged(3, 0.1, 0.05, "reduce_on_plateau"),
    wire.EarlyStopped(3, 1, "val_loss", 2),
    wire.Diagnosis("overfitting", 3, "it does", 0.5),
    wire.ArtifactWritten("sub/best.keras", "model", 12, "ab"),
    wire.Ended("succeeded", "completed", "done"),
]


def read(body: wire.Body, **changes: Any) -> Entry:
    record = json.loads(wire.encode(wire.Line(1, AT, body)))
    record.update({name: value for name, value in changes.items() if name in record})
    record["body"].update({name: value for name, value in changes.items() if name in record["body"]})
    return words.entry(json.dumps(record).encode(), NOON)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.kind)
def test_every_word_of_the_wire_becomes_an_entry_with_its_key_attempt_and_time(body: wire.Body) -> None:
    entry = read(body)
    assert entry.key == wire.key(wire.Line(1, AT, body))
    assert (entry.attempt, entry.at) == (1, NOON)
    shared = {name for name in type(entry.word).__dataclass_fields__ if name in type(body).__dataclass_fields__}
    for name in shared - {"metrics", "outcome", "reason"}:
        assert getattr(entry.word, name) == getattr(body, name)


def test_numbers_that_json_has_not_come_back_as_numbers() -> None:
    word = read(EPOCH).word
    assert isinstance(word, events.EpochFinished)
    assert math.isnan(word.metrics["loss"])


def test_an_unknown_reason_is_no_reason_and_an_unknown_outcome_is_refused() -> None:
    word = read(wire.Ended("failed", "gremlins", "boo")).word
    assert word == events.TrainerEnded(State.FAILED, None, "boo")
    assert read(wire.Ended("failed", "data", "boo")).word == events.TrainerEnded(State.FAILED, Reason.DATA, "boo")
    with pytest.raises(WireError):
        read(wire.Ended("gone", "data", "boo"))


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": "3"},
        {"epoch": -1},
        {"epoch": 2**31},
        {"epoch": True},
        {"epoch": 3.0},
        {"metrics": [1]},
        {"metrics": {"loss": None}},
        {"metrics": {str(index): 0.0 for index in range(65)}},
        {"learning_rate": "fast"},
        {"seconds": None},
        {"attempt": "x"},
        {"attempt": 10**400},
        {"at": 10**400},
    ],
    ids=str,
)
def test_a_field_of_another_type_or_size_costs_its_line(change: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        read(EPOCH, **change)


@pytest.mark.parametrize("name", ["/etc/passwd", "../../x", "a/../b", "", "."])
def test_an_artifact_can_not_leave_its_folder(name: str) -> None:
    with pytest.raises(WireError):
        read(wire.ArtifactWritten(name, "model", 1, "ab"))


@pytest.mark.parametrize("at", [math.inf, -1e18, AT + 90_000])
def test_a_time_that_can_not_be_is_replaced_by_now(at: float) -> None:
    now = NOON + timedelta(seconds=5)
    raw = json.dumps(
        {"v": 1, "attempt": 1, "at": at, "kind": "ended", "key": "", "body": {"outcome": "failed", "reason": "", "message": ""}}
    )
    assert words.entry(raw.encode(), now).at == now


def test_texts_are_cut_and_cleaned_of_what_no_database_holds() -> None:
    word = read(wire.Diagnosis("x", 1, "a\0b\ud800" + "c" * 9000, 1.0)).word
    assert isinstance(word, events.Diagnosis)
    assert word.message.startswith("a b?")
    assert len(word.message) == words.MAX_TEXT


@given(st.binary(max_size=300))
def test_any_bytes_are_an_entry_or_a_refusal(raw: bytes) -> None:
    with contextlib.suppress(WireError):
        words.entry(raw, NOON)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


@given(st.sampled_from(BODIES), st.data())
def test_any_field_with_any_value_is_an_entry_or_a_refusal(body: wire.Body, data: st.DataObject) -> None:
    record = json.loads(wire.encode(wire.Line(1, AT, body)))
    place = data.draw(st.sampled_from([record, record["body"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON)
    with contextlib.suppress(WireError):
        words.entry(json.dumps(record).encode(), NOON)
