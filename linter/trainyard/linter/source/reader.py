"""A JSON reader that does not stop at the first mistake and remembers where everything stands.

It reads what people write when they think in JSONC, JSON5 or Python, says what JSON wants instead, and
goes on, so that one run shows all faults of a file. Only what leaves no single reading (a bracket that is
never closed, a stray character) ends it. It is called for files that the C parser did not find clean, and
for places; it never decides whether a file is good.
"""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from trainyard.linter.source import traps
from trainyard.linter.source.faults import Edit, Fault, Suggestion, Target
from trainyard.linter.source.scalars import read_word

if TYPE_CHECKING:
    from trainyard.linter.source.document import Limits
    from trainyard.linter.source.places import Lines

# Decodes a string at C speed; raw control characters are let through, to be noted afterwards.
_STRINGS = JSONDecoder(strict=False)
_SPACE = re.compile(r"[ \t\n\r]*+")
_COMMENT = re.compile(r"//[^\n\r]*|/\*.*?\*/|#[^\n\r]*", re.DOTALL)
# A number, a literal or whatever else stands between two separators.
_WORD = re.compile(r"""[^\s,:\[\]{}"'/#]+""")
_SINGLE_QUOTED = re.compile(r"'((?:[^'\\\n\r]++|\\.)*+)'")
_RAW_STRING = re.compile(r'"(?:[^"\\\n\r]++|\\.)*+"')
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f]")
_MEMBER_FOLLOWS = re.compile(r"""["'\w{\[+.-]""")


class Place(NamedTuple):
    """Code-point offsets of a value and of its key; ``key_start`` is -1 where there is no key."""

    start: int
    end: int
    key_start: int = -1
    key_end: int = -1


class _Keys:
    """The keys of one object in the order written, to find and cut out what is written twice."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        # Key to (start, end, number of the member that follows), once per time it was written.
        self.seen: dict[str, list[tuple[int, int, int]]] = {}


class _FatalError(Exception):
    """The text leaves no single reading from here on; the fault is already noted."""


class Reader:
    """Reads one text once.

    Attributes:
        faults: what was found, in order of place.
        more_faults: 1 when reading stopped because there were too many.
        places: JSON pointer to place.
        broken: pointers whose value could not be kept: null (or a replaced string) stands there.
    """

    def __init__(self, text: str, lines: Lines, limits: Limits) -> None:
        self.faults: list[Fault] = []
        self.more_faults = 0
        self.places: dict[str, Place] = {}
        self.broken: set[str] = set()
        self._text = text
        self._lines = lines
        self._limits = limits
        self._at = 0

    def read(self) -> dict[str, Any] | None:
        """Return the object that the text holds, or None when none can be used."""
        try:
            return self._document()
        except _FatalError:
            return None

    # -- structure -------------------------------------------------------------------------------

    def _document(self) -> dict[str, Any] | None:
        self._skip()
        if self._at == len(self._text):
            self.note(traps.EMPTY_FILE, "file is empty; `trainlint init` writes a good spec to start from", 0, 0)
            return None
        start = self._at
        value = self._value("", 1)
        end = self._at
        self._skip()
        if self._at < len(self._text):
            self._fatal("text goes on after the end of the object", self._at, self._word_end())
        if isinstance(value, dict):
            return value
        self.note(traps.NOT_AN_OBJECT, f"a spec is one JSON object, this is {_kind(value)}", start, end)
        return None

    def _value(self, pointer: str, depth: int, key_start: int = -1, key_end: int = -1) -> Any:
        start = self._at
        character = self._text[start : start + 1]
        value: Any
        if character == "{":
            value = self._object(pointer, depth)
        elif character == "[":
            value = self._array(pointer, depth)
        elif character in {'"', "'"}:
            value = self._string(pointer, "value")
        else:
            value = self._scalar(pointer)
        self.places[pointer] = Place(start, self._at, key_start, key_end)
        return value

    def _object(self, pointer: str, depth: int) -> dict[str, Any]:
        start = self._enter("an object", pointer, depth)
        members: dict[str, Any] = {}
        keys = _Keys()
        while not self._closes("}", start, "object"):
            self._member(pointer, depth, members, keys)
            self._separator("}", "member")
        return members

    def _member(self, pointer: str, depth: int, members: dict[str, Any], keys: _Keys) -> None:
        key_start = self._at
        key = self._key(pointer)
        key_end = self._at
        below = f"{pointer}/{escape(key)}"
        self._skip()
        if self._text[self._at : self._at + 1] != ":":
            self._fatal(f'":" expected after the key {shown(key)}, found {self._found()}', self._at, self._word_end())
        self._at += 1
        self._skip()
        keys.starts.append(key_start)
        keys.seen.setdefault(key, []).append((key_start, key_end, len(keys.starts)))
        if key in members:
            self._duplicate(key, below, keys)
        members[key] = self._value(below, depth + 1, key_start, key_end)

    def _array(self, pointer: str, depth: int) -> list[Any]:
        start = self._enter("an array", pointer, depth)
        elements: list[Any] = []
        while not self._closes("]", start, "array"):
            elements.append(self._value(f"{pointer}/{len(elements)}", depth + 1))
            self._separator("]", "element")
        return elements

    def _enter(self, what: str, pointer: str, depth: int) -> int:
        start = self._at
        if depth > self._limits.depth:
            message = f"{what} nested {depth} levels deep; the limit is {self._limits.depth}"
            self.note(traps.NESTING_TOO_DEEP, message, start, start + 1, pointer=pointer)
            raise _FatalError
        self._at += 1
        return start

    def _closes(self, bracket: str, start: int, what: str) -> bool:
        self._skip()
        character = self._text[self._at : self._at + 1]
        if character == bracket:
            self._at += 1
            return True
        if not character:
            self._fatal(f"this {what} is never closed: the file ends without its {bracket}", start, start + 1)
        if character == ",":
            self._fatal(f"a comma with nothing before it; {bracket} or a value expected", self._at, self._at + 1)
        return False

    def _separator(self, bracket: str, what: str) -> None:
        """Eat the comma between two members; a trailing or missing one is a fault that reading survives."""
        end = self._at
        self._skip()
        character = self._text[self._at : self._at + 1]
        if character == ",":
            comma = self._at
            self._at += 1
            self._skip()
            if self._text[self._at : self._at + 1] == bracket:
                message = f"trailing comma: strict JSON has none after the last {what}; delete it"
                self.note(traps.TRAILING_COMMA, message, comma, comma + 1, replacement="", safe=True)
            return
        if character in {bracket, ""}:
            return
        if not _MEMBER_FOLLOWS.match(character):
            self._fatal(f'"," or "{bracket}" expected, found {self._found()}', self._at, self._word_end())
        message = f'missing comma: {self._found()} follows without one; write "," after the previous {what}'
        self.note(traps.INVALID_JSON, message, self._at, self._word_end(), edits=(self._edit(end, end, ","),), safe=True)

    # -- keys, strings, words --------------------------------------------------------------------

    def _key(self, pointer: str) -> str:
        start = self._at
        if self._text[start] in "\"'":
            return self._string(pointer, "key")
        word = self._word()
        if not word.isidentifier():
            self._fatal(f"a key in double quotes expected, found {self._found_at(start)}", start, self._at)
        message = f'key {word} must stand in double quotes: "{word}"'
        self.note(
            traps.NOT_STRICT_JSON, message, start, self._at, pointer=f"{pointer}/{word}", target="key", replacement=f'"{word}"', safe=True
        )
        return word

    def _string(self, pointer: str, target: Target) -> str:
        start = self._at
        string: str
        if self._text[start] == "'":
            return self._single_quoted(pointer, target)
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
                "this string is never closed: its line ends without a double quote",
                start,
                start + len(self._lines.line(end.line)) - end.column + 1,
            )
        self._at = whole.end()
        message = (
            'string holds an escape that JSON does not know; known are \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX, a backslash itself is \\\\'
        )
        self.note(traps.INVALID_JSON, message, start, self._at)
        return whole.group()[1:-1]

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
            self._fatal("a string stands in double quotes, and this one is never closed", start, start + 1)
        self._at = match.end()
        string = re.sub(r"\\(.)", r"\1", match.group(1))
        below = f"{pointer}/{escape(string)}" if target == "key" else pointer
        written = '"' + string.replace("\\", "\\\\").replace('"', '\\"') + '"'
        message = f"single quotes: a string stands in double quotes, {shown(string)}"
        self.note(
            traps.NOT_STRICT_JSON,
            message,
            start,
            self._at,
            pointer=below,
            target=target,
            replacement=written,
            safe="\\" not in match.group(),
        )
        return string

    def _scalar(self, pointer: str) -> Any:
        start = self._at
        word = self._word()
        reading = read_word(word)
        if reading is None:
            self._fatal(f"a value expected, found {self._found_at(start)}", start, max(self._at, start + 1))
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

    # -- white space, words, notes ---------------------------------------------------------------

    def _skip(self) -> None:
        """Move past white space; each comment on the way is a fault."""
        text = self._text
        while True:
            match = _SPACE.match(text, self._at)
            self._at = match.end() if match else self._at
            if self._at >= len(text) or text[self._at] not in "/#":
                return
            comment = _COMMENT.match(text, self._at)
            if comment is None:
                self._fatal("this comment is never closed, and strict JSON has none", self._at, self._at + 1)
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

    def _duplicate(self, key: str, pointer: str, keys: _Keys) -> None:
        seen = keys.seen[key]
        (first_start, first_end, _), (earlier_start, _, next_member), (start, end, _) = seen[0], seen[-2], seen[-1]
        first, again = self._lines.position(first_start), self._lines.position(start)
        if len(seen) == 2:
            message = f"key {shown(key)} is written again in line {again.line}, column {again.column}; readers disagree on which one counts"
            self.note(traps.DUPLICATE_KEY, message, first_start, first_end, pointer=pointer, target="key", safe=True)
        message = f"key {shown(key)} is already written in line {first.line}, column {first.column}; keep one of them"
        drop = self._edit(earlier_start, keys.starts[next_member], "")
        self.note(traps.DUPLICATE_KEY, message, start, end, pointer=pointer, target="key", edits=(drop,), safe=True)

    def _fatal(self, message: str, start: int, end: int) -> NoReturn:
        self.note(traps.INVALID_JSON, message, start, end)
        raise _FatalError

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
            raise _FatalError
        if replacement is not None:
            edits = (self._edit(start, end, replacement),)
        span = self._lines.span(start, end)
        self.faults.append(trap.fault(message, span=span, pointer=pointer, target=target, edits=edits, suggestion=suggestion, safe=safe))


_BREAKING = {traps.NOT_FINITE, traps.NUMBER_OVERFLOWS, traps.INTEGER_TOO_LARGE, traps.LONE_SURROGATE}
_ESCAPES = {"\t": "\\t", "\b": "\\b", "\f": "\\f"}
_MAX_SHOWN = 40


def escape(key: str) -> str:
    """Return ``key`` as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def shown(text: str) -> str:
    """Return ``text`` in double quotes for a message: no control characters, not too long."""
    clipped = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
    return '"' + "".join(character if character.isprintable() else "�" for character in clipped) + '"'


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        return "a string"
    return "null" if value is None else "a boolean" if isinstance(value, bool) else "a number"
