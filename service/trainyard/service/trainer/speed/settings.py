"""How the steps of a run are launched. Numbers may differ in the last digit between settings, so a run keeps its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from trainyard.linter.estimate.launching import loops


@dataclass(frozen=True, slots=True)
class Settings:
    """``compiled``: XLA compiles the step. ``looped``: many steps in one launch, where samples lie on the device."""

    compiled: bool
    looped: bool

    def as_json(self) -> dict[str, bool]:
        """Return what a bundle and a cache keep."""
        return asdict(self)


def from_json(record: dict[str, Any]) -> Settings:
    """Read what ``as_json`` made."""
    return Settings(compiled=bool(record["compiled"]), looped=bool(record["looped"]))


def default(backend: str, device: str, *, convolves: bool, deterministic: bool) -> Settings:
    """Return what is best without measuring.

    Measured on two cores (digits, epoch of 40 steps): TensorFlow without XLA 0.09 s in one launch, 0.15 s step by step,
    0.40 s with XLA, whose convolutions use one thread there; JAX 0.06 s step by step and 0.43 s in one launch, for the
    same reason; without convolutions JAX takes 0.005 s in one launch and 0.016 s step by step.
    """
    if backend == "jax":
        return Settings(compiled=True, looped=loops(backend, device, convolves=convolves))
    return Settings(compiled=device != "cpu" and not deterministic, looped=loops(backend, device, convolves=convolves))
