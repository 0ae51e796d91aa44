"""A model gets what a random crop leaves of a sample."""

from typing import Any

import pytest

from trainyard.linter import spec
from trainyard.linter.shapes import infer


@pytest.mark.parametrize(
    "augmentation, entering",
    [
        ("none", (8, 9, 2)),
        ([{"type": "random_crop", "height": 6, "width": 5}], (6, 5, 2)),
        ([{"type": "random_crop", "height": 6, "width": 5}, {"type": "random_crop", "height": 4, "width": 3}], (4, 3, 2)),
    ],
)
def test_the_model_sees_the_window_of_the_last_crop(augmentation: Any, entering: tuple[int, ...]) -> None:
    written = {
        "version": "v1",
        "task": "classification",
        "dataset": {"type": "image_directory", "path": "pets", "input_shape": [8, 9, 2], "facts": {"classes": 7}},
        "model": {"type": "mlp", "hidden": []},
        "augmentation": augmentation,
    }
    assert spec.check(written) == ()

    found = infer(spec.typed(spec.resolve(written)))

    assert found is not None
    assert found.input_shape == entering
