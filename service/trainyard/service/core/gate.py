"""Lets a spec in or keeps it out: the linter with what only the server knows, and trusts nobody's verdict.

On top of the linter's rules stand four of the server's own: a spec can be right and still not trainable here.
They become findings like all others, with a place in the text, and they can't be suppressed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from unicodedata import category

import structlog

from trainyard.linter import Configuration, Finding, Report, Severity, facts, lint
from trainyard.linter import spec as language
from trainyard.linter.estimate.hardware import HardwareProfile
from trainyard.linter.facts import FATAL, Facts
from trainyard.linter.source.document import Document
from trainyard.linter.source.limits import Limits
from trainyard.linter.spec.model.spec import Spec
from trainyard.service.capability import untrainable
from trainyard.service.core.jobstore import StoredReport
from trainyard.service.core.policy import Policy, breaches
from trainyard.service.core.recent_facts import RecentFacts

FACTS_SECONDS = 1.0
NOT_TRAINABLE_YET = ("SRV001", "not-trainable-yet")
DATASET_NOT_HERE = ("SRV002", "dataset-not-here")
AGAINST_POLICY = ("SRV003", "against-policy")
TOO_FEW_GPUS = ("SRV004", "too-few-gpus-here")
WEIGHTS_NOT_HERE = ("SRV005", "weights-not-here")
UNPRINTABLE_NAME = ("SRV006", "unprintable-name")
_DATASET = "/dataset/path"
_CONTROL = "Cc"

_log = structlog.get_logger("gate")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says about one spec."""

    report: Report

    @property
    def passed(self) -> bool:
        """Tell whether the spec may run."""
        return self.report.passed and self.report.resolved is not None

    @property
    def malformed(self) -> bool:
        """Tell whether the bytes are no JSON object at all."""
        return self.report.document.value is None

    @property
    def summary(self) -> str:
        """Count what keeps the spec out: ``2 errors and 1 warning``."""
        counts = [(sum(finding.severity is level for finding in self.report.findings), level.label) for level in reversed(Severity)]
        return " and ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in counts if count and word != "info") or "no finding"

    @property
    def result(self) -> str:
        """The verdict in a word: accepted, warned or rejected."""
        if not self.passed:
            return "rejected"
        return "warned" if any(finding.severity is Severity.WARNING for finding in self.report.findings) else "accepted"

    def stored(self, at: datetime, expires_at: datetime | None) -> StoredReport:
        """Return the report as the store keeps it: the JSON that ``trainlint check --format json`` prints."""
        body = json.dumps(self.report.to_json(""), separators=(",", ":"))
        return StoredReport(digest=self.report.digest, body=body, created_at=at, expires_at=expires_at)


class _House:
    """What a judgement goes by, exchanged as one: no spec is judged by half of two policies."""

    def __init__(self, policy: Policy, hardware: HardwareProfile | None) -> None:
        self.policy = policy
        self.hardware = hardware
        self.configuration = Configuration(
            fail_on=policy.refuse_on,
            severities=policy.severities,
            mandatory=policy.required,
            suppress_errors=False,
            limits=Limits(bytes=policy.max_spec_bytes),
        )


class Gate:
    """Judges specs for this server.

    Args:
        data_root: where the datasets of specs lie.
        hardware: the profile of this machine, None when it is not known.
        policy: what the house allows, and from which severity on a finding keeps a spec out.
        most_gpus: how many GPUs one job can have on this server; None where nobody counts them.
        missing: finds the weights that a spec starts from and that are not here: the pointer of the field and a sentence for each.
        judged: is told every verdict.
    """

    def __init__(
        self,
        data_root: Path,
        *,
        hardware: HardwareProfile | None = None,
        policy: Policy = Policy(),  # noqa: B008 - frozen
        most_gpus: int | None = None,
        missing: Callable[[Spec], Iterable[tuple[str, str]]] = lambda _: (),
        judged: Callable[[Verdict], None] = lambda _: None,
    ) -> None:
        self._data_root = data_root
        self.most_gpus = most_gpus
        self._missing = missing
        self._judged = judged
        self._facts = RecentFacts()
        self._house = _House(policy, hardware)

    def follow(self, policy: Policy, hardware: HardwareProfile | None) -> None:
        """Judge by another policy and profile from the next spec on."""
        self._house = _House(policy, hardware)

    @property
    def refuse_on(self) -> Severity:
        """The severity that keeps a spec out, inclusive."""
        return self._house.policy.refuse_on

    @property
    def ruleset(self) -> str:
        """The ruleset with its date."""
        return self._house.configuration.ruleset_label

    @property
    def largest_spec_bytes(self) -> int:
        """How long a spec may be."""
        return self._house.configuration.limits.bytes

    def judge(self, source: bytes) -> Verdict:
        """Judge a spec; never raises for what it holds. Takes about a second at most, when its data is large."""
        verdict = Verdict(self._report(source))
        for crash in verdict.report.crashes:
            _log.error("linter-crashed", where=crash.where, traceback=crash.traceback)
        self._judged(verdict)
        return verdict

    def plan(self, source: bytes) -> str:
        """Say what a spec would do here, as the JSON of ``trainlint plan --format json``; as far as it can be understood."""
        # Only who asks for a plan pays for what makes one.
        from trainyard.linter.planning import training_plan
        from trainyard.linter.planning.machine import document

        return json.dumps(document(training_plan(self._report(source)), ""), ensure_ascii=False, allow_nan=False)

    def _report(self, source: bytes) -> Report:
        house = self._house
        # The path of the data stands in the spec: it is understood once before it is judged.
        spec = _understood(source, house.configuration.limits)
        if spec is None:
            first = lint(source, configuration=house.configuration, hardware=house.hardware)
            if first.spec is None:
                return first if first.readable is None else self._broken(source, first.readable)
            spec = first.spec
        found = self._facts_of(spec)
        report = lint(source, configuration=house.configuration, hardware=house.hardware, facts=found)
        spoken = [finding.pointer for finding in report.findings if finding.severity is Severity.ERROR]
        gaps = [(NOT_TRAINABLE_YET, pointer, told) for pointer, told in untrainable(spec) if not _touches(pointer, spoken)]
        gaps += [(DATASET_NOT_HERE, _DATASET, message) for message in _obstacles(found)]
        gaps += [(TOO_FEW_GPUS, "/resources/gpus", message) for message in self._lacking(spec)]
        gaps += [(WEIGHTS_NOT_HERE, pointer, message) for pointer, message in self._missing(spec)]
        gaps += [(UNPRINTABLE_NAME, pointer, message) for pointer, message in _unprintable(spec)]
        gaps += [(AGAINST_POLICY, breach.pointer, breach.message) for breach in breaches(house.policy, spec)]
        return _with(report, [_finding(report, *gap) for gap in gaps])

    def _broken(self, source: bytes, readable: Spec) -> Report:
        """Judge a spec that is wrong in other places than its data: what the data shows is told at once, as anywhere else."""
        found = self._facts_of(readable)
        report = lint(source, configuration=self._house.configuration, hardware=self._house.hardware, facts=found)
        return _with(report, [_finding(report, DATASET_NOT_HERE, _DATASET, message) for message in _obstacles(found)])

    def _facts_of(self, spec: Spec) -> Facts | None:
        return facts.read(spec.dataset, self._data_root, FACTS_SECONDS, cache=self._facts) if spec.task != "other" else None

    def _lacking(self, spec: Spec) -> list[str]:
        asked = spec.resources.gpus or 0
        if self.most_gpus is None or asked <= self.most_gpus:
            return []
        has = "gives none to a job" if not self.most_gpus else f"can give a job {self.most_gpus} at once"
        return [f"The spec asks for {asked} GPU{'s' * (asked > 1)}, and this server {has}: lower resources.gpus, or send it elsewhere."]


def _understood(source: bytes, limits: Limits) -> Spec | None:
    """Return a spec with nothing wrong in text and schema, which takes a tenth of a judgement; None for any other."""
    document = Document.parse(source, limits)
    if document.value is None or document.faults or document.broken or language.check(document.value):
        return None
    return language.typed(language.resolve(document.value))


def _unprintable(spec: Spec) -> Iterator[tuple[str, str]]:
    """Find names that no list, log or terminal should have to show."""
    named = [("/experiment/name", spec.experiment.name or "")]
    named += [(f"/experiment/tags/{place}", tag) for place, tag in enumerate(spec.experiment.tags)]
    for pointer, text in named:
        odd = next((letter for letter in text if category(letter) == _CONTROL), None)
        if odd is not None:
            yield pointer, f"It holds the control character U+{ord(odd):04X}: names and tags are shown on terminals and in lists."


def _obstacles(found: Facts | None) -> list[str]:
    """Say what keeps the data from being read at all, where that is so."""
    parts = [] if found is None else [found, *found.parts.values()]
    return [problem.message for part in parts for problem in part.problems if problem.trouble in FATAL]


def _touches(pointer: str, others: list[str]) -> bool:
    """Tell whether one of the places lies within the other: a rule has said there what is wrong, and how to mend it."""
    return any(f"{pointer}/".startswith(f"{other}/") or f"{other}/".startswith(f"{pointer}/") for other in others)


def _finding(report: Report, rule: tuple[str, str], pointer: str, message: str) -> Finding:
    start, end = report.document.span(pointer)
    return Finding(*rule, Severity.ERROR, message, pointer, start, end)


def _with(report: Report, own: list[Finding]) -> Report:
    """Add the server's findings where the linter has no error at the same place already."""
    taken = {finding.pointer for finding in report.findings if finding.severity is Severity.ERROR}
    added = [finding for finding in own if finding.pointer not in taken]
    if not added:
        return report
    findings = sorted((*report.findings, *added), key=lambda finding: finding.start.offset)
    return Report(
        report.document,
        report.configuration,
        findings=tuple(findings),
        more_findings=report.more_findings,
        passed=False,
        crashes=report.crashes,
        resolved=report.resolved,
        case=report.case,
        salvage=report.salvage,
    )
