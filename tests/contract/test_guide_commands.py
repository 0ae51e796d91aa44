"""Every command that the guides and the README show is run, in one folder from top to bottom, and says what stands below it.

In what a page shows, a line of nothing but ``…`` stands for any lines, and ``…`` inside a line for any text.
``UPDATE_GUIDES=1`` writes what the commands say now into the pages, where nothing is left out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the commands are written for bash, which is not installed")

PAGES = ("README.md", "docs/guide/linting.md", "docs/guide/editors.md")
PROGRAMS = ("docs/guide/python.md",)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What installs or needs a server, a package index or a whole repository: run by the tests named.
ELSEWHERE = {
    "pip install": "tests/packaging/conftest.py",
    "make demo": "tests/acceptance/test_demo.py",
    "make test": "CONTRIBUTING.md",
    "trainyard ": "tests/acceptance/test_readme_commands.py",
    "curl ": "tests/acceptance/test_readme_commands.py",
}


class Shown(NamedTuple):
    """A command and what the page says that it prints."""

    command: str
    output: str


def commands(page: str) -> Iterator[Shown]:
    for language, block in FENCE.findall(page):
        if language == "console":
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                lines = re.match(r"(.*\n(?:> .*\n)*)", part)
                assert lines is not None
                yield Shown(re.sub(r"^> ", "", lines[1], flags=re.MULTILINE).rstrip("\n"), part[lines.end() :])


def programs(page: str) -> Iterator[Shown]:
    """Yield the Python of a page, each with the text that follows it."""
    blocks = FENCE.findall(page)
    for (language, block), (next_language, said) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if language == "python":
            yield Shown(block, said if next_language == "text" else "")


def pattern(output: str) -> re.Pattern[str]:
    """Return what an output with omissions matches."""
    pieces = []
    for line in output.splitlines():
        if line == "…":
            pieces.append(r"(?:.*\n)*?")
        else:
            pieces.append(".*?".join(re.escape(piece) for piece in line.split("…")) + r"\n")
    return re.compile("".join(pieces))


class Folder:
    """The folder of one page, where its commands run one after the other as in one shell."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        program = folder.parent / "bin/trainlint"
        program.parent.mkdir(exist_ok=True)
        # The program of this very environment, whatever else is on the path.
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m trainyard.linter.cli.main "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if name not in {"GITHUB_ACTIONS", "FORCE_COLOR", "NO_COLOR"}}
        self._environment = kept | {"PATH": f"{program.parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        self._code = 0

    def run(self, command: str) -> str:
        said = self._said([str(shutil.which("bash")), "-c", f"(exit {self._code}); {command}"])
        assert self._code != 3, said
        return said

    def python(self, program: str) -> str:
        return self._said([sys.executable, "-W", "error", "-c", program])

    def _said(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        self._code = done.returncode
        return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


@pytest.fixture
def folder(repository: Path, tmp_path: Path) -> Folder:
    """What the pages say is there: the examples, and some images under a name of the reader's own."""
    home = tmp_path / "home"
    shutil.copytree(repository / "examples", home / "examples")
    shutil.copytree(repository / "examples/digits/images", home / "pictures")
    (home / "specs").mkdir()
    shutil.copy(repository / "examples/breast-cancer/good.trainspec.json", home / "specs/good.trainspec.json")
    shutil.copy(repository / "examples/breast-cancer/good.trainspec.json", home / "a.trainspec.json")
    return Folder(home)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_says_what_the_page_shows(page: str, repository: Path, folder: Folder) -> None:
    text = (repository / page).read_text(encoding="utf-8")
    shown = list(commands(text))
    assert shown
    updated = text
    for command, output in shown:
        said = folder.run(command)
        if pattern(output).fullmatch(said) is None and os.environ.get("UPDATE_GUIDES"):
            updated = updated.replace(f"$ {command}\n{output}", f"$ {command}\n{said}")
            continue
        assert pattern(output).fullmatch(said), f"{page}: $ {command}\nshown:\n{output}\nsaid:\n{said}"
    if updated != text:
        (repository / page).write_text(updated, encoding="utf-8")


@pytest.mark.parametrize("page", PROGRAMS)
def test_every_program_prints_what_the_page_shows(page: str, repository: Path, folder: Folder) -> None:
    shown = list(programs((repository / page).read_text(encoding="utf-8")))
    assert len(shown) >= 5
    for program, output in shown:
        assert output, program
        said = folder.python(program)
        assert pattern(output).fullmatch(said), f"{page}:\n{program}\nshown:\n{output}\nsaid:\n{said}"


@pytest.mark.parametrize("page", PAGES)
def test_a_command_that_is_not_run_here_is_run_elsewhere(page: str, repository: Path) -> None:
    text = (repository / page).read_text(encoding="utf-8")
    blocks = [block for language, block in FENCE.findall(text) if language in {"sh", "bash", "shell"}]
    blocks += re.findall(r"(?:^ {4}\S.*\n)+", FENCE.sub("", text), re.MULTILINE)
    for line in (line.strip() for block in blocks for line in block.splitlines() if line.strip()):
        where = next((test for beginning, test in ELSEWHERE.items() if line.startswith(beginning)), None)
        assert where is not None, f"{page}: nothing runs {line!r}; show it as a console block"
        assert (repository / where).exists()


@pytest.mark.parametrize(
    "output,said,same",
    [
        ("a\n…\nb\n", "a\n1\n2\nb\n", True),
        ("a\n…\nb\n", "a\nb\n", True),
        ("a … c\n", "a b c\n", True),
        ("a\n", "a\nb\n", False),
        ("", "a\n", False),
        ("…\n", "a\n", True),
        ("a.c\n", "abc\n", False),
    ],
)
def test_what_a_page_leaves_out_is_the_only_thing_left_open(output: str, said: str, same: bool) -> None:
    assert (pattern(output).fullmatch(said) is not None) is same
