"""What a bundle holds, as plain values. Knows no Keras and no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainyard.service.trainer.data.samples import Array


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands: epochs finished, steps taken of the next one, how often it was rolled back.

    ``logs`` holds the training metrics of an epoch whose steps are all taken and whose validation is not done.
    """

    epoch: int = 0
    step: int = 0
    rollback: int = 0
    logs: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """One array and what it is called; the name is checked when it is read back."""

    name: str
    value: Array


@dataclass(frozen=True, slots=True)
class Origin:
    """What a bundle was made by and for. ``spec_digest`` and ``backend`` must agree, versions are told apart and borne."""

    spec_digest: str
    data_mark: str
    backend: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything that decides how a run goes on.

    ``state`` is JSON: history, callbacks, rates, speed settings, generators. ``variables`` are those of model, optimizer
    and metrics. ``kept`` holds the weights of models that are kept for later, by a name that never means two things.
    """

    position: Position
    attempt: int
    origin: Origin
    state: Mapping[str, Any]
    variables: tuple[Named, ...]
    kept: Mapping[str, tuple[Named, ...]]
