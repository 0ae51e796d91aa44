"""``--show-config``: the settings that govern a file, and who said each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trainyard.linter.cli.settings.keys import KEYS
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.cli.settings.settings import Settings

_HIDDEN = ("overrides", "required-version")


def table(path: str, settings: Settings) -> str:
    """Return one line a key: name, value as TOML writes it, origin."""
    defaults = _defaults()
    rows: list[tuple[str, str, str]] = []
    for name in KEYS:
        said = settings.said.get(name)
        if said is None and name in _HIDDEN:
            continue
        value, origin = (defaults.get(name), "default") if said is None else said
        rows.append((name, "{}" if name == "severity" and not value else _shown(value), origin))
    names, values = (max(len(row[column]) for row in rows) for column in (0, 1))
    lines = [f"{name:<{names}}  {value:<{min(values, 40)}}  # {origin}" for name, value, origin in rows]
    return "\n".join([f"# settings for {path}", *lines]) + "\n"


def _defaults() -> dict[str, Any]:
    plain = Configuration()
    return {
        "ruleset": plain.ruleset,
        "select": ("ALL",),
        "extend-select": (),
        "ignore": (),
        "severity": (),
        "fail-on": plain.fail_on,
        "mandatory": (),
        "partial": False,
        "exclude": (),
        "max-bytes": plain.limits.bytes,
    }


def _shown(value: Any) -> str:
    if isinstance(value, Severity):
        return f'"{value.label}"'
    if isinstance(value, tuple):
        pairs = [f"{element[0]} = {_shown(element[1])}" for element in value if isinstance(element, tuple)]
        return "{ " + ", ".join(pairs) + " }" if pairs else json.dumps(list(value))
    return "(not set)" if value is None else json.dumps(value, ensure_ascii=False)
