"""The hook that other repositories name runs from the base install, on specs and on nothing else."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.packaging.conftest import Installation


@pytest.fixture(scope="module")
def hook(repository: Path) -> dict[str, str]:
    text = (repository / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    assert text.count("- id:") == 1
    return dict(re.findall(r"^[- ] (\w+): (.+)$", text, re.MULTILINE))


@pytest.mark.network
@pytest.mark.parametrize("spec,exit_code", [("breast-cancer/good.trainspec.json", 0), ("digits/bad.trainspec.json", 1)])
def test_the_hook_judges_the_files_it_is_given(base: Installation, examples: Path, hook: dict[str, str], spec: str, exit_code: int) -> None:
    assert hook["id"] == "trainlint"
    done = base.run(*shlex.split(hook["entry"]), spec, cwd=examples)
    assert done.returncode == exit_code, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path,matches",
    [
        ("a.trainspec.json", True),
        ("deep/down/b.trainspec.json", True),
        ("package.json", False),
        ("trainspec.json", False),
        ("a.trainspec.json.bak", False),
        ("atrainspecxjson", False),
    ],
)
def test_the_hook_looks_at_specs_only(hook: dict[str, str], path: str, matches: bool) -> None:
    assert (re.search(hook["files"], path) is not None) == matches
