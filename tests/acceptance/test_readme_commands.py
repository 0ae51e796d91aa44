"""The commands for a server that the README shows, typed one after the other by a user with a fresh home."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.conftest import WAIT_SECONDS, Machine, make_machine, tidy

pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(shutil.which("bash") is None or shutil.which("curl") is None, reason="the README uses bash and curl"),
]


def shown(repository: Path) -> list[str]:
    section = (repository / "README.md").read_text(encoding="utf-8").partition("\n## Train\n")[2].partition("\n## ")[0]
    return [line.strip() for line in re.findall(r"^ {4}(.+)$", section, re.MULTILINE)]


def typed(machine: Machine, command: str) -> subprocess.CompletedProcess[str]:
    program = machine.folder / "bin/trainyard"
    program.parent.mkdir(exist_ok=True)
    # The program of this very environment, whatever else is on the path.
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m trainyard.client.main "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    environment = machine.environment | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    bash = str(shutil.which("bash"))
    return subprocess.run(
        [bash, "-c", command],
        cwd=machine.examples.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS * 2,
        check=False,
    )


def test_the_commands_of_the_readme_train_a_spec_and_show_it(repository: Path, tmp_path: Path) -> None:
    serve, *commands = shown(repository)
    assert serve == "trainyard serve --home ~/.trainyard --data-root examples &"
    assert [command.split()[0] for command in commands] == ["trainyard"] * 4 + ["curl"]
    # The same options, with ports that nobody has.
    with tidy(make_machine(tmp_path, repository / "examples")) as machine, machine.serving(home="user/.trainyard") as server:
        said = {}
        for command in commands:
            done = typed(machine, command.replace("127.0.0.1:9464", server.metrics))
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            said[command] = done.stdout + done.stderr
        submit, jobs, show, curves, curl = (said[command] for command in commands)
    assert "succeeded" in submit
    assert "digits" in jobs
    assert "succeeded" in show
    assert "validation ends at" in curves
    assert "trainyard_" in curl
