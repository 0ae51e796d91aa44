"""What a stranger gets: the built wheel in an environment that knows nothing of this checkout."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.packaging.conftest import Installation

pytestmark = pytest.mark.network

PORTIONS = ("trainyard.linter", "trainyard.service", "trainyard.client", "trainyard.v1")
# Click, jsonschema-rs, rfc8785 and what these need themselves.
BASE_PACKAGES = {
    "trainyard",
    "click",
    "jsonschema-rs",
    "rfc8785",
}


def test_all_four_portions_import_from_the_base_install(base: Installation, tmp_path: Path) -> None:
    done = base.run("python", "-c", f"import {', '.join(PORTIONS)}; print(trainyard.__path__)", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(base.folder) in done.stdout


def test_the_base_install_brings_the_linters_dependencies_and_nothing_else(base: Installation) -> None:
    assert base.packages() <= BASE_PACKAGES


def test_a_good_spec_passes_in_the_base_install(base: Installation, examples: Path) -> None:
    done = base.run("trainlint", "check", "breast-cancer/good.trainspec.json", cwd=examples)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_a_bad_spec_is_explained_in_the_base_install(base: Installation, examples: Path) -> None:
    done = base.run("trainlint", "check", "digits/bad.trainspec.json", "--format", "json", cwd=examples)
    assert done.returncode == 1, done.stderr
    pointers = {finding["pointer"] for finding in json.loads(done.stdout)["files"][0]["findings"]}
    assert {"/training/epoch", "/optimizer/learning_rate", "/training/batch_size"} <= pointers


@pytest.mark.parametrize(
    "command,extra",
    [
        ("trainyard submit digits/good.trainspec.json", "client"),
        ("trainyard jobs", "client"),
        ("trainyard serve --home home --data-root .", "service"),
        ("trainyard train breast-cancer/good.trainspec.json --run run --data-root .", "service"),
        ("trainyard demo --examples .", "service"),
        ("trainyard lsp", "lsp"),
        ("trainlint lsp", "lsp"),
    ],
)
def test_a_command_whose_extra_is_missing_names_it_in_one_line(base: Installation, examples: Path, command: str, extra: str) -> None:
    done = base.run(*command.split(), cwd=examples)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"trainyard[{extra}]" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not {"home", "run"} & {path.name for path in examples.iterdir()}, "something was left behind"


def test_the_umbrella_carries_the_linters_commands_in_the_base_install(base: Installation, examples: Path) -> None:
    done = base.run("trainyard", "check", "breast-cancer/good.trainspec.json", cwd=examples)
    assert done.returncode == 0, done.stderr


def test_every_portion_says_that_it_is_typed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"{portion.replace('.', '/')}/py.typed" for portion in PORTIONS} <= names


def test_the_wheel_carries_the_schema_and_the_wire_contracts(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "trainyard/linter/spec/schema/v1.json" in names
    assert "trainyard/v1/training_service.proto" in names


def test_the_wheel_carries_nothing_but_the_namespace(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    version = wheel.name.removesuffix("-py3-none-any.whl")
    assert {name.split("/")[0] for name in names} == {"trainyard", f"{version}.dist-info", f"{version}.data"}
    shared = {name.split("/")[4] for name in names if name.startswith(f"{version}.data/data/share/")}
    assert shared == {"man1", "completions", "site-functions", "vendor_completions.d"}
    assert "trainyard/__init__.py" not in names
    # What authors of plugins test their rules with is no test.
    ours = [name for name in names if name != "trainyard/linter/rules/testing.py"]
    assert not [name for name in ours if "test" in name.lower() or "__pycache__" in name]


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, wheel_from_sdist: Path) -> None:
    def members(path: Path) -> dict[str, int]:
        return {member.filename: member.CRC for member in zipfile.ZipFile(path).infolist()}

    assert members(wheel_from_sdist) == members(wheel)
