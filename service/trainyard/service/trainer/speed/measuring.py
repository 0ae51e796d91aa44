"""``python -m trainyard.service.trainer.speed.measuring ORDER.json``: time the steps of many small models in one process.

It makes each model as a run would and launches its steps as a run would, all models in turn and several times over, so that what
disturbs the box for some seconds is paid by no model alone. It prints a JSON line when a model is made, and one when it is
measured: seconds of launches of one training step and of many, of evaluation likewise, of what an epoch takes beside them,
and of what comes before the first. The least of many launches is kept: what disturbs a measurement only ever makes it longer.
Knows no profile and no estimate.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A launch of a measurement takes about this long, so that its own cost and the clock's are small beside it.
_LAUNCH_SECONDS = 0.06
_LEAST_LAUNCHES = 3
_ROUNDS = 3


@dataclass
class _Model:
    """A model that is made: launches of it, and the least that each took so far."""

    compiled: float
    looped: bool
    parameters: int
    train: Callable[[int, int], None]
    judge: Callable[[int, int], None]
    beside: Callable[[], None]
    most_trained: int
    most_judged: int
    least: dict[tuple[str, int], float] = field(default_factory=dict)

    def measure(self, seconds: float) -> None:
        """Launch what there is to launch for so many seconds or a little more."""
        self._launches("train", self.train, self.most_trained, seconds)
        if self.most_judged:
            self._launches("judge", self.judge, self.most_judged, seconds / 2)
        self._keep(("epoch", 1), self.beside, seconds / 10)

    def found(self) -> dict[str, Any]:
        """Return what was measured as an object of JSON."""
        launches = {part: [(count, least) for (of, count), least in self.least.items() if of == part] for part in ("train", "judge")}
        told = {"epoch": self.least["epoch", 1], "compile": self.compiled, "looped": self.looped, "parameters": self.parameters}
        return {**launches, **told}

    def _launches(self, part: str, steps: Callable[[int, int], None], most: int, seconds: float) -> None:
        """Launch one step, and many where ``most`` allows for more."""
        alone = self._keep((part, 1), lambda: steps(0, 1), seconds / 4 if most > 1 else seconds)
        known = next((count for of, count in self.least if of == part and count > 1), 0)
        count = known or max(1, min(most, int(_LAUNCH_SECONDS / alone)))
        if count > 1:
            self._keep((part, count), lambda: steps(0, count), seconds)

    def _keep(self, what: tuple[str, int], call: Callable[[], None], seconds: float) -> float:
        self.least[what] = min(self.least.get(what, float("inf")), _least(call, seconds))
        return self.least[what]


def main(arguments: list[str]) -> int:
    """Measure what the order names: ``{"data_root": …, "device": …, "seconds": …, "specs": {name: resolved}}``."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ["KERAS_HOME"] = os.devnull
    order: dict[str, Any] = json.loads(Path(arguments[0]).read_bytes())

    from trainyard.service.trainer import backend
    from trainyard.service.trainer.device import CPU

    backend.prepare(deterministic=False, seed=0, hide_gpus=order["device"] == CPU)
    made: dict[str, _Model] = {}
    for name, resolved in order["specs"].items():
        try:
            made[name] = _made(resolved, Path(order["data_root"]))
            _say({"name": name, "made": made[name].compiled})
        except Exception as error:  # noqa: BLE001 -- one model that can not be made is left out, whatever the framework calls it
            _say({"name": name, "failed": f"{type(error).__name__}: {error}"[:300]})
    for _ in range(_ROUNDS):
        for name in list(made):
            try:
                made[name].measure(float(order["seconds"]) / _ROUNDS)
            except Exception as error:  # noqa: BLE001 -- likewise
                del made[name]
                _say({"name": name, "failed": f"{type(error).__name__}: {error}"[:300]})
    for name, model in made.items():
        _say({"name": name, **model.found()})
    return 0


def _say(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True)


def _made(resolved: dict[str, Any], data_root: Path) -> _Model:
    from trainyard.linter import spec as language
    from trainyard.service.trainer.preparation import prepare
    from trainyard.service.trainer.speed import choice
    from trainyard.service.trainer.speed import engine as engines

    prepared = prepare(language.typed(resolved), data_root)
    settings = choice.by_rule(prepared)
    train, validation = prepared.train, prepared.validation
    train.begin(0)
    prepared.rates.begin(0)
    began = time.perf_counter()
    engine = engines.make(prepared.built.learner, train, validation, settings)
    engine.begin()
    engine.steps(0, 1)
    engine.judge(0, 1)
    compiled = time.perf_counter() - began
    looped = settings.looped and engines.resident(train)
    judged = 0 if validation is None else validation.samples // validation.batch_size

    def beside() -> None:
        train.begin(0)
        engine.begin()
        for _ in range(2):
            engine.reset_metrics()
            engine.metrics()

    beside()
    most = (train.samples // train.batch_size, judged) if looped else (1, min(1, judged))
    return _Model(compiled, looped, prepared.built.parameters, engine.steps, engine.judge, beside, *most)


def _least(call: Callable[[], None], seconds: float) -> float:
    """Return the least that a call takes, of as many as fit into ``seconds``."""
    least, ends, count = float("inf"), time.perf_counter() + seconds, 0
    while count < _LEAST_LAUNCHES or time.perf_counter() < ends:
        began = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - began)
        count += 1
    return least


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
