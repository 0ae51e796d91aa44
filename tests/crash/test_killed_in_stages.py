"""A backbone that is unfrozen in stages: killed where a stage ended and within the next, the run ends as if it had lived.

Every stage has an optimizer of its own, so a bundle has to say which one its moments belong to.
"""

import signal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.crash.conftest import EVERYTHING, Mortal, run_folder, same

from trainyard.service import wire

pytestmark = [pytest.mark.keras, pytest.mark.timeout(600)]

SIDE = 32
STAGED: dict[str, Any] = {
    **EVERYTHING,
    "dataset": {
        "type": "npz",
        "path": "pictures.npz",
        "input_shape": [SIDE, SIDE, 3],
        "scaling": "preprocess_input",
        "split": {"validation": 0.2, "test": 0.2},
    },
    "augmentation": [{"type": "gaussian_noise", "stddev": 0.05}],
    "model": {
        "type": "transfer",
        "backbone": "mobilenet",
        "weights": None,
        "trainable": {"last": 8},
        "head": {"hidden": [4], "dropout": 0.3},
    },
    "scheduler": {"type": "cosine", "t_max": {"epochs": 2}},
    "training": {
        "epochs": 1,
        "batch_size": 8,
        "stages": [{"trainable": "none", "epochs": 1}, {"trainable": {"last": 3}, "epochs": 1, "learning_rate": 0.001}],
    },
    "regularization": {},
    "imbalance": {"type": "none"},
    "callbacks": {"early_stopping": None, "checkpoint": {"monitor": "val_loss", "keep": 1}},
}


def test_killed_between_two_stages_and_within_one_a_run_ends_as_if_it_had_lived(tmp_path: Path) -> None:
    if find_spec("tensorflow") is None:
        pytest.skip("tensorflow is not installed")
    draw = np.random.default_rng(5)
    labels = np.arange(60) % 3
    pictures = draw.integers(0, 120, size=(60, SIDE, SIDE, 3)) + 40 * labels[:, None, None, None]
    np.savez(tmp_path / "pictures.npz", x=pictures.astype(np.float32), y=labels)
    whole = Mortal(run_folder(tmp_path / "whole", STAGED), tmp_path, "tensorflow")
    assert whole.live("never") == 0, whole.folder.log.read_text(encoding="utf-8")

    killed = Mortal(run_folder(tmp_path / "killed", STAGED), tmp_path, "tensorflow", options=["--bundle-every", "2"])
    for moment in ("epoch:1", "step:2:2"):
        assert killed.live(moment) == -signal.SIGKILL, killed.folder.log.read_text(encoding="utf-8")
    assert killed.live("never") == 0, killed.folder.log.read_text(encoding="utf-8")

    resumed = [line.body for line in killed.events() if isinstance(line.body, wire.Started)]
    assert (resumed[2].resumed_epoch, resumed[2].resumed_step) == (1, 2)
    same(killed, whole)
