"""The verdict on one spec, with everything that led to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter.engine.findings import Finding, Position, Severity

if TYPE_CHECKING:
    from trainyard.linter.engine.configuration import Configuration
    from trainyard.linter.rules.case import Case
    from trainyard.linter.source.document import Document
    from trainyard.linter.spec.model.spec import Spec

JSON_VERSION = 1


class Crash(NamedTuple):
    """What crashed (a rule's code, or a stage), the traceback for the bug report, and the plugin whose fault it is, if not ours."""

    where: str
    traceback: str
    origin: str | None = None

    @property
    def appeal(self) -> str:
        """Whose fault it is, and what to do."""
        whose = "a fault of ours. Please report it" if self.origin is None else f"a fault of the plugin {self.origin}. Show its author"
        return f"{self.where} crashed: {whose}"


class Salvage(NamedTuple):
    """What was judged: the typed spec, its resolved JSON, and the pointers of what failed the schema and was cut away."""

    case: Case
    resolved: dict[str, Any]
    failed: frozenset[str]


class Report:
    """What the linter says about one spec.

    Attributes:
        document: the text that was judged.
        findings: at most 200, sorted by place; where there are more, the worst are kept.
        more_findings: how many were left out, at least: whoever finds faults stops after too many.
        rules_waiting: how many rules could not judge, since what they read is broken; 0 in a partial spec.
        passed: whether no finding reaches ``fail_on``; those left out count, suppressed ones do not.
        crashes: faults of ours; a report with any does not pass.
        seconds: time that each rule took by code, where a clock was given.
        resolved: the complete spec as plain JSON, or None when it failed the schema.
        case: the typed spec with what was derived from it, or None when it failed the schema.
        salvage: what a plan can still be made of: the case, or what is left of a failed spec once the failed parts are cut away.
    """

    __slots__ = (
        "_digest",
        "_spec_digest",
        "case",
        "configuration",
        "crashes",
        "document",
        "findings",
        "more_findings",
        "passed",
        "resolved",
        "rules_waiting",
        "salvage",
        "seconds",
    )

    def __init__(
        self,
        document: Document,
        configuration: Configuration,
        *,
        findings: tuple[Finding, ...],
        more_findings: int,
        passed: bool,
        crashes: tuple[Crash, ...] = (),
        seconds: Mapping[str, float] | None = None,
        resolved: dict[str, Any] | None = None,
        case: Case | None = None,
        salvage: Salvage | None = None,
        rules_waiting: int = 0,
    ) -> None:
        self.document = document
        self.configuration = configuration
        self.findings = findings
        self.more_findings = more_findings
        self.passed = passed
        self.crashes = crashes
        self.seconds = seconds or {}
        self.resolved = resolved
        self.case = case
        self.salvage = salvage
        self.rules_waiting = rules_waiting
        self._digest: str | None = None
        self._spec_digest: str | None = None

    def with_fixed(self, fixed: tuple[Finding, ...]) -> Report:
        """Return this report with findings that were mended before it was made; their places are those of the old text."""
        if not fixed:
            return self
        findings = sorted((*self.findings, *fixed), key=lambda finding: finding.start.offset)
        return Report(
            self.document,
            self.configuration,
            findings=tuple(findings),
            more_findings=self.more_findings,
            passed=self.passed,
            crashes=self.crashes,
            seconds=self.seconds,
            resolved=self.resolved,
            case=self.case,
            salvage=self.salvage,
            rules_waiting=self.rules_waiting,
        )

    @property
    def readable(self) -> Spec | None:
        """What was understood of the spec, whatever else is wrong, if that is all of its ``dataset``: then the data can be read."""
        if self.salvage is None or any(pointer.startswith("/dataset") for pointer in self.salvage.failed):
            return None
        return self.salvage.case.spec

    @property
    def ruleset(self) -> str:
        """The ruleset with its date: ``recommended@2026.1``."""
        return self.configuration.ruleset_label

    @property
    def fail_on(self) -> Severity | None:
        """The lowest severity that fails, inclusive."""
        return self.configuration.fail_on

    @property
    def spec(self) -> Spec | None:
        """The typed spec with its defaults, or None when it failed the schema."""
        return self.case.spec if self.case is not None else None

    @property
    def spec_digest(self) -> str | None:
        """SHA-256 of the resolved spec's canonical form, or None when it could not be resolved."""
        if self._spec_digest is None and self.resolved is not None:
            from trainyard.linter import spec

            self._spec_digest = spec.digest(self.resolved)
        return self._spec_digest

    @property
    def digest(self) -> str:
        """SHA-256 of this report's own canonical JSON, without the path."""
        if self._digest is None:
            import hashlib

            import rfc8785

            self._digest = hashlib.sha256(rfc8785.dumps(self.to_json(""))).hexdigest()
        return self._digest

    def to_json(self, path: str) -> dict[str, Any]:
        """Return the report as ``trainlint check --format json`` prints it, for this one file."""
        return envelope([self.entry(path)], ruleset=self.ruleset, fail_on=self.fail_on)

    def entry(self, path: str) -> dict[str, Any]:
        """Return this file's entry in the JSON output."""
        return {
            "path": path,
            "digest": self.spec_digest,
            "verdict": "pass" if self.passed else "fail",
            "findings": [finding_json(finding) for finding in self.findings],
            "more_findings": self.more_findings,
            "rules_waiting": self.rules_waiting,
        }


def envelope(entries: list[dict[str, Any]], *, ruleset: str, fail_on: Severity | None) -> dict[str, Any]:
    """Return the JSON output for several files."""
    return {
        "version": JSON_VERSION,
        "ruleset": ruleset,
        "fail_on": fail_on.label if fail_on is not None else "never",
        "files": entries,
        "summary": _summary(entries),
    }


def _summary(entries: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    summary = dict.fromkeys(("files", "passed", "failed", "errors", "warnings", "infos", "suppressed", "fixed", "more_findings"), 0)
    for entry in entries:
        summary["files"] += 1
        summary["passed" if entry["verdict"] == "pass" else "failed"] += 1
        summary["more_findings"] += entry["more_findings"]
        for finding in entry["findings"]:
            summary[_count_of(finding)] += 1
    return summary


def _count_of(finding: Mapping[str, Any]) -> str:
    if finding["fixed"]:
        return "fixed"
    return "suppressed" if finding["suppressed"] is not None else f"{finding['severity']}s"


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as the JSON outputs print it."""
    suggestion = finding.suggestion
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.label,
        "message": finding.message,
        "pointer": finding.pointer,
        "start": _position_json(finding.start),
        "end": _position_json(finding.end),
        "suggestion": None if suggestion is None else {"pointer": suggestion.pointer, "value": suggestion.value},
        "suppressed": finding.suppressed,
        "fixed": finding.fixed,
    }


def _position_json(position: Position) -> dict[str, int]:
    return {"line": position.line, "column": position.column, "offset": position.offset}
