"""The four roots stay one namespace: what would break it without a type checker noticing."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOTS = ("linter", "service", "client", "proto")


@pytest.fixture(scope="module")
def pyproject(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("root", ROOTS)
def test_no_init_file_closes_the_namespace(repository: Path, root: str) -> None:
    """One such file hides the other three roots at run time, and mypy still passes."""
    assert not (repository / root / "trainyard" / "__init__.py").exists()


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_holds_no_loose_modules(repository: Path, root: str) -> None:
    """In an editable install every root is on the import path: a module in it would be importable by its bare name."""
    assert not list((repository / root).glob("*.py"))
    assert [path.name for path in (repository / root).iterdir() if path.is_dir() and path.name != "__pycache__"] == ["trainyard"]


def test_the_three_lists_of_roots_agree(pyproject: dict[str, Any]) -> None:
    hatch = pyproject["tool"]["hatch"]["build"]
    assert hatch["targets"]["wheel"]["packages"] == [f"{root}/trainyard" for root in ROOTS]
    assert hatch["dev-mode-dirs"] == list(ROOTS)
    assert pyproject["tool"]["mypy"]["mypy_path"].split(":") == list(ROOTS)


def test_import_contracts_cover_all_four_portions(pyproject: dict[str, Any]) -> None:
    assert pyproject["tool"]["importlinter"]["root_packages"] == [
        "trainyard.linter",
        "trainyard.service",
        "trainyard.client",
        "trainyard.v1",
    ]


def test_tests_run_in_random_order_and_treat_warnings_as_errors(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.hasplugin("randomly")
    assert pytestconfig.getini("filterwarnings")[0] == "error"
    assert pytestconfig.getini("xfail_strict") is True


def test_the_lock_pins_every_line_with_a_hash(repository: Path) -> None:
    text = (repository / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(pins) > 50
    assert not [line for line in pins if "==" not in line or "--hash=sha256:" not in line]
