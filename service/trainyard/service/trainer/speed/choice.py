"""Which settings a run takes its steps with: those of its bundle, else the best by a short trial, else the best by rule."""

from __future__ import annotations

from trainyard.service.trainer import backend
from trainyard.service.trainer.bundle.contents import Bundle
from trainyard.service.trainer.preparation import Prepared
from trainyard.service.trainer.speed import settings
from trainyard.service.trainer.speed.settings import Settings


def settled(prepared: Prepared, saved: Bundle | None) -> Settings:
    """Return the settings of this attempt; a resumed run keeps its own, to the last digit."""
    if saved is not None and "speed" in saved.state:
        return settings.from_json(saved.state["speed"])
    return by_rule(prepared)


def by_rule(prepared: Prepared) -> Settings:
    """Return what is best without measuring."""
    convolves = any("conv" in type(layer).__name__.lower() for layer in prepared.built.kept._flatten_layers())  # noqa: SLF001
    return settings.default(backend.name(), backend.device().kind, convolves=convolves, deterministic=prepared.spec.training.deterministic)
