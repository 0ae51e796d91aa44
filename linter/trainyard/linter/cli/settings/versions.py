"""``required-version``: whether this release may judge. Compares release numbers only."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from trainyard.linter.cli.exits import Refusal

_CLAUSE = re.compile(r"\s*(==|!=|>=|<=|>|<|~=)?\s*([0-9]+(?:\.[0-9]+)*)\s*")
_COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def demand(required: str, installed: str, where: str) -> None:
    """Return when ``installed`` satisfies ``required``, a comma-separated list such as ``>=0.1,<0.3``.

    Raises:
        Refusal: when it does not, or when ``required`` cannot be read.
    """
    for clause in required.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise Refusal(f'{where}: required-version {required!r} cannot be read; write for instance ">=0.1,<0.3"')
        if not _satisfies(_numbers(installed), match.group(1) or "==", _numbers(match.group(2))):
            raise Refusal(f"{where} requires trainlint {required}, this is {installed}")


def _satisfies(installed: tuple[int, ...], sign: str, wanted: tuple[int, ...]) -> bool:
    if sign == "~=":
        return installed >= wanted and installed[: len(wanted) - 1] == wanted[:-1]
    length = max(len(installed), len(wanted))
    return _COMPARE[sign](_padded(installed, length), _padded(wanted, length))


def _padded(numbers: tuple[int, ...], length: int) -> tuple[int, ...]:
    return numbers + (0,) * (length - len(numbers))


def _numbers(version: str) -> tuple[int, ...]:
    release = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    return tuple(int(part) for part in release.group().split(".")) if release else ()
