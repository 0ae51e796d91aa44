"""The completion scripts for shells as files, for packagers and for people who do not want to start Python with every shell."""

from __future__ import annotations

from trainyard.linter.cli.completion import SHELLS, script
from trainyard.linter.cli.main import trainlint

#: The names under which the shells look for them.
NAMES = {"bash": "trainlint.bash", "zsh": "_trainlint", "fish": "trainlint.fish"}


def scripts() -> dict[str, str]:
    """Return the text of each script by file name, as ``trainlint completion`` prints it."""
    return {NAMES[shell]: script(shell, trainlint, "trainlint") for shell in SHELLS}
