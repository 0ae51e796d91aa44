"""Servers and trainers killed at random moments lose nothing and double nothing: the long run is ``make bench-crash``.

Promises 1, 3 and 5. Each was seen red with its mechanism taken away (``BREAK=... python -m tests.crash.killing``): a server that
knows no trainers again (two at once), one that keeps a word twice (epochs doubled), one that keeps the offset apart from the events
(epochs lost), one that acknowledges before it has kept (one request, two jobs). Taking over without waiting needs a host that
vanishes: tests/integration/service/executor/test_two_servers.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def killed(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.crash.killing", *arguments]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=280, check=False)


def test_servers_and_trainers_killed_at_random_lose_nothing_and_double_nothing(repository: Path) -> None:
    run = killed(repository, "--kills", "8", "--seed", "11", "--seconds-between", "0.2")
    assert run.returncode == 0, run.stderr
    assert sum(json.loads(run.stdout)["kills"].values()) == 8


@pytest.mark.timeout(300)
def test_two_servers_on_one_postgresql_lose_nothing_and_double_nothing(repository: Path, postgresql_schema: str) -> None:
    run = killed(repository, "--kills", "6", "--seed", "12", "--servers", "2", "--store", postgresql_schema, "--seconds-between", "0.2")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["servers"] == 2
