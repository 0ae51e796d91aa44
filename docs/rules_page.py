# ruff: noqa: INP001 - a folder of pages, not a package
"""The reference of the rules, from the linter's own catalogue: a rule's docstring is its documentation."""

from __future__ import annotations

import json

from trainyard.linter.engine.catalogue import Described, catalogue
from trainyard.linter.rules.rule import Invalid

INTRODUCTION = """# The rules

`error`: it cannot work. `warning`: it is expected to waste the run. `info`: worth knowing. `trainlint explain CODE` prints what stands
here. Codes and names both work wherever a rule is named.
"""


def page() -> str:
    """Return the whole page."""
    table = ["| code | name | severity | in short |", "|---|---|---|---|", *map(row, catalogue())]
    return "\n\n".join([INTRODUCTION.strip(), "\n".join(table), *map(section, catalogue())]) + "\n"


def row(entry: Described) -> str:
    """Return an entry's line in the index."""
    summary = entry.summary.replace("|", "\\|")
    return f"| [{entry.code}](#{entry.code.lower()}) | `{entry.name}` | {entry.severity.label} | {summary} |"


def section(entry: Described) -> str:
    """Return what an entry says of itself, and its first example."""
    strict = f" (`strict`: {entry.strict.label})" if entry.strict != entry.severity else ""
    reads = f" · reads {', '.join(f'`{pointer}`' for pointer in entry.reads)}" if entry.reads else ""
    heading = f"## {entry.code}\n\n`{entry.name}` · {entry.severity.label}{strict} · since {entry.since}{reads}\n\n{entry.summary}"
    parts = [f"**{part.heading}.** {part.text}" for part in entry.sections]
    return "\n\n".join([heading, *parts, *map(example, entry.invalid[:1])])


def example(invalid: Invalid) -> str:
    """Return a fragment that the rule speaks on, and what it suggests."""
    fix = f", and suggests `{json.dumps(invalid.fix)}`" if invalid.fix is not None else ""
    return f"**Example.** On `{json.dumps(invalid.fragment)}` it speaks at `{invalid.pointer}`{fix}."
