"""Inputs that nobody would write: files broken byte by byte, specs with odd values, files that are nothing but one thing.

Everything follows from the seed, so that a run can be repeated. Knows how to break, not what must hold.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

LARGEST_BYTES = 64 * 1024
_TOKENS = (
    b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"//", b"/*", b"*/", b"#", b"'", b"\r", b"\n", b"\t", b"\x00", b"\xff", b"\xc3",
    b"\\u", b"\\ud800", b"\\u0000", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xe2\x80\xae", b"\xf0\x9f\x9a\x82",
    b"NaN", b"-Infinity", b"1e999", b"1e-999", b"-0", b"01", b".5", b"5.", b"0x1F", b"1_000", b"10.0", b"9007199254740993", b"9" * 400,
    b"true", b"True", b"null", b"None", b"undefined", b'"type":', b'"$lint":', b'"$schema":', b'{"a":', b"[[",
)  # fmt: skip
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 7, 65536, 2**31, 2**53 - 1, -(2**53) + 1,
    10.0, 0.5, -0.0, 1e-300, 1e300, 5e-324, 1.7976931348623157e308,
    "", "a", "none", "adam", "val_loss", "softmax", "0", "007", "a/b~c", "~1", "x" * 300, "../..", "/etc",
    "漢字", "\u202e", "\x1b[2J", "\ufffd",
    [], {}, [1], [0], [[]], [None], ["a"], [1, 1, 1, 1, 1], [8, 8, 0], [-1, 3],
    {"type": "adam"}, {"type": "nope"}, {"type": None}, {"epochs": 1}, {"epochs": 0.0}, {"steps": 10**15}, {"epochs": 1, "steps": 2},
    {"samples": 1}, {"": 1}, {"at_least": 5},
)  # fmt: skip


class ByteMutator:
    """Breaks bytes: flips, cuts, repeats, splices, drops in what parsers stumble over."""

    def __init__(self, chance: random.Random, corpus: Sequence[bytes]) -> None:
        self._chance = chance
        self._corpus = corpus
        self._ways: tuple[Callable[[bytes, int, int], bytes], ...] = (
            lambda raw, start, _: raw[:start] + bytes([chance.randrange(256)]) + raw[start + 1 :],
            lambda raw, start, _: raw[:start] + chance.choice(_TOKENS) + raw[start:],
            lambda raw, start, end: raw[:start] + chance.choice(_TOKENS) + raw[end:],
            lambda raw, start, end: raw[:start] + raw[end:],
            lambda raw, start, end: raw[:end] + raw[start:end] * chance.choice((1, 2, 50)) + raw[end:],
            lambda raw, start, _: raw[:start] + chance.choice(_TOKENS) * chance.choice((2, 70, 5000)) + raw[start:],
            lambda raw, start, end: raw[:start] + self._piece() + raw[end:],
            lambda raw, start, _: raw[:start],
        )

    def mutate(self, raw: bytes) -> bytes:
        """Return ``raw`` with one to six things done to it; never longer than the linter reads by default."""
        for _ in range(self._chance.choice((1, 1, 1, 2, 3, 6))):
            start = self._chance.randrange(len(raw) + 1)
            end = min(len(raw), start + self._chance.choice((1, 2, 8, 40, 400)))
            raw = self._chance.choice(self._ways)(raw, start, end)[:LARGEST_BYTES]
        return raw

    def _piece(self) -> bytes:
        other = self._chance.choice(self._corpus)
        start = self._chance.randrange(len(other))
        return other[start : start + self._chance.choice((4, 30, 300))]


class SpecMutator:
    """Breaks specs: odd values, strange keys, members moved elsewhere, one part repeated until the file is full."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def mutate(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Return a copy with one to five things done to it."""
        broken = copy.deepcopy(spec)
        for _ in range(self._chance.choice((1, 1, 2, 3, 5))):
            owner = self._chance.choice(list(_containers(broken)))
            self._chance.choice((self._replace, self._replace, self._remove, self._add, self._move))(broken, owner)
        return broken

    def swell(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Return a copy in which one part is repeated until the file is about as large as the linter reads by default."""
        broken = copy.deepcopy(spec)
        owner = self._chance.choice(list(_containers(broken)))
        room = LARGEST_BYTES - len(json.dumps(broken)) - 200
        key = self._key(owner)
        part = self._chance.choice([self._odd(), owner[key] if owner else 1])
        copies = max(1, room // (len(json.dumps(part)) + (0 if isinstance(owner, list) else 9) + 2))
        if isinstance(owner, list):
            owner.extend([part] * copies)
        else:
            owner.update({f"k{number}": part for number in range(copies)})
        return broken

    def _replace(self, _: Any, owner: Any) -> None:
        if owner:
            owner[self._key(owner)] = self._odd()

    def _remove(self, _: Any, owner: Any) -> None:
        if owner:
            del owner[self._key(owner)]

    def _add(self, _: Any, owner: Any) -> None:
        if isinstance(owner, list):
            owner.insert(self._chance.randint(0, len(owner)), self._odd())
        else:
            words = [word for word in _ODD if isinstance(word, str)]
            owner[self._chance.choice(words)] = self._odd()

    def _move(self, spec: Any, owner: Any) -> None:
        """Copy a part of the spec to where it does not belong."""
        part = copy.deepcopy(self._chance.choice(list(_containers(spec))))
        if owner:
            owner[self._key(owner)] = part

    def _key(self, owner: Any) -> Any:
        keys = list(owner) if isinstance(owner, dict) else range(len(owner))
        return self._chance.choice(keys) if keys else None

    def _odd(self) -> Any:
        if self._chance.random() < 0.1:
            return self._chance.uniform(-1, 1) * 10.0 ** self._chance.randint(-20, 20)
        return copy.deepcopy(self._chance.choice(_ODD))


def _containers(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        yield value
        for member in value.values() if isinstance(value, dict) else value:
            yield from _containers(member)
