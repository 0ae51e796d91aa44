from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter import spec as language

Made = Callable[..., dict[str, Any]]


def digest(spec: dict[str, Any]) -> str:
    return language.digest(language.resolve(spec))


@pytest.mark.parametrize(
    "sections",
    [
        {"experiment": {"name": "mine", "description": "a try", "tags": ["a"]}},
        {"$schema": "./trainspec.v1.json"},
        {"$lint": [{"rule": "LR001", "reason": "a probe"}]},
        # The same meaning in other words.
        {"optimizer": {"learning_rate": 1e-3, "type": "adam"}},
        {"training": {"epochs": 100.0}},
        {"scheduler": [{"type": "constant"}]},
        {"augmentation": []},
        {"metrics": [{"type": "accuracy"}, "f1"]},
    ],
)
def test_names_notes_and_spelling_do_not_count(minimal: Made, sections: dict[str, Any]) -> None:
    assert digest(minimal(**sections)) == digest(minimal())


@pytest.mark.parametrize(
    "sections",
    [
        {"experiment": {"seed": 1}},
        {"optimizer": {"type": "adam", "learning_rate": 0.002}},
        {"training": {"epochs": 99}},
        {"augmentation": "light"},
        {"callbacks": {"early_stopping": None}},
    ],
)
def test_what_decides_the_weights_counts(minimal: Made, sections: dict[str, Any]) -> None:
    assert digest(minimal(**sections)) != digest(minimal())


def test_the_canonical_form_is_sorted_and_without_spaces(minimal: Made) -> None:
    resolved = language.resolve(minimal())
    canonical = language.canonical(resolved)
    assert canonical.startswith(b'{"augmentation":[],"callbacks":{"checkpoint":{"keep":1,"mode":"min"')
    assert language.digest(resolved) == hashlib.sha256(canonical).hexdigest()


def test_the_digest_of_the_smallest_spec_is_known(minimal: Made) -> None:
    # It changes with every default: then this number changes, and the changelog says that runs are no longer the same.
    assert digest(minimal()) == "bca4eb7b9b90177e9b02d454f81995c36697ce0cb3d087f628f9843761740191"
