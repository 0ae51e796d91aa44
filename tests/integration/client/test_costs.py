"""What small commands cost: CPU beside that of the imports that they can't do without, measured in turn on this machine."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence

from tests.integration.client.conftest import FakeServer, Shell

MOST, ROUNDS = 1.5, 5


def cpu_seconds(shell: Shell, command: Sequence[str]) -> float:
    """Return what a process took, its own time and that of the system for it."""
    process = subprocess.Popen(
        command, env={**shell.environment, "PYTHONWARNINGS": ""}, cwd=shell.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def ratio(shell: Shell, ours: Sequence[str], theirs: str) -> float:
    """Return the median over a few rounds in which both ran; a round in bad weather is bad for both."""
    for command in (ours, [sys.executable, "-c", theirs]):
        cpu_seconds(shell, command)
    pairs = [(cpu_seconds(shell, ours), cpu_seconds(shell, [sys.executable, "-c", theirs])) for _ in range(ROUNDS)]
    return min(statistics.median(one / other for one, other in pairs), min(one for one, _ in pairs) / min(other for _, other in pairs))


def test_help_costs_little_more_than_importing_click(fake: FakeServer, shell: Shell) -> None:
    assert ratio(shell, shell.command("--help"), "import click") <= MOST


def test_a_listing_costs_little_more_than_importing_grpc(fake: FakeServer, shell: Shell) -> None:
    for number in range(20):
        fake.add_job(f"job{number}", epochs=2)
    assert ratio(shell, shell.command("jobs"), "import click, grpc") <= MOST
