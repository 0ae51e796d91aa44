from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainyard.linter import spec as language
from trainyard.linter.spec.model.spec import Spec

Typed = Callable[..., Spec]


SMALL: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "csv", "path": "t.csv", "target": "label", "input_shape": [2], "facts": {"classes": ["a", "b"]}},
    "model": {"type": "mlp", "hidden": [4]},
}


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes``; a section with a type replaces the old one."""
    result = dict(base)
    for key, value in changes.items():
        keeps = isinstance(value, dict) and isinstance(result.get(key), dict) and "type" not in value
        result[key] = merged(result[key], value) if keeps else value
    return result


@pytest.fixture
def typed() -> Typed:
    """A typed spec of a small classification by table, with the given sections changed."""

    def make(**changes: Any) -> Spec:
        written = merged(SMALL, changes)
        assert language.check(written) == ()
        return language.typed(language.resolve(written))

    return make


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """A data root with ``pictures``: two classes of four grey 8 x 6 images each."""
    for place, name in enumerate(("b", "a")):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for number in range(4):
            values = np.full((8, 6), 40 * place + number, dtype=np.uint8)
            Image.fromarray(values).save(folder / f"{number}.png")
    return tmp_path
