"""Help that teaches by example, and the pages that are made of it."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from trainyard.client import main, manual
from trainyard.linter.cli.lazy import LazyGroup


def commands() -> Iterator[tuple[str, click.Command]]:
    for name, entry in main.CLIENT.items():
        module, _, attribute = entry.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", command.commands[below]) for below in command.commands)


EVERY = dict(commands())


@pytest.mark.parametrize("name", EVERY)
def test_every_command_shows_how_it_is_used(name: str) -> None:
    shown = [line.strip() for line in (EVERY[name].epilog or "").splitlines() if line.startswith("  ")]
    assert shown
    assert any(line.startswith(f"trainyard {name}") for line in shown)


@pytest.mark.parametrize("name", [name for name, command in EVERY.items() if not isinstance(command, click.Group)])
def test_the_examples_name_options_that_are_there(name: str) -> None:
    known = {option for parameter in EVERY[name].params for option in (*parameter.opts, *parameter.secondary_opts)}
    for line in (EVERY[name].epilog or "").splitlines():
        mine = line.strip().removeprefix(f"trainyard {name} ")
        if mine == line.strip():
            continue
        words = mine.replace("|", "&&").split("&&")[0].split(" #")[0].split()
        assert {word for word in words if word.startswith("-") and word != "-"} <= known, line


def test_there_is_a_page_for_each_command_and_no_line_is_a_request_by_mistake() -> None:
    pages = manual.pages(LazyGroup(name="trainyard", table=main.CLIENT, help="Hand specs to a server."), "trainyard")
    assert set(pages) == {"trainyard.1", *(f"trainyard-{name.replace(' ', '-')}.1" for name in EVERY)}
    requests = {".TH", ".SH", ".TP", ".PP", ".B", ".nf", ".fi"}
    for text in pages.values():
        assert {line.split()[0] for line in text.splitlines() if line.startswith((".", "'"))} <= requests
        assert ".SH EXIT STATUS" in text


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_has_nothing_to_complain_about(repository: Path) -> None:
    files = sorted((repository / "docs/man").glob("*.1"))
    assert files
    done = subprocess.run([str(shutil.which("groff")), "-man", "-ww", "-z", *map(str, files)], capture_output=True, text=True, check=True)
    assert not done.stderr
