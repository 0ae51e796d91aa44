"""What the example specs reach on real data, and the whole crossing of the language; both take minutes.

Each seed draws the weights, the order and the split anew. One process trains everything, as importing Keras costs more than a run.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.bench.conftest import ROOT, TRAINERS, Bench
from tests.integration.trainer import crossing, material, pairs

SEEDS = range(1, 6)
LEAST = {"digits": 0.98, "breast-cancer": 0.95}

pytestmark = [
    pytest.mark.keras,
    pytest.mark.timeout(3000),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def train(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train an example spec with another seed; return its evaluation and the seconds it took."""
    spec = json.loads((ROOT / "examples" / name / "good.trainspec.json").read_text(encoding="utf-8"))
    spec["experiment"]["seed"] = seed
    spec["dataset"].setdefault("split", {})["seed"] = seed
    began = time.monotonic()
    fate = crossing.fate(spec, ROOT / "examples", folder)
    assert fate.word == "trained", fate
    judged: dict[str, Any] = json.loads((folder / "artifacts/evaluation.json").read_text(encoding="utf-8"))
    return {"accuracy": judged["accuracy"], "macro_f1": judged["macro_f1"], "seconds": round(time.monotonic() - began, 1)}


@pytest.mark.parametrize("name", LEAST)
def test_examples_reach_what_they_promise(name: str, bench: Bench, tmp_path: Path) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

    runs = {seed: train(name, seed, tmp_path / f"{name}-{seed}") for seed in SEEDS}

    median = statistics.median(run["accuracy"] for run in runs.values())
    bench.keep(f"real_results_{name.replace('-', '_')}", {"target": LEAST[name], "median_test_accuracy": median, "runs": runs}, TRAINERS)
    assert median >= LEAST[name]


def test_everything_crossed_with_everything_is_refused_or_trains(bench: Bench, tmp_path: Path) -> None:
    data_root = material.lay_out(tmp_path)
    rows = pairs.cover(crossing.AXES, seed=1)
    began = time.monotonic()

    fates = [crossing.fate(crossing.write(row), data_root, tmp_path / f"run-{place}") for place, row in enumerate(rows)]
    # What stood in a refused row beside a model or data that do not go together is tried with some that do.
    twins = [crossing.twin(row) for row, fate in zip(rows, fates, strict=True) if fate.word == "refused"]
    fates += [crossing.fate(crossing.write(row), data_root, tmp_path / f"twin-{place}") for place, row in enumerate(twins)]
    rows = [*rows, *twins]

    words = Counter(fate.word for fate in fates)
    reasons = Counter(fate.why for fate in fates if fate.word == "refused")
    strange = [(row, fate.word, fate.why) for row, fate in zip(rows, fates, strict=True) if fate.word not in {"trained", "refused"}]
    bench.keep(
        "crossing",
        {"rows": len(rows), "fates": dict(words), "refused_by": dict(reasons), "seconds": round(time.monotonic() - began, 1)},
    )
    assert strange == []
    assert words["trained"] > words["refused"]
