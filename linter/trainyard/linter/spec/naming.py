"""What a run is called when its author gave it no name: the linter's plan, the server and a trainer alone all ask here."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from trainyard.linter.spec.model.spec import Spec

# Last parts of dataset paths that tell nothing: the folder above them does.
_TELLING_NOTHING = frozenset({"images", "data", "train"})
_NOT_YET = "…"


def run_name(spec: Spec, at: datetime | None = None) -> str:
    """Fill in the template of the spec's name: ``relu_cnn_digits_20260301-120000``; a name without gaps stays.

    Before the start, with no ``at``, the time of it is an ellipsis.
    """
    gaps = {
        "{activation}": getattr(spec.model, "activation", None) or "none",
        "{model}": spec.model.type,
        "{dataset}": _called(spec.dataset.path),
        "{timestamp}": _NOT_YET if at is None else at.strftime("%Y%m%d-%H%M%S"),
    }
    name = spec.experiment.name
    for gap, value in gaps.items():
        name = name.replace(gap, str(value))
    return name


def _called(path: str) -> str:
    """Return what a dataset is called: the last part of its path that tells something, without its ending."""
    parts = PurePosixPath(path).parts
    telling = next((part for part in reversed(parts) if part not in _TELLING_NOTHING), path)
    return PurePosixPath(telling).stem or telling
