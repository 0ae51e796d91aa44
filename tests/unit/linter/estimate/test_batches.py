"""The table of batch sizes."""

from __future__ import annotations

from itertools import pairwise

from trainyard.linter.estimate.batches import Choice, Generalization, choices, disputed, generalization, sizes
from trainyard.linter.estimate.hardware import profile
from trainyard.linter.shapes import Shapes
from trainyard.linter.spec.model.optimizer import Adam

ADAM = Adam("adam", 0.001, 0.9, 0.999, 1e-7, False, None, None, None, None)


def table(shapes: Shapes, card: str | None = "t4", **changes: object) -> dict[int, Choice]:
    settings: dict[str, object] = {"own": 32, "samples": 6537, "normalized": False}
    rows = choices(shapes, ADAM, "float32", profile=None if card is None else profile(card), **{**settings, **changes})  # type: ignore[arg-type]
    return {row.batch_size: row for row in rows}


def test_the_table_runs_from_16_to_512_and_holds_the_own_size() -> None:
    assert sizes(32) == (16, 32, 64, 128, 256, 512)
    assert sizes(100) == (16, 32, 64, 100, 128, 256, 512)
    assert sizes(-1)[0] == 1


def test_steps_are_the_ceiling_or_the_floor_where_the_rest_is_dropped(image_net: Shapes) -> None:
    assert {size: row.steps_per_epoch for size, row in table(image_net).items()} == {16: 409, 32: 205, 64: 103, 128: 52, 256: 26, 512: 13}
    assert table(image_net, drop_remainder=True)[32].steps_per_epoch == 204


def test_speed_is_relative_to_the_own_size_and_grows_with_the_batch(image_net: Shapes) -> None:
    rows = table(image_net)
    assert rows[32].own
    assert rows[32].speed == 1.0
    speeds = [row.speed for row in rows.values()]
    assert speeds == sorted(speeds)  # type: ignore[type-var]


def test_memory_and_rate_follow_the_batch_and_time_falls_with_it(image_net: Shapes) -> None:
    rows = list(table(image_net).values())
    for smaller, larger in pairwise(rows):
        assert smaller.memory.low < larger.memory.low
        assert smaller.learning_rate < larger.learning_rate
        assert smaller.epoch is not None
        assert larger.epoch is not None
        assert smaller.epoch.high > larger.epoch.high


def test_without_a_profile_nothing_is_said_of_speed_fit_and_time(image_net: Shapes) -> None:
    row = table(image_net, None)[64]
    assert (row.speed, row.fits, row.epoch) == (None, None, None)


def test_several_devices_share_a_batch(image_net: Shapes) -> None:
    assert table(image_net, devices=4)[128].memory == table(image_net)[32].memory


def test_what_does_not_fit_is_told_and_what_may_not_is_left_open(image_net: Shapes) -> None:
    tiny = profile({"device": "tiny", "memory_bytes": 1000})
    rows = choices(image_net, ADAM, "float32", own=32, samples=6537, normalized=False, profile=tiny)
    assert {row.fits for row in rows} == {False}
    middle = rows[0].memory
    between = profile({"device": "x", "memory_bytes": (middle.low + middle.high) / 2, "usable_share": 1})
    assert choices(image_net, ADAM, "float32", own=32, samples=6537, normalized=False, profile=between)[0].fits is None


def test_a_note_on_generalization_says_where_the_evidence_is_disputed(image_net: Shapes) -> None:
    assert generalization(32, 100) is Generalization.SMALL
    assert generalization(128, 100_000) is Generalization.USUAL
    assert generalization(512, 5000) is Generalization.LARGE
    assert "disputed" in Generalization.LARGE.note
    assert "disputed" in Generalization.SMALL.note
    assert not Generalization.USUAL.disputed
    assert disputed(tuple(table(image_net).values()))
