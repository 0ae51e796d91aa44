"""Values that are set in a spec leave the rest of its text alone."""

from __future__ import annotations

import json

import pytest

from trainyard.client import overrides
from trainyard.client.errors import BadSettings

RAW = b'{\n  "optimizer": {"type": "adam",   "learning_rate": 0.5},\n  "augmentation": [{"type": "flip"}]\n}\n'


def test_a_value_is_replaced_in_place_and_one_that_is_not_there_is_added() -> None:
    made = overrides.apply(RAW, ["optimizer.learning_rate=3e-4", "/optimizer/type=sgd", "training.epochs=5", "augmentation.0.type=rotate"])
    assert made.startswith(b'{\n  "optimizer": {"type": "sgd",   "learning_rate": 0.0003},\n  "augmentation": [{"type": "rotate"}],\n')
    assert json.loads(made)["training"] == {"epochs": 5}


def test_a_value_is_json_and_what_is_none_is_text() -> None:
    made = json.loads(overrides.apply(b"{}", ["a=true", "b=[1, 2]", "c=hello there", 'd="5"', "e=", "f=a=b"]))
    assert made == {"a": True, "b": [1, 2], "c": "hello there", "d": "5", "e": "", "f": "a=b"}


@pytest.mark.parametrize("assignment", ["epochs", "=5", ".=5", "optimizer.type.name=3", "augmentation.7.type=x", "a=NaN"])
def test_an_assignment_that_can_not_be_made_says_so(assignment: str) -> None:
    with pytest.raises(BadSettings):
        overrides.apply(RAW, [assignment])


def test_a_text_that_is_no_json_is_left_to_the_linter() -> None:
    with pytest.raises(BadSettings, match="no clean JSON"):
        overrides.apply(b'{"a": 1,,}', ["a=2"])
