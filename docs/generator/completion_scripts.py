"""The completion scripts for shells as files, for packagers and for people who do not want to start Python with every shell."""

from __future__ import annotations

from trainyard.client.main import trainyard
from trainyard.linter.cli.completion import SHELLS, script
from trainyard.linter.cli.main import trainlint

#: The names under which the shells look for them.
NAMES = {"bash": "{}.bash", "zsh": "_{}", "fish": "{}.fish"}
PROGRAMS = {"trainlint": trainlint, "trainyard": trainyard}


def scripts() -> dict[str, str]:
    """Return the text of each script by file name, as ``trainlint completion`` and ``trainyard completion`` print it."""
    return {NAMES[shell].format(name): script(shell, program, name) for name, program in PROGRAMS.items() for shell in SHELLS}
