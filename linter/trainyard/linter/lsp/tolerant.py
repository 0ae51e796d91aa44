"""Reads a text that is being written into an ``Outline``: one pass, no way to fail, no recursion."""

from __future__ import annotations

import json
import re
from typing import Any

from trainyard.linter.lsp.outline import ABSENT, Member, Node, Outline

# As deep as a document may be; what lies deeper gets no hints.
_MAX_DEPTH = 64
_TOKEN = re.compile(
    r"""
      (?P<string> "(?:[^"\\\n\r]|\\[^\n\r])*+" )
    | (?P<unclosed> "[^"\n\r,:{}\[\]]* )
    | (?P<comment> //[^\n\r]* | /\*.*?(?:\*/|\Z) | \#[^\n\r]* )
    | (?P<mark> [{}\[\],:] )
    | (?P<word> [^\s,:{}\[\]"]+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def read(text: str) -> Outline:
    """Return what the text says so far."""
    builder = _Builder(len(text))
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "mark":
            builder.mark(match.group(), match.start())
        elif kind != "comment":
            word = match.group().rstrip() if kind == "unclosed" else match.group()
            builder.word(word, match.start(), match.start() + len(word))
    return Outline(text, builder.root)


class _Builder:
    """Takes tokens one by one and makes the best of them."""

    def __init__(self, length: int) -> None:
        self.root: Node | None = None
        self._length = length
        self._open: list[Node] = []
        self._ignored = 0

    def mark(self, mark: str, at: int) -> None:
        """Take a bracket, comma or colon."""
        if mark in "{[":
            self._enter(Node("object" if mark == "{" else "array", at, self._length + 1))
        elif mark in "}]":
            self._leave("object" if mark == "}" else "array", at + 1)
        elif mark == ":" and not self._ignored:
            self._colon(at)

    def word(self, word: str, start: int, end: int) -> None:
        """Take a string, a number or whatever else is no mark."""
        top = self._open[-1] if self._open and not self._ignored else None
        if top is None:
            return
        if top.kind == "array":
            top.elements.append(Node("scalar", start, end, _meaning(word)))
        elif self._lacks_value(top):
            top.members[-1].node = Node("scalar", start, end, _meaning(word))
        else:
            top.members.append(Member(_text(word), start, end))

    def _enter(self, node: Node) -> None:
        top = self._open[-1] if self._open else None
        if self._ignored or len(self._open) >= _MAX_DEPTH or (top is None and self.root is not None):
            self._ignored += 1
            return
        if top is None:
            self.root = node
        elif top.kind == "array":
            top.elements.append(node)
        else:
            if not top.members or top.members[-1].node is not None:
                # A bracket where a key belongs: nothing is known about what it holds.
                top.members.append(Member("", node.start, node.start))
            top.members[-1].node = node
        self._open.append(node)

    def _leave(self, kind: str, end: int) -> None:
        if self._ignored:
            self._ignored -= 1
            return
        if not any(node.kind == kind for node in self._open):
            return
        while True:
            node = self._open.pop()
            node.end = end
            if node.kind == kind:
                return

    def _colon(self, at: int) -> None:
        top = self._open[-1] if self._open else None
        if top is None or top.kind != "object" or not top.members:
            return
        last = top.members[-1]
        if last.colon < 0:
            last.colon = at
        elif last.node is not None and last.node.kind == "scalar" and isinstance(last.node.scalar, str):
            # The value before was not written yet; what stands there is the next key.
            member = Member(last.node.scalar, last.node.start, last.node.end)
            member.colon = at
            last.node = None
            top.members.append(member)

    @staticmethod
    def _lacks_value(node: Node) -> bool:
        return bool(node.members) and node.members[-1].colon >= 0 and node.members[-1].node is None


def _meaning(word: str) -> Any:
    if word.startswith('"'):
        return _text(word)
    try:
        return json.loads(word)
    except ValueError:
        return ABSENT


def _text(word: str) -> str:
    """Return what a string says; a bare word says itself."""
    try:
        text = json.loads(word) if word.startswith('"') else word
    except ValueError:
        text = word.strip('"')
    return str(text)
