"""The reference of the rules: an index, and for each the page that ``trainlint explain --format markdown`` prints."""

from __future__ import annotations

from trainyard.linter.cli.explain import markdown
from trainyard.linter.engine.catalogue import Described, catalogue

INTRODUCTION = """# The rules

`error`: it cannot work. `warning`: it is expected to waste the run. `info`: worth knowing. `trainlint explain CODE` prints what stands
here. Codes and names both work wherever a rule is named.
"""


def pages() -> dict[str, str]:
    """Return the index and one page per rule, by file name."""
    return {"README.md": index(), **{f"{entry.code}.md": markdown(entry) for entry in catalogue()}}


def index() -> str:
    """Return the table of all rules."""
    table = ["| code | name | severity | in short |", "|---|---|---|---|", *map(row, catalogue())]
    return "\n\n".join([INTRODUCTION.strip(), "\n".join(table)]) + "\n"


def row(entry: Described) -> str:
    """Return an entry's line in the index."""
    summary = entry.summary.replace("|", "\\|")
    return f"| [{entry.code}]({entry.code}.md) | `{entry.name}` | {entry.severity.label} | {summary} |"
