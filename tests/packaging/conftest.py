"""Builds the distribution once and installs it the ways a stranger would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

TOOLS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Installation:
    """A virtual environment that holds a built Trainyard and nothing of this checkout."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment with no path or setting of ours around it."""
        program, *arguments = command
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "TRAINYARD"))}
        return subprocess.run(
            [self.folder / "bin" / program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def packages(self) -> set[str]:
        """Names of the installed distributions."""
        listing = run_tool("uv", "pip", "list", "--python", str(self.python), "--format", "freeze")
        return {line.split("==")[0] for line in listing.splitlines()}


def run_tool(program: str, *arguments: str, cwd: Path | None = None) -> str:
    done = subprocess.run([TOOLS / program, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{program} {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout


def build(source: Path, target: Path, kind: str) -> Path:
    """Build a ``wheel`` or ``sdist`` with the build tool that is installed, so that nothing is fetched."""
    run_tool("python", "-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(target), str(source))
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="session")
def sdist(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(repository, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="session")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(repository, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="session")
def wheel_from_sdist(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    return build(source, tmp_path_factory.mktemp("wheel-from-sdist"), "wheel")


@pytest.fixture(scope="session")
def install(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[str]], Installation]:
    """Install requirements into a new environment, at the versions of the lock file."""

    def into_new_environment(requirements: Sequence[str]) -> Installation:
        folder = tmp_path_factory.mktemp("environment") / "venv"
        run_tool("uv", "venv", "--quiet", "--python", sys.executable, str(folder))
        lock = repository / "requirements.lock"
        run_tool("uv", "pip", "install", "--quiet", "--python", str(folder / "bin/python"), "--constraint", str(lock), *requirements)
        return Installation(folder)

    return into_new_environment


@pytest.fixture(scope="session")
def base(wheel: Path, install: Callable[[Sequence[str]], Installation]) -> Installation:
    """The wheel without extras."""
    return install([str(wheel)])


@pytest.fixture
def examples(repository: Path, tmp_path: Path) -> Path:
    """A copy of the example specs and table, far from any configuration of this checkout."""
    return Path(shutil.copytree(repository / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("images", "skewed")))
