"""The training loop: epochs of launches, each of about half a second, and a look around between them.

It knows what an epoch is and where it stands, and nothing of Keras, files or requests: those are behind the engine, the
watchers and the hooks. Where it stands is always a place that it can be started from again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from trainyard.service import wire
from trainyard.service.trainer.batches import Batches
from trainyard.service.trainer.bundle.contents import Position
from trainyard.service.trainer.callbacks import divergence
from trainyard.service.trainer.callbacks.watcher import Voice, Watcher
from trainyard.service.trainer.failures import NonFiniteLossError
from trainyard.service.trainer.history import History
from trainyard.service.trainer.rates import EpochRates
from trainyard.service.trainer.speed.engine import Engine
from trainyard.service.trainer.speed.pace import Pace


class Surroundings(Protocol):
    """What the loop looks at between launches."""

    def look(self, step: int, metrics: Callable[[], Mapping[str, float]]) -> None:
        """Obey and show progress, when it is time; raises InterruptedRun when the run is to end."""

    def epoch_over(self) -> None:
        """Obey, and save a bundle when it is time."""


@dataclass(frozen=True, slots=True)
class Track:
    """What a run trains on: ``planned`` epochs, counted over all stages, of ``steps`` steps."""

    train: Batches
    validation: Batches | None
    rates: EpochRates
    planned: int
    memory: Callable[[], int]


class Loop:
    """Runs epochs from ``position`` on. ``position`` says at any moment from where the variables, as they are, go on."""

    def __init__(
        self,
        track: Track,
        engine: Engine,
        history: History,
        voice: Voice,
        *,
        watchers: Sequence[Watcher],
        monotonic: Callable[[], float],
        position: Position,
    ) -> None:
        self._track = track
        self._history = history
        self._voice = voice
        self._watchers = watchers
        self._monotonic = monotonic
        self.use(engine)
        self.position = position
        self.epoch_seconds = 0.0
        self._began = 0.0

    def use(self, engine: Engine) -> None:
        """Go on with another engine: the model was compiled anew."""
        self._engine = engine
        self._waited_before = engine.wait_seconds
        self._pace, self._judging_pace = Pace(), Pace()

    def epoch(self, around: Surroundings) -> None:
        """Run the epoch that ``position`` stands in, or what is left of it.

        Raises:
            InterruptedRun: somebody asked the run to end; ``position`` says where.
            NonFiniteLossError, DivergedError: the loss blew up.
        """
        index = self.position.epoch
        self._began = self._monotonic() - self.epoch_seconds
        self._track.train.begin(index)
        self._engine.begin()
        if self.position.step == 0:
            self._track.rates.begin(index)
            self._engine.reset_metrics()
        self._waited_before = self._engine.wait_seconds
        self._train(around)
        self._validate(around)
        self._close(dict(self.position.logs or {}))
        around.epoch_over()

    @property
    def input_wait(self) -> float | None:
        """Share of the running epoch in which steps waited for samples; None before anything was trained."""
        seconds = self._monotonic() - self._began
        return (self._engine.wait_seconds - self._waited_before) / seconds if seconds > 0 else None

    def _train(self, around: Surroundings) -> None:
        steps = len(self._track.train)
        while self.position.step < steps:
            count = self._pace.count(steps - self.position.step)
            began = self._monotonic()
            self._engine.steps(self.position.step, count)
            now = self._monotonic()
            self._pace.took(count, now - began)
            self.epoch_seconds = now - self._began
            self.position = replace(self.position, step=self.position.step + count)
            if self.position.step < steps:
                around.look(self.position.step, self._running)
        if self.position.logs is None:
            self.position = replace(self.position, logs=self._engine.metrics())
            around.look(steps, lambda: self.position.logs or {})

    def _running(self) -> Mapping[str, float]:
        metrics = self._engine.metrics()
        if not math.isfinite(metrics.get("loss", 0.0)):
            raise NonFiniteLossError(metrics["loss"], self.position.epoch + 1)
        return metrics

    def _validate(self, around: Surroundings) -> None:
        batches = self._track.validation
        if batches is None:
            return
        self._engine.reset_metrics()
        done = 0
        while done < len(batches):
            count = self._judging_pace.count(len(batches) - done)
            began = self._monotonic()
            self._engine.judge(done, count)
            self._judging_pace.took(count, self._monotonic() - began)
            done += count
            if done < len(batches):
                around.look(self.position.step, lambda: self.position.logs or {})
        judged = {f"val_{name}": value for name, value in self._engine.metrics().items()}
        self.position = replace(self.position, logs={**(self.position.logs or {}), **judged})

    def _close(self, metrics: dict[str, float]) -> None:
        """Write the epoch down, judge it, and stand at the next one."""
        epoch, seconds = self.position.epoch + 1, self._monotonic() - self._began
        rate = self._track.rates.last_of(epoch - 1)
        self._history.add(epoch, metrics, rate)
        self._voice.say(
            wire.EpochFinished(
                epoch=epoch,
                epochs_planned=self._track.planned,
                metrics=metrics,
                learning_rate=rate,
                seconds=seconds,
                samples_per_second=self._track.train.samples / seconds if seconds > 0 else 0.0,
                device_memory_bytes=self._track.memory(),
            )
        )
        wrong = divergence.found(self._history.first_loss, metrics["loss"], epoch)
        if wrong is not None:
            raise wrong
        for watcher in self._watchers:
            watcher.epoch_ended(epoch, metrics)
        self.epoch_seconds = 0.0
        self.position = Position(epoch, 0, self.position.rollback)
