"""``python -m trainyard.service.trainer.speed.measuring ORDER.json``: time the steps of many small models in one process.

It makes each model as a run would, launches its steps as a run would, and prints one JSON line for each: seconds of launches of
one training step and of many, of evaluation likewise, of what an epoch takes beside them, and of what comes before the first.
The least of many launches is kept: what disturbs a measurement only ever makes it longer. Knows no profile and no estimate.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A launch of a measurement takes about this long, so that its own cost and the clock's are small beside it.
_LAUNCH_SECONDS = 0.06
_LEAST_LAUNCHES = 5


def main(arguments: list[str]) -> int:
    """Measure what the order names: ``{"data_root": …, "device": …, "seconds": …, "specs": {name: resolved}}``."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ["KERAS_HOME"] = os.devnull
    order: dict[str, Any] = json.loads(Path(arguments[0]).read_bytes())
    import keras

    from trainyard.service.trainer import backend
    from trainyard.service.trainer.device import CPU

    backend.prepare(deterministic=False, seed=0, hide_gpus=order["device"] == CPU)
    for name, resolved in order["specs"].items():
        try:
            found = _measured(resolved, Path(order["data_root"]), float(order["seconds"]))
        except Exception as error:  # noqa: BLE001 -- one model that can not be measured is left out, whatever the framework calls it
            found = {"failed": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps({"name": name, **found}), flush=True)
        keras.backend.clear_session()
        gc.collect()
    return 0


def _measured(resolved: dict[str, Any], data_root: Path, seconds: float) -> dict[str, Any]:
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
    return {
        "train": _launches(engine.steps, train.samples // train.batch_size if looped else 1, seconds),
        "judge": _launches(engine.judge, judged if looped else 1, seconds / 2) if judged else [],
        "epoch": _least(beside, seconds / 10),
        "compile": compiled,
        "looped": looped,
        "parameters": prepared.built.parameters,
    }


def _launches(steps: Callable[[int, int], None], most: int, seconds: float) -> list[tuple[int, float]]:
    """Return steps and seconds of a launch of one step, and of one that holds many where ``most`` allows for more."""
    alone = _least(lambda: steps(0, 1), seconds / 4 if most > 1 else seconds)
    count = max(1, min(most, int(_LAUNCH_SECONDS / alone)))
    return [(1, alone)] if count == 1 else [(1, alone), (count, _least(lambda: steps(0, count), seconds))]


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
