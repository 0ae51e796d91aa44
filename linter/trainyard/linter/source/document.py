"""A document: its value, its faults, and the place of everything in it.

A clean file pays for one pass of the C parser and nothing else: the hooks below only notice that
something is odd. Whatever is odd goes to the recovering ``Reader``, which costs twenty times as much; a question for
a place in a clean file goes to ``tokens``. Either is imported only then.

Bad input never raises: each way to be bad is a fault with a place.
"""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, Any

from trainyard.linter.source.faults import Fault, Target
from trainyard.linter.source.limits import Limits

if TYPE_CHECKING:
    from trainyard.linter.source.places import Lines, Place, Span

_BOM = b"\xef\xbb\xbf"
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKET = re.compile(r"[][{}]")
# Sixteen digits in a row or a three-digit exponent: too big for an integer or a double, perhaps.
_ODD_NUMBER = re.compile(r"[0-9]{16}|[eE]\+?[0-9]{3}")


class Document:
    """One parsed text. Build it with ``parse``; the attributes are read-only by convention.

    Attributes:
        raw: the bytes as given.
        text: the decoded text without byte order mark; unreadable bytes replaced.
        value: the JSON object, or ``None`` when the text has none that can be used. Numbers that cannot
            be represented and broken members are ``None`` inside it; each has a fault at its pointer.
        faults: what is wrong with the text, in order of place.
        more_faults: 1 when there were too many faults and reading stopped, else 0.
        broken: pointers whose value could not be kept; ``None`` or a replaced string stands there.
    """

    __slots__ = ("_children", "_lines", "_places", "broken", "bytes_before", "faults", "limits", "more_faults", "raw", "text", "value")

    def __init__(self, raw: bytes, text: str, limits: Limits, bytes_before: int = 0) -> None:
        self.raw = raw
        self.text = text
        self.limits = limits
        self.bytes_before = bytes_before
        self.value: dict[str, Any] | None = None
        self.faults: tuple[Fault, ...] = ()
        self.more_faults = 0
        self.broken: frozenset[str] = frozenset()
        self._places: dict[str, Place] | None = None
        self._children: dict[str, list[str]] | None = None
        self._lines: Lines | None = None

    @classmethod
    def parse(cls, raw: bytes, limits: Limits = Limits()) -> Document:  # noqa: B008 - a frozen value
        """Read ``raw`` as strict JSON in UTF-8. Never raises for bad input."""
        if len(raw) > limits.bytes or raw.startswith(_BOM):
            return cls._parse_odd(raw, limits)
        try:
            document = cls(raw, raw.decode(), limits)
        except UnicodeDecodeError:
            return cls._parse_odd(raw, limits)
        if not document._read_quickly():
            if "\0" in document.text[:4]:
                return cls._parse_odd(raw, limits)
            document._read_slowly()
        return document

    @classmethod
    def _parse_odd(cls, raw: bytes, limits: Limits) -> Document:
        from trainyard.linter.source import encoding

        text, bytes_before, faults, readable = encoding.decode(raw, limits.bytes)
        document = cls(raw, text, limits, bytes_before)
        if readable and not document._read_quickly():
            document._read_slowly()
        document.faults = (*faults, *document.faults)
        return document

    def _read_quickly(self) -> bool:
        """Parse with the C scanner; False when the text is not plainly clean."""
        text = self.text
        if "\\u" in text or _ODD_NUMBER.search(text) or self._may_be_too_deep():
            return False
        try:
            value = _DECODER.decode(text)
        except (JSONDecodeError, _OddError):
            return False
        if not isinstance(value, dict):
            return False
        self.value = value
        return True

    def _may_be_too_deep(self) -> bool:
        text, limit = self.text, self.limits.depth
        if text.count("{") + text.count("[") <= limit:
            return False
        depth = 0
        for bracket in _BRACKET.findall(_STRING.sub("", text)):
            depth += 1 if bracket in "{[" else -1
            if depth > limit:
                return True
        return False

    def _read_slowly(self) -> None:
        from trainyard.linter.source.reader import Reader

        reader = Reader(self.text, self.lines, self.limits)
        self.value = reader.read()
        self.faults = tuple(sorted(reader.faults, key=_place))
        self.more_faults = reader.more_faults
        self.broken = frozenset(reader.broken)
        self._places = reader.places

    @property
    def lines(self) -> Lines:
        """The lines of the text, for positions and code frames."""
        if self._lines is None:
            from trainyard.linter.source.places import Lines

            self._lines = Lines(self.text, self.bytes_before)
        return self._lines

    @property
    def places(self) -> dict[str, Place]:
        """Pointer to place, for every member and element. Tokenizes the text when first asked; empty when it was not read."""
        if self._places is None:
            from trainyard.linter.source import tokens

            # What the reader has not read is clean, or could not be decoded.
            self._places = {} if self.value is None else tokens.places(self.text)
        return self._places

    def children(self, pointer: str) -> list[str]:
        """Return the pointers of the members or elements right below ``pointer``, in the order of the text."""
        if self._children is None:
            self._children = {}
            for below, _ in sorted(self.places.items(), key=lambda item: item[1].start):
                if below:
                    self._children.setdefault(below.rpartition("/")[0], []).append(below)
        return self._children.get(pointer, [])

    def span(self, pointer: str, target: Target = "value") -> Span:
        """Return where the key or the value at ``pointer`` stands.

        What is not in the text is placed at its nearest ancestor that is: at that one's key. The document
        has no key; its opening brace stands for it. Elements of arrays have none either; their value does.
        """
        places = self.places
        missing = pointer not in places
        while pointer and pointer not in places:
            pointer = pointer.rpartition("/")[0]
        place = places.get(pointer)
        if place is None:
            return self.lines.span(0, 0)
        if (target == "key" or missing) and place.key_start >= 0:
            return self.lines.span(place.key_start, place.key_end)
        end = place.start + 1 if missing or (target == "key" and not pointer) else place.end
        return self.lines.span(place.start, end)


def _place(fault: Fault) -> int:
    return fault.span.start.offset if fault.span is not None else 0


class _OddError(Exception):
    """The C scanner met something that only the reader can explain."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _OddError
    return members


def _refuse_constant(_: str) -> None:
    raise _OddError


_DECODER = JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
