"""One judgement under way: gathers what is wrong, turns pointers into places, runs the rules, reaches the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from trainyard.linter.engine.configuration import MAX_FINDINGS, Configuration
from trainyard.linter.engine.findings import Finding, Severity
from trainyard.linter.engine.plan import Plan, Planned
from trainyard.linter.engine.report import Crash, Report, Salvage

if TYPE_CHECKING:
    from trainyard.linter.rules.case import Case
    from trainyard.linter.rules.rule import Rule, Violation
    from trainyard.linter.source.document import Document
    from trainyard.linter.source.faults import Fault

_T = TypeVar("_T")


class Run:
    """One judgement under way: gathers findings and crashes."""

    def __init__(self, document: Document, configuration: Configuration, plan: Plan, clock: Callable[[], float] | None) -> None:
        self._document = document
        self.configuration = configuration
        self._plan = plan
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self.more_faults = 0
        self._findings: list[Finding] = []
        self._ran: tuple[Planned, ...] = ()
        self._crashed: set[str] = set()
        self._crashes: list[Crash] = []

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Turn faults of text and schema into findings."""
        for fault in faults:
            if fault.severity < Severity.ERROR and self._plan.ignores(fault.code, fault.name):
                continue
            start, end = fault.span or self._document.span(fault.pointer, fault.target)
            self._findings.append(
                Finding(
                    fault.code,
                    fault.name,
                    self._plan.severity(fault.code, fault.name) or fault.severity,
                    fault.message,
                    fault.pointer,
                    start,
                    end,
                    suggestion=fault.suggestion,
                    target=fault.target,
                    safe=fault.safe,
                    edits=fault.edits,
                )
            )

    def judge(self, case: Case, failed: frozenset[str]) -> None:
        """Run every planned rule whose inputs are sound."""
        rules = self._plan.rules if not failed and not self.configuration.partial else self._able(case, failed)
        for planned in rules:
            if self._clock is None:
                self._run(planned, case)
            else:
                began = self._clock()
                self._run(planned, case)
                self._seconds[planned.rule.code] = self._clock() - began
        self._ran = rules

    def _able(self, case: Case, failed: frozenset[str]) -> tuple[Planned, ...]:
        """Return the rules whose inputs did not fail and, in a partial spec, are written: a default neither clears nor causes."""
        from trainyard.linter.engine.repair import touches

        able = tuple(planned for planned in self._plan.rules if not touches(planned.rule.reads, failed))
        if not self.configuration.partial:
            return able
        return tuple(planned for planned in able if _is_written(planned.rule, case))

    def _run(self, planned: Planned, case: Case) -> None:
        try:
            for number, violation in enumerate(planned.check(case)):
                if number >= MAX_FINDINGS:
                    self.more_faults += 1
                    break
                if not self.configuration.partial or case.wrote(violation.pointer):
                    self._add_violation(planned, violation)
        except Exception as error:  # noqa: BLE001 - one broken rule must not hide what the others know
            self._crashed.add(planned.rule.code)
            self._crash(f"rule {planned.rule.code} ({planned.rule.name})", error, planned.origin)

    def guard(self, where: str, stage: Callable[[], _T]) -> _T | None:
        """Run a stage; a crash of ours becomes a finding."""
        try:
            return stage()
        except Exception as error:  # noqa: BLE001 - any bytes as a spec give a report
            self._crash(where, error)
            return None

    def report(self, salvage: Salvage | None = None) -> Report:
        """Close the run; with the resolved and typed spec, where there was anything to judge."""
        if self.configuration.scopes:
            from trainyard.linter.engine import scopes

            self._findings = list(scopes.apply(self.configuration.scopes, self._findings))
        self._suppress()
        fail_on = self.configuration.fail_on
        findings = self._findings
        counted = [finding for finding in findings if finding.suppressed is None]
        passed = not self._crashes and (fail_on is None or not any(finding.severity >= fail_on for finding in counted))
        kept = _kept(findings)
        whole = salvage if salvage is not None and not salvage.failed else None
        more = len(findings) - len(kept) + self._document.more_faults + self.more_faults
        return Report(
            self._document,
            self.configuration,
            findings=kept,
            more_findings=more,
            passed=passed,
            crashes=tuple(self._crashes),
            seconds=self._seconds,
            resolved=whole.resolved if whole is not None else None,
            case=whole.case if whole is not None else None,
            salvage=salvage,
            rules_waiting=0 if self.configuration.partial else len(self._plan.rules) - len(self._ran),
        )

    def _suppress(self) -> None:
        """Mark what the author accepts in ``$lint``, and what the baseline knows."""
        if self._document.value is not None and self._document.value.get("$lint"):
            from trainyard.linter.engine import suppression

            self._findings, faults = suppression.suppress(self._findings, self._document, self.configuration, self._judged)
            self.add_faults(faults)
        if self.configuration.baseline:
            from trainyard.linter.engine import baseline

            self._findings = baseline.mark(self._findings, self.configuration.baseline)

    def _judged(self, code: str) -> bool:
        if code.startswith(("JSON", "SPEC", "LINT")):
            return True
        return code not in self._crashed and any(planned.rule.code == code for planned in self._ran)

    def _add_violation(self, planned: Planned, violation: Violation) -> None:
        start, end = self._document.span(violation.pointer, violation.target)
        rule = planned.rule
        severity = planned.severity or violation.severity or rule.severity
        self._findings.append(
            Finding(
                rule.code,
                rule.name,
                severity,
                violation.message,
                violation.pointer,
                start,
                end,
                suggestion=violation.suggestion,
                target=violation.target,
            )
        )

    def _crash(self, where: str, error: Exception, origin: str | None = None) -> None:
        import traceback

        from trainyard.linter.engine.own import RULE_CRASHED as CRASHED

        self._crashes.append(Crash(where, "".join(traceback.format_exception(error)), origin))
        whose = "trainlint, please report it" if origin is None else f"the plugin {origin}, show its author"
        message = f"{where} crashed on this spec ({type(error).__name__}); this is a fault of {whose}"
        span = self._document.lines.span(0, 0)
        self._findings.append(Finding(CRASHED.code, CRASHED.name, CRASHED.severity, message, "", span.start, span.end))


def _is_written(rule: Rule, case: Case) -> bool:
    return all(pointer in rule.optional or case.wrote(pointer) for pointer in rule.reads)


def _kept(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return the findings in order of place; where there are too many, the worst of them."""
    if len(findings) > MAX_FINDINGS:
        findings = sorted(findings, key=lambda finding: (-finding.severity, finding.start.offset))[:MAX_FINDINGS]
    return tuple(sorted(findings, key=_order))


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return finding.start.offset, -finding.severity, finding.code, finding.pointer
