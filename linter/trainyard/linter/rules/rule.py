"""What a rule is: one class that documents itself, carries its own examples, and checks one thing.

A rule holds no state, reads no file, asks no clock. It is handed a ``Case`` and yields ``Violation``s,
which name a JSON pointer and never a line: places are computed by the engine, and only for what was found.
The docstring is the product: ``trainlint explain`` and the rule's page print it. Its first line is the
summary; then follow four headings, each ended by a colon on a line of its own:
*What it checks*, *Why it fails*, *Evidence*, *When to ignore*.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from trainyard.linter.source.faults import Suggestion, Target
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.rules.case import Case

# What the layers of a model follow from, what the steps of a run follow from, and what the class counts follow from.
MODEL_SHAPE = ("/model", "/dataset/input_shape", "/dataset/facts/classes", "/task", "/loss")
CLASS_COUNTS = ("/dataset/facts", "/dataset/split", "/task")
STEPS = (*CLASS_COUNTS, "/training/batch_size", "/training/epochs", "/training/drop_remainder", "/training/gradient_accumulation")


class Violation(NamedTuple):
    """What a rule found: where (a JSON pointer into the spec), and what to say about it.

    ``target`` says whether the key or the value is at fault. ``severity`` is ``None`` where the rule's own holds.
    """

    pointer: str
    message: str
    target: Target = "value"
    suggestion: Suggestion | None = None
    severity: Severity | None = None


class Valid(NamedTuple):
    """A spec fragment on which the rule stays silent; it is merged onto the healthy spec that ``onto`` names.

    ``hardware`` names the profile to judge against, ``read`` holds fields of the facts read from the data.
    """

    fragment: dict[str, object]
    onto: str = "images"
    hardware: str | None = None
    read: dict[str, object] | None = None


class Invalid(NamedTuple):
    """A spec fragment on which the rule speaks, first at ``pointer``, saying ``says`` and suggesting ``fix``.

    ``fix_at`` is the suggestion's pointer where it is another one; ``severity`` is what a reader gets in
    ``recommended`` (``None``: the rule's own). The rest is as in ``Valid``.
    """

    fragment: dict[str, object]
    pointer: str
    says: str
    fix: object = None
    onto: str = "images"
    severity: Severity | None = None
    fix_at: str | None = None
    hardware: str | None = None
    read: dict[str, object] | None = None


class Rule:
    """Base of every rule. ``code`` and ``name`` both identify it everywhere.

    ``reads`` are the JSON pointers whose values the check depends on: where one of them failed the schema,
    the engine skips the rule; in a partial spec it skips the rule where one is not written, those in ``optional``
    excepted, whose absence means what nearly everybody means. ``strict`` is the severity in the ruleset of that name (``None``: the same).
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    strict: ClassVar[Severity | None] = None
    since: ClassVar[str] = "2026.1"
    reads: ClassVar[tuple[str, ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    VALID: ClassVar[tuple[Valid, ...]] = ()
    INVALID: ClassVar[tuple[Invalid, ...]] = ()

    __slots__ = ()

    def check(self, case: Case) -> Iterator[Violation]:
        """Yield what is wrong in the ruleset ``recommended``."""
        raise NotImplementedError

    def check_strictly(self, case: Case) -> Iterator[Violation]:
        """Yield what is wrong in the ruleset ``strict``: the same, unless a rule has a literal threshold of its own."""
        for violation in self.check(case):
            yield violation if self.strict is None else violation._replace(severity=self.strict)
