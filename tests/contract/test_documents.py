"""What the documents name exists, and what must be documented is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import click
import pytest

from trainyard.linter import lint
from trainyard.linter.cli.main import trainlint as program_group

GUIDE = "docs/guide/linting.md"
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
REQUIREMENT_NAME = re.compile(r"^[A-Za-z0-9_.-]+")


def trainlint(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "trainlint"
    environment = {name: value for name, value in os.environ.items() if name not in {"GITHUB_ACTIONS", "FORCE_COLOR"}}
    return subprocess.run([program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)


def documents(repository: Path) -> list[Path]:
    found = [*repository.glob("*.md"), *(repository / "docs").rglob("*.md"), *(repository / "examples").glob("*.md")]
    assert len(found) > 5
    return found


def test_every_relative_link_leads_somewhere(repository: Path) -> None:
    broken = [
        f"{page.relative_to(repository)}: {target}"
        for page in documents(repository)
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_nothing_tells_a_stranger_to_install_a_name_that_is_not_ours(repository: Path) -> None:
    """No release is on an index, and there the bare name is somebody else's package."""
    told = [
        *documents(repository),
        repository / "action.yml",
        *(path for path in (repository / "examples/deploy").rglob("*") if path.is_file()),
    ]
    from_an_index = re.compile(r"""pip install (?:-\S+ )*["']?trainyard(?:\[[a-z,]+\])?(?! @)(?=["'`\s=])|trainyard==""")
    found = [
        f"{page.relative_to(repository)}: {match.group()}" for page in told for match in from_an_index.finditer(page.read_text("utf-8"))
    ]
    assert found == []


def test_the_settings_in_the_guide_are_taken(repository: Path, tmp_path: Path) -> None:
    (settings,) = blocks(repository / GUIDE, "toml")
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    shutil.copytree(repository / "examples/breast-cancer", tmp_path / "data/breast-cancer")
    shutil.copy(repository / "examples/breast-cancer/good.trainspec.json", tmp_path)
    done = trainlint("check", "good.trainspec.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pieces_of_specs_in_the_guide_are_understood(repository: Path) -> None:
    pieces = [json.loads(block) for block in blocks(repository / GUIDE, "json")]
    assert len(pieces) == 2
    for piece in pieces:
        spec = json.loads((repository / "examples/digits/good.trainspec.json").read_text(encoding="utf-8"))
        spec["dataset"] |= piece.get("dataset", {})
        spec |= {key: value for key, value in piece.items() if key != "dataset"}
        assert {finding.name for finding in lint(json.dumps(spec)).findings} <= {"unused-suppression", "dataset-not-read"}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "examples/README.md", GUIDE, "docs/guide/editors.md"])
def test_every_trainlint_line_in_the_documents_names_real_options(repository: Path, page: str) -> None:
    text = (repository / page).read_text(encoding="utf-8")
    lines = re.findall(r"(?:^ {4}|^\$ |^\s*- (?:run: )?|`|\.venv/bin/)(trainlint [a-z][^`\n#|]*)", text, re.MULTILINE)
    assert lines
    for line in lines:
        _, name, *arguments = line.split()
        command = program_group.get_command(click.Context(program_group), name)
        assert command is not None, line
        options = {option for parameter in command.params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= options, line


def test_every_dependency_has_a_row(repository: Path) -> None:
    pyproject = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = pyproject["project"], pyproject["dependency-groups"]
    requirements = chain(project["dependencies"], *project["optional-dependencies"].values(), *groups.values())
    names = {match.group().lower() for line in requirements if (match := REQUIREMENT_NAME.match(line))} - {"trainyard"}
    table = (repository / "docs/dependencies.md").read_text(encoding="utf-8")
    rows = " ".join(" ".join(line.split("|")[1:3]) for line in table.splitlines() if line.startswith("|"))
    documented = set(re.findall(r"[A-Za-z0-9_.-]+", rows.lower()))
    assert names - documented == set()
    assert len(names) > 30


def test_every_decision_is_listed(repository: Path) -> None:
    pages = {page.name for page in (repository / "docs/adr").glob("0*.md")}
    listed = set(LINK.findall((repository / "docs/adr/README.md").read_text(encoding="utf-8")))
    assert pages == listed
