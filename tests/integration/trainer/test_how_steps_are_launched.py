"""Samples on the device or on the host, one step or many in a launch, a trial or none: the run learns the same."""

from pathlib import Path
from typing import Any

import pytest

from trainyard.service import wire
from trainyard.service.trainer.bundle import variables
from trainyard.service.trainer.speed import choice, engine, samples
from trainyard.service.trainer.speed.memory import Memory
from trainyard.service.trainer.speed.pace import Pace
from trainyard.service.trainer.speed.settings import Settings

SPEC: dict[str, Any] = {"training": {"epochs": 3}, "callbacks": {"early_stopping": None}, "augmentation": "light"}


def _history(train: Any, **changes: Any) -> Any:
    result = train("images", **{**SPEC, **changes})
    assert result.verdict.outcome == wire.SUCCEEDED, result.verdict
    return result.json("history.json")["epochs"]


def test_however_many_steps_go_into_a_launch_not_a_digit_changes(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    many = _history(train)
    monkeypatch.setattr(Pace, "count", lambda _self, left: min(1, left))
    assert _history(train) == many


def test_samples_that_stay_on_the_host_teach_the_same(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    resident = _history(train)
    monkeypatch.setattr(samples, "fit", lambda _batches, _free_bytes: False)
    for streamed, epoch in zip(_history(train), resident, strict=True):
        assert streamed == pytest.approx(epoch, rel=1e-4)


def test_a_trial_leaves_no_trace_but_what_it_found(prepare: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(choice, "_WORTH_SECONDS", 0.0)
    monkeypatch.setattr(choice, "_SHARE", 1e9)
    prepared = prepare("images", **{**SPEC, "augmentation": [{"type": "gaussian_noise", "stddev": 0.1}]})
    engine.prime(prepared.built.learner, prepared.train)
    before = variables.of_learner(prepared.built.learner)
    chosen = choice.settled(prepared, None, tmp_path)
    after = variables.of_learner(prepared.built.learner)
    assert chosen.engine is not None
    assert [one.value.tobytes() for one in after] == [one.value.tobytes() for one in before]
    assert Memory(tmp_path).recall(choice._key(prepared)) == chosen.settings
    other = Settings(compiled=not chosen.settings.compiled, looped=True)
    Memory(tmp_path).keep(choice._key(prepared), other)
    assert choice.settled(prepared, None, tmp_path).settings == other


def test_a_short_run_is_not_tried_and_a_deterministic_one_never(prepare: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert choice.settled(prepare("images", **SPEC), None, tmp_path).settings == Settings(compiled=False, looped=True)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(choice, "_WORTH_SECONDS", 0.0)
    steady = prepare("images", **{**SPEC, "training": {"epochs": 3, "deterministic": True}})
    assert choice.settled(steady, None, tmp_path) == choice.Choice(Settings(compiled=False, looped=True))


def test_a_model_that_xla_can_not_compile_is_trained_without_it(prepare: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(choice, "_WORTH_SECONDS", 0.0)
    monkeypatch.setattr(choice, "_compiles", lambda _prepared: True)
    prepared = prepare("images", **{**SPEC, "augmentation": [{"type": "random_rotation", "factor": 0.2}]})
    before = variables.of_learner(prepared.built.learner)
    chosen = choice.settled(prepared, None, tmp_path)
    assert chosen.settings == Settings(compiled=False, looped=True)
    assert len(variables.of_learner(prepared.built.learner)) >= len(before)
