"""MalImg: the families of its distributed archive with how many images each has (Nataraj et al. 2011), and the page's spec for it."""

from __future__ import annotations

from typing import Any

COUNTS = {
    "Adialer.C": 122, "Agent.FYI": 116, "Allaple.A": 2949, "Allaple.L": 1591, "Alueron.gen!J": 198, "Autorun.K": 106, "C2LOP.P": 146,
    "C2LOP.gen!g": 200, "Dialplatform.B": 177, "Dontovo.A": 162, "Fakerean": 381, "Instantaccess": 431, "Lolyda.AA1": 213,
    "Lolyda.AA2": 184, "Lolyda.AA3": 123, "Lolyda.AT": 159, "Malex.gen!J": 136, "Obfuscator.AD": 142, "Rbot!gen": 158, "Skintrim.N": 80,
    "Swizzor.gen!E": 128, "Swizzor.gen!I": 132, "VB.AT": 408, "Wintrim.BX": 97, "Yuner.A": 800,
}  # fmt: skip

SPEC: dict[str, Any] = {
    "version": "v1",
    "experiment": {"name": "malimg", "description": "The page's own.", "tags": ["malimg", "baseline"]},
    "task": "classification",
    "dataset": {
        "type": "image_directory",
        "path": "malimg",
        "input_shape": [64, 64, 1],
        "facts": {"samples": 9339, "class_counts": COUNTS, "content": "bytes"},
    },
    "augmentation": "light",
    "model": {
        "type": "cnn",
        "blocks": [{"filters": 32}, {"filters": 64}, {"filters": 128}],
        "head": {"pooling": "flatten", "hidden": [256]},
        "dropout": {"conv": 0.25, "dense": 0.5},
    },
    "optimizer": {"type": "adam", "learning_rate": 0.001},
    "scheduler": {"type": "reduce_on_plateau", "factor": 0.5, "patience": 5, "min_lr": 1e-7},
    "training": {"epochs": 100, "batch_size": 32, "shuffle": True},
    "regularization": {"l2": 0.0001},
    "imbalance": {"type": "class_weights"},
    "callbacks": {"early_stopping": {"patience": 10, "min_delta": 0.0001}, "checkpoint": {"monitor": "val_loss"}},
}
