"""What was found out about a dataset, as plain values. What could not be found out is ``None``, and says why."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NamedTuple

# Half way between the largest number of 32 bits and the next power of two: what a trainer makes of it, and of more, is infinity.
INFINITE = 3.4028235677973366e38


class Trouble(enum.StrEnum):
    """Why something is not known."""

    NO_ROOT = "no-root"
    OUTSIDE = "outside-root"
    ABSENT = "absent"
    WRONG_KIND = "wrong-kind"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    MISSING_FIELD = "missing-field"
    OUT_OF_TIME = "out-of-time"
    LIBRARY = "library-missing"


# With these there is nothing to train on; the others leave gaps only.
FATAL = frozenset({Trouble.OUTSIDE, Trouble.ABSENT, Trouble.WRONG_KIND, Trouble.EMPTY, Trouble.MISSING_FIELD})


class Problem(NamedTuple):
    """One thing that stood in the way. ``path`` is relative to the data root, ``message`` a whole sentence.

    ``field`` is the JSON pointer of what asks for it, where that is not the path of the dataset.
    """

    trouble: Trouble
    path: str
    message: str
    field: str = ""


class Column(NamedTuple):
    """One column of a table: ``kind`` is ``number``, ``text``, ``empty`` or ``other`` (lists, bytes); the range is that of the numbers.

    ``numeric`` tells whether a trainer can take it for numbers (a stray word makes a bad row, nothing but words do not), ``whole``
    whether none of its numbers is a fraction; both are ``None`` where nobody looked.
    """

    name: str
    kind: str
    missing: int
    minimum: float | None
    maximum: float | None
    distinct: int | None
    numeric: bool | None = None
    whole: bool | None = None


class Unusable(NamedTuple):
    """Records that a trainer cannot use, among the ``seen`` that were looked at; ``examples`` names the first few.

    A label only has to be there, a quantity has to be a finite number: the two counts are for these two kinds of target.
    """

    seen: int
    as_classes: int
    as_numbers: int
    examples: tuple[str, ...] = ()


class Targets(NamedTuple):
    """How targets are written: ``kind`` is ``number``, ``text`` or ``mixed``; ``axes`` those of one sample's target.

    ``whole`` tells whether no number is a fraction, ``flags`` whether all are 0 or 1, ``one_each`` whether each row has exactly one 1;
    ``None`` where nobody looked. ``width`` is how many numbers or flags a sample has, where an array says so.
    """

    kind: str
    axes: int = 0
    whole: bool | None = None
    flags: bool | None = None
    one_each: bool | None = None
    width: int | None = None


class Images(NamedTuple):
    """What a sample of the images shows; sizes are (height, width), smallest and largest along each axis."""

    sampled: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    channels: tuple[int, ...]


class Facts(NamedTuple):
    """What the data is.

    ``class_names`` and ``class_counts`` go together, names sorted as the trainer numbers them; both are empty where
    the labels are no classes or too many. ``samples`` is ``None`` unless all were counted. ``parts`` holds the facts of
    validation and test parts that have a path of their own. ``starts`` says which weights that the model starts from are not
    there. ``complete`` is false where time ran out.
    """

    type: str
    path: str
    samples: int | None = None
    class_names: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    input_shape: tuple[int, ...] | None = None
    input_range: tuple[float, float] | None = None
    target_range: tuple[float, float] | None = None
    label_encoding: str | None = None
    columns: tuple[Column, ...] = ()
    images: Images | None = None
    unusable: Unusable | None = None
    targets: Targets | None = None
    starts: tuple[Problem, ...] = ()
    parts: Mapping[str, Facts] = {}
    problems: tuple[Problem, ...] = ()
    complete: bool = True

    @property
    def usable(self) -> bool:
        """Whether there is something to train on."""
        return not any(problem.trouble in FATAL for problem in self.problems)


class FactsError(Exception):
    """Reading cannot go on; it never leaves this package, its problem does."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
