"""How measurements are taken and kept.

CPU time of whole processes, children included, because that is what a commit hook costs and what a busy machine
distorts least; programs in alternating rounds, because all of them then meet the same weather. A result is stored with
the facts of the machine that bear on it, and no other.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PEERS = ROOT / ".venv-peers/bin"
RESULTS = HERE / "results"
FULL_ROUNDS = 25
QUICK_ROUNDS = 5
OURS = "trainlint"

Command = Sequence[str]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of one program took; peak memory is the resident set at its largest."""

    cpu_seconds: float
    wall_seconds: float
    peak_mebibytes: float


def measure(command: Command, cwd: Path, report: Path) -> Cost:
    """Run a program that must succeed; return what it took, its children included."""
    launched = [sys.executable, "-I", "-S", str(HERE / "launch.py"), str(report), *command]
    subprocess.run(launched, cwd=cwd, check=True, timeout=300)
    return Cost(**json.loads(report.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Rounds:
    """What several programs took, by name, in rounds in which each of them ran once."""

    costs: Mapping[str, Sequence[Cost]]

    def ratio(self, ours: str, theirs: str) -> float:
        """Median over the rounds of the CPU time of ours by that of theirs."""
        pairs = zip(self.costs[ours], self.costs[theirs], strict=True)
        return statistics.median(one.cpu_seconds / other.cpu_seconds for one, other in pairs)

    def cpu_seconds(self, name: str) -> float:
        """Median over the rounds of the CPU time of one program."""
        return statistics.median(cost.cpu_seconds for cost in self.costs[name])

    def figures(self) -> dict[str, dict[str, float | int]]:
        """What is worth keeping, by program; the ratio is that of trainlint to it."""
        return {
            name: {
                "rounds": len(costs),
                "cpu_ms": round(1000 * self.cpu_seconds(name), 1),
                "least_cpu_ms": round(1000 * min(cost.cpu_seconds for cost in costs), 1),
                "wall_ms": round(1000 * statistics.median(cost.wall_seconds for cost in costs), 1),
                "peak_mebibytes": round(statistics.median(cost.peak_mebibytes for cost in costs), 1),
                "ratio": round(self.ratio(OURS, name), 3),
            }
            for name, costs in self.costs.items()
        }


class Bench:
    """Measures, and keeps the result when the run was a full one."""

    schema = str(ROOT / "linter/trainyard/linter/spec/schema/v1.json")

    def __init__(self, scratch: Path, *, full: bool) -> None:
        self._scratch = scratch
        self.full = full

    def tool(self, name: str) -> str:
        """Return the path of a program of the environment that the tests run in."""
        return str(Path(sys.executable).parent / name)

    def peer(self, name: str) -> str:
        """Return the path of a program that ours is measured against, at its locked version."""
        assert PEERS.exists(), "the other linters are not installed: 'make bench' does it"
        return str(PEERS / name)

    def rounds(self, programs: Mapping[str, Command], *, cwd: Path, rounds: int = FULL_ROUNDS) -> Rounds:
        """Measure all programs in turn, after one unmeasured round that fills the file caches."""
        report = self._scratch / "cost.json"
        costs: dict[str, list[Cost]] = {name: [] for name in programs}
        for number in range(1 + (rounds if self.full else QUICK_ROUNDS)):
            for name, command in programs.items():
                cost = measure(command, cwd, report)
                if number:
                    costs[name].append(cost)
        return Rounds(costs)

    def keep(self, name: str, figures: Mapping[str, object], programs: Mapping[str, str] | None = None) -> None:
        """Print the figures; after a full run also store them, with the machine and the ``programs`` they were measured on."""
        print(f"\n{name}: {json.dumps(figures, indent=2)}")
        if self.full:
            record = {"measured_on": datetime.now(UTC).date().isoformat(), "machine": machine(programs or LINTERS), "figures": figures}
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def machine(programs: Mapping[str, str]) -> dict[str, Any]:
    """Facts that bear on a measurement; no host name, no path."""
    return {
        "cores": os.cpu_count(),
        "cpu": cpu_model(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": dict(programs),
    }


def cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def versions(*names: str) -> dict[str, str]:
    """Return the versions of what is installed of ``names``."""
    found = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def their_versions() -> dict[str, str]:
    """Versions of the other linters, as locked."""
    names = {line for line in (HERE / "peers.in").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}
    pins = [line.split()[0].split("==") for line in (HERE / "peers.lock").read_text(encoding="utf-8").splitlines() if "==" in line]
    return {name: pinned for name, pinned in pins if name in names | {"jsonschema"}}


#: What the benches of the linter, of the trainer and of the server depend on.
LINTERS = versions("trainyard", "click", "jsonschema-rs") | their_versions()
TRAINERS = versions("trainyard", "keras", "tensorflow", "jax", "numpy")
SERVERS = versions("trainyard", "grpcio", "protobuf", "sqlalchemy", "prometheus-client")


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Full under ``--run-bench``, quick otherwise."""
    if not hasattr(os, "wait4"):
        pytest.skip("this system does not tell what a process took")
    return Bench(tmp_path_factory.mktemp("bench"), full=pytestconfig.getoption("--run-bench"))
