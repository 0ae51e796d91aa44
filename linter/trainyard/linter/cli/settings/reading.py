"""Understands one configuration file: its keys, its tables of overrides, the plugins that it names; each mistake in words."""

# ruff: noqa: PTH118 - pathlib costs a tenth of the cold start of every hook

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.linter.cli.settings.discovery import ConfigurationFile
    from trainyard.linter.cli.settings.keys import Key
    from trainyard.linter.engine.scopes import Scope
    from trainyard.linter.rules.plugin import Plugin

_PATHS = frozenset({"data-root", "baseline"})


class Said(NamedTuple):
    """A value and who said it."""

    value: Any
    origin: str


class Override(NamedTuple):
    """One table of overrides: the files it is for (None: all), the part of a spec (None: the whole), what differs."""

    files: tuple[str, ...] | None
    pointer: str | None
    said: dict[str, Said]

    def scope(self) -> Scope:
        """Return what differs in the part of a spec that this is for."""
        from trainyard.linter.engine.scopes import Scope

        nothing = Said((), "")
        return Scope(self.pointer or "", self.said.get("ignore", nothing).value, self.said.get("severity", nothing).value)


class Read(NamedTuple):
    """A configuration file, understood."""

    said: dict[str, Said]
    overrides: tuple[Override, ...]
    plugins: tuple[Plugin, ...]


NOTHING_READ = Read({}, (), ())


def read(file: ConfigurationFile) -> Read:
    """Return what a configuration file says, every table of overrides included, whether or not a file needs it yet."""
    from trainyard.linter.cli.settings.keys import KEYS

    origin = shown_path(file.path)
    plugins: tuple[Plugin, ...] = ()
    if "plugins" in file.table:
        from trainyard.linter.cli.settings import plugins as loading

        names = _valued(origin, "plugins", file.table["plugins"])
        try:
            plugins = loading.load(names, file.folder)
        except Refusal as error:
            raise Refusal(f"{origin}: plugins: {error.message}") from None
    said = _parsed(file.table, file, origin, KEYS, plugins)
    tables = said.pop("overrides", Said((), "")).value
    overrides = [_override(table, file, f"{origin} (overrides {number})", plugins) for number, table in enumerate(tables, 1)]
    return Read(said, tuple(overrides), plugins)


def _parsed(
    table: Mapping[str, Any], file: ConfigurationFile, origin: str, known: Mapping[str, Key], plugins: tuple[Plugin, ...]
) -> dict[str, Said]:
    said = {}
    for name, raw in table.items():
        if name not in known:
            raise Refusal(f"{origin}: unknown key {name!r}{_nearest(name, known)}")
        value = named(f"{origin}: {name}", name, _valued(origin, name, raw), plugins)
        said[name] = Said(_resolved(name, value, file), origin)
    return said


def _valued(origin: str, name: str, raw: Any) -> Any:
    from trainyard.linter.cli.settings.keys import KEYS

    try:
        return KEYS[name].read(raw)
    except ValueError as error:
        raise Refusal(f"{origin}: {name} is {error}, not {raw!r}") from None


def named(where: str, key: str, value: Any, plugins: tuple[Plugin, ...]) -> Any:
    """Return a value with the rules in it as the engine spells them."""
    from trainyard.linter.cli.settings.keys import KEYS

    if not KEYS[key].names_rules:
        return value
    from trainyard.linter.cli.settings import naming

    try:
        return naming.spelt(value, plugins)
    except Refusal as error:
        raise Refusal(f"{where}: {error.message}") from None


def _override(table: Mapping[str, Any], file: ConfigurationFile, origin: str, plugins: tuple[Plugin, ...]) -> Override:
    from trainyard.linter.cli.settings.keys import KEYS

    files, pointer = table.get("files"), table.get("pointer")
    if files is None and pointer is None:
        raise Refusal(f'{origin}: write files = ["pattern", …], pointer = "/a/part", or both')
    if files is not None and (not isinstance(files, list) or not files or not all(isinstance(pattern, str) for pattern in files)):
        raise Refusal(f'{origin}: files is a list of patterns, such as files = ["legacy/**"]')
    if pointer is not None and (not isinstance(pointer, str) or not pointer.startswith("/")):
        raise Refusal(f'{origin}: pointer is a place in a spec, such as pointer = "/training"; * stands for any key or index')
    known = {name: key for name, key in KEYS.items() if (key.overridable if pointer is None else key.scoped)}
    values = {name: value for name, value in table.items() if name not in {"files", "pointer"}}
    if pointer is not None and (name := next((name for name in values if name in KEYS and name not in known), None)):
        raise Refusal(f"{origin}: {name} holds for whole files; below a pointer only {' and '.join(known)} can differ")
    return Override(None if files is None else tuple(files), pointer, _parsed(values, file, origin, known, plugins))


def _resolved(name: str, value: Any, file: ConfigurationFile) -> Any:
    """Return paths relative to the folder of the file that holds them."""
    is_path = name in _PATHS or (name == "hardware" and ("/" in value or value.endswith(".json")))
    return os.path.join(file.folder, value) if is_path else value


def _nearest(name: str, known: Mapping[str, object]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name.replace("_", "-"), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def shown_path(path: str) -> str:
    """Return a path relative to the working directory where it lies below it."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
