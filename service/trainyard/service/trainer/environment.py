"""What a run was made with: without it, a number can not be repeated."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

from trainyard.linter.spec.model.spec import Spec
from trainyard.service.trainer import backend

_PACKAGES = ("trainyard", "keras", "tensorflow", "jax", "numpy", "scikit-learn", "pillow", "pyarrow")


def describe(spec: Spec, digest: str) -> dict[str, Any]:
    """Return versions, device and the choices that decide whether two runs agree."""
    device = backend.device()
    return {
        "spec_digest": digest,
        "backend": backend.name(),
        "device": {"kind": device.kind, "name": device.name, "count": max(1, spec.resources.gpus or 1)},
        "deterministic": spec.training.deterministic,
        "precision": spec.training.precision,
        "seed": spec.experiment.seed,
        "versions": {"python": platform.python_version(), **_versions()},
        "platform": {"system": platform.system(), "machine": platform.machine(), "cpus": os.cpu_count(), "threads": _threads()},
    }


def _threads() -> int:
    """Return the threads of one operation: sums over more threads are taken in another order, and round otherwise."""
    return int(os.environ.get("TF_NUM_INTRAOP_THREADS") or len(os.sched_getaffinity(0)))


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
