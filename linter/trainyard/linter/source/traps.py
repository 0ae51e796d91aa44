"""Every way in which a text fails to be strict JSON: the catalogue behind ``explain`` and every source fault.

Strictness is the point: the readers of this world disagree on each of these (one keeps the first of two
duplicate keys, another the last; one reads NaN, another stops), so a file that holds one of them means
different things to different programs.
"""

from __future__ import annotations

from typing import NamedTuple

from trainyard.linter.source.faults import Edit, Fault, Suggestion, Target
from trainyard.linter.source.places import Span
from trainyard.linter.source.severity import Severity


class Trap(NamedTuple):
    """One way to fail: what it is, why it matters, what to do."""

    code: str
    name: str
    severity: Severity
    what: str
    why: str
    mend: str

    def fault(
        self,
        message: str,
        *,
        span: Span,
        pointer: str = "",
        target: Target = "value",
        edits: tuple[Edit, ...] = (),
        suggestion: Suggestion | None = None,
        safe: bool = False,
    ) -> Fault:
        """Return this trap as it was found at ``span``."""
        return Fault(self.code, self.name, pointer, message, target, suggestion, self.severity, safe, span, edits)


_ERROR = Severity.ERROR

INVALID_JSON = Trap(
    "JSON001",
    "invalid-json",
    _ERROR,
    "The text breaks the grammar of JSON (RFC 8259): a bracket that is never closed, a missing comma or colon, a stray character.",
    "No program can read the rest of the file, so nothing else in it can be judged.",
    "Mend the text at the place shown; `--fix` adds a missing comma.",
)
DUPLICATE_KEY = Trap(
    "JSON002",
    "duplicate-key",
    _ERROR,
    "One object has the same key twice.",
    "RFC 8259 leaves open which one counts. Most readers keep the last and say nothing, some keep the first, some refuse.",
    "Keep one of them. `--fix` removes the earlier one where both say the same; which of two values was meant, only the author knows.",
)
NOT_FINITE = Trap(
    "JSON003",
    "number-not-finite",
    _ERROR,
    "The value is NaN or Infinity.",
    "JSON has no such number. Readers that accept it let it pass every bound: NaN is neither too large nor too small.",
    "Write a finite number, or null where the field may be switched off.",
)
NUMBER_OVERFLOWS = Trap(
    "JSON004",
    "number-overflows",
    _ERROR,
    "The number is larger than a double can hold (about 1.8e308).",
    "Readers turn it silently into infinity.",
    "Write a number that is meant.",
)
INTEGER_TOO_LARGE = Trap(
    "JSON005",
    "integer-too-large",
    _ERROR,
    "The integer lies beyond plus or minus 9,007,199,254,740,991 (2^53 - 1).",
    "Readers that hold numbers as doubles change its last digits; RFC 7493 (I-JSON) forbids it for that reason.",
    "Write a smaller integer, or a string if it is a name.",
)
NESTING_TOO_DEEP = Trap(
    "JSON006",
    "nesting-too-deep",
    _ERROR,
    "Objects and arrays are nested deeper than 64 levels.",
    "No spec needs it, and recursive readers run out of stack on it.",
    "Flatten the value; a spec is about ten levels deep.",
)
FILE_TOO_LARGE = Trap(
    "JSON007",
    "file-too-large",
    _ERROR,
    "The file is larger than the limit (64 KiB unless configured, 1 MiB at most).",
    "A spec is a few kilobytes; a large one holds data that belongs beside it, and would slow every check.",
    "Move data out of the spec, or raise `max-bytes` in the configuration.",
)
BYTE_ORDER_MARK = Trap(
    "JSON008",
    "byte-order-mark",
    Severity.WARNING,
    "The file begins with a byte order mark (EF BB BF).",
    "RFC 8259 forbids writers to add one, and many readers refuse the file.",
    "Save the file as UTF-8 without BOM; `--fix` removes it.",
)
NOT_UTF8 = Trap(
    "JSON009",
    "not-utf8",
    _ERROR,
    "The bytes are not UTF-8.",
    "JSON that travels between programs is UTF-8 (RFC 8259, section 8.1); in any other encoding its names change under way.",
    "Save the file as UTF-8.",
)
COMMENT = Trap(
    "JSON010",
    "comment",
    _ERROR,
    "The file holds a comment.",
    "JSON has no comments; other programs, the server among them, refuse the file.",
    "Move the note into `experiment.description`; `--fix --unsafe-fixes` deletes the comment.",
)
TRAILING_COMMA = Trap(
    "JSON011",
    "trailing-comma",
    _ERROR,
    "A comma stands after the last member or element.",
    "JSON has no trailing commas; other programs, the server among them, refuse the file.",
    "Delete the comma; `--fix` does.",
)
LONE_SURROGATE = Trap(
    "JSON012",
    "lone-surrogate",
    _ERROR,
    "A string holds one half of a UTF-16 pair (an escape from \\ud800 to \\udfff on its own).",
    "It is no character: the string cannot be written as UTF-8, and readers refuse or replace it.",
    "Write the whole pair, or the character itself.",
)
EMPTY_FILE = Trap(
    "JSON013",
    "empty-file",
    _ERROR,
    "The file holds nothing but white space.",
    "There is nothing to train.",
    "Write a spec; `trainlint init` writes a good one to start from.",
)
NOT_AN_OBJECT = Trap(
    "JSON014",
    "not-an-object",
    _ERROR,
    "The outermost value is not an object.",
    "A spec is one JSON object.",
    'Put the sections into one object: {"version": "v1", ...}.',
)
NOT_STRICT_JSON = Trap(
    "JSON015",
    "not-strict-json",
    _ERROR,
    "Something is written as in JavaScript, Python or YAML: single quotes, a bare key, True, None, a number such as .5 or 0x10; "
    "or as on a printed page: typographic quotes, a space that only looks like one.",
    "Strict JSON readers refuse it.",
    "Write it as JSON does; `--fix` does where only one reading is possible.",
)

TRAPS = (
    INVALID_JSON,
    DUPLICATE_KEY,
    NOT_FINITE,
    NUMBER_OVERFLOWS,
    INTEGER_TOO_LARGE,
    NESTING_TOO_DEEP,
    FILE_TOO_LARGE,
    BYTE_ORDER_MARK,
    NOT_UTF8,
    COMMENT,
    TRAILING_COMMA,
    LONE_SURROGATE,
    EMPTY_FILE,
    NOT_AN_OBJECT,
    NOT_STRICT_JSON,
)
