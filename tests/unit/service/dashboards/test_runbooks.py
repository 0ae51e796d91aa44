"""A runbook sends nobody to a command or a panel that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from trainyard.client.main import TABLE
from trainyard.service.dashboards import fleet, job

BOARDS = {"fleet": fleet.BOARD, "job": job.BOARD}


def test_runbooks_name_only_commands_and_panels_that_exist(repository: Path) -> None:
    titles = {panel.title for board in BOARDS.values() for row in board.rows for panel in row.panels}
    for page in (repository / "docs/runbooks").glob("Trainyard*.md"):
        text = page.read_text(encoding="utf-8")
        commands = set(re.findall(r"`train(?:yard|lint) ([a-z-]+)", text))
        assert commands <= TABLE.keys(), page.name
        for named in re.findall(r"[Tt]he (?:fleet|job) dashboard, ([A-Z][^:?.]*)", text):
            assert any(named.startswith(title) for title in titles), (page.name, named)
