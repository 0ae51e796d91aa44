"""What the documents name exists, and what must be documented is."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REQUIREMENT_NAME = re.compile(r"^[A-Za-z0-9_.-]+")


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


def test_the_readme_shows_what_the_linter_says(repository: Path) -> None:
    (shown,) = CONSOLE.findall((repository / "README.md").read_text(encoding="utf-8"))
    command, *lines = shown.splitlines()
    program, *arguments = command.removeprefix("$ ").split()
    said = subprocess.run(
        [Path(sys.executable).parent / program, *arguments], cwd=repository, capture_output=True, text=True, timeout=60, check=False
    )
    for excerpt in "\n".join(lines).strip("…\n").split("\n…\n"):
        assert excerpt in said.stdout


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
