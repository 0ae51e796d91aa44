"""Named servers: a small file in the user's configuration folder says where each is and how to prove who we are there.

The file holds paths of tokens and keys, never the secrets themselves. It is TOML that people may edit; a change by
``trainyard context`` writes it anew, so comments in it are lost. Knows no server and no network.
"""

# ruff: noqa: PTH117, PTH118, PTH123 - every command comes through here, and pathlib costs what a small command may not

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from trainyard.client.errors import BadSettings

CONFIG_VARIABLE = "TRAINYARD_CONFIG"
CONTEXT_VARIABLE = "TRAINYARD_CONTEXT"
MAX_BYTES = 256 * 1024
_HEAD = "# Servers by name, written by `trainyard context`. It names files of tokens; no token belongs in here.\n"


class Context(NamedTuple):
    """One server by name: its address, and the files that prove who is who; empty where nothing was said."""

    server: str = ""
    token_file: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""


class Contexts(NamedTuple):
    """All that is known, and the one that is used when nobody says otherwise (empty: none)."""

    known: dict[str, Context]
    current: str = ""

    def named(self, name: str, path: str) -> Context:
        """Return one; raises BadSettings for a name that is not there, with those that are."""
        if name not in self.known:
            others = f"; there are {', '.join(sorted(self.known))}" if self.known else "; add it with: trainyard context add"
            raise BadSettings(f"there is no context {name!r} in {path}{others}")
        return self.known[name]


def config_path(environment: Mapping[str, str]) -> str:
    """Return where the file lies: TRAINYARD_CONFIG, or trainyard/client.toml in the configuration folder; empty without a home."""
    given = environment.get(CONFIG_VARIABLE)
    if given:
        return given
    folder = environment.get("XDG_CONFIG_HOME") or environment.get("APPDATA") or ""
    home = environment.get("HOME") or environment.get("USERPROFILE") or ""
    if not os.path.isabs(folder):
        folder = os.path.join(home, ".config") if home else ""
    return os.path.join(folder, "trainyard", "client.toml") if folder else ""


def load(path: str) -> Contexts:
    """Read the file; no file is no contexts. Raises BadSettings, saying what is wrong in it."""
    if not path or not os.path.exists(path):  # noqa: PTH110 - see above
        return Contexts({})
    import tomllib

    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise BadSettings(f"{path} is larger than {MAX_BYTES // 1024} KiB: that is no list of servers")
        document = tomllib.loads(raw.decode())
    except OSError as error:
        raise BadSettings(f"{path} can't be read: {(error.strerror or '').lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is no TOML: {error}") from None
    return _read(document, path)


def _read(document: dict[str, object], path: str) -> Contexts:
    unknown = sorted(document.keys() - {"current", "contexts"})
    if unknown:
        raise BadSettings(f"{path} has an unknown key {unknown[0]!r}; it may hold 'current' and [contexts.NAME]")
    tables = document.get("contexts", {})
    if not isinstance(tables, dict):
        raise BadSettings(f"'contexts' in {path} is no table; write [contexts.NAME]")
    known = {str(name): _context(str(name), entry, path) for name, entry in tables.items()}
    current = document.get("current", "")
    if not isinstance(current, str):
        raise BadSettings(f"'current' in {path} is no text; write the name of a context")
    return Contexts(known, current)


def _context(name: str, entry: object, path: str) -> Context:
    if not isinstance(entry, dict):
        raise BadSettings(f"context {name!r} in {path} is no table; write [contexts.{name}]")
    for key, value in entry.items():
        if key not in Context._fields:
            raise BadSettings(f"context {name!r} in {path} has an unknown key {key!r}; it may hold {', '.join(Context._fields)}")
        if not isinstance(value, str):
            raise BadSettings(f"{key!r} of context {name!r} in {path} is no text")
    return Context(**entry)


def save(contexts: Contexts, path: str) -> None:
    """Write the file whole, for its owner's eyes only; raises BadSettings when it can't be written."""
    if not path:
        raise BadSettings(f"there is no home folder to keep contexts in; set {CONFIG_VARIABLE} to a file")
    beside = f"{path}.new"
    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - see above
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(_text(contexts))
        os.replace(beside, path)  # noqa: PTH105 - see above
    except OSError as error:
        raise BadSettings(f"{path} can't be written: {(error.strerror or '').lower()}") from None


def _text(contexts: Contexts) -> str:
    lines = [_HEAD.rstrip()]
    if contexts.current:
        lines.append(f"current = {_quoted(contexts.current)}")
    for name, context in contexts.known.items():
        lines.append(f"\n[contexts.{_quoted(name)}]")
        lines += [f"{key} = {_quoted(value)}" for key, value in context._asdict().items() if value]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    import json

    # A basic string of TOML is written like one of JSON, which escapes every control character but DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
