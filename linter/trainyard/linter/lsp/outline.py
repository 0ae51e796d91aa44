"""What a half-written text says so far, and what the cursor in it is about.

The strict reader stops where a text leaves no single reading, which while typing is most of the time. An outline
guesses: it closes what is open, takes a missing comma for granted, and takes a string before a colon for a key.
It decides about hints only, never about findings.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, NamedTuple

ABSENT = object()

Kind = Literal["object", "array", "scalar"]


class Node:
    """A value as far as it is written; offsets count code points."""

    __slots__ = ("elements", "end", "kind", "members", "scalar", "start")

    def __init__(self, kind: Kind, start: int, end: int, scalar: Any = ABSENT) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.scalar = scalar
        self.members: list[Member] = []
        self.elements: list[Node] = []

    @property
    def value(self) -> Any:
        """The plain JSON value; what is not written or makes no sense is left out."""
        if self.kind == "object":
            written = {member.key: member.node.value for member in self.members if member.node is not None}
            return {key: value for key, value in written.items() if value is not ABSENT}
        if self.kind == "array":
            values = [element.value for element in self.elements]
            return [None if value is ABSENT else value for value in values]
        return self.scalar


class Member:
    """A key, and its value where there is one. ``colon`` is -1 as long as none is written."""

    __slots__ = ("colon", "end", "key", "node", "start")

    def __init__(self, key: str, start: int, end: int) -> None:
        self.key = key
        self.start = start
        self.end = end
        self.colon = -1
        self.node: Node | None = None


class Spot(NamedTuple):
    """What can be written at the cursor.

    Attributes:
        role: whether a key or a value belongs there.
        tokens: path of the object that the key belongs to, or of the value.
        start: where the word begins that is being written; the cursor itself where there is none.
        end: where it ends.
        key: the key being written.
        has_colon: whether the key already has its colon.
        after: where the member or element before it ends, when no comma follows that one yet; else None.
        taken: the other keys of the object.
    """

    role: Literal["key", "value"]
    tokens: tuple[str, ...]
    start: int
    end: int
    key: str = ""
    has_colon: bool = False
    after: int | None = None
    taken: frozenset[str] = frozenset()


class Under(NamedTuple):
    """The key or scalar that a place in the text belongs to."""

    tokens: tuple[str, ...]
    start: int
    end: int
    is_key: bool


class Outline:
    """A text as a tree. Build it with ``tolerant.read``."""

    def __init__(self, text: str, root: Node | None) -> None:
        self.text = text
        self.root = root

    @cached_property
    def value(self) -> Any:
        """The document as far as it is written."""
        return {} if self.root is None else self.root.value

    def spot(self, offset: int) -> Spot | None:
        """Return what can be written at ``offset``, or None where nothing can."""
        node, tokens = self._innermost(offset)
        if node is None:
            return None
        return self._in_object(node, tokens, offset) if node.kind == "object" else self._in_array(node, tokens, offset)

    def under(self, offset: int) -> Under | None:
        """Return the key or scalar that stands at ``offset``."""
        node, tokens = self._innermost(offset)
        for member in node.members if node is not None else ():
            if member.start <= offset <= member.end:
                return Under((*tokens, member.key), member.start, member.end, is_key=True)
            if member.node is not None and member.node.kind == "scalar" and member.node.start <= offset <= member.node.end:
                return Under((*tokens, member.key), member.node.start, member.node.end, is_key=False)
        for index, element in enumerate(node.elements if node is not None else ()):
            if element.kind == "scalar" and element.start <= offset <= element.end:
                return Under((*tokens, str(index)), element.start, element.end, is_key=False)
        return None

    def _innermost(self, offset: int) -> tuple[Node | None, tuple[str, ...]]:
        """Return the innermost object or array around ``offset`` and its path."""
        node = self.root
        tokens: tuple[str, ...] = ()
        if node is None or not _holds(node, offset):
            return None, ()
        while True:
            below = [(str(index), element) for index, element in enumerate(node.elements)]
            below += [(member.key, member.node) for member in node.members if member.node is not None]
            inner = next(((token, child) for token, child in below if child.kind != "scalar" and _holds(child, offset)), None)
            if inner is None:
                return node, tokens
            tokens, node = (*tokens, inner[0]), inner[1]

    def _in_object(self, node: Node, tokens: tuple[str, ...], offset: int) -> Spot | None:
        previous = None
        for member in node.members:
            if member.start < offset <= member.end:
                return self._key(node, tokens, member, previous)
            value = member.node
            if value is not None and _is_written(value, offset):
                return Spot("value", (*tokens, member.key), value.start, value.end)
            if member.start >= offset:
                break
            previous = member
        taken = frozenset(member.key for member in node.members)
        if previous is None:
            return Spot("key", tokens, offset, offset, taken=taken)
        if previous.colon < 0:
            return None
        if previous.node is None or previous.node.start >= offset:
            return Spot("value", (*tokens, previous.key), offset, offset) if offset > previous.colon else None
        return Spot("key", tokens, offset, offset, after=self._uncommaed(previous.node.end, offset), taken=taken)

    def _key(self, node: Node, tokens: tuple[str, ...], member: Member, previous: Member | None) -> Spot:
        taken = frozenset(other.key for other in node.members if other is not member)
        end = previous.node.end if previous is not None and previous.node is not None else None
        after = self._uncommaed(end, member.start)
        return Spot("key", tokens, member.start, member.end, member.key, has_colon=member.colon >= 0, after=after, taken=taken)

    def _in_array(self, node: Node, tokens: tuple[str, ...], offset: int) -> Spot | None:
        before = [element for element in node.elements if element.start < offset]
        last = before[-1] if before else None
        if last is not None and _is_written(last, offset):
            after = self._uncommaed(before[-2].end, last.start) if len(before) > 1 else None
            return Spot("value", (*tokens, str(len(before) - 1)), last.start, last.end, after=after)
        after = self._uncommaed(last.end, offset) if last is not None else None
        return Spot("value", (*tokens, str(len(before))), offset, offset, after=after)

    def _uncommaed(self, end: int | None, start: int) -> int | None:
        return None if end is None or "," in self.text[end:start] else end


def _holds(node: Node, offset: int) -> bool:
    return node.start < offset < node.end


def _is_written(node: Node, offset: int) -> bool:
    return node.kind == "scalar" and node.start < offset <= node.end
