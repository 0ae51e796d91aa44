"""Where weights that a model starts from lie, by their names alone: asked by the gate before a job is queued, and by its trainer.

Published weights of a backbone are Keras' own files, or some saved from them, in the operator's folder; anything else lies below the
data root. Nothing is downloaded. Imports no Keras: the server asks, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from trainyard.linter.facts.starting import absent
from trainyard.linter.spec.model.architecture import Transfer
from trainyard.linter.spec.model.spec import Spec

FOLDER_VARIABLE = "TRAINYARD_WEIGHTS"
IMAGENET = "imagenet"
_UNPUBLISHED = (
    "The published weights of {backbone} are not on this server: ask its operator for them, or write null to start from random weights."
)
_SUFFIXES = (".weights.h5", ".keras", ".h5")
_PUBLISHED = {
    "efficientnet_v2_": "efficientnetv2-",
    "efficientnet_": "efficientnet",
    "mobilenet_v3_": "weights_mobilenet_v3_",
    "mobilenet_v2": "mobilenet_v2_weights",
    "mobilenet": "mobilenet_1_0",
}


def published_stem(name: str) -> str:
    """Return how the names of Keras' published weight files of a backbone begin."""
    for prefix, stem in _PUBLISHED.items():
        if name.startswith(prefix):
            return stem + name.removeprefix(prefix).replace("_v2", "v2") + "_"
    return name.replace("_v2", "v2") + "_weights" if name.startswith("resnet") else name + "_"


def published(folder: Path, name: str) -> Path | None:
    """Return the weights file of a backbone in a folder: by our name of it, or by the one under which Keras publishes it."""
    for suffix in _SUFFIXES:
        if (folder / f"{name}{suffix}").is_file():
            return folder / f"{name}{suffix}"
    stem = published_stem(name)
    files = sorted(folder.glob("*.h5")) if folder.is_dir() else []
    return next((file for file in files if file.name.startswith(stem) and "notop" in file.name.replace("no_top", "notop")), None)


def folders(surroundings: Mapping[str, str], data_root: Path | None) -> list[Path]:
    """Return the folders in which published weights are looked for, the operator's first."""
    own = [Path(surroundings[FOLDER_VARIABLE])] if surroundings.get(FOLDER_VARIABLE) else []
    return own + ([data_root / "weights"] if data_root is not None else [])


def missing(surroundings: Mapping[str, str], data_root: Path) -> Callable[[Spec], Iterator[tuple[str, str]]]:
    """Return what finds, in a spec, the weights that are not here: the pointer of the field and a sentence for each."""

    def find(spec: Spec) -> Iterator[tuple[str, str]]:
        model, places = spec.model, folders(surroundings, data_root)
        if isinstance(model, Transfer) and model.weights == IMAGENET and not any(published(at, model.backbone) for at in places):
            yield "/model/weights", _UNPUBLISHED.format(backbone=model.backbone)
        for problem in absent(model, data_root):
            yield problem.field, problem.message

    return find
