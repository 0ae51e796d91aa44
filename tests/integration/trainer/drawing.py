"""Specs drawn from the schema of the language, for data that is there: what nobody thought of when writing the tests.

Every field of a drawn section has its default, one of its schema's examples, or something else of the right type, often a silly
one. What the linter says about such a spec is for it to decide; here only the size is kept small, so that what passes trains in
a second, and paths point at data that exists.
"""

from __future__ import annotations

import random
from typing import Any

from trainyard.linter import spec as language
from trainyard.linter.spec.bundle import schema

CLASSES = 3
_FORMS: dict[str, dict[str, Any]] = {
    "csv": {"path": "table.csv", "features": ["size", "weight", "colour"], "categorical": ["colour"]},
    "parquet": {"path": "table.parquet", "features": ["size", "weight"]},
    "npz": {"path": "arrays.npz", "input_shape": [8, 8, 1]},
    "image_directory": {"path": "pictures", "input_shape": [8, 8, 1]},
}
_TARGETS: dict[str, dict[str, Any]] = {
    "classification": {"csv": "kind", "parquet": "kind", "npz": "y"},
    "binary": {"csv": "large", "parquet": "large", "npz": "large"},
    "multilabel": {"csv": ["large", "heavy"], "parquet": ["large", "heavy"], "npz": "flags"},
    "regression": {"csv": "price", "parquet": ["price"], "npz": "price"},
}
_ONLY_SMALL = frozenset({"units", "filters", "hidden", "growth_rate", "convolutions", "output_dim", "height", "width", "multiplier"})
_SECTIONS = (
    "augmentation",
    "loss",
    "metrics",
    "optimizer",
    "scheduler",
    "training",
    "regularization",
    "imbalance",
    "callbacks",
    "evaluation",
)
_LAYERS_ON_PICTURES = (
    "conv2d",
    "separable_conv2d",
    "depthwise_conv2d",
    "max_pooling2d",
    "residual_block",
    "dense_block",
    "spatial_dropout2d",
)
# What a test has no means for: a file of weights, a place in time, a GPU.
_LEFT_OUT = frozenset({"initial", "max_hours", "weights", "backbone", "drop_remainder"})
_SCALARS: dict[str, tuple[Any, ...]] = {
    "integer": (1, 2, 3, 4, 8, 1, 2, 3, 4, 0, -1),
    "number": (0.1, 0.5, 0.9, 0.2, 1.0, 2.0, 1e-4, 0.0, -0.5),
    "boolean": (True, False),
    "null": (None,),
}


class Drawer:
    """Draws values of parts of the schema; everything follows from ``seed``."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)
        self._schema = schema()
        self._parts: dict[str, Any] = self._schema["$defs"]

    def spec(self) -> dict[str, Any]:
        """Return a spec that satisfies the schema, about data of ``material``."""
        while True:
            written = self._draft()
            if language.check(written) == ():
                return written

    def _draft(self) -> dict[str, Any]:
        chance = self._chance
        form, kind = chance.choice(list(_FORMS)), chance.choice(list(_TARGETS))
        dataset: dict[str, Any] = {"type": form, **_FORMS[form]}
        if form != "image_directory":
            dataset["target"] = _TARGETS[kind][form]
        task = "classification" if kind == "binary" else kind
        dataset["scaling"] = chance.choice(("none", "unit", "standardize", "min_max", "standardize", "min_max", "preprocess_input"))
        dataset["facts"] = self._facts(form, kind)
        dataset["split"] = {"method": chance.choice(("stratified", "random", "head", "tail"))} if chance.random() < 0.2 else {}
        training = {"epochs": 2, "batch_size": chance.choice((7, 16, 64))}
        written: dict[str, Any] = {"version": "v1", "task": task, "dataset": dataset, "model": self._model(), "training": training}
        for section in chance.sample(_SECTIONS, chance.choice((0, 1, 2, 2, 3, 4))):
            value = self._value(self._schema["properties"][section], section)
            written[section] = {**value, **training} if section == "training" else value
        return written

    def _facts(self, form: str, kind: str) -> dict[str, Any]:
        if kind == "regression":
            return {}
        classes = 2 if kind in {"binary", "multilabel"} and form != "image_directory" else CLASSES
        return {"classes": classes} if self._chance.random() < 0.7 else {}

    def _model(self) -> dict[str, Any]:
        kind = self._chance.choice(("cnn", "mlp", "mlp", "sequential", "graph"))
        if kind in {"sequential", "graph"}:
            return self._explicit(graph=kind == "graph")
        return {"type": kind, **self._object(self._parts["Cnn" if kind == "cnn" else "Mlp"], often=0.3)}

    def _explicit(self, *, graph: bool) -> dict[str, Any]:
        layers = [self._layer() for _ in range(self._chance.choice((0, 1, 2, 3)))]
        last = {
            "type": "dense",
            "units": self._chance.choice((1, 2, 3)),
            "activation": self._chance.choice(("softmax", "sigmoid", "linear")),
        }
        layers = [*layers, {"type": "flatten"}, last]
        if not graph:
            return {"type": "sequential", "layers": layers}
        names = ["input", *(f"n{place}" for place in range(len(layers)))]
        nodes = [{"name": names[at + 1], "inputs": [names[at]], "layer": layer} for at, layer in enumerate(layers)]
        return {"type": "graph", "layers": nodes}

    def _layer(self) -> dict[str, Any]:
        kinds = _LAYERS_ON_PICTURES if self._chance.random() < 0.5 else self._parts["Layer"]["properties"]["type"]["enum"]
        kind = self._chance.choice(kinds)
        layer: dict[str, Any] = self._value({"$ref": "#/$defs/Layer"}, "layer", kind)
        return layer

    # ---- the schema --------------------------------------------------------------------------------------------

    def _value(self, part: dict[str, Any], name: str, kind: str | None = None) -> Any:
        """Return a value for a part of the schema."""
        part = self._resolved(part)
        if "const" in part:
            return part["const"]
        if "allOf" in part and "type" in part.get("properties", {}):
            kind = kind or self._chance.choice(part["properties"]["type"]["enum"])
            branch = next(one["then"] for one in part["allOf"] if one["if"]["properties"]["type"].get("const") == kind)
            return {**self._object(self._resolved(branch), often=0.25), "type": kind}
        if self._chance.random() < 0.4 and "default" in part and name not in _SECTIONS:
            return part["default"]
        if self._chance.random() < 0.4 and "examples" in part and name not in _ONLY_SMALL:
            return self._chance.choice(part["examples"])
        return self._typed(part, name)

    def _typed(self, part: dict[str, Any], name: str) -> Any:
        if "enum" in part:
            return self._chance.choice(part["enum"])
        kinds = part.get("type", "object")
        kind = self._chance.choice(kinds) if isinstance(kinds, list) else kinds
        if kind == "array":
            return self._array(part, name)
        if kind == "object":
            then = self._resolved(part.get("then", part))
            otherwise = self._resolved(part.get("else", part))
            return self._value(then, name) if "allOf" in then else self._object(then if "properties" in then else otherwise, often=0.4)
        if kind == "string":
            words = self._resolved(part.get("then", {})).get("enum") or self._resolved(part.get("else", {})).get("enum")
            return self._chance.choice(words or part.get("examples") or ["a"])
        return self._chance.choice(_SCALARS[kind])

    def _array(self, part: dict[str, Any], name: str) -> list[Any]:
        items = part.get("items")
        for place in ("then", "else"):
            items = items or self._resolved(part.get(place, {})).get("items")
        least, most = part.get("minItems", 0), min(part.get("maxItems", 3), 3)
        return [self._value(items or {"type": "integer"}, name) for _ in range(self._chance.randint(least, most))]

    def _object(self, part: dict[str, Any], *, often: float) -> dict[str, Any]:
        needed = set(part.get("required", ()))
        return {
            name: self._value(field, name)
            for name, field in part.get("properties", {}).items()
            if name in needed or (name not in _LEFT_OUT and self._chance.random() < often)
        }

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in part:
            rest = {key: value for key, value in part.items() if key != "$ref"}
            part = {**self._parts[part["$ref"].rpartition("/")[2]], **rest}
        return part
