"""How measurements are taken and kept.

CPU time of whole processes, children included, because that is what a commit hook costs and what a busy machine
distorts least; two programs in alternating pairs, because both then meet the same weather. A result is stored with
the facts of the machine that bear on it, and no other.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

RESULTS = Path(__file__).parent / "results"
FULL_PAIRS = 25
QUICK_PAIRS = 5


def cpu_seconds(command: Sequence[str | Path], cwd: Path) -> float:
    """Run a program that must succeed; return the user and system seconds it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=cwd, stdout=subprocess.DEVNULL, check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@dataclass(frozen=True, slots=True)
class Comparison:
    """CPU seconds of two programs, measured in alternating pairs."""

    ours_seconds: tuple[float, ...]
    theirs_seconds: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median over the pairs of ours by theirs."""
        return statistics.median(ours / theirs for ours, theirs in zip(self.ours_seconds, self.theirs_seconds, strict=True))

    def figures(self) -> dict[str, float | int]:
        """What is worth keeping."""
        return {
            "pairs": len(self.ours_seconds),
            "ours_median_ms": round(1000 * statistics.median(self.ours_seconds), 1),
            "theirs_median_ms": round(1000 * statistics.median(self.theirs_seconds), 1),
            "ratio": round(self.ratio, 3),
        }


class Bench:
    """Measures, and keeps the result when the run was a full one."""

    def __init__(self, *, full: bool) -> None:
        self.full = full

    def compare(self, ours: Sequence[str | Path], theirs: Sequence[str | Path], *, cwd: Path, pairs: int = FULL_PAIRS) -> Comparison:
        """Measure both programs in turn, after one unmeasured round that fills the file caches."""
        cpu_seconds(ours, cwd)
        cpu_seconds(theirs, cwd)
        seconds = [(cpu_seconds(ours, cwd), cpu_seconds(theirs, cwd)) for _ in range(pairs if self.full else QUICK_PAIRS)]
        return Comparison(tuple(pair[0] for pair in seconds), tuple(pair[1] for pair in seconds))

    def keep(self, name: str, figures: Mapping[str, object], distributions: Sequence[str]) -> None:
        """Print the figures; after a full run also store them, with the machine they were measured on."""
        print(f"\n{name}: {json.dumps(figures)}")
        if self.full:
            record = {"measured_on": datetime.now(UTC).date().isoformat(), "machine": machine(distributions), "figures": figures}
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def machine(distributions: Sequence[str]) -> dict[str, Any]:
    """Facts that bear on a measurement; no host name, no path."""
    return {
        "cores": os.cpu_count(),
        "cpu": cpu_model(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in distributions},
    }


def cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config) -> Bench:
    """Full under ``--run-bench``, quick otherwise."""
    return Bench(full=pytestconfig.getoption("--run-bench"))


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of the environment's programs."""
    return Path(sys.executable).parent
