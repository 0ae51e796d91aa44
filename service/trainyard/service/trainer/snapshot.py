"""From a running model to a bundle and back. What a bundle must agree with is checked here, with a sentence for each."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from trainyard.service.trainer import backend
from trainyard.service.trainer.bundle import variables
from trainyard.service.trainer.bundle.contents import Bundle, Named, Origin, Position
from trainyard.service.trainer.callbacks.shelf import Shelf
from trainyard.service.trainer.callbacks.watcher import Watcher
from trainyard.service.trainer.data.division import Division
from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.failures import BundleError, DataError
from trainyard.service.trainer.history import History
from trainyard.service.trainer.rates import EpochRates

_LOOKED_AT = 512


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything of a run that has a state."""

    learner: Any
    rates: EpochRates
    history: History
    watchers: Sequence[Watcher]
    shelf: Shelf


def take(parts: Parts, position: Position, attempt: int, origin: Origin, more: Mapping[str, Any]) -> Bundle:
    """Copy the state of a run; ``more`` is JSON that goes along."""
    state = {
        **more,
        "history": parts.history.epochs,
        "scale": parts.rates.scale,
        "kept_count": parts.shelf.count,
        "generators": variables.generators(),
        "watchers": {watcher.name: watcher.state() for watcher in parts.watchers},
    }
    return Bundle(position, attempt, origin, state, variables.of_learner(parts.learner), parts.shelf.all())


def put_back(parts: Parts, saved: Bundle) -> None:
    """Lay a bundle into a run that was built alike; raises BundleError when it does not fit."""
    put_variables(parts, saved.variables)
    state = saved.state
    try:
        parts.history.restore(state["history"])
        parts.rates.scale = float(state["scale"])
        parts.shelf.restore(saved.kept, int(state["kept_count"]))
        for watcher in parts.watchers:
            watcher.restore(state["watchers"][watcher.name])
        variables.put_generators(state["generators"])
    except (LookupError, TypeError, ValueError) as error:
        raise BundleError(f"its state is incomplete ({type(error).__name__})") from error


def put_variables(parts: Parts, saved: Sequence[Named]) -> None:
    """Lay variables alone back."""
    variables.put_back(parts.learner, saved)


def origin(spec_digest: str, division: Division) -> Origin:
    """Say what a bundle of this run is made by and for."""
    versions = {name: metadata.version(name) for name in ("trainyard", "keras")}
    return Origin(spec_digest, _mark(division), backend.name(), {**versions, backend.name(): backend.version()})


def check(saved: Bundle, here: Origin) -> None:
    """Hold a bundle against this run; raises BundleError or DataError with what differs; versions may differ."""
    if saved.origin.backend != here.backend:
        raise BundleError(f"it was made on {saved.origin.backend}, and this trainer runs on {here.backend}")
    if saved.origin.data_mark != here.data_mark:
        raise DataError("The data is not what it was when this run began: a run goes on from its bundle on the same data only.")


def _mark(division: Division) -> str:
    """Return a mark of the data: all targets, and some samples spread evenly."""
    parts = [part for part in (division.train, division.validation, division.test) if part is not None]
    mark = 0
    for part in parts:
        mark = zlib.crc32(_bytes(part.targets[part.indices]), mark)
        spread = part.indices[:: max(1, len(part) // _LOOKED_AT)]
        mark = zlib.crc32(_bytes(part.inputs[spread]), mark)
    return f"{'-'.join(str(len(part)) for part in parts)}-{mark:08x}"


def _bytes(values: Array) -> bytes:
    return np.ascontiguousarray(values).tobytes()
