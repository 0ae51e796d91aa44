"""Every way in which a document fails to be a spec: the catalogue behind ``explain`` and every fault of the schema.

Odd values are no faults: any finite number of the right type is a spec, and rules judge it.
"""

from __future__ import annotations

from typing import NamedTuple

from trainyard.linter.source import Fault, Severity, Suggestion
from trainyard.linter.source.faults import Target


class Kind(NamedTuple):
    """One way to fail: what it is, why it matters, what to do."""

    code: str
    name: str
    severity: Severity
    what: str
    why: str
    mend: str

    def fault(
        self, pointer: str, message: str, *, target: Target = "value", suggestion: Suggestion | None = None, safe: bool = False
    ) -> Fault:
        """Return this fault as it was found at ``pointer``."""
        return Fault(self.code, self.name, pointer, message, target, suggestion, self.severity, safe)


UNKNOWN_KEY = Kind(
    "SPEC001",
    "unknown-key",
    Severity.ERROR,
    "An object has a key that the language does not know there.",
    "A key that is passed over in silence leaves its default in force, and nobody notices.",
    "Write the key shown, move it to where it belongs, or remove it. `--fix` mends misspelt keys.",
)
MISSING_KEY = Kind(
    "SPEC002",
    "missing-key",
    Severity.ERROR,
    "A key without a default is absent.",
    "Nothing can stand in for it: what is learnt, and from what, is for the author to say.",
    "Write the key. `trainlint check --partial` judges a spec that is still being written.",
)
WRONG_TYPE = Kind(
    "SPEC003",
    "wrong-type",
    Severity.ERROR,
    "A value has another JSON type than the language gives this key. A boolean is no number, and a number in quotes is a string.",
    "Guessing what was meant would train something else than what was written.",
    "Write a value of the type shown.",
)
VALUE_NOT_ALLOWED = Kind(
    "SPEC004",
    "value-not-allowed",
    Severity.ERROR,
    "A word is not in the closed list that this key takes.",
    "Vocabularies are closed, so that nothing in a spec is ever run as code and every word means one thing.",
    "Write one of the words shown. `--fix` mends misspelt words.",
)
WRONG_SIZE = Kind(
    "SPEC005",
    "wrong-size",
    Severity.ERROR,
    "A list, an object or a text holds more or less than it may: a length in two units, a window with three sides, an empty reason.",
    "It has no single meaning.",
    "Write as many as the message says.",
)
WHOLE_NUMBER_AS_FLOAT = Kind(
    "SPEC006",
    "whole-number-as-float",
    Severity.WARNING,
    "A count is written with a fraction: 10.0 for 10.",
    "It is read as 10 here, but other readers keep a float and stop where they count with it.",
    "Write it without the fraction; `--fix` does.",
)
UNEQUAL_LISTS = Kind(
    "SPEC007",
    "unequal-lists",
    Severity.ERROR,
    "A list has another length than the list it belongs to: dropout rates for three blocks, but four blocks.",
    "It is not clear which entry belongs to which layer.",
    "Write one entry per layer, or one number for all.",
)
KEY_WITHOUT_EFFECT = Kind(
    "SPEC008",
    "key-without-effect",
    Severity.WARNING,
    "A key belongs to another member of the same family: momentum with Adam, milestones with a cosine.",
    "It changes nothing here, although its author thinks that it does.",
    "Remove the key, or pick the type that has it.",
)

UNKNOWN_SCHEMA = Kind(
    "SPEC009",
    "unknown-schema",
    Severity.WARNING,
    "`$schema` names something else than a schema of this language, or another version of it.",
    "Editors complete and check from what stands there. trainlint never reads or downloads it, and judges by `version` alone.",
    "Write where `trainlint schema > trainspec.v1.json` has put the schema, or remove the key.",
)

KINDS = (
    UNKNOWN_KEY,
    MISSING_KEY,
    WRONG_TYPE,
    VALUE_NOT_ALLOWED,
    WRONG_SIZE,
    WHOLE_NUMBER_AS_FLOAT,
    UNEQUAL_LISTS,
    KEY_WITHOUT_EFFECT,
    UNKNOWN_SCHEMA,
)
