"""Brings together what defaults, files, overrides and flags say, and remembers who said it."""

# pathlib costs a tenth of the cold start, and a hook starts anew for every commit.
# ruff: noqa: PTH100, PTH118

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter.cli.exits import Refusal
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.source.limits import Limits

if TYPE_CHECKING:
    from trainyard.linter.cli.settings.discovery import ConfigurationFile

#: Values that add to what was said before instead of replacing it.
_ADDING = frozenset({"extend-select", "ignore", "severity", "mandatory", "exclude"})
_PATHS = frozenset({"data-root", "baseline"})


class Said(NamedTuple):
    """A value and who said it."""

    value: Any
    origin: str


class Settings(NamedTuple):
    """Everything that governs one file. ``said`` holds only what somebody said; the rest is default."""

    configuration: Configuration
    said: Mapping[str, Said]

    def value(self, key: str) -> Any:
        """Return what was said about a key, or None."""
        said = self.said.get(key)
        return None if said is None else said.value


class SettingsReader:
    """Answers for each file which settings govern it.

    Args:
        flags: values given on the command line, by key, already read.
        config: a configuration file to use for every file.
        isolated: use no configuration file at all.
    """

    def __init__(self, flags: Mapping[str, Any], *, config: str | None = None, isolated: bool = False) -> None:
        self._flags = {key: Said(value, "command line") for key, value in flags.items()}
        self._config = config
        self._isolated = isolated
        self._made: dict[tuple[str, tuple[int, ...]], Settings] = {}
        self._read: dict[str, dict[str, Said]] = {}

    def settings(self, path: str) -> Settings:
        """Return the settings that govern the file at ``path``.

        Raises:
            Refusal: when a configuration file is wrong.
        """
        file = self._file(path)
        matching = () if file is None else self._matching(file, path)
        key = ("" if file is None else file.path, matching)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(file, matching)
        return made

    def excludes(self, path: str) -> bool:
        """Tell whether the configuration leaves this file out."""
        patterns = self.settings(path).said.get("exclude")
        file = self._file(path)
        return patterns is not None and file is not None and _any_matches(patterns.value, file, path)

    def _file(self, path: str) -> ConfigurationFile | None:
        if self._isolated:
            return None
        from trainyard.linter.cli.settings import discovery

        return discovery.named(self._config) if self._config is not None else discovery.nearest(path)

    def _make(self, file: ConfigurationFile | None, matching: tuple[int, ...]) -> Settings:
        said: dict[str, Said] = {}
        if file is not None:
            said.update(self._said_by(file))
            overrides = said.pop("overrides", Said((), "")).value
            for index in matching:
                _add(said, _override(overrides[index], file, index))
        _add(said, self._flags)
        _demand_version(said)
        return Settings(_configuration(said), said)

    def _said_by(self, file: ConfigurationFile) -> dict[str, Said]:
        if file.path not in self._read:
            self._read[file.path] = _parsed(file.table, file, shown_path(file.path))
        return self._read[file.path]

    def _matching(self, file: ConfigurationFile, path: str) -> tuple[int, ...]:
        overrides = self._said_by(file).get("overrides")
        if overrides is None:
            return ()
        return tuple(index for index, table in enumerate(overrides.value) if _any_matches(_files(table, file), file, path))


def _parsed(table: Mapping[str, Any], file: ConfigurationFile, origin: str, *, override: bool = False) -> dict[str, Said]:
    from trainyard.linter.cli.settings.keys import KEYS

    known = {name: key for name, key in KEYS.items() if key.overridable or not override}
    said = {}
    for name, raw in table.items():
        if name not in known:
            raise Refusal(f"{origin}: unknown key {name!r}{_nearest(name, known)}")
        try:
            value = known[name].read(raw)
        except ValueError as error:
            raise Refusal(f"{origin}: {name} is {error}, not {raw!r}") from None
        except Refusal as error:
            raise Refusal(f"{origin}: {name}: {error.message}") from None
        said[name] = Said(_resolved(name, value, file), origin)
    return said


def _override(table: Mapping[str, Any], file: ConfigurationFile, index: int) -> dict[str, Said]:
    values = {name: value for name, value in table.items() if name != "files"}
    return _parsed(values, file, f"{shown_path(file.path)} (overrides {index + 1})", override=True)


def _files(table: Mapping[str, Any], file: ConfigurationFile) -> tuple[str, ...]:
    patterns = table.get("files")
    if not isinstance(patterns, list) or not patterns or not all(isinstance(pattern, str) for pattern in patterns):
        raise Refusal(f'{shown_path(file.path)}: every table of overrides needs files = ["pattern", …]')
    return tuple(patterns)


def _any_matches(patterns: tuple[str, ...], file: ConfigurationFile, path: str) -> bool:
    from trainyard.linter.cli.settings import globs

    relative = os.path.relpath(os.path.abspath(path), file.folder).replace(os.sep, "/")
    return any(globs.matches(pattern, relative) for pattern in patterns)


def _resolved(name: str, value: Any, file: ConfigurationFile) -> Any:
    """Return paths relative to the folder of the file that holds them."""
    is_path = name in _PATHS or (name == "hardware" and ("/" in value or value.endswith(".json")))
    return os.path.join(file.folder, value) if is_path else value


def _add(said: dict[str, Said], more: Mapping[str, Said]) -> None:
    for name, new in more.items():
        old = said.get(name)
        if name in _ADDING and old is not None:
            said[name] = Said((*old.value, *new.value), f"{old.origin}, {new.origin}")
        else:
            said[name] = new


def _configuration(said: Mapping[str, Said]) -> Configuration:
    def of(name: str, default: Any) -> Any:
        return said[name].value if name in said else default

    plain = Configuration()
    return Configuration(
        ruleset=of("ruleset", plain.ruleset),
        fail_on=of("fail-on", plain.fail_on),
        select=of("select", ()),
        extend_select=of("extend-select", ()),
        ignore=of("ignore", ()),
        severities=of("severity", ()),
        mandatory=of("mandatory", ()),
        partial=of("partial", False),
        limits=Limits(bytes=of("max-bytes", plain.limits.bytes)),
    )


def _demand_version(said: Mapping[str, Said]) -> None:
    required = said.get("required-version")
    if required is None:
        return
    from importlib.metadata import version

    from trainyard.linter.cli.settings import versions

    versions.demand(required.value, version("trainyard"), required.origin)


def _nearest(name: str, known: Mapping[str, object]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name.replace("_", "-"), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def shown_path(path: str) -> str:
    """Return a path relative to the working directory where it lies below it."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
