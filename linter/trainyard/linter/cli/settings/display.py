"""``--show-config``: the settings that govern a file, and who said each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter.cli.settings.keys import KEYS
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.cli.settings.settings import Settings

_HIDDEN = ("overrides", "required-version")


class Row(NamedTuple):
    """One setting: its key, its value, who said it."""

    key: str
    value: Any
    origin: str


def rows(settings: Settings) -> list[Row]:
    """Return every setting in the order of the reference; parts of a spec that are judged differently come last."""
    defaults = _defaults()
    found = []
    for name in KEYS:
        said = settings.said.get(name)
        if said is not None:
            found.append(Row(name, *said))
        elif name not in _HIDDEN:
            found.append(Row(name, defaults.get(name), "default"))
    for scope in settings.configuration.scopes:
        for name, value in (("ignore", scope.ignore), ("severity", scope.severities)):
            if value:
                found.append(Row(f"{name} at {scope.pointer}", value, "overrides"))
    return found


def table(path: str, settings: Settings) -> str:
    """Return one line a key: name, value as TOML writes it, origin."""
    shown = [(row.key, _written(row.key, row.value), row.origin) for row in rows(settings)]
    names, values = (max(len(row[column]) for row in shown) for column in (0, 1))
    lines = [f"{name:<{names}}  {value:<{min(values, 40)}}  # {origin}" for name, value, origin in shown]
    return "\n".join([f"# settings for {path}", *lines]) + "\n"


def document(path: str, settings: Settings) -> dict[str, Any]:
    """Return the same for programs."""
    return {"path": path, "settings": {row.key: {"value": _plain(row.key, row.value), "origin": row.origin} for row in rows(settings)}}


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
        "plugins": (),
        "exclude": (),
        "max-bytes": plain.limits.bytes,
    }


def _written(key: str, value: Any) -> str:
    if key == "severity" and not value:
        return "{}"
    return '"never"' if key == "fail-on" and value is None else _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, Severity):
        return f'"{value.label}"'
    if isinstance(value, tuple):
        pairs = [f"{element[0]} = {_shown(element[1])}" for element in value if isinstance(element, tuple)]
        return "{ " + ", ".join(pairs) + " }" if pairs else json.dumps(list(value))
    return "(not set)" if value is None else json.dumps(value, ensure_ascii=False)


def _plain(key: str, value: Any) -> Any:
    if key.startswith("severity"):
        return {name: severity.label for name, severity in value}
    if key == "fail-on":
        return "never" if value is None else value.label
    return list(value) if isinstance(value, tuple) else value
