"""The hot path imports what it needs and nothing else: ``trainlint`` starts anew for every commit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_JUDGE = """
import json, sys
from trainyard.linter import spec
written = json.loads(sys.argv[1])
faults = spec.check(written)
typed = spec.typed(spec.resolve(written))
print(json.dumps({"faults": len(faults), "modules": sorted(sys.modules)}))
"""
_GOOD = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "image_directory", "path": "digits/images", "facts": {"classes": 10}},
    "model": {"type": "cnn", "blocks": [{"filters": 16}, {"filters": 32}], "head": {"hidden": [64]}},
    "optimizer": {"type": "adam", "learning_rate": 0.001},
}


@pytest.fixture(scope="module")
def modules() -> set[str]:
    done = subprocess.run([sys.executable, "-c", _JUDGE, json.dumps(_GOOD)], capture_output=True, text=True, check=True, timeout=60)
    answer = json.loads(done.stdout)
    assert answer["faults"] == 0
    return set(answer["modules"])


@pytest.mark.parametrize(
    "heavy", ["jsonschema", "rfc8785", "difflib", "dataclasses", "inspect", "ast", "hashlib", "numpy", "attr", "referencing", "keras"]
)
def test_a_clean_spec_does_not_import(modules: set[str], heavy: str) -> None:
    assert heavy not in modules


@pytest.mark.parametrize(
    "part", ["explanation", "keys", "aliases", "wording", "faults", "reference", "fractions", "model.layers", "model.weights"]
)
def test_a_clean_spec_does_not_load_what_is_said_of_broken_ones(modules: set[str], part: str) -> None:
    assert f"trainyard.linter.spec.{part}" not in modules
    assert (Path(__file__).parents[4] / "linter/trainyard/linter/spec" / (part.replace(".", "/") + ".py")).exists()
