"""What an editor calls a document: whether it is a spec, and the path that settings are looked up for. Opens nothing."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

SUFFIX = ".trainspec.json"
LANGUAGE = "trainspec"
_UNNAMED = f"untitled{SUFFIX}"


class _Parts(NamedTuple):
    scheme: str
    host: str
    path: str


def is_spec(uri: str, language: str) -> bool:
    """Tell whether a document is ours: editors attach servers by language, and not every JSON file is a spec."""
    return language == LANGUAGE or _parts(uri).path.endswith(SUFFIX)


def path_of(uri: str) -> str:
    """Return the path of a file; for what is none, a name in the working directory."""
    scheme, host, path = _parts(uri)
    if scheme != "file" or not path:
        return path.rpartition("/")[2] or _UNNAMED
    if len(path) > 2 and path[0] == "/" and path[2] == ":":
        return path[1:]
    return f"//{host}{path}" if host else path


def _parts(uri: str) -> _Parts:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return _Parts("", "", "")
    path = unquote(parts.path)
    return _Parts(parts.scheme, parts.netloc, "" if "\0" in path else path)
