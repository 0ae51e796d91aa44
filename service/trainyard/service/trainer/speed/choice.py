"""Which settings a run takes its steps with: those of its bundle, else those that a short trial found best, else the rule's.

A trial pays only where the run is long: compiling for it takes seconds. It takes real steps of the real model and puts every
variable back, so that it leaves no trace but its result, which is kept for the next run of the same model on the same device.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras

from trainyard.service.trainer import backend
from trainyard.service.trainer.bundle import variables
from trainyard.service.trainer.bundle.contents import Bundle
from trainyard.service.trainer.device import CPU
from trainyard.service.trainer.preparation import Prepared
from trainyard.service.trainer.speed import engine as engines
from trainyard.service.trainer.speed import settings
from trainyard.service.trainer.speed.engine import Engine
from trainyard.service.trainer.speed.memory import Memory
from trainyard.service.trainer.speed.settings import Settings

# A run shorter than this is over before a trial has paid; and a trial may take this share of a longer one.
_WORTH_SECONDS = 60.0
_SHARE = 0.05
_TIMED_SECONDS = 1.0
# Less gain than this is noise.
_GAIN = 1.1


@dataclass(frozen=True, slots=True)
class Choice:
    """The settings, and an engine that has them when one was made on the way."""

    settings: Settings
    engine: Engine | None = None


def settled(prepared: Prepared, saved: Bundle | None, cache: Path | None = None) -> Choice:
    """Return the settings of this attempt; a resumed run keeps its own, to the last digit."""
    if saved is not None and "speed" in saved.state:
        return Choice(settings.from_json(saved.state["speed"]))
    rule = by_rule(prepared)
    others = list(_others(rule)) if rule.compiled or _compiles(prepared) else []
    if prepared.spec.training.deterministic or not others or not engines.resident(prepared.train):
        return Choice(rule)
    memory = Memory(cache)
    key = _key(prepared)
    known = memory.recall(key)
    return Choice(known) if known is not None else _tried(prepared, rule, others, memory, key)


def _tried(prepared: Prepared, rule: Settings, others: list[Settings], memory: Memory, key: str) -> Choice:
    learner = prepared.built.learner
    first = engines.make(learner, prepared.train, prepared.validation, rule)
    before = variables.of_learner(learner)
    prepared.train.begin(0)
    prepared.rates.begin(0)
    steps = len(prepared.train) * prepared.stages.epochs
    best, best_seconds, best_engine = rule, _seconds_per_step(first, len(prepared.train)), first
    whole = best_seconds * steps
    began = time.monotonic()
    if whole >= _WORTH_SECONDS:
        for other in others:
            if time.monotonic() - began > _SHARE * whole:
                break
            engine = engines.make(learner, prepared.train, prepared.validation, other)
            try:
                seconds = _seconds_per_step(engine, len(prepared.train))
            except Exception as error:  # noqa: BLE001 -- what can not be compiled is no choice, whatever the framework calls it
                sys.stderr.write(f"a trial of {other} failed: {type(error).__name__}\n")
                continue
            if seconds * _GAIN < best_seconds:
                best, best_seconds, best_engine = other, seconds, engine
        memory.keep(key, best)
    variables.put_back(learner, before)
    learner.reset_metrics()
    return Choice(best, best_engine)


def _seconds_per_step(engine: Engine, steps: int) -> float:
    """Take steps for about a second, after one that compiles."""
    engine.begin()
    engine.steps(0, 1)
    began, count, done = time.monotonic(), 1, 0
    while True:
        engine.steps(0, count)
        done += count
        seconds = time.monotonic() - began
        if seconds > _TIMED_SECONDS / 10:
            return seconds / done
        count = min(2 * count, max(1, steps - 1))


def by_rule(prepared: Prepared) -> Settings:
    """Return the settings that are best without measuring."""
    convolves = any(isinstance(layer, _CONVOLUTIONS) for layer in _layers(prepared.built.kept))
    steady = prepared.spec.training.deterministic
    rule = settings.default(backend.name(), backend.device().kind, convolves=convolves, deterministic=steady)
    return rule if not rule.compiled or _compiles(prepared) else replace(rule, compiled=False)


def _compiles(prepared: Prepared) -> bool:
    """Tell whether XLA can compile every layer: TensorFlow has operations, of images above all, that it has not."""
    if prepared.built.learner.spread.strategy is not None:
        return False  # no program of XLA's reaches over what a strategy mirrors
    return backend.name() == backend.JAX or all(layer.supports_jit for layer in _layers(prepared.built.learner))


_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)


def _layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model, those of models inside it too."""
    for layer in model.layers:
        yield from _layers(layer) if hasattr(layer, "layers") else (layer,)


def _others(rule: Settings) -> Iterator[Settings]:
    """Yield what might be faster than the rule, on this backend and device."""
    if backend.name() == backend.JAX:
        if backend.device().kind == CPU:
            yield Settings(compiled=True, looped=not rule.looped)
    else:
        yield Settings(compiled=not rule.compiled, looped=True)


def _key(prepared: Prepared) -> str:
    """Name everything that a step's time depends on."""
    spec, device = prepared.spec, backend.device()
    told = [
        backend.name(),
        backend.version(),
        keras.__version__,
        asdict(device),
        prepared.built.learner.spread.count,
        str(prepared.built.learner.input_shape),
        [str(one) for one in (spec.model, spec.augmentation, spec.loss, spec.optimizer.type, spec.regularization)],
        [spec.training.batch_size, spec.training.precision, spec.training.gradient_accumulation],
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
