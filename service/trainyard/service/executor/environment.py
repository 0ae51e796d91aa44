"""What a trainer's process is and sees: its command line and its environment, made from an allow-list.

The server's environment may hold secrets and settings that are nobody's business; of it only what finds
libraries and formats text is handed on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from trainyard.service.executor.launching import Order

CPU = "cpu"
# Where libraries, drivers and interpreters are found, and how text is written: taken over when set.
HANDED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "CUDA_HOME", "NVIDIA_DRIVER_CAPABILITIES")


def trainer_command(data_root: Path) -> Callable[[Order], list[str]]:
    """Return what makes the command line of an order. ``-P``: the run folder must not be importable."""

    def command(order: Order) -> list[str]:
        trainer = [sys.executable, "-P", "-m", "trainyard.service.trainer"]
        return [*trainer, str(order.run.path), "--attempt", str(order.attempt), "--data-root", str(data_root)]

    return command


def trainer_environment(surroundings: Mapping[str, str], *, slots: int, backend: str = "tensorflow") -> Callable[[Order], dict[str, str]]:
    """Return what makes the environment of an order; cores are shared evenly between ``slots`` trainers."""
    threads = str(max(1, len(os.sched_getaffinity(0)) // slots))
    fixed = {
        **{name: surroundings[name] for name in HANDED_ON if name in surroundings},
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }

    def environment(order: Order) -> dict[str, str]:
        device = CPU if order.device == CPU else "gpu"
        visible = "-1" if order.device == CPU else order.device
        return {**fixed, "HOME": str(order.run.path), "CUDA_VISIBLE_DEVICES": visible, "TRAINYARD_DEVICE": device}

    return environment
