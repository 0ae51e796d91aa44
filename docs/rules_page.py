# ruff: noqa: INP001 - a folder of pages, not a package
"""The reference of the rules, from their classes: a rule's docstring is its documentation."""

from __future__ import annotations

import inspect
import json

from trainyard.linter.rules.index import RULES
from trainyard.linter.rules.rule import Invalid, Rule

INTRODUCTION = """# The rules

`error`: it cannot work. `warning`: it is expected to waste the run. `info`: worth knowing. `trainlint explain CODE` prints what stands
here. Codes and names both work wherever a rule is named.
"""


def page() -> str:
    """Return the whole page."""
    rules = sorted(RULES, key=lambda rule: rule.code)
    table = ["| code | name | severity | in short |", "|---|---|---|---|", *map(row, rules)]
    return "\n\n".join([INTRODUCTION.strip(), "\n".join(table), *map(section, rules)]) + "\n"


def row(rule: Rule) -> str:
    """Return a rule's line in the index."""
    return f"| [{rule.code}](#{rule.code.lower()}) | `{rule.name}` | {rule.severity.label} | {lines(rule)[0]} |"


def section(rule: Rule) -> str:
    """Return what a rule says of itself, and its first example."""
    reads = ", ".join(f"`{pointer}`" for pointer in rule.reads)
    body = "\n".join(emphasized(line) for line in lines(rule))
    shown = "".join(example(invalid) for invalid in rule.INVALID[:1])
    return f"## {rule.code}\n\n`{rule.name}` · {rule.severity.label} · since {rule.since} · reads {reads}\n\n{body}{shown}"


def lines(rule: Rule) -> list[str]:
    """Return a rule's docstring, dedented."""
    return (inspect.getdoc(type(rule)) or "").splitlines()


def emphasized(line: str) -> str:
    """Return a docstring line as Markdown; the headings of a rule end with a colon and stand alone."""
    return f"\n**{line.rstrip(':')}**\n" if line in {"What it checks:", "Why it fails:", "Evidence:", "When to ignore:"} else line


def example(invalid: Invalid) -> str:
    """Return a fragment that the rule speaks on, and what it suggests."""
    fix = f", and suggests `{json.dumps(invalid.fix)}`" if invalid.fix is not None else ""
    return f"\n\n**Example.** On `{json.dumps(invalid.fragment)}` it speaks at `{invalid.pointer}`{fix}."
