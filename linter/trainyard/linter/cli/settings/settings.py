"""Brings together what defaults, files, overrides and flags say, and remembers who said it."""

# ruff: noqa: PTH100 - pathlib costs a tenth of the cold start of every hook

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter.cli.settings import reading
from trainyard.linter.cli.settings.reading import NOTHING_READ, Read, Said, named
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.source.limits import Limits

if TYPE_CHECKING:
    from trainyard.linter.cli.settings.discovery import ConfigurationFile
    from trainyard.linter.engine.scopes import Scope
    from trainyard.linter.rules.plugin import Plugin

#: Values that add to what was said before instead of replacing it.
_ADDING = frozenset({"extend-select", "ignore", "severity", "mandatory", "exclude"})


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
        flags: values given on the command line, by key; the rules in them are looked up beside the plugins of each file's settings.
        config: a configuration file to use for every file.
        isolated: use no configuration file at all.
    """

    def __init__(self, flags: Mapping[str, Any], *, config: str | None = None, isolated: bool = False) -> None:
        self._flags = {key: Said(value, "command line") for key, value in flags.items()}
        self._config = config
        self._isolated = isolated
        self._made: dict[tuple[str, tuple[int, ...]], Settings] = {}
        self._read: dict[str, Read] = {}

    def settings(self, path: str) -> Settings:
        """Return the settings that govern the file at ``path``.

        Raises:
            Refusal: when a configuration file is wrong.
        """
        file = self._file(path)
        read = NOTHING_READ if file is None else self._understood(file)
        matching = () if file is None else _matching(read, file, path)
        key = ("" if file is None else file.path, matching)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(read, matching)
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

    def _make(self, read: Read, matching: tuple[int, ...]) -> Settings:
        said = dict(read.said)
        overrides = [read.overrides[index] for index in matching]
        for override in overrides:
            if override.pointer is None:
                _add(said, override.said)
        _add(said, {key: Said(named(f"--{key}", key, each.value, read.plugins), each.origin) for key, each in self._flags.items()})
        _demand_version(said)
        scopes = tuple(override.scope() for override in overrides if override.pointer is not None)
        return Settings(_configuration(said, read.plugins, scopes), said)

    def _understood(self, file: ConfigurationFile) -> Read:
        if file.path not in self._read:
            self._read[file.path] = reading.read(file)
        return self._read[file.path]


def plugins_here() -> tuple[Plugin, ...]:
    """Return the plugins of the configuration that governs the working directory.

    Raises:
        Refusal: when that configuration is wrong.
    """
    return SettingsReader({}).settings("here").configuration.plugins


def _matching(read: Read, file: ConfigurationFile, path: str) -> tuple[int, ...]:
    return tuple(
        index for index, override in enumerate(read.overrides) if override.files is None or _any_matches(override.files, file, path)
    )


def _any_matches(patterns: tuple[str, ...], file: ConfigurationFile, path: str) -> bool:
    from trainyard.linter.cli.settings import globs

    relative = os.path.relpath(os.path.abspath(path), file.folder).replace(os.sep, "/")
    return any(globs.matches(pattern, relative) for pattern in patterns)


def _add(said: dict[str, Said], more: Mapping[str, Said]) -> None:
    for name, new in more.items():
        old = said.get(name)
        if name in _ADDING and old is not None:
            said[name] = Said((*old.value, *new.value), f"{old.origin}, {new.origin}")
        else:
            said[name] = new


def _configuration(said: Mapping[str, Said], plugins: tuple[Plugin, ...], scopes: tuple[Scope, ...]) -> Configuration:
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
        plugins=plugins,
        scopes=scopes,
    )


def _demand_version(said: Mapping[str, Said]) -> None:
    required = said.get("required-version")
    if required is None:
        return
    from importlib.metadata import version

    from trainyard.linter.cli.settings import versions

    versions.demand(required.value, version("trainyard"), required.origin)
