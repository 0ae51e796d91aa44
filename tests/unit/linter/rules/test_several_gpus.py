"""What a rule says of a batch that several GPUs share: each is judged by its part of it."""

import json
from typing import Any

from trainyard.linter import Report, lint

SPEC: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "image_directory", "path": "pictures", "input_shape": [64, 64, 3], "facts": {"classes": 4, "samples": 8000}},
    "model": {"type": "cnn", "blocks": [{"filters": 32, "batch_norm": True}]},
}


def judged(batch: int, gpus: int | None) -> Report:
    return lint(json.dumps({**SPEC, "training": {"batch_size": batch}, "resources": {"gpus": gpus}}).encode())


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def test_memory_is_that_of_one_gpus_part_of_the_batch() -> None:
    shared, alone, whole = (judged(batch, gpus).case for batch, gpus in ((256, 4), (64, None), (256, None)))
    assert shared is not None
    assert alone is not None
    assert whole is not None
    assert shared.memory == alone.memory
    assert shared.memory != whole.memory


def test_batch_norm_is_judged_by_the_whole_batch_because_its_moments_are_taken_over_it() -> None:
    assert "BAT002" not in codes(judged(32, 8))
    assert "BAT002" in codes(judged(4, None))


def test_what_the_fix_of_an_uneven_batch_writes_is_even() -> None:
    (finding,) = [one for one in judged(250, 8).findings if one.code == "BAT005"]
    assert finding.suggestion is not None
    assert finding.suggestion.value == 248
    assert "BAT005" not in codes(judged(248, 8))
