"""What a bare word in a JSON text means: a number, a literal, or somebody else's spelling of one."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from trainyard.linter.source import traps

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LOOSE_NUMBER = re.compile(r"([+-]?)(0[xX][0-9a-fA-F_]+|[0-9][0-9_]*\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity|\.nan|\.inf)", re.IGNORECASE)
_LITERALS = {"true": True, "false": False, "null": None}
_OTHER_LITERALS = {"none": None, "nil": None, "undefined": None, "~": None, "yes": True, "on": True, "no": False, "off": False}
MAX_INTEGER = 2**53 - 1
_DIGITS_OF_MAX = 16
_MAX_WORD = 400


class Reading(NamedTuple):
    """A word's value and, where it is not strict JSON, the trap, a message, and how to write it."""

    value: Any
    trap: traps.Trap | None = None
    message: str = ""
    written: str | None = None
    safe: bool = False


def read_word(word: str) -> Reading | None:
    """Return what ``word`` means, or None when it means nothing."""
    if word in _LITERALS:
        return Reading(_LITERALS[word])
    number = _NUMBER.fullmatch(word)
    if number:
        return _integer(word) if number.group(1) is None and number.group(2) is None else _float(word)
    if _NOT_FINITE.fullmatch(word):
        message = f"{word} is no JSON number; write a finite one, or null where the field may be switched off"
        return Reading(None, traps.NOT_FINITE, message)
    return _other_literal(word) or _loose_number(word)


def _integer(word: str) -> Reading:
    digits = word.lstrip("-")
    if len(digits) > _DIGITS_OF_MAX or int(digits) > MAX_INTEGER:
        message = f"integer of {len(digits)} digits is beyond ±{MAX_INTEGER:,} (2^53 - 1); write a smaller one"
        return Reading(None, traps.INTEGER_TOO_LARGE, message)
    return Reading(int(word))


def _float(word: str) -> Reading:
    value = float(word)
    if math.isinf(value):
        clipped = word if len(word) <= 24 else word[:23] + "…"
        return Reading(None, traps.NUMBER_OVERFLOWS, f"{clipped} is larger than a double can hold (1.8e308); readers turn it into infinity")
    return Reading(value)


def _other_literal(word: str) -> Reading | None:
    lower = word.lower()
    table = _LITERALS if lower in _LITERALS else _OTHER_LITERALS
    if lower not in table:
        return None
    value = table[lower]
    written = "null" if value is None else str(value).lower()
    return Reading(value, traps.NOT_STRICT_JSON, f"{word} is not JSON; write {written}", written, safe=True)


def _loose_number(word: str) -> Reading | None:
    match = _LOOSE_NUMBER.fullmatch(word) if len(word) <= _MAX_WORD else None
    if match is None:
        return None
    sign, digits = match.groups()
    plain = digits.replace("_", "")
    leading_zero = len(plain) > 1 and plain[0] == "0" and plain[1].isdigit()
    value: int | float
    try:
        value = int(plain, 0) if plain[:2] in {"0x", "0X"} else int(plain)
    except ValueError:
        value = float(plain)
    if isinstance(value, int) and value > MAX_INTEGER:
        return _integer(sign.replace("+", "") + str(value))
    if math.isinf(value):
        return _float(word.lstrip("+"))
    value = -value if sign == "-" else value
    written = repr(value)
    return Reading(value, traps.NOT_STRICT_JSON, f"{word} is not how JSON writes a number; write {written}", written, safe=not leading_zero)
