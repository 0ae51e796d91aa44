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
from tests.integration.trainer.drawing import Drawer

SEEDS = range(1, 6)
# About a quarter of what is drawn passes the linter.
DRAWN = 400
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


def test_every_pair_of_values_is_trained_or_refused_in_whatever_spec_it_stands(bench: Bench, tmp_path: Path) -> None:
    data_root = material.lay_out(tmp_path)
    began = time.monotonic()

    def allowed(row: pairs.Row) -> bool:
        return crossing.judge(crossing.write(row), data_root)[0] is not None

    rows, refused = pairs.cover_allowed(crossing.AXES, allowed, seed=1)
    judged = time.monotonic()
    fates = [crossing.fate(crossing.write(row), data_root, tmp_path / f"run-{place}") for place, row in enumerate(rows)]

    strange = [(row, fate) for row, fate in zip(rows, fates, strict=True) if fate.word != "trained"]
    bench.keep(
        "crossing",
        {
            "pairs": len(pairs.of(rows)) + len(refused),
            "pairs_trained": len(pairs.of(rows)),
            "pairs_refused": sorted(" with ".join(pair.values()) for pair in refused),
            "runs": len(rows),
            "runs_trained": len(rows) - len(strange),
            "seconds_judging": round(judged - began, 1),
            "seconds_training": round(time.monotonic() - judged, 1),
        },
        TRAINERS,
    )
    assert strange == []
    assert len(refused) < 100


def test_drawn_specs_that_pass_the_linter_are_trained(bench: Bench, tmp_path: Path) -> None:
    if not bench.full:
        pytest.skip("minutes of training: with --run-bench")
    data_root = material.lay_out(tmp_path)
    began, fates, strange = time.monotonic(), Counter[str](), []
    for number in range(DRAWN):
        written = Drawer(f"trained {number}").spec()
        fate = crossing.fate(written, data_root, tmp_path / f"run-{number}")
        fates[fate.word] += 1
        # A silly rate may well blow up: that is an outcome with a name of its own.
        if fate.word not in {"trained", "refused", "nonfinite_loss", "diverged"}:
            strange.append((fate, written))
    bench.keep("drawn_specs", {"drawn": DRAWN, "fates": dict(fates), "seconds": round(time.monotonic() - began, 1)}, TRAINERS)
    assert strange == []
