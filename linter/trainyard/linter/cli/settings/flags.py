"""Command-line flags as configuration values: the same keys, the same readers, the same messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainyard.linter.cli.exits import Refusal

_LISTS = ("select", "extend-select", "ignore")
_PLAIN = ("ruleset", "fail-on", "partial", "hardware", "data-root", "baseline")


def read(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values by configuration key; what was not given is not there.

    Args:
        options: click's values by parameter name; a command that lacks an option leaves it out.

    Raises:
        Refusal: when a value cannot be read.
    """
    plain = {name: options.get(name.replace("-", "_")) for name in _PLAIN}
    given: dict[str, Any] = {name: value for name, value in plain.items() if value is not None}
    for name in _LISTS:
        parts = [part.strip() for text in options.get(name.replace("-", "_"), ()) for part in text.split(",")]
        if parts:
            given[name] = [part for part in parts if part]
    if options.get("severity"):
        given["severity"] = dict(_pair(text) for text in options["severity"])
    if not given:
        return given
    from trainyard.linter.cli.settings.keys import KEYS

    return {name: _read(name, KEYS[name].read, value) for name, value in given.items()}


def _read(name: str, reader: Any, value: Any) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        raise Refusal(f"--{name} is {error}") from None


def _pair(text: str) -> tuple[str, str]:
    rule, sign, level = text.partition("=")
    if not sign:
        raise Refusal(f"--severity {text}: write RULE=LEVEL, such as LR001=info")
    return rule.strip(), level.strip()
