"""Where in a document something stands, in the words that a reader uses for it."""

from __future__ import annotations

import json
from typing import Any

_LONGEST = 40
_KINDS = {dict: "an object", list: "a list", type(None): "null"}


class Place:
    """A place in a document.

    Args:
        root: the whole document.
        tokens: keys and indices from the root to the place.
    """

    __slots__ = ("root", "tokens")

    def __init__(self, root: object, tokens: tuple[str | int, ...]) -> None:
        self.root = root
        self.tokens = tokens

    @property
    def pointer(self) -> str:
        """The JSON pointer (RFC 6901)."""
        return "".join(f"/{escaped(token)}" for token in self.tokens)

    @property
    def value(self) -> Any:
        """What stands there."""
        found: Any = self.root
        for token in self.tokens:
            found = found[token]
        return found

    @property
    def words(self) -> str:
        """The place as in ``model.blocks[0].kernel``; the document itself is ``the spec``."""
        text = "".join(f"[{token}]" if isinstance(token, int) else f".{token}" for token in self.tokens)
        return shortened(text[1:]) if text else "the spec"

    @property
    def tagged(self) -> str:
        """The words with the type of what stands there: ``optimizer (adam)``."""
        value = self.value
        tag = value.get("type") if isinstance(value, dict) else None
        return f"{self.words} ({shortened(tag)})" if isinstance(tag, str) else self.words

    def below(self, token: str | int) -> Place:
        """Return the place of a member."""
        return Place(self.root, (*self.tokens, token))


class Ranks:
    """Sorts places of one document as it reads: by the rank of each member on the way."""

    def __init__(self) -> None:
        self._known: dict[int, dict[str, int]] = {}

    def of(self, place: Place) -> tuple[int, ...]:
        """Return the sort key of a place."""
        ranks: list[int] = []
        found: Any = place.root
        for token in place.tokens:
            ranks.append(token if isinstance(token, int) else self._of_keys(found)[token])
            found = found[token]
        return tuple(ranks)

    def _of_keys(self, owner: dict[str, Any]) -> dict[str, int]:
        known = self._known.get(id(owner))
        if known is None:
            known = self._known[id(owner)] = {key: rank for rank, key in enumerate(owner)}
        return known


def escaped(token: str | int) -> str:
    """Return a pointer token with ``~`` and ``/`` escaped."""
    return str(token).replace("~", "~0").replace("/", "~1")


def shown(value: object) -> str:
    """Return a value as JSON, or what kind of thing it is where that would be long."""
    if isinstance(value, (dict, list)) and len(value) > 0:
        text = json.dumps(value, ensure_ascii=False) if len(value) <= 3 else ""
        return text if 0 < len(text) <= _LONGEST else _KINDS[type(value)]
    text = shortened(json.dumps(value, ensure_ascii=False))
    return text[:-2] + '…"' if text.endswith("…") and isinstance(value, str) else text


def shortened(text: str) -> str:
    """Return a text cut to forty characters, without line breaks."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
