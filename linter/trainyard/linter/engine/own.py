"""Findings that come from the linter itself and not from a rule: crashes and suppressions."""

from __future__ import annotations

from trainyard.linter.source.severity import Severity
from trainyard.linter.source.traps import Trap

RULE_CRASHED = Trap(
    "LINT001",
    "rule-crashed",
    Severity.ERROR,
    "A rule, or a stage before the rules, raised an exception on this spec.",
    "It is a fault of trainlint, or of the plugin named. What the rule would have said is unknown, so the file does not pass.",
    "Please report it with the traceback that was printed. Until it is mended, `ignore` the rule in the configuration.",
)
UNUSED_SUPPRESSION = Trap(
    "LINT002",
    "unused-suppression",
    Severity.WARNING,
    "An entry of `$lint` suppresses nothing: the rule said nothing at that place.",
    "It would hide the next real finding there.",
    "Delete the entry; `--fix` does.",
)
UNKNOWN_SUPPRESSION = Trap(
    "LINT003",
    "unknown-suppressed-rule",
    Severity.ERROR,
    "An entry of `$lint` names a rule that does not exist.",
    "It suppresses nothing; most often the name is misspelt.",
    "Write the code or the name of a rule; `trainlint rules` lists them.",
)
NOT_SUPPRESSIBLE = Trap(
    "LINT004",
    "not-suppressible",
    Severity.ERROR,
    "An entry of `$lint` tries to suppress what cannot be suppressed here: a fault of the text or the schema, or a mandatory rule.",
    "Nothing behind such a fault can be judged, or whoever runs the linter has decided that the rule always counts.",
    "Mend what the rule found, or ask for the policy to be changed.",
)

TRAPS = (RULE_CRASHED, UNUSED_SUPPRESSION, UNKNOWN_SUPPRESSION, NOT_SUPPRESSIBLE)
