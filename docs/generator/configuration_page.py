"""The reference of the linter's configuration, from its table of keys."""

from __future__ import annotations

from trainyard.linter.cli.settings.keys import KEYS

INTRODUCTION = """# Configuring the linter

`[tool.trainlint]` in `pyproject.toml`, or the same keys at the top of `trainlint.toml`. The nearest file above a spec governs it,
whole; nothing is merged from further up. Flags win over the file. Paths are relative to the file that holds them.
`trainlint check --show-config FILE` prints what governs a file and who said it.
"""


def page() -> str:
    """Return the table of every key."""
    lines = ["| key | in overrides | meaning |", "|---|---|---|"]
    for name, key in KEYS.items():
        lines.append(f"| `{name}` | {'yes' if key.overridable else 'no'} | {key.help.replace('|', chr(92) + '|')} |")
    return INTRODUCTION + "\n" + "\n".join(lines) + "\n"
