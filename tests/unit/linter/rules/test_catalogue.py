"""The catalogue of candidate faults that the research argued for: each at its threshold gets its rule, with the severity argued for.

``docs/adr/0012-which-faults-are-rules.md`` has the same table in words, and says why two are no rules and where we differ.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from trainyard.linter import Configuration, lint
from trainyard.linter.estimate import hardware
from trainyard.linter.rules.examples import merged
from trainyard.linter.rules.index import RULES

PAGE = Path(__file__).parents[4] / "docs/adr/0012-which-faults-are-rules.md"
NO_RULE = {27, 38, 73, 80}
E, W, I = "error", "warning", "info"  # noqa: E741 # as in the catalogue
SOFTMAX, SIGMOID = {"activation": "softmax"}, {"activation": "sigmoid"}
DENSE = {"type": "dense", "units": 32, "activation": "relu"}
LAST = {"type": "dense", "units": 4, "activation": "softmax"}
CONV = {"type": "conv1d", "filters": 16, "kernel_size": 3, "activation": "relu"}
POOLED = {"type": "global_average_pooling1d"}
MULTILABEL = {"task": "multilabel", "dataset": {"target": ["a", "b", "c"], "facts": {"samples": 2000}}}
NORMALIZED = [{"filters": 32, "batch_norm": True}, {"filters": 64, "batch_norm": True}]
UNEQUAL = [4000, 300, 300, 300, 300, 300, 300, 300, 300, 300]


class Candidate(NamedTuple):
    number: int
    severity: str
    code: str
    onto: str
    patch: dict[str, Any]
    card: str | None = None


def with_counts(counts: list[int] | dict[str, int], **rest: Any) -> dict[str, Any]:
    return {"dataset": {"facts": {"class_counts": counts}}, **rest}


def with_layers(*layers: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"model": {"layers": list(layers)}, **rest}


CANDIDATES = (
    Candidate(1, E, "OUT001", "table", {"model": {"output": {"units": 1, **SOFTMAX}}}),
    Candidate(2, E, "OUT002", "table", {"model": {"output": {"units": 1, **SIGMOID}}, "loss": {"type": "categorical_crossentropy"}}),
    Candidate(3, E, "OUT003", "images", {"model": {"output": {"units": 8}}}),
    Candidate(4, W, "OUT004", "images", {"model": {"output": {"units": 20}}}),
    Candidate(4, I, "OUT004", "images", {"model": {"output": {"units": 11}}}),
    Candidate(5, E, "OUT005", "layers", {"loss": {"type": "categorical_crossentropy"}}),
    Candidate(5, E, "OUT005", "layers", {"dataset": {"facts": {"labels": {"max": 4}}}}),
    Candidate(
        6, E, "OUT006", "images", {"model": {"output": {"activation": "linear"}}, "loss": {"type": "sparse_categorical_crossentropy"}}
    ),
    Candidate(
        7, W, "OUT007", "images", {"model": {"output": SOFTMAX}, "loss": {"type": "sparse_categorical_crossentropy", "from_logits": True}}
    ),
    Candidate(8, E, "OUT008", "images", {"model": {"output": {"activation": "relu"}}}),
    Candidate(9, W, "OUT009", "images", {"model": {"output": SIGMOID}, "loss": {"type": "categorical_crossentropy"}}),
    Candidate(10, E, "OUT010", "table", {**MULTILABEL, "model": {"output": SOFTMAX}}),
    Candidate(11, I, "OUT011", "images", {"model": {"output": SOFTMAX}, "loss": {"type": "binary_crossentropy"}}),
    Candidate(12, I, "OUT012", "images", {"loss": {"type": "mean_squared_error"}}),
    Candidate(13, W, "OUT012", "images", {"loss": {"type": "mean_absolute_error"}}),
    Candidate(
        14, E, "OUT013", "regression", {"model": {"output": SIGMOID}, "dataset": {"facts": {"target": {"range": {"min": 0, "max": 50}}}}}
    ),
    Candidate(14, I, "OUT013", "regression", {"model": {"output": SIGMOID}}),
    Candidate(
        15,
        W,
        "OUT013",
        "regression",
        {"model": {"output": {"activation": "relu"}}, "dataset": {"facts": {"target": {"range": {"min": -3, "max": 3}}}}},
    ),
    Candidate(16, W, "NET001", "table", {"model": {"activation": "linear"}}),
    Candidate(17, W, "NET002", "table", {"model": {"activation": "sigmoid", "hidden": [32] * 5}}),
    Candidate(18, W, "NET003", "layers", with_layers(CONV, POOLED, DENSE, LAST, {"type": "dropout", "rate": 0.3})),
    Candidate(18, W, "NET003", "layers", with_layers(CONV, POOLED, {**DENSE, **SOFTMAX}, LAST)),
    Candidate(19, E, "LR003", "images", {"optimizer": {"learning_rate": 0}}),
    Candidate(20, W, "LR001", "images", {"optimizer": {"learning_rate": 0.04}}),
    Candidate(20, W, "LR001", "images", {"optimizer": {"type": "sgd", "learning_rate": 1.5}}),
    Candidate(20, E, "LR001", "images", {"optimizer": {"type": "sgd", "learning_rate": 2.5}}),
    Candidate(21, W, "LR001", "images", {"optimizer": {"learning_rate": 0.2}}),
    Candidate(21, E, "LR001", "images", {"optimizer": {"learning_rate": 2}}),
    Candidate(22, W, "LR002", "images", {"optimizer": {"learning_rate": 0.000002}}),
    Candidate(23, E, "OPT001", "images", {"optimizer": {"type": "sgd", "learning_rate": 0.01, "momentum": 1}}),
    Candidate(23, W, "OPT001", "images", {"optimizer": {"type": "sgd", "learning_rate": 0.001, "momentum": 0.995}}),
    Candidate(24, I, "LR006", "images", {"optimizer": {"learning_rate": 0.0001}, "training": {"batch_size": 2048}}),
    Candidate(25, W, "LR004", "images", {"optimizer": {"type": "sgd", "learning_rate": 0.5}, "training": {"batch_size": 1024}}),
    Candidate(26, I, "LR005", "transfer", {"model": {"trainable": "all"}, "optimizer": {"learning_rate": 0.0005}}),
    Candidate(26, W, "LR005", "transfer", {"model": {"trainable": "all"}, "optimizer": {"learning_rate": 0.002}}),
    Candidate(26, W, "LR005", "transfer", {"model": {"trainable": "all"}, "optimizer": {"type": "sgd", "learning_rate": 0.06}}),
    Candidate(
        28,
        I,
        "REG006",
        "transfer",
        {"model": {"trainable": "all", "freeze_batch_norm": False}, "optimizer": {"learning_rate": 0.0001}, "training": {"batch_size": 16}},
    ),
    Candidate(29, E, "OPT002", "images", {"training": {"precision": "float16"}, "optimizer": {"epsilon": 1e-8}}),
    Candidate(30, W, "OPT002", "images", {"optimizer": {"epsilon": 2}}),
    Candidate(31, E, "OPT003", "images", {"optimizer": {"beta_2": 1}}),
    Candidate(32, I, "OPT005", "layers", with_layers({"type": "lstm", "units": 32}, {"type": "dropout", "rate": 0.3}, LAST)),
    Candidate(33, W, "REG002", "images", {"regularization": {"l2": 0.02}}),
    Candidate(33, E, "REG002", "images", {"regularization": {"l2": 0.2}}),
    Candidate(33, W, "OPT006", "images", {"optimizer": {"type": "sgd", "learning_rate": 0.01, "weight_decay": 0.06}}),
    Candidate(34, W, "OPT006", "images", {"optimizer": {"type": "adamw", "learning_rate": 0.001, "weight_decay": 0.4}}),
    Candidate(35, I, "OPT007", "images", {"regularization": {"l2": 0.0002}}),
    Candidate(36, E, "REG003", "table", {"model": {"dropout": 1}}),
    Candidate(36, W, "REG003", "table", {"model": {"dropout": 0.8}}),
    Candidate(36, W, "REG003", "images", {"model": {"blocks": [{"filters": 32, "dropout": 0.6}, {"filters": 64}]}}),
    Candidate(37, I, "REG004", "layers", with_layers(CONV, {"type": "dropout", "rate": 0.2}, CONV, POOLED, LAST)),
    Candidate(39, E, "REG005", "images", {"loss": {"type": "categorical_crossentropy", "label_smoothing": 1}}),
    Candidate(39, W, "REG005", "images", {"loss": {"type": "categorical_crossentropy", "label_smoothing": 0.4}}),
    Candidate(40, E, "CLS007", "images", {"imbalance": {"type": "focal", "gamma": -1}}),
    Candidate(40, W, "CLS007", "images", {"imbalance": {"type": "focal", "gamma": 6}}),
    Candidate(40, E, "CLS007", "images", {"imbalance": {"type": "focal", "alpha": 1}}),
    Candidate(41, I, "CLS006", "images", {"imbalance": {"type": "class_weights"}, "loss": {"type": "categorical_focal_crossentropy"}}),
    Candidate(
        42,
        W,
        "REG001",
        "images",
        with_counts([150] * 10, model={"blocks": [{"filters": 32}, {"filters": 64}], "head": {"hidden": [64], "dropout": 0}}),
    ),
    Candidate(43, W, "BAT001", "images", {"training": {"batch_size": 8000}}),
    Candidate(43, E, "BAT001", "images", {"training": {"batch_size": 8000, "drop_remainder": True}}),
    Candidate(44, W, "EPO001", "images", {"training": {"batch_size": 1000, "epochs": 12}}),
    Candidate(44, E, "EPO001", "images", {"training": {"batch_size": 1000, "epochs": 1}}),
    Candidate(45, E, "BAT002", "table", {"model": {"batch_norm": True}, "training": {"batch_size": 1}}),
    Candidate(45, W, "BAT002", "images", {"model": {"blocks": NORMALIZED}, "training": {"batch_size": 4}}),
    Candidate(45, I, "BAT002", "images", {"model": {"blocks": NORMALIZED}, "training": {"batch_size": 8}}),
    Candidate(46, I, "BAT003", "table", with_counts({"benign": 357, "malignant": 216}, model={"batch_norm": True})),
    Candidate(47, I, "BAT004", "images", {"training": {"batch_size": 2048, "epochs": 60}}),
    Candidate(48, E, "EPO002", "images", {"training": {"epochs": 0}}),
    Candidate(49, I, "EPO003", "images", {"training": {"epochs": 150}, "callbacks": {"early_stopping": None, "checkpoint": None}}),
    Candidate(
        50, E, "CB003", "images", {"dataset": {"split": {"validation": None}}, "callbacks": {"early_stopping": {"monitor": "val_loss"}}}
    ),
    Candidate(
        50, W, "SPL001", "images", {"dataset": {"split": {"validation": None}}, "callbacks": {"early_stopping": {"monitor": "loss"}}}
    ),
    Candidate(51, W, "SPL002", "images", with_counts([600] * 9 + [20])),
    Candidate(51, I, "SPL002", "images", with_counts([600] * 9 + [80])),
    Candidate(52, E, "SPL003", "images", {"dataset": {"split": {"method": "tail"}}}),
    Candidate(52, I, "SPL003", "table", {"dataset": {"split": {"method": "tail"}}}),
    Candidate(53, W, "SPL004", "images", {"dataset": {"facts": {"overlap": "same"}}}),
    Candidate(
        54,
        W,
        "CB001",
        "images",
        {"scheduler": {"type": "reduce_on_plateau", "patience": 5}, "callbacks": {"early_stopping": {"patience": 5}}},
    ),
    Candidate(55, W, "CB002", "images", {"callbacks": {"early_stopping": {"patience": 0}}}),
    Candidate(56, E, "CB003", "images", {"callbacks": {"checkpoint": {"monitor": "val_acc"}}}),
    Candidate(57, E, "CB004", "images", {"callbacks": {"checkpoint": {"monitor": "val_accuracy", "mode": "min"}}}),
    Candidate(58, I, "CB005", "images", {"callbacks": {"early_stopping": {"patience": 30}}}),
    Candidate(59, I, "CB006", "images", {"callbacks": {"early_stopping": {"restore_best": False}, "checkpoint": None}}),
    Candidate(
        60,
        W,
        "CB007",
        "images",
        {
            "training": {"epochs": 60},
            "scheduler": {"type": "cosine", "warmup": {"epochs": 8}},
            "callbacks": {"early_stopping": {"patience": 5, "start_from_epoch": 0}},
        },
    ),
    Candidate(61, W, "SCH003", "images", {"scheduler": {"type": "cosine", "t_max": {"epochs": 90}}}),
    Candidate(61, I, "SCH003", "images", {"scheduler": {"type": "cosine", "t_max": {"epochs": 50}}}),
    Candidate(62, W, "SCH002", "images", {"scheduler": {"type": "step", "milestones": [{"epochs": 5}], "gamma": 0.0005}}),
    Candidate(63, W, "SCH004", "images", {"scheduler": {"type": "step", "milestones": [{"epochs": 60}, {"epochs": 90}]}}),
    Candidate(63, W, "SCH004", "images", {"scheduler": {"type": "reduce_on_plateau", "min_lr": 0.001}}),
    Candidate(64, W, "SCH005", "images", {"scheduler": {"type": "constant", "warmup": {"epochs": 20}}}),
    Candidate(64, I, "SCH005", "images", {"scheduler": {"type": "constant", "warmup": {"epochs": 10}}}),
    Candidate(65, E, "SCH006", "images", {"scheduler": {"type": "cosine", "t_max": {"epochs": 0}}}),
    Candidate(66, I, "SCH008", "images", {"scheduler": [{"type": "cosine"}, {"type": "reduce_on_plateau"}]}),
    Candidate(67, W, "CLS001", "images", with_counts(UNEQUAL)),
    Candidate(67, I, "CLS001", "images", with_counts(UNEQUAL, imbalance={"type": "class_weights"})),
    Candidate(68, W, "CLS002", "images", with_counts(UNEQUAL, metrics=["accuracy"])),
    Candidate(69, W, "CLS003", "images", {"imbalance": {"type": "class_weights", "weights": {"0": 1.0, "1": 2.0}}}),
    Candidate(70, W, "CLS004", "table", {"imbalance": {"type": "class_weights", "weights": {"benign": 1.0, "malignant": 6.0}}}),
    Candidate(
        71,
        I,
        "CLS005",
        "table",
        {
            "optimizer": {"type": "sgd", "learning_rate": 0.01},
            "imbalance": {"type": "class_weights", "weights": {"benign": 10.0, "malignant": 16.0}},
        },
    ),
    Candidate(72, W, "AUG001", "images", {"augmentation": [{"type": "random_flip", "mode": "horizontal"}]}),
    Candidate(74, W, "INP001", "images", {"dataset": {"scaling": "none"}}),
    Candidate(75, E, "INP002", "transfer", {"dataset": {"input_shape": [224, 224, 1]}}),
    Candidate(75, W, "INP002", "transfer", {"dataset": {"scaling": "none"}}),
    Candidate(76, E, "NET004", "images", {"model": {"blocks": [{"filters": 32}] * 6}}),
    Candidate(
        77,
        I,
        "NET007",
        "images",
        {"dataset": {"input_shape": [256, 256, 1]}, "model": {"head": {"pooling": "flatten", "hidden": [512], "dropout": 0.5}}},
    ),
    Candidate(78, E, "MEM001", "transfer", {"model": {"trainable": "all"}, "training": {"batch_size": 2000}}, "t4"),
    Candidate(79, W, "PRE001", "images", {"training": {"precision": "mixed_float16", "loss_scale": None}}),
    Candidate(81, I, "PRE003", "images", {"training": {"precision": "mixed_float16"}}, "gtx-1080-ti"),
)


def found(candidate: Candidate) -> list[tuple[str, str]]:
    profile = None if candidate.card is None else hardware.profile(candidate.card)
    text = json.dumps(merged(candidate.patch, candidate.onto))
    report = lint(text, configuration=Configuration(ruleset="recommended"), hardware=profile)
    return [(finding.code, finding.severity.name.lower()) for finding in report.findings]


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda each: f"{each.number}-{each.severity}")
def test_a_candidate_at_its_threshold_gets_its_rule(candidate: Candidate) -> None:
    assert (candidate.code, candidate.severity) in found(candidate)


def rows() -> dict[int, str]:
    table = re.findall(r"^\| (\d+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(number): cells for number, cells in table}


def test_the_page_has_every_candidate_with_the_rules_that_are_shown_here() -> None:
    assert sorted(rows()) == list(range(1, 82))
    assert {candidate.number for candidate in CANDIDATES} == set(range(1, 82)) - NO_RULE
    missing = [(each.number, each.code) for each in CANDIDATES if each.code not in rows()[each.number]]
    assert missing == []


def test_every_rule_that_the_page_names_exists() -> None:
    codes = {rule.code for rule in RULES}
    named = set(re.findall(r"\b[A-Z]{2,4}\d{3}\b", PAGE.read_text(encoding="utf-8")))
    assert named <= codes
