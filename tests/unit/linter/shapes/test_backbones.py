"""The table of backbones follows from Keras, and a transfer model's sums follow from the table."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter import spec
from trainyard.linter.shapes import Shapes, infer
from trainyard.linter.shapes.transfer import backbone
from trainyard.linter.spec import schema_text

WRITER = Path(__file__).parent / "write_backbones.py"
NAMES: list[str] = json.loads(schema_text())["$defs"]["Transfer"]["properties"]["backbone"]["enum"]


def shapes_of(shape: list[int], **model: Any) -> Shapes:
    written = {
        "version": "v1",
        "task": "classification",
        "dataset": {"type": "image_directory", "path": "pets", "input_shape": shape, "facts": {"classes": 7}},
        "model": {"type": "transfer", "weights": None, **model},
    }
    assert spec.check(written) == ()
    found = infer(spec.typed(spec.resolve(written)))
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_backbone_of_the_language_is_in_the_table(name: str) -> None:
    known = backbone(name)
    assert known.layers
    found = shapes_of([224, 224, 3], backbone=name)
    assert found.obstacle is None
    assert found.layers[0].output_shape[-1] == known.channels
    assert found.parameters == sum(layer.trained + layer.fixed for layer in known.layers) + known.channels * 7 + 7


def test_freezing_and_unfreezing_decide_what_trains() -> None:
    head = 1280 * 7 + 7
    whole = shapes_of([224, 224, 3], backbone="mobilenet_v2", trainable="all", freeze_batch_norm=False)
    assert whole.trainable == 2_223_872 + head
    assert shapes_of([224, 224, 3], backbone="mobilenet_v2").trainable == head
    last = shapes_of([224, 224, 3], backbone="mobilenet_v2", trainable={"last": 3}).trainable
    assert last == 320 * 1280 + head
    named = shapes_of([224, 224, 3], backbone="mobilenet_v2", trainable={"from": "Conv_1"}).trainable
    assert named == last


def test_a_picture_that_is_too_small_is_an_obstacle() -> None:
    obstacle = shapes_of([60, 60, 3], backbone="inception_v3").obstacle
    assert obstacle is not None
    assert obstacle.kind == "collapse"


@pytest.mark.keras
@pytest.mark.parametrize(
    "name, height, width", [("mobilenet_v2", 97, 224), ("mobilenet", 101, 75), ("densenet121", 150, 33), ("resnet50_v2", 225, 64)]
)
def test_the_table_is_what_keras_builds(name: str, height: int, width: int) -> None:
    writer = runpy.run_path(str(WRITER))
    built = writer["build"](name, height, 3) if height == width else _build(writer, name, (height, width, 3))
    known = backbone(name)
    assert [(layer.trained, layer.batch_norm, layer.fixed) for layer in known.layers] == [
        writer["weights"](layer) for layer in built.layers
    ]
    assert shapes_of([height, width, 3], backbone=name).layers[0].output_shape == tuple(built.output.shape[1:])


def _build(writer: dict[str, Any], name: str, shape: tuple[int, int, int]) -> Any:
    import keras

    return getattr(keras.applications, writer["keras_name"](name))(include_top=False, weights=None, input_shape=shape)
