"""Specs that cross models, tasks, optimizers, schedules, class balance, precision and kinds of data; and what becomes of them.

Whatever such a spec says, it is refused before anything runs (by the linter or by the list of what can not be trained), or it
trains to its end. There is nothing in between.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainyard.linter import Configuration, Severity, facts, lint
from trainyard.service import wire
from trainyard.service.capability import untrainable
from trainyard.service.trainer.device import CPU
from trainyard.service.trainer.journal import Journal

STEP = {"steps": 3}
LAYERS: list[dict[str, Any]] = [{"type": "flatten"}, {"type": "dense", "units": 6, "activation": "gelu"}, {"type": "batch_normalization"}]
TASKS: dict[str, tuple[str, Any]] = {
    "classification": ("classification", "kind"),
    "binary": ("classification", "large"),
    "multilabel": ("multilabel", ["large", "heavy"]),
    "regression": ("regression", ["price"]),
}
ARRAYS = {"classification": "y", "binary": "large", "multilabel": "flags", "regression": "price"}
OUTPUTS = {"classification": (3, "softmax"), "binary": (2, "softmax"), "multilabel": (2, "sigmoid"), "regression": (1, "linear")}
MODELS: dict[str, Callable[[str], dict[str, Any]]] = {
    "cnn": lambda _task: {"type": "cnn", "activation": "mish", "blocks": [{"filters": 3, "batch_norm": True, "dropout": 0.1}]},
    "mlp": lambda _task: {"type": "mlp", "hidden": [6], "dropout": 0.1, "activation": "swish"},
    "transfer": lambda _task: {"type": "transfer", "backbone": "mobilenet", "weights": None, "trainable": {"last": 4}},
    "sequential": lambda task: {"type": "sequential", "layers": [*LAYERS, _last(task)]},
    "graph": lambda task: {
        "type": "graph",
        "layers": [
            {"name": "flat", "inputs": ["input"], "layer": {"type": "flatten"}},
            {"name": "a", "inputs": ["flat"], "layer": {"type": "dense", "units": 4, "activation": "tanh"}},
            {"name": "b", "inputs": ["flat"], "layer": {"type": "dense", "units": 4, "activation": "elu"}},
            {"name": "c", "inputs": ["a", "b"], "layer": {"type": "concatenate"}},
            {"name": "out", "inputs": ["c"], "layer": _last(task)},
        ],
    },
}
AXES: dict[str, tuple[str, ...]] = {
    "model": tuple(MODELS),
    "task": tuple(TASKS),
    "data": ("image_directory", "csv", "parquet", "npz"),
    "optimizer": ("adam", "adamw", "sgd", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "lion"),
    "schedule": ("constant", "reduce_on_plateau", "cosine", "step", "exponential", "inverse_time", "polynomial", "one_cycle", "product"),
    "imbalance": ("none", "class_weights", "effective_number", "focal", "oversample"),
    "precision": ("float32", "mixed_float16", "mixed_bfloat16", "bfloat16", "float16"),
}
SCHEDULES: dict[str, Any] = {
    "constant": {"type": "constant", "warmup": STEP},
    "reduce_on_plateau": {"type": "reduce_on_plateau", "patience": 1, "monitor": "loss"},
    "cosine": {"type": "cosine", "t_max": {"epochs": 2}},
    "step": {"type": "step", "size": {"epochs": 1}},
    "exponential": {"type": "exponential", "every": STEP},
    "inverse_time": {"type": "inverse_time", "every": {"epochs": 1}},
    "polynomial": {"type": "polynomial", "length": {"epochs": 2}},
    "one_cycle": {"type": "one_cycle"},
    "product": [{"type": "cosine", "t_max": {"epochs": 2}}, {"type": "step", "milestones": [{"epochs": 1}]}],
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a spec: ``refused`` (by whom, why), ``trained``, or anything else, which is a fault."""

    word: str
    why: str = ""


def write(row: dict[str, str]) -> dict[str, Any]:
    """Return the spec of a row."""
    task, target = TASKS[row["task"]]
    imbalance: dict[str, Any] = {"type": row["imbalance"]}
    if row["imbalance"] == "effective_number":
        imbalance = {"type": "class_weights", "method": "effective_number"}
    side = 32 if row["model"] == "transfer" else 8
    dataset: dict[str, Any] = {"type": row["data"]}
    if row["data"] == "image_directory":
        dataset |= {"path": "pictures", "input_shape": [side, side, 3]}
    elif row["data"] == "npz":
        dataset |= {"path": "arrays.npz", "target": ARRAYS[row["task"]], "input_shape": [8, 8, 1], "scaling": "min_max"}
    else:
        dataset |= {"path": f"table.{row['data']}", "target": target, "features": ["size", "weight", "colour"], "categorical": ["colour"]}
        dataset |= {"scaling": "standardize", "input_shape": [2, 2, 1]}
    dataset["facts"] = {} if task == "regression" else {"classes": OUTPUTS[row["task"]][0]}
    return {
        "version": "v1",
        "experiment": {"seed": 3},
        "task": task,
        "dataset": dataset,
        "model": MODELS[row["model"]](row["task"]),
        "optimizer": {"type": row["optimizer"], "learning_rate": 0.001},
        "scheduler": SCHEDULES[row["schedule"]],
        "training": {"epochs": 2, "batch_size": 16, "precision": row["precision"]},
        "imbalance": imbalance,
    }


def judge(spec: dict[str, Any], root: Path) -> tuple[dict[str, Any] | None, str]:
    """Judge the spec as a server does: return it resolved when it passes, else who refused it and why."""
    raw = json.dumps(spec).encode()
    # Two epochs on seventy samples are too few to learn much, as this rule says; whether they can be trained is asked here.
    configuration = Configuration(fail_on=Severity.ERROR, ignore=("EPO001",))
    first = lint(raw, configuration=configuration)
    if first.spec is None:
        return None, "linter: " + first.findings[0].message
    report = lint(raw, configuration=configuration, facts=facts.read(first.spec.dataset, root, 10.0))
    if not report.passed or report.resolved is None:
        return None, next(f"linter: {one.code}" for one in report.findings if one.severity is Severity.ERROR)
    gaps = untrainable(first.spec)
    return (None, f"capability: {gaps[0][0]}") if gaps else (report.resolved, "")


def fate(spec: dict[str, Any], root: Path, folder: Path) -> Fate:
    """Judge the spec as a server does, and train it in this process when it passes."""
    from trainyard.service.trainer.run import Task, run

    resolved, why = judge(spec, root)
    if resolved is None:
        return Fate("refused", why)
    run_folder = wire.RunFolder(folder)
    folder.mkdir(parents=True)
    run_folder.resolved.write_text(json.dumps(resolved), encoding="utf-8")
    journal = Journal(run_folder.events, 1, time.time)
    verdict = run(Task(run_folder, journal, root, CPU, time.monotonic))
    journal.close()
    return Fate("trained" if verdict.outcome == wire.SUCCEEDED else verdict.reason, verdict.message)


def _last(task: str) -> dict[str, Any]:
    units, activation = OUTPUTS[task]
    return {"type": "dense", "units": units, "activation": activation}
