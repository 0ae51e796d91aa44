"""Models that the estimates are tried on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter import spec
from trainyard.linter.shapes import Shapes, infer


def typed(model: dict[str, Any], shape: list[int], **sections: Any) -> Any:
    dataset = {"type": "npz", "path": "x.npz", "input_shape": shape, "facts": {"classes": 10}}
    found = {"version": "v1", "task": "classification", "dataset": dataset, "model": model, **sections}
    assert spec.check(found) == ()
    return spec.typed(spec.resolve(found))


@pytest.fixture(scope="session")
def understood() -> Callable[..., Any]:
    """The typed spec of a model on samples of a shape."""
    return typed


@pytest.fixture(scope="session")
def image_net() -> Shapes:
    """Three blocks of convolutions on 64 x 64 pixels."""
    found = infer(typed({"type": "cnn", "blocks": [{"filters": 32}, {"filters": 64}, {"filters": 128}]}, [64, 64, 1]), None, 10)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def dense_net() -> Shapes:
    """One hidden layer."""
    found = infer(typed({"type": "mlp", "hidden": [100]}, [50]), None, 10)
    assert found is not None
    return found
