"""Good specs to start from: plain choices that the rules have nothing against, fitted to what the data is.

The seed of every number here is the language's own default or a rule; nothing is tuned.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.linter.facts.model import Facts

TEMPLATES = ("cnn", "mlp", "transfer", "tabular", "sequence")
_BATCH = 32
# Batch normalization wants this many samples to estimate from.
_SMALLEST_BATCH = 16
# Below this many updates hardly anything is learnt from scratch; twice that, so that early stopping decides.
_UPDATES = 2000
_MOST_EPOCHS, _FEWEST_EPOCHS = 200, 20
# One class this many times another: weigh the loss.
_IMBALANCE = 3.0
# The usual validation part; what it should hold of the rarest class, and how large it may get for that (rule SPL002).
_VALIDATION, _FEWEST_VALIDATED, _MOST_VALIDATED = 0.15, 5, 0.25
# For rows of tokens that are not there yet.
_USUAL_LENGTH, _USUAL_VOCABULARY = 128, 10_000
_TABLES = frozenset({"csv", "parquet"})
_LARGEST_SIDE = 224
# For images whose sizes are not known; the trainer resizes what is larger or smaller.
_USUAL_SIDE = 64
_SMALLEST_FOR_TRANSFER = 32


def template_for(dataset: dict[str, Any], facts: Facts, vocabulary: int | None = None) -> str:
    """Return the template that fits a dataset; ``vocabulary`` is how many tokens there are, where its numbers are tokens."""
    if vocabulary is not None:
        return "sequence"
    if dataset["type"] in _TABLES:
        return "tabular"
    return "cnn" if _are_images(dataset, facts) else "mlp"


def demand_fit(template: str, dataset: dict[str, Any], facts: Facts) -> None:
    """Return when a template can learn from a dataset.

    Raises:
        Refusal: when it cannot.
    """
    is_table = dataset["type"] in _TABLES
    if template == "tabular" and not is_table:
        raise Refusal(f"the template tabular learns from a table, {dataset['path']} is none: --template {template_for(dataset, facts)}")
    if template == "sequence" and not _may_be_tokens(dataset, facts):
        kind = template_for(dataset, facts)
        raise Refusal(f"the template sequence learns from rows of token numbers, {dataset['path']} holds none: --template {kind}")
    if template in {"cnn", "transfer"} and not _are_images(dataset, facts):
        kind = template_for(dataset, facts)
        raise Refusal(f"the template {template} learns from images, {dataset['path']} holds none: --template {kind}")


def sequence(facts: Facts) -> dict[str, int]:
    """Return what a dataset of token numbers is declared to be: how long a sample is, and how many tokens there are."""
    length = facts.input_shape[0] if facts.input_shape else _USUAL_LENGTH
    return {"length": length, "vocabulary": _vocabulary(facts)}


def _vocabulary(facts: Facts | None) -> int:
    return _USUAL_VOCABULARY if facts is None or facts.input_range is None else int(facts.input_range[1]) + 1


def _may_be_tokens(dataset: dict[str, Any], facts: Facts) -> bool:
    if dataset["type"] != "npz" or facts.input_shape is None or len(facts.input_shape) != 1:
        return False
    return facts.input_range is None or (facts.input_range[0] >= 0 and all(float(end).is_integer() for end in facts.input_range))


def spec(name: str, template: str, dataset: dict[str, Any], facts: Facts | None, known: dict[str, Any], **data: Any) -> dict[str, Any]:
    """Return a complete spec.

    Args:
        name: of the experiment.
        template: one of ``TEMPLATES``.
        dataset: the dataset section as drafted.
        facts: what was read from the data, if it was there.
        known: the same as declared facts.
        data: ``task`` (classification when not given) and ``targets``, how many values a regression predicts per sample.
    """
    shape = _input_shape(template, dataset, facts)
    section = {
        **dataset,
        **({"input_shape": shape} if shape else {}),
        "scaling": _scaling(template),
        **_split(facts),
        **({"facts": known} if known else {}),
    }
    training = {"epochs": _epochs(facts), "batch_size": _batch(facts)}
    return {
        "version": "v1",
        "experiment": {"name": name, "seed": 7},
        "task": data.get("task", "classification"),
        "dataset": section,
        **_augmentation(template),
        "model": _model(template, shape, data.get("targets", 1), _vocabulary(facts)),
        **_loss(known),
        "optimizer": {"type": "adam", "learning_rate": 0.001},
        "scheduler": {"type": "reduce_on_plateau"},
        "training": training,
        "regularization": {"l2": 0.0001},
        **_imbalance(facts),
        "callbacks": {"early_stopping": {"monitor": "val_loss", "patience": 10}},
    }


def _are_images(dataset: dict[str, Any], facts: Facts) -> bool:
    return dataset["type"] == "image_directory" or (facts.input_shape is not None and len(facts.input_shape) == 3)


def _input_shape(template: str, dataset: dict[str, Any], facts: Facts | None) -> list[int] | None:
    if facts is not None and facts.images is not None and facts.images.sampled:
        sides = [min(side, _LARGEST_SIDE) for side in facts.images.largest]
        if template == "transfer":
            return [*(max(side, _SMALLEST_FOR_TRANSFER) for side in sides), 3]
        return [*sides, max(facts.images.channels, default=3)]
    if facts is not None and facts.input_shape is not None:
        return list(facts.input_shape)
    if template == "sequence":
        return [_USUAL_LENGTH]
    side = {"transfer": _LARGEST_SIDE}.get(template, _USUAL_SIDE)
    return [side, side, 3] if dataset["type"] == "image_directory" else None


def _scaling(template: str) -> str:
    return {"cnn": "unit", "transfer": "preprocess_input", "sequence": "none"}.get(template, "standardize")


def _augmentation(template: str) -> dict[str, Any]:
    return {"augmentation": "light"} if template in {"cnn", "transfer"} else {}


def _model(template: str, shape: list[int] | None, targets: int, vocabulary: int) -> dict[str, Any]:
    if template == "sequence":
        return _of_tokens(vocabulary, targets)
    output = {"output": {"units": targets}} if targets > 1 else {}
    return {**_body(template, shape), **output}


def _of_tokens(vocabulary: int, targets: int) -> dict[str, Any]:
    layers: list[dict[str, Any]] = [
        {"type": "embedding", "input_dim": vocabulary, "output_dim": 32},
        {"type": "global_average_pooling1d"},
        {"type": "dense", "units": 64, "activation": "relu"},
        {"type": "dropout", "rate": 0.3},
    ]
    return {"type": "sequential", "layers": layers, "output": {"units": targets} if targets > 1 else {}}


def _body(template: str, shape: list[int] | None) -> dict[str, Any]:
    if template == "transfer":
        return {"type": "transfer", "backbone": "mobilenet_v2", "weights": "imagenet", "trainable": "none", "head": {"dropout": 0.2}}
    if template == "cnn":
        side = min(shape[:2]) if shape and len(shape) == 3 else 64
        depth = max(1, min(4, int(math.log2(max(side, 8) / 4))))
        blocks = [{"filters": min(32 * 2**index, 256), "convolutions": 2, "batch_norm": True, "dropout": 0.1} for index in range(depth)]
        return {"type": "cnn", "blocks": blocks, "head": {"hidden": [64], "dropout": 0.3}}
    return {"type": "mlp", "hidden": [64, 32], "dropout": 0.2}


def _split(facts: Facts | None) -> dict[str, Any]:
    """Return a larger validation part where the usual one would hold next to nothing of the rarest class, and a quarter would not."""
    rarest = min(filter(None, facts.class_counts), default=0) if facts is not None else 0
    if rarest == 0 or int(_VALIDATION * rarest) >= _FEWEST_VALIDATED:
        return {}
    share = math.ceil(100 * _FEWEST_VALIDATED / rarest) / 100
    return {"split": {"validation": share}} if share <= _MOST_VALIDATED else {}


def _loss(known: dict[str, Any]) -> dict[str, Any]:
    """Return the loss where the labels need another than the default one."""
    is_one_hot = known.get("labels", {}).get("encoding") == "one_hot"
    return {"loss": {"type": "categorical_crossentropy"}} if is_one_hot else {}


def _batch(facts: Facts | None) -> int:
    if facts is None or facts.samples is None or facts.samples >= 20 * _BATCH:
        return _BATCH
    return max(_SMALLEST_BATCH, 1 << int(math.log2(max(facts.samples / 20, 1))))


def _epochs(facts: Facts | None) -> int:
    if facts is None or facts.samples is None:
        return 100
    steps = max(1, math.ceil(0.7 * facts.samples / _batch(facts)))
    return max(_FEWEST_EPOCHS, min(_MOST_EPOCHS, 10 * math.ceil(_UPDATES / steps / 10)))


def _imbalance(facts: Facts | None) -> dict[str, Any]:
    counts = facts.class_counts if facts is not None else ()
    if len(counts) < 2 or min(counts) == 0 or max(counts) / min(counts) < _IMBALANCE:
        return {}
    return {"imbalance": {"type": "class_weights", "method": "balanced"}}
