"""The guide of ``trainlint plan`` shows what the program prints. Figures of estimates may move on; words, sections and their order may not.

``UPDATE_GUIDES=1`` writes what the commands print now into the page.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = "docs/guide/plan.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Drawn characters, numbers with their units, and the words between the ends of an interval.
FIGURES = re.compile(r"[\u2500-\u25ff\u2800-\u28ff]+|[\d.,e+-]*\d\S*|\b(?:bytes|[KMGT]iB|us|ms|s|min|h|d|to|up|about|x)\b|…")


def words(text: str) -> str:
    """Return a text without its figures and without where its lines end."""
    return re.sub(r"[\s~]+", " ", FIGURES.sub(" ", text)).strip()


def said(command: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in {"GITHUB_ACTIONS", "FORCE_COLOR", "COLUMNS", "TERM"}}
    program = [sys.executable, "-m", "trainyard.linter.cli.main", *command.split()[1:]]
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


@pytest.fixture
def folder(repository: Path, tmp_path: Path) -> Path:
    shutil.copytree(repository / "examples", tmp_path / "examples")
    text = (repository / "examples/digits/good.trainspec.json").read_text(encoding="utf-8")
    changed = text.replace('"batch_size": 32', '"batch_size": 128').replace('"learning_rate": 0.002', '"learning_rate": 0.05')
    (tmp_path / "faster.trainspec.json").write_text(changed, encoding="utf-8")
    return tmp_path


def test_the_guide_shows_what_the_program_prints(repository: Path, folder: Path) -> None:
    page = (repository / PAGE).read_text(encoding="utf-8")
    shown = [part for block in BLOCK.findall(page) for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    ours = [part.partition("\n")[::2] for part in shown if part.startswith("trainlint ")]
    assert len(ours) == 2
    for command, output in ours:
        printed = said(command, folder)
        if os.environ.get("UPDATE_GUIDES"):
            page = page.replace(f"$ {command}\n{output}", f"$ {command}\n{printed}")
            (repository / PAGE).write_text(page, encoding="utf-8")
        else:
            assert words(output) == words(printed)


def test_the_pictures_of_the_guide_are_there_and_bring_their_own_colours(repository: Path) -> None:
    page = (repository / PAGE).read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", page)
    assert len(pictures) == 3
    for name in pictures:
        text = (repository / PAGE).parent.joinpath(name).read_text(encoding="utf-8")
        assert "prefers-color-scheme" in text
        assert "<script" not in text


def test_words_are_compared_and_figures_are_not() -> None:
    assert words("  Time  5.4 to 46 s\n  on a card") == words("Time 7 min on\na card")
    assert words("Time 5 s") != words("Times 5 s")
