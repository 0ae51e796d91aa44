"""How steps are launched: the rule, and what a trial is remembered by."""

from pathlib import Path

import pytest

from trainyard.service.trainer.speed import settings
from trainyard.service.trainer.speed.memory import Memory
from trainyard.service.trainer.speed.settings import Settings


@pytest.mark.parametrize(
    "backend, device, convolves, deterministic, wanted",
    [
        ("tensorflow", "cpu", True, False, Settings(compiled=False, looped=True)),
        ("tensorflow", "gpu", True, False, Settings(compiled=True, looped=True)),
        ("tensorflow", "gpu", True, True, Settings(compiled=False, looped=True)),
        ("jax", "cpu", True, False, Settings(compiled=True, looped=False)),
        ("jax", "cpu", False, False, Settings(compiled=True, looped=True)),
        ("jax", "gpu", True, True, Settings(compiled=True, looped=True)),
    ],
)
def test_the_rule_follows_what_was_measured(backend: str, device: str, convolves: bool, deterministic: bool, wanted: Settings) -> None:
    assert settings.default(backend, device, convolves=convolves, deterministic=deterministic) == wanted


def test_what_a_trial_found_is_remembered_by_the_next_run(tmp_path: Path) -> None:
    found = Settings(compiled=True, looped=False)
    Memory(tmp_path / "cache").keep("a", found)
    Memory(tmp_path / "cache").keep("b", Settings(compiled=False, looped=True))
    assert Memory(tmp_path / "cache").recall("a") == found
    assert Memory(tmp_path / "cache").recall("c") is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 7}', '{"a": {"compiled": true}}'])
def test_a_torn_memory_is_an_empty_one(tmp_path: Path, content: str) -> None:
    (tmp_path / "speed.v1.json").write_text(content, encoding="utf-8")
    memory = Memory(tmp_path)
    assert memory.recall("a") is None
    memory.keep("a", Settings(compiled=True, looped=True))
    assert memory.recall("a") is not None


def test_without_a_folder_or_a_place_to_write_nothing_is_remembered_and_nothing_breaks(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for memory in (Memory(None), Memory(tmp_path / "file")):
        memory.keep("a", Settings(compiled=True, looped=True))
        assert memory.recall("a") is None
