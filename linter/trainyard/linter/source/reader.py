"""A JSON reader that does not stop at the first mistake and remembers where everything stands.

It reads what people write when they think in JSONC, JSON5 or Python, says what JSON wants instead, and
goes on, so that one run shows all faults of a file. Only what leaves no single reading (a bracket that is
never closed, a stray character) ends it. It is called for files that the C parser did not find clean, and never decides
whether a file is good.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from trainyard.linter.source import traps
from trainyard.linter.source.places import Place, escape
from trainyard.linter.source.scanner import QUOTES, FatalError, Scanner, shown

if TYPE_CHECKING:
    from trainyard.linter.source.limits import Limits
    from trainyard.linter.source.places import Lines

_MEMBER_FOLLOWS = re.compile(rf"""[{QUOTES}\w{{\[+.-]""")
_THOUSANDS = re.compile(r"[0-9]{3}")
# A number that any reader takes for the same, and the comma after which another element follows, or right before the end.
_NUMBER_OF_LIST = re.compile(r"(-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?)(?:[ \t\r\n]*+,[ \t\r\n]*+(?=[-0-9\"\[{])|(?=[ \t\r\n]*+\]))")


class _Keys:
    """The keys of one object in the order written, to find and cut out what is written twice."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        # Key to (start, end, number of the member that follows), once per time it was written.
        self.seen: dict[str, list[tuple[int, int, int]]] = {}


class Reader(Scanner):
    """Reads one text once.

    Attributes:
        places: JSON pointer to place.
    """

    def __init__(self, text: str, lines: Lines, limits: Limits) -> None:
        super().__init__(text, lines, limits)
        self.places: dict[str, Place] = {}

    def read(self) -> dict[str, Any] | None:
        """Return the object that the text holds, or None when none can be used."""
        try:
            return self._document()
        except FatalError:
            return None

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
            self._fatal("text goes on after the end of the object; delete it, for one file holds one spec", self._at, self._word_end())
        if isinstance(value, dict):
            return value
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            brackets = (self._edit(start, start + 1, ""), self._edit(end - 1, end, ""))
            message = "a spec is one JSON object, this is an array with one in it; delete the brackets around it"
            self.note(traps.NOT_AN_OBJECT, message, start, end, edits=brackets, safe=True)
            return None
        self.note(traps.NOT_AN_OBJECT, f"a spec is one JSON object, this is {_kind(value)}; write {{}} around its sections", start, end)
        return None

    def _value(self, pointer: str, depth: int, key_start: int = -1, key_end: int = -1) -> Any:
        start = self._at
        character = self._text[start : start + 1]
        value: Any
        if character == "{":
            value = self._object(pointer, depth)
        elif character == "[":
            value = self._array(pointer, depth)
        elif character and character in QUOTES:
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
        earlier = self.places.get(below) if key in members else None
        members[key] = self._value(below, depth + 1, key_start, key_end)
        if earlier is not None:
            self._duplicate(key, below, keys, says_the_same=self._text_at(earlier) == self._text_at(self.places[below]))

    def _array(self, pointer: str, depth: int) -> list[Any]:
        start = self._enter("an array", pointer, depth)
        elements: list[Any] = []
        while not self._closes("]", start, "array"):
            if self._take_numbers(pointer, elements):
                continue
            elements.append(self._value(f"{pointer}/{len(elements)}", depth + 1))
            self._separator("]", "element")
        return elements

    def _take_numbers(self, pointer: str, elements: list[Any]) -> bool:
        """Take in plain numbers as long as there are any: one by one, a file full of them takes too long; tell whether the last was one."""
        match = _NUMBER_OF_LIST.match(self._text, self._at)
        while match is not None:
            word = match.group(1)
            self.places[f"{pointer}/{len(elements)}"] = Place(self._at, match.end(1), -1, -1)
            elements.append(float(word) if "." in word else int(word))
            self._at = match.end()
            if match.end() == match.end(1):
                return True
            match = _NUMBER_OF_LIST.match(self._text, self._at)
        return False

    def _enter(self, what: str, pointer: str, depth: int) -> int:
        start = self._at
        if depth > self._limits.depth:
            message = f"{what} nested {depth} levels deep; the limit is {self._limits.depth}"
            self.note(traps.NESTING_TOO_DEEP, message, start, start + 1, pointer=pointer)
            raise FatalError
        self._at += 1
        return start

    def _closes(self, bracket: str, start: int, what: str) -> bool:
        self._skip()
        while self._text[self._at : self._at + 1] == ",":
            message = f"a comma with nothing before it in this {what}; delete it"
            # In an array, a value may be missing there.
            self.note(traps.INVALID_JSON, message, self._at, self._at + 1, replacement="", safe=what == "object")
            self._at += 1
            self._skip()
        character = self._text[self._at : self._at + 1]
        if character == bracket:
            self._at += 1
            return True
        if not character:
            self._fatal(
                f'this {what} is never closed: the file ends without its {bracket}; write "{bracket}" where it ends', start, start + 1
            )
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

    def _key(self, pointer: str) -> str:
        start = self._at
        if self._text[start] in QUOTES:
            return self._string(pointer, "key")
        word = self._word()
        if not word.isidentifier():
            hint = "; a number has no comma between its thousands" if _THOUSANDS.fullmatch(word) else ""
            self._fatal(f"a key in double quotes expected, found {self._found_at(start)}{hint}", start, self._at)
        message = f'key {word} must stand in double quotes: "{word}"'
        self.note(
            traps.NOT_STRICT_JSON, message, start, self._at, pointer=f"{pointer}/{word}", target="key", replacement=f'"{word}"', safe=True
        )
        return word

    def _duplicate(self, key: str, pointer: str, keys: _Keys, *, says_the_same: bool) -> None:
        """Note a key that is written again; it is cut out only where nothing is lost with it."""
        seen = keys.seen[key]
        (first_start, first_end, _), (earlier_start, _, next_member), (start, end, _) = seen[0], seen[-2], seen[-1]
        first, again = self._lines.position(first_start), self._lines.position(start)
        if len(seen) == 2:
            message = f"key {shown(key)} is written again in line {again.line}, column {again.column}; readers disagree on which one counts"
            self.note(traps.DUPLICATE_KEY, message, first_start, first_end, pointer=pointer, target="key", safe=True)
        message = f"key {shown(key)} is already written in line {first.line}, column {first.column}; keep one of them"
        cut = (self._edit(earlier_start, keys.starts[next_member], ""),) if says_the_same else ()
        self.note(traps.DUPLICATE_KEY, message, start, end, pointer=pointer, target="key", edits=cut, safe=says_the_same)

    def _text_at(self, place: Place) -> str:
        return self._text[place.start : place.end]


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        return "a string"
    return "null" if value is None else "a boolean" if isinstance(value, bool) else "a number"
