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
def hooks(repository: Path) -> dict[str, dict[str, str]]:
    text = (repository / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    blocks = [
        dict(re.findall(r"^[- ] (\w+): (.+)$", block, re.MULTILINE)) for block in re.split(r"^(?=- id:)", text, flags=re.MULTILINE) if block
    ]
    return {block["id"]: block for block in blocks}


@pytest.mark.network
@pytest.mark.parametrize("spec,exit_code", [("breast-cancer/good.trainspec.json", 0), ("digits/bad.trainspec.json", 1)])
def test_the_hook_judges_the_files_it_is_given(
    base: Installation, examples: Path, hooks: dict[str, dict[str, str]], spec: str, exit_code: int
) -> None:
    done = base.run(*shlex.split(hooks["trainlint"]["entry"]), spec, cwd=examples)
    assert done.returncode == exit_code, done.stdout + done.stderr


@pytest.mark.network
def test_the_fixing_hook_mends_a_misspelt_key_and_leaves_the_rest(
    base: Installation, examples: Path, hooks: dict[str, dict[str, str]]
) -> None:
    spec = examples / "digits/bad.trainspec.json"
    before = spec.read_text(encoding="utf-8")
    done = base.run(*shlex.split(hooks["trainlint-fix"]["entry"]), str(spec), cwd=examples)
    assert done.returncode == 1, done.stdout + done.stderr
    assert spec.read_text(encoding="utf-8") == before.replace('"epoch":', '"epochs":')


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
def test_the_hooks_look_at_specs_only(hooks: dict[str, dict[str, str]], path: str, matches: bool) -> None:
    assert set(hooks) == {"trainlint", "trainlint-fix"}
    assert {re.search(hook["files"], path) is not None for hook in hooks.values()} == {matches}
