"""What the language can say and nobody can train: the server refuses it before a process is started.

One sentence per gap, with the pointer of the field that asks for it: what Keras itself refuses, what the data cannot say, and
what devices can not share (a batch that does not divide by the GPUs). A spec that the linter passes is either trained or named
here: nothing in between. Imports no Keras: the server asks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trainyard.linter.spec.model.architecture import Declared, Transfer
from trainyard.linter.spec.model.dataset import Csv, ImageDirectory, Npz, Parquet
from trainyard.linter.spec.model.spec import Spec

Gap = tuple[str, str]

_CLASSIFICATION, _MULTILABEL = "classification", "multilabel"
# These divide or multiply by 1 - beta_2^t, computed in the format of the weights (keras/src/optimizers/adam.py, nadam.py).
_CORRECTED = frozenset({"adam", "adamw", "nadam"})
# Half way between 1 and the number before it in bfloat16, 1 - 2^-8.
_ONE_IN_BFLOAT16 = 1 - 2**-9
_BLENDS = frozenset({"mix_up", "cut_mix"})
# These bear samples of any shape.
_SHAPELESS = frozenset({"gaussian_noise", "mix_up"})
_COLOURED = frozenset({"random_saturation", "random_hue", "random_grayscale"})
_FOCUSABLE = frozenset({"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"})
_EMBEDDING = "circle"
_SPARSE = frozenset({_EMBEDDING, "sparse_categorical_crossentropy", "categorical_generalized_cross_entropy"})
_IMAGE_AXES = 3
_COLOURS = 3
# An event holds 64 numbers: each metric twice, for training and validation, and the losses.
_MOST_METRICS = 30


def untrainable(spec: Spec) -> tuple[Gap, ...]:
    """Return (JSON pointer, sentence) for everything in the spec that can not be trained; empty when all of it can."""
    return tuple(_gaps(spec))


def _gaps(spec: Spec) -> Iterator[Gap]:
    yield from _task(spec)
    yield from _dataset(spec)
    yield from _augmentation(spec)
    yield from _model(spec)
    yield from _output(spec)
    yield from _objective(spec)
    yield from _optimization(spec)
    yield from _imbalance(spec)
    yield from _monitors(spec, _reported(spec))
    gpus, size = max(1, spec.resources.gpus or 1), spec.training.batch_size
    if size % gpus:
        yield "/training/batch_size", f"{size} samples can not be shared evenly by {gpus} GPUs: write a multiple of {gpus}."


def _task(spec: Spec) -> Iterator[Gap]:
    if spec.task == "other":
        yield "/task", 'a task of the kind "other" is checked, never trained.'
    if spec.task in {_MULTILABEL, "regression"} and isinstance(spec.dataset, ImageDirectory):
        yield "/task", "an image folder gives every image one class: only classification can be learnt from it."


def _dataset(spec: Spec) -> Iterator[Gap]:
    dataset = spec.dataset
    if dataset.scaling == "preprocess_input" and not isinstance(spec.model, Transfer):
        yield "/dataset/scaling", "preprocess_input belongs to a backbone, and the model has none."
    if dataset.split.method == "group" and (dataset.split.group is None or isinstance(dataset, ImageDirectory)):
        yield "/dataset/split/group", "grouping needs a column or array that names each sample's group."


def _augmentation(spec: Spec) -> Iterator[Gap]:
    shape = spec.dataset.input_shape
    # What an archive holds is known once it is read.
    unknown = shape is None and isinstance(spec.dataset, Npz)
    images = unknown or isinstance(spec.dataset, ImageDirectory) or (shape is not None and len(shape) == _IMAGE_AXES)
    for place, transform in enumerate(spec.augmentation):
        pointer = f"/augmentation/{place}"
        if transform.type in _BLENDS and spec.loss is not None and spec.loss.type == _EMBEDDING:
            yield pointer, f"{transform.type} blends samples, and with the loss circle a blend of two classes has no place of its own."
        elif not images and transform.type not in _SHAPELESS:
            yield pointer, f"{transform.type} changes images: a sample has not the shape (height, width, channels)."
        elif transform.type in _COLOURED and shape is not None and shape[-1] != _COLOURS:
            yield pointer, f"{transform.type} changes colours: dataset.input_shape has not three channels."


def _model(spec: Spec) -> Iterator[Gap]:
    if isinstance(spec.model, Declared):
        yield "/model/type", "a declared model is described, not built: there is nothing to train."


def _objective(spec: Spec) -> Iterator[Gap]:
    loss = spec.loss
    if loss is None:
        yield "/loss", "there is no loss."
    elif loss.type == "ctc":
        yield (
            "/loss/type",
            "ctc compares sequences of labels, and no task of the language has such: a sample has one label, flags or numbers.",
        )
    elif loss.type == _EMBEDDING and spec.metrics:
        yield "/metrics", "with the loss circle the output is a place, and no metric of the language measures that: write []."
    if len(spec.metrics) > _MOST_METRICS:
        yield "/metrics", f"an epoch reports at most {_MOST_METRICS} metrics."
    units = _units(spec)
    if loss is not None and loss.type in _SPARSE and (spec.task != _CLASSIFICATION or units == 1):
        yield "/loss/type", f"{loss.type} tells classes apart: it needs the task classification and one output per class."
    names = {"loss", "unweighted_loss", "epoch", "learning_rate", "val_loss", "val_unweighted_loss"}
    for place, metric in enumerate(spec.metrics):
        if metric.name in names:
            yield f"/metrics/{place}/name", f'something else is already called "{metric.name}".'
        names |= {metric.name, f"val_{metric.name}"}
        class_id = getattr(metric, "class_id", None)
        if class_id is not None and units is not None and not 0 <= class_id < units:
            yield f"/metrics/{place}/class_id", f"the output has no class {class_id}."


def _units(spec: Spec) -> int | None:
    """Return the width of the output, where the spec says it."""
    output = None if isinstance(spec.model, Declared) else spec.model.output
    return None if output is None else output.units


def _output(spec: Spec) -> Iterator[Gap]:
    """Hold the width of the output against what the spec says about its data."""
    units, known = _units(spec), _width(spec)
    one_for_two = spec.task == _CLASSIFICATION and units == 1 and known == 2
    if spec.loss is not None and spec.loss.type == _EMBEDDING:
        return
    # Outputs that no class is for are trained to stay silent.
    spare = spec.task == _CLASSIFICATION and units is not None and known is not None and units > known
    if known is not None and units is not None and units != known and not one_for_two and not spare:
        yield "/model/output/units", f"the output has {units} units and the data has {known} classes or targets."


def _width(spec: Spec) -> int | None:
    """Return how many classes or targets the spec declares."""
    if spec.task != "regression":
        classes = spec.dataset.facts.classes
        return len(classes) if isinstance(classes, tuple) else classes
    if not isinstance(spec.dataset, Csv | Parquet):
        return None
    return 1 if isinstance(spec.dataset.target, str) else len(spec.dataset.target)


def _optimization(spec: Spec) -> Iterator[Gap]:
    clips = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(spec.optimizer, name) is not None]
    if len(clips) > 1:
        yield f"/optimizer/{clips[1]}", f"Keras bounds gradients one way at a time, and {clips[0]} is set."
    beta = getattr(spec.optimizer, "beta_2", 0.0)
    if spec.training.precision == "bfloat16" and spec.optimizer.type in _CORRECTED and beta >= _ONE_IN_BFLOAT16:
        told = f"in bfloat16 the beta_2 of {spec.optimizer.type}, {beta:g}, is 1, and Keras' correction 1 - beta_2^t is 0: no weight"
        yield "/training/precision", f"{told} would move; write mixed_bfloat16, which keeps weights in float32."


def _imbalance(spec: Spec) -> Iterator[Gap]:
    kind = spec.imbalance.type
    if kind == "focal" and (spec.loss is None or spec.loss.type not in _FOCUSABLE):
        yield "/imbalance", "focal weighting is a form of cross-entropy, and the loss is none."
    if kind in {"class_weights", "oversample"} and spec.task != _CLASSIFICATION:
        yield "/imbalance", f"{kind} needs one class per sample."


def _reported(spec: Spec) -> tuple[str, ...]:
    """Name what an epoch reports."""
    names = ["loss", *(metric.name for metric in spec.metrics)]
    if spec.imbalance.type == "class_weights":
        names.append("unweighted_loss")
    return (*names, *(f"val_{name}" for name in names if spec.dataset.split.validation is not None))


def _monitors(spec: Spec, reported: Iterable[str]) -> Iterator[Gap]:
    watched: list[tuple[str, object]] = [
        ("/callbacks/early_stopping", spec.callbacks.early_stopping),
        ("/callbacks/checkpoint", spec.callbacks.checkpoint),
    ]
    watched += [(f"/scheduler/{place}", schedule) for place, schedule in enumerate(spec.scheduler)]
    names = set(reported)
    for pointer, watcher in watched:
        monitor = getattr(watcher, "monitor", None)
        if monitor is not None and monitor not in names:
            yield f"{pointer}/monitor", f'nothing called "{monitor}" is measured.'
