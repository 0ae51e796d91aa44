"""Strings, words, comments and white space of a JSON text, with a note of each that strict JSON would not have.

The lower half of the reader: it knows where it is in the text and what stands there, but not in what.
"""

from __future__ import annotations

import json
import re
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, Any, NoReturn

from trainyard.linter.source import traps
from trainyard.linter.source.faults import Edit, Fault, Suggestion, Target
from trainyard.linter.source.places import escape
from trainyard.linter.source.scalars import read_word

if TYPE_CHECKING:
    from trainyard.linter.source.limits import Limits
    from trainyard.linter.source.places import Lines

# Decodes a string at C speed; raw control characters are let through, to be noted afterwards.
_STRINGS = JSONDecoder(strict=False)
# What begins neither white space nor a comment.
_INK = frozenset('{}[]:,"-0123456789')
_SPACE = re.compile(r"[ \t\n\r]*+")
# What looks like nothing or like a space, and comes with text that was copied from a page.
_ODD_SPACE = re.compile("[\u00a0\u1680\u2000-\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff\x0b\x0c]++")
# What word processors and chat programs make of quotes.
_PAGE_QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb"
_PAGE_QUOTED = re.compile(rf"""[{_PAGE_QUOTES}]([^{_PAGE_QUOTES}"'\\\n\r]*+)[{_PAGE_QUOTES}"']""")
QUOTES = "\"'" + _PAGE_QUOTES
_ESCAPE = re.compile(r"""\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|(\\.)""")
_COMMENT = re.compile(r"//[^\n\r]*|/\*.*?\*/|#[^\n\r]*", re.DOTALL)
# A number, a literal or whatever else stands between two separators.
_WORD = re.compile(r"""[^\s,:\[\]{}"'/#]+""")
_SINGLE_QUOTED = re.compile(r"'((?:[^'\\\n\r]++|\\.)*+)'")
_RAW_STRING = re.compile(r'"(?:[^"\\\n\r]++|\\.)*+"')
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f]")
_BREAKING = {traps.NOT_FINITE, traps.NUMBER_OVERFLOWS, traps.INTEGER_TOO_LARGE, traps.LONE_SURROGATE}
_ESCAPES = {"\t": "\\t", "\b": "\\b", "\f": "\\f"}
_MAX_SHOWN = 40


class FatalError(Exception):
    """The text leaves no single reading from here on; the fault is already noted."""


class Scanner:
    """A place in one text, and the faults found on the way to it.

    Attributes:
        faults: what was found.
        more_faults: 1 when reading stopped because there were too many.
        broken: pointers whose value could not be kept: null (or a replaced string) stands there.
    """

    def __init__(self, text: str, lines: Lines, limits: Limits) -> None:
        self.faults: list[Fault] = []
        self.more_faults = 0
        self.broken: set[str] = set()
        self._text = text
        self._lines = lines
        self._limits = limits
        self._at = 0

    def _string(self, pointer: str, target: Target) -> str:
        start = self._at
        string: str
        if self._text[start] == "'":
            return self._single_quoted(pointer, target)
        if self._text[start] != '"':
            return self._page_quoted(pointer, target)
        try:
            string, self._at = _STRINGS.raw_decode(self._text, start)
        except JSONDecodeError:
            string = self._broken_string(start)
        below = f"{pointer}/{escape(string)}" if target == "key" else pointer
        if _CONTROL.search(self._text, start, self._at):
            self._control_characters(below, target, start)
        if _SURROGATE.search(string):
            message = (
                "string holds half of a UTF-16 pair (\\ud800 to \\udfff), which is no character; write the whole pair or the character"
            )
            self.note(traps.LONE_SURROGATE, message, start, self._at, pointer=_SURROGATE.sub("�", below), target=target)
            string = _SURROGATE.sub("�", string)
        return string

    def _broken_string(self, start: int) -> str:
        whole = _RAW_STRING.match(self._text, start)
        if whole is None:
            end = self._lines.span(start, start).start
            self._fatal(
                'this string is never closed: its line ends without a double quote; write " where it ends',
                start,
                start + len(self._lines.line(end.line)) - end.column + 1,
            )
        self._at = whole.end()
        raw = whole.group()
        unknown = next((match.group(1) for match in _ESCAPE.finditer(raw) if match.group(1)), "\\")
        doubled = _ESCAPE.sub(lambda match: match.group() if match.group(1) is None else "\\" + match.group(1), raw)
        message = (
            f"string holds {shown(unknown)[1:-1]}, an escape that JSON does not know; a backslash itself is \\\\, "
            'known are \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX'
        )
        self.note(traps.INVALID_JSON, message, start, self._at, replacement=doubled)
        return raw[1:-1]

    def _control_characters(self, pointer: str, target: Target, start: int) -> None:
        raw = self._text[start : self._at]
        if "\n" in raw or "\r" in raw:
            first = self._lines.position(start)
            width = len(self._lines.line(first.line)) - first.column + 1
            self._fatal("this string goes over the end of its line; close it, or write the line end as \\n", start, start + width)
        escaped = _CONTROL.sub(lambda match: _ESCAPES.get(match.group(), f"\\u{ord(match.group()):04x}"), raw)
        message = "string holds a control character as it is; JSON wants it escaped (a tab is \\t)"
        self.note(traps.NOT_STRICT_JSON, message, start, self._at, pointer=pointer, target=target, replacement=escaped, safe=True)

    def _single_quoted(self, pointer: str, target: Target) -> str:
        start = self._at
        match = _SINGLE_QUOTED.match(self._text, start)
        if match is None:
            self._fatal('this string is never closed; strings stand in double quotes: write " on both sides', start, start + 1)
        self._at = match.end()
        string = re.sub(r"\\(.)", r"\1", match.group(1))
        below = f"{pointer}/{escape(string)}" if target == "key" else pointer
        message = f"single quotes: a string stands in double quotes; write {shown(string)}"
        self.note(
            traps.NOT_STRICT_JSON,
            message,
            start,
            self._at,
            pointer=below,
            target=target,
            replacement=_quoted(string),
            safe="\\" not in match.group(),
        )
        return string

    def _page_quoted(self, pointer: str, target: Target) -> str:
        start = self._at
        match = _PAGE_QUOTED.match(self._text, start)
        if match is None:
            self._fatal('this string is never closed; strings stand in plain double quotes: write " on both sides', start, start + 1)
        self._at = match.end()
        string = match.group(1)
        below = f"{pointer}/{escape(string)}" if target == "key" else pointer
        message = f"typographic quotes: a string stands in plain double quotes; write {shown(string)}"
        self.note(traps.NOT_STRICT_JSON, message, start, self._at, pointer=below, target=target, replacement=_quoted(string), safe=True)
        return string

    def _scalar(self, pointer: str) -> Any:
        start = self._at
        word = self._word()
        reading = read_word(word)
        if reading is None:
            todo = "write a JSON value" if pointer else 'a spec is a JSON object: write "{" at its beginning and "}" at its end'
            self._fatal(f"a value expected, found {self._found_at(start)}; {todo}", start, max(self._at, start + 1))
        if reading.trap is not None:
            suggestion = None if reading.written is None else Suggestion(pointer, reading.value)
            self.note(
                reading.trap,
                reading.message,
                start,
                self._at,
                pointer=pointer,
                replacement=reading.written,
                suggestion=suggestion,
                safe=reading.safe,
            )
        return reading.value

    def _skip(self) -> None:
        """Move past white space; each comment on the way is a fault."""
        text = self._text
        if text[self._at : self._at + 1] in _INK:
            return
        while True:
            match = _SPACE.match(text, self._at)
            self._at = match.end() if match else self._at
            odd = _ODD_SPACE.match(text, self._at)
            if odd is not None:
                self._at = odd.end()
                message = f"character U+{ord(odd.group()[0]):04X} looks like a space or like nothing, and JSON knows it not; write a space"
                self.note(traps.NOT_STRICT_JSON, message, odd.start(), odd.end(), replacement=" ", safe=True)
                continue
            if self._at >= len(text) or text[self._at] not in "/#":
                return
            comment = _COMMENT.match(text, self._at)
            if comment is None:
                self._fatal("this comment is never closed, and strict JSON has none; delete it", self._at, self._at + 1)
            self._at = comment.end()
            message = "comment: strict JSON has none, other programs refuse the file; move the note into experiment.description"
            self.note(traps.COMMENT, message, comment.start(), comment.end(), replacement="")

    def _word(self) -> str:
        match = _WORD.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _word_end(self) -> int:
        match = _WORD.match(self._text, self._at)
        return match.end() if match else min(self._at + 1, len(self._text))

    def _found(self) -> str:
        return self._found_at(self._at)

    def _found_at(self, index: int) -> str:
        string = _RAW_STRING.match(self._text, index)
        if string:
            return shown(string.group()[1:-1])
        match = _WORD.match(self._text, index)
        word = match.group() if match else self._text[index : index + 1]
        return shown(word) if word else "the end of the file"

    def _fatal(self, message: str, start: int, end: int) -> NoReturn:
        self.note(traps.INVALID_JSON, message, start, end)
        raise FatalError

    def _edit(self, start: int, end: int, replacement: str) -> Edit:
        span = self._lines.span(start, end)
        return Edit(span.start.offset, span.end.offset, replacement.encode())

    def note(
        self,
        trap: traps.Trap,
        message: str,
        start: int,
        end: int,
        *,
        pointer: str = "",
        target: Target = "value",
        replacement: str | None = None,
        edits: tuple[Edit, ...] = (),
        suggestion: Suggestion | None = None,
        safe: bool = False,
    ) -> None:
        """Note a fault from ``start`` up to ``end``, mended by writing ``replacement`` there or by ``edits``."""
        if trap in _BREAKING and target == "value":
            self.broken.add(pointer)
        if len(self.faults) >= self._limits.faults:
            self.more_faults += 1
            raise FatalError
        if replacement is not None:
            edits = (self._edit(start, end, replacement),)
        span = self._lines.span(start, min(end, len(self._text)))
        self.faults.append(trap.fault(message, span=span, pointer=pointer, target=target, edits=edits, suggestion=suggestion, safe=safe))


def _quoted(string: str) -> str:
    return json.dumps(string, ensure_ascii=False)


def shown(text: str) -> str:
    """Return ``text`` in double quotes for a message: no control characters, not too long."""
    clipped = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
    return '"' + "".join(character if character.isprintable() else "�" for character in clipped) + '"'
