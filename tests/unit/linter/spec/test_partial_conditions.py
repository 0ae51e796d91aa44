"""A spec that is still being written is judged by the same conditions as a whole one."""

from __future__ import annotations

import pytest

from trainyard.linter import spec


@pytest.mark.parametrize("samples", [9, {"at_least": 9}, {"exactly": 9}, {"train": 9}, {"train": {"at_most": 9}, "test": 3}])
def test_samples_may_be_counted_whole_or_per_part_while_one_writes(samples: object) -> None:
    assert spec.check({"dataset": {"type": "npz", "facts": {"samples": samples}}}, partial=True) == ()


def test_a_tag_is_still_asked_for_and_decides() -> None:
    (missing,) = spec.check({"optimizer": {"momentum": 0.9}}, partial=True)
    assert missing.pointer.startswith("/optimizer")
    (without_effect,) = spec.check({"optimizer": {"type": "adam", "momentum": 0.9}}, partial=True)
    assert without_effect.code == "SPEC008"
