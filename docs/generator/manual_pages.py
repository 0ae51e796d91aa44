"""Man pages of the client's commands, from their own help."""

from __future__ import annotations

from trainyard.client import manual
from trainyard.client.main import CLIENT
from trainyard.linter.cli.lazy import LazyGroup

ABOUT = """Hand training specs to a Trainyard server, follow the jobs, compare what came of them.

Each command has a page of its own, trainyard-COMMAND(1). The commands of the linter and of the server are told by trainyard --help."""


def manual_pages() -> dict[str, str]:
    """Return the text of each page by file name."""
    return manual.pages(LazyGroup(name="trainyard", table=CLIENT, help=ABOUT), "trainyard")
