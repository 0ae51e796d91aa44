"""``trainlint``: judges training specs. Commands are loaded when they are called."""

from __future__ import annotations

import gc
import sys

import click

from trainyard.linter.cli import exits
from trainyard.linter.cli.lazy import Entry, LazyGroup

_ROOM = "trainyard.linter.cli"

#: The umbrella ``trainyard`` carries the same commands.
COMMANDS = {
    "check": Entry(f"{_ROOM}.check:check", "Judge specs: what cannot work, what would waste the run."),
    "explain": Entry(f"{_ROOM}.explain:explain", "Say what a rule checks, why, and when to ignore it."),
    "rules": Entry(f"{_ROOM}.rules:rules", "List every rule."),
    "schema": Entry(f"{_ROOM}.schema:schema", "Print the JSON Schema of the language."),
    "resolve": Entry(f"{_ROOM}.resolve:resolve", "Print a spec with every default filled in."),
    "init": Entry(f"{_ROOM}.init:init", "Write a good spec to start from, fitted to the data.", "data"),
    "facts": Entry(f"{_ROOM}.facts:facts", "Say what a dataset is, or write it into a spec.", "data"),
    "plan": Entry(f"{_ROOM}.plan:plan", "Show what a run will do: steps, rate, time, memory, weights, checks."),
    "diff": Entry(f"{_ROOM}.diff:diff", "Say what two specs would do differently."),
    "lsp": Entry(f"{_ROOM}.lsp:lsp", "Serve an editor: findings as you type, hover, fixes, completion.", "lsp"),
    "completion": Entry(f"{_ROOM}.completion:completion", "Print the completion script for a shell."),
}


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 clean, 1 findings, 2 usage, 3 a fault of ours.",
)
@click.version_option(package_name="trainyard", prog_name="trainlint")
def trainlint() -> None:
    """Judge declarative training specs (*.trainspec.json) before anything runs."""


def main() -> None:
    """Run ``trainlint`` and leave with its exit code."""
    # A commit hook lives for a tenth of a second: looking for garbage while modules load is a tenth of its cost.
    gc.set_threshold(100_000, 50, 100)
    sys.exit(exits.run(trainlint, program="trainlint"))


if __name__ == "__main__":
    main()
