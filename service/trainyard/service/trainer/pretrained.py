"""Weights that a model starts from: published ones of a backbone, or those of an earlier run. Nothing is downloaded.

Where ``weights`` is ``imagenet``, the operator has put Keras' published file (or weights saved from it) into a folder: the
one that ``TRAINYARD_WEIGHTS`` names, or ``weights`` below the data root.
"""

from __future__ import annotations

import os
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

from trainyard.linter.spec.model.architecture import Declared, Model, Transfer
from trainyard.service import wire
from trainyard.service.trainer import refusals
from trainyard.service.trainer.bundle.files import BundleFiles
from trainyard.service.trainer.data import location
from trainyard.service.trainer.failures import BundleError, DataError, SpecError
from trainyard.service.weights import FOLDER_VARIABLE, IMAGENET, folders, published

# Where a run folder, or a bundle in it, keeps the model.
_MODELS = ("artifacts/best.keras", "best.keras", "model.weights.h5")
# A run that has not ended keeps its models in a bundle; it may be named itself.
_MANIFEST = "manifest.json"
_BUNDLES = (f"bundle/{_MANIFEST}", _MANIFEST)
# keras/src/backend/common/variables.py, Variable.assign
_SHAPES = re.compile(r"variable\.shape=\((?P<wanted>[^)]*?),?\).*?value\.shape=\((?P<given>[^)]*?),?\).*?path=(?P<path>[^,]+),", re.DOTALL)


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
    otherwise = f'model.initial, "{model.initial}", holds no weights of this model'
    file = _model_file(data_root, model.initial)
    if file.name == _MANIFEST:
        _fill_from_bundle(kept, file, otherwise)
    else:
        _fill(kept, file, otherwise)


def _fill(model: Any, path: Path, otherwise: str) -> None:
    """Load weights into ``model``; a file that lacks some of them is for another model, though Keras only warns."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            model.load_weights(path)
    except (OSError, ValueError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        why = _misfit(error) or (refusals.sentence(error) if isinstance(error, ValueError) else "it can not be read, or lacks some.")
        raise DataError(f"{otherwise}: {why}") from error
    if any(str(one.message).startswith("Skipping") for one in said):
        raise DataError(f"{otherwise}: it lacks some.")


def _fill_from_bundle(model: Any, manifest: Path, otherwise: str) -> None:
    """Take the newest weights that a run kept; its bundle is checked as when the run itself goes on from it."""
    try:
        saved = BundleFiles(wire.RunFolder(manifest.parent.parent)).read()
        if saved is None or not saved.kept:
            raise DataError(f"{otherwise}: its run has kept none yet.")
        newest = max(saved.kept, key=lambda name: int(name.split("-")[1]))
        arrays = [one.value for one in saved.kept[newest]]
        if len(arrays) != len(model.weights):
            raise DataError(f"{otherwise}: the model has {len(model.weights)} of them, and the bundle {len(arrays)}.")
        for variable, value in zip(model.weights, arrays, strict=True):
            variable.assign(value)
    except BundleError as error:
        raise DataError(f"{otherwise}: its bundle is torn, or of another version.") from error
    except ValueError as error:
        raise DataError(f"{otherwise}: {_misfit(error) or refusals.sentence(error)}") from error


def _misfit(error: Exception) -> str | None:
    """Say which weight of the model the file has in another shape, where that is what Keras says at some length."""
    found = _SHAPES.search(str(error))
    if found is None:
        return None
    layer, _, name = found["path"].rpartition("/")
    return f'the {name} of the layer "{layer}" has the shape [{found["wanted"]}], and the file has [{found["given"]}].'


def _model_file(root: Path, shown: str) -> Path:
    """Return the file of a model that is named, or lies in the folder that is; neither may lie outside the root."""
    place = location.find(root, shown)
    if place.is_file():
        return place
    for name in (*_MODELS, *_BUNDLES):
        if (place / name).is_file():
            return location.find(root, f"{shown}/{name}")
    raise DataError(f'model.initial, "{shown}", is a folder without a model; looked for {", ".join((*_MODELS, _BUNDLES[0]))}.')


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
