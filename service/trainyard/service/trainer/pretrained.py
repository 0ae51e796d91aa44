"""Weights that a model starts from: published ones of a backbone, or those of an earlier run. Nothing is downloaded.

Where ``weights`` is ``imagenet``, the operator has put Keras' published file (or weights saved from it) into a folder: the
one that ``TRAINYARD_WEIGHTS`` names, or ``weights`` below the data root.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from trainyard.linter.spec.model.architecture import Declared, Model, Transfer
from trainyard.service.trainer import refusals
from trainyard.service.trainer.data import location
from trainyard.service.trainer.failures import DataError, SpecError
from trainyard.service.weights import FOLDER_VARIABLE, IMAGENET, folders, published

# Where a run folder, or a bundle in it, keeps the model.
_MODELS = ("artifacts/best.keras", "best.keras", "model.weights.h5", "bundle/model.weights.h5")


def load(model: Model, kept: Any, backbone: Any, data_root: Path | None) -> None:
    """Fill backbone and model with the weights that the spec names.

    Raises:
        DataError: they are not there, or belong to another network.
    """
    if isinstance(model, Transfer) and model.weights is not None:
        path, shown = _backbone_file(model, data_root)
        _fill(backbone, path, f'"{shown}" holds no weights of this backbone without its top')
    if isinstance(model, Declared) or model.initial is None:
        return
    if data_root is None:
        raise SpecError("model.initial is read below a data root, and there is none.")
    file = _model_file(location.find(data_root, model.initial), model.initial)
    _fill(kept, file, f'model.initial, "{model.initial}", holds no weights of this model')


def _fill(model: Any, path: Path, otherwise: str) -> None:
    """Load weights into ``model``; a file that lacks some of them is for another model, though Keras only warns."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Skipping", category=UserWarning)
            model.load_weights(path)
    except (OSError, ValueError, KeyError, AttributeError, UserWarning) as error:
        said = refusals.sentence(error) if isinstance(error, ValueError) else "it lacks some"
        raise DataError(f"{otherwise}: {said}") from error


def _model_file(place: Path, shown: str) -> Path:
    if place.is_file():
        return place
    for name in _MODELS:
        if (place / name).is_file():
            return place / name
    raise DataError(f'model.initial, "{shown}", is a folder without a model; looked for {", ".join(_MODELS)}.')


def _backbone_file(model: Transfer, data_root: Path | None) -> tuple[Path, str]:
    """Return the weights file of the backbone, and how to call it in front of people."""
    if model.weights != IMAGENET:
        if data_root is None or model.weights is None:
            raise SpecError("model.weights is read below a data root, and there is none.")
        return location.find(data_root, model.weights), model.weights
    for folder in folders(os.environ, data_root):
        found = published(folder, model.backbone)
        if found is not None:
            return found, found.name
    raise DataError(
        f'model.weights is "imagenet", and no weights of {model.backbone} lie here: put Keras\' published file without top, or '
        f'"{model.backbone}.weights.h5", into the folder "weights" below the data root or into the one that {FOLDER_VARIABLE} names, '
        "or write null to start from random weights."
    )
