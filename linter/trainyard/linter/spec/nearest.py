"""The word that was probably meant.

The best match of all counts, not the first good one; what differs only in case and separators, and names
that other libraries use, go before any likeness. ``difflib`` is imported for a misspelt word only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from trainyard.linter.spec.aliases import VALUES

_LIKE = 0.7
_CERTAIN = 0.8
_LEAD = 0.1
_LONGEST = 80


class Near(NamedTuple):
    """A word, and whether no other could have been meant."""

    word: str
    certain: bool


def nearest_word(written: str, words: Sequence[str]) -> Near | None:
    """Return the allowed word that ``written`` was meant to be."""
    plain = plainly(written)
    alias = VALUES.get(plain, ())
    for word in words:
        if plainly(word) == plain:
            return Near(word, certain=True)
    return next((Near(word, certain=False) for word in words if word in alias), None) or like(written, words)


def like(written: str, words: Iterable[str]) -> Near | None:
    """Return the most similar word, if any is similar enough."""
    if len(written) > _LONGEST:
        return None
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(b=plainly(written), autojunk=False)
    ranked: list[tuple[float, str]] = []
    for word in words:
        matcher.set_seq1(plainly(word))
        if matcher.real_quick_ratio() >= _LIKE and matcher.quick_ratio() >= _LIKE:
            ranked.append((matcher.ratio(), word))
    ranked.sort(key=lambda pair: (-pair[0], pair[1]))
    if not ranked or ranked[0][0] < _LIKE:
        return None
    second = ranked[1][0] if len(ranked) > 1 else 0.0
    return Near(ranked[0][1], certain=ranked[0][0] >= _CERTAIN and ranked[0][0] - second >= _LEAD)


@lru_cache(maxsize=4096)
def plainly(word: str) -> str:
    """Return a word without case and separators: ``learningRate`` and ``learning_rate`` are one."""
    return "".join(letter for letter in word.lower() if letter.isalnum())
