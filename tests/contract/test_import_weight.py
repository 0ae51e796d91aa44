"""What a commit hook does not pay for: heavy libraries stay out of the linter's process while specs are clean."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"grpc", "google", "tensorflow", "keras", "numpy", "PIL", "pyarrow", "rich", "jsonschema", "sqlalchemy"}
IMPORTED = re.compile(r"^import time:\s*\d+ \|\s*\d+ \|\s*(\S+)$", re.MULTILINE)


def imported_by(*command: str, cwd: Path, exit_code: int) -> set[str]:
    """Run Python with ``-X importtime`` and return the top-level packages that it imported."""
    done = subprocess.run([sys.executable, "-X", "importtime", *command], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == exit_code, done.stdout + done.stderr
    found = {name.partition(".")[0] for name in IMPORTED.findall(done.stderr)}
    assert "encodings" in found, "nothing was measured"
    return found


@pytest.fixture
def spec(repository: Path, tmp_path: Path) -> str:
    shutil.copy(repository / "examples/digits/good.trainspec.json", tmp_path)
    return "good.trainspec.json"


@pytest.mark.parametrize("module", ["trainyard.linter.cli.main", "trainyard.client.main"])
def test_checking_a_clean_spec_imports_nothing_heavy(spec: str, tmp_path: Path, module: str) -> None:
    found = imported_by("-m", module, "check", spec, cwd=tmp_path, exit_code=0)
    assert {"trainyard", "jsonschema_rs", "click"} <= found
    assert found & HEAVY == set()


def test_help_of_the_umbrella_imports_nothing_heavy(tmp_path: Path) -> None:
    assert imported_by("-m", "trainyard.client.main", "--help", cwd=tmp_path, exit_code=0) & HEAVY == set()


def test_importing_the_linter_loads_none_of_its_rooms(tmp_path: Path) -> None:
    program = "import sys, trainyard.linter; print(*[name for name in sys.modules if name.startswith('trainyard.linter.')])"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []
