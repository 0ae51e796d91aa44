"""What a run is called when its author gave it no name."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath

from trainyard.linter.spec.model.spec import Spec

# Last parts of dataset paths that tell nothing: the folder above them does.
_TELLING_NOTHING = frozenset({"images", "data", "train"})


def experiment_name(spec: Spec, at: datetime) -> str:
    """Fill in the template of the spec's name: ``relu_cnn_digits_20260301-120000``; a name without gaps stays."""
    dataset = PurePosixPath(spec.dataset.path)
    gaps = {
        "{activation}": getattr(spec.model, "activation", None) or "none",
        "{model}": spec.model.type,
        "{dataset}": (dataset.parent if dataset.name in _TELLING_NOTHING else dataset).stem or dataset.stem,
        "{timestamp}": at.strftime("%Y%m%d-%H%M%S"),
    }
    name = spec.experiment.name
    for gap, value in gaps.items():
        name = name.replace(gap, str(value))
    return name
