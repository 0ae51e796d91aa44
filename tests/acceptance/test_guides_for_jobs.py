"""The five tasks of the guide, and the examples of the client's page, typed one after the other against a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.conftest import WAIT_SECONDS, Machine

pytestmark = [pytest.mark.keras, pytest.mark.skipif(shutil.which("bash") is None, reason="the guide is typed into bash")]


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the heading and the text of each block that can be run."""
    heading = ""
    for found in re.finditer(r"^## ([^\n]+)$|^```(sh|python)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        if found.group(1):
            heading = found.group(1)
        elif heading or found.group(2) == "python":
            yield heading, f"{found.group(2)}\n{found.group(3)}"


def typed(machine: Machine, block: str) -> subprocess.CompletedProcess[str]:
    kind, _, text = block.partition("\n")
    place = machine.folder / "bin"
    place.mkdir(exist_ok=True)
    for name, words in (("trainyard", "-m trainyard.client.main "), ("python", "")):
        (place / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n', encoding="utf-8")
        (place / name).chmod(0o755)
    checkout = machine.folder / "checkout"
    if not checkout.exists():
        checkout.mkdir()
        (checkout / "examples").symlink_to(machine.examples)
    command = [str(shutil.which("bash")), "-e", "-c", text] if kind == "sh" else [sys.executable, "-c", text]
    environment = machine.environment | {"PATH": f"{place}{os.pathsep}{os.environ['PATH']}", "KERAS_BACKEND": "tensorflow"}
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=WAIT_SECONDS * 2, check=False)


@pytest.fixture
def served(serving_machines: dict[str, Machine]) -> Machine:
    """Minutes of training, of which the store sees little: once is enough."""
    return serving_machines["sqlite"]


@pytest.mark.parametrize("guide", ["jobs.md", "client.md"])
def test_a_guide_does_what_it_says(served: Machine, repository: Path, guide: str) -> None:
    said = {}
    for place, (heading, block) in enumerate(blocks(repository / "docs/guide" / guide)):
        done = typed(served, block)
        assert done.returncode == 0, f"{heading}\n{block}\n{done.stdout}{done.stderr}"
        said[place] = done.stdout
    if guide == "jobs.md":
        submitted, refused, compared, stopped, fetched, used, told = said.values()
        assert "succeeded (completed)" in submitted
        assert "it was refused" in refused
        assert "it was let in" in refused
        assert "optimizer.learning_rate" in compared
        assert "Best first" in compared
        assert "succeeded (stopped)" in stopped
        assert "model/best.keras" in fetched
        assert used.startswith("class ")
        assert "digits" in told
        assert "Confusion matrix" in (served.folder / "checkout/run.html").read_text(encoding="utf-8")
