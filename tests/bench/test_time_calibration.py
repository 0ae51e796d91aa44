"""After ``trainyard calibrate``, the predicted epoch of models that were not measured: median error at most a quarter.

.venv/bin/pytest tests/bench/test_time_calibration.py --run-bench     # some minutes, on a machine that does nothing else
"""

from __future__ import annotations

import json
import math
import platform
import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trainyard.linter.estimate.hardware import profile
from trainyard.service.core.calibration import predicted_seconds
from trainyard.service.main.calibrating import calibrate, measure
from trainyard.service.main.calibration_specs import PICTURE, ROW

RESULT = Path(__file__).parent / "results" / "time_calibration.json"
MOST_ERROR = 0.25


def mlp(*hidden: int) -> dict[str, Any]:
    return {"type": "mlp", "hidden": list(hidden), "dropout": 0.2}


def cnn(*filters: int, **of: Any) -> dict[str, Any]:
    return {"type": "cnn", "blocks": [{"filters": count, **of} for count in filters], "head": {"dropout": 0.3}}


#: None of these is measured by the calibration itself.
OTHERS: tuple[tuple[str, dict[str, Any], list[int], int], ...] = (
    ("mlp-16", mlp(16), ROW, 16),
    ("mlp-64", mlp(64), ROW, 32),
    ("mlp-64-64", mlp(64, 64), ROW, 64),
    ("mlp-128-64-32", mlp(128, 64, 32), ROW, 32),
    ("mlp-256-256", mlp(256, 256), ROW, 32),
    ("mlp-512", mlp(512), ROW, 128),
    ("mlp-512-512", mlp(512, 512), ROW, 32),
    ("mlp-768-768", mlp(768, 768), ROW, 64),
    ("mlp-1536", mlp(1536, 1536), ROW, 64),
    ("mlp-six", mlp(*[96] * 6), ROW, 32),
    ("cnn-8", cnn(8), PICTURE, 32),
    ("cnn-16", cnn(16), PICTURE, 32),
    ("cnn-12-24", cnn(12, 24), PICTURE, 32),
    ("cnn-16-32", cnn(16, 32), PICTURE, 64),
    ("cnn-24-48", cnn(24, 48), PICTURE, 32),
    ("cnn-32-32", cnn(32, 32), PICTURE, 16),
    ("cnn-48-96", cnn(48, 96), PICTURE, 64),
    ("cnn-normed-24", cnn(24, 24, batch_norm=True), PICTURE, 32),
    ("cnn-twice-24", cnn(24, 48, convolutions=2), PICTURE, 64),
    ("cnn-three", cnn(16, 32, 64), PICTURE, 32),
)


def test_a_calibrated_box_predicts_epochs_that_it_never_measured(tmp_path: Path) -> None:
    described = calibrate("cpu", print)
    known = profile(described)
    points = [point for point, _ in measure(tmp_path, OTHERS, tell=print)]
    assert len(points) == len(OTHERS)
    ratios = {point.name: predicted_seconds(point.work, known) / point.epoch_seconds for point in points}
    errors = [math.exp(abs(math.log(ratio))) - 1 for ratio in ratios.values()]
    median = statistics.median(errors)
    result = {
        "machine": {"device": described["device"], "system": platform.platform(), "versions": described["versions"]},
        "measured_on": datetime.now(UTC).isoformat(timespec="seconds"),
        "median_error": round(median, 4),
        "predicted_over_measured": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "profile": described,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    assert median <= MOST_ERROR
