"""Judges one spec: pure, bounded, and never raising for anything that a spec can hold.

Faults of the text, faults of the schema and findings of the rules come out of one run. What failed is cut
away, and only rules that read it are skipped. A rule that crashes becomes a finding; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from trainyard.linter import spec as language
from trainyard.linter.engine.configuration import MAX_FINDINGS, Configuration
from trainyard.linter.engine.findings import Finding, Severity
from trainyard.linter.engine.plan import Plan, Planned, plan
from trainyard.linter.engine.report import Crash, Report
from trainyard.linter.rules.case import Case
from trainyard.linter.source.document import Document

if TYPE_CHECKING:
    from trainyard.linter.estimate.hardware import HardwareProfile
    from trainyard.linter.facts.model import Facts
    from trainyard.linter.rules.rule import Violation
    from trainyard.linter.source.faults import Fault

_T = TypeVar("_T")
_DEFAULT = Configuration()


def lint(
    source: bytes | str,
    *,
    configuration: Configuration | None = None,
    hardware: HardwareProfile | None = None,
    facts: Facts | None = None,
    clock: Callable[[], float] | None = None,
) -> Report:
    """Judge a spec. Never touches disk, network or clock; never raises for bad input.

    Args:
        source: the text of the spec.
        configuration: which rules, how severe, what fails; the recommended ruleset when absent.
        hardware: the profile to judge against.
        facts: what was read from the data.
        clock: seconds, when the time that each rule takes is wanted.

    Returns:
        At most 200 findings, the verdict, and the resolved spec where there is one.
    """
    configuration = configuration or _DEFAULT
    raw = source.encode(errors="surrogatepass") if isinstance(source, str) else source
    document = Document.parse(raw, configuration.limits)
    run = _Run(document, configuration, plan(configuration), clock)
    run.add_faults(document.faults)
    classes = len(facts.class_names) or None if facts is not None else None
    understood = run.guard("the schema", lambda: _understand(run, document, classes)) if document.value is not None else None
    case = None
    if understood is not None:
        case = run.guard("the model", lambda: Case(language.typed(understood.resolved), understood.value, facts=facts, hardware=hardware))
        if case is not None:
            run.judge(case, understood.failed)
    complete = understood is not None and not understood.failed
    return run.report(understood.resolved if complete and understood else None, case if complete else None)


class _Understood(NamedTuple):
    """A spec that satisfies the schema, perhaps after cuts: as written, resolved, and the pointers that failed."""

    value: dict[str, Any]
    resolved: dict[str, Any]
    failed: frozenset[str]


def _understand(run: _Run, document: Document, classes: int | None) -> _Understood | None:
    value = document.value
    assert value is not None  # noqa: S101 - the caller has looked
    partial = run.configuration.partial
    faults = language.check(value, partial=partial)
    if not faults and not document.broken and not partial:
        return _Understood(value, language.resolve(value, classes=classes), frozenset())
    from trainyard.linter.engine import repair

    run.add_faults(fault for fault in faults if not repair.lies_in(fault.pointer, document.broken))
    if max(len(faults), len(document.broken)) >= MAX_FINDINGS:
        run.more_faults = 1  # the schema stops counting there; so much is wrong that the rest says nothing
        return None
    rest = repair.usable(value, _errors(faults), lambda rest: _errors(language.check(rest)), document.broken)
    return None if rest.value is None else _Understood(rest.value, language.resolve(rest.value, classes=classes), rest.failed)


def _errors(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return what makes a spec unusable; below that, the language says, it can be resolved."""
    return tuple(fault for fault in faults if fault.severity >= Severity.ERROR)


class _Run:
    """One judgement under way: gathers findings and crashes."""

    def __init__(self, document: Document, configuration: Configuration, plan: Plan, clock: Callable[[], float] | None) -> None:
        self._document = document
        self.configuration = configuration
        self._plan = plan
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self.more_faults = 0
        self._findings: list[Finding] = []
        self._ran: set[str] = set()
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
        partial = self.configuration.partial
        for planned in self._plan.rules:
            if failed and _reads_failed(planned, failed):
                continue
            if partial and not all(case.wrote(pointer) for pointer in planned.rule.reads):
                continue
            began = self._clock() if self._clock is not None else 0.0
            try:
                for violation in planned.check(case):
                    if not partial or case.wrote(violation.pointer):
                        self._add_violation(planned, violation)
                self._ran.add(planned.rule.code)
            except Exception as error:  # noqa: BLE001 - one broken rule must not hide what the others know
                self._crash(f"rule {planned.rule.code} ({planned.rule.name})", error)
            if self._clock is not None:
                self._seconds[planned.rule.code] = self._clock() - began

    def guard(self, where: str, stage: Callable[[], _T]) -> _T | None:
        """Run a stage; a crash of ours becomes a finding."""
        try:
            return stage()
        except Exception as error:  # noqa: BLE001 - any bytes as a spec give a report
            self._crash(where, error)
            return None

    def report(self, resolved: dict[str, Any] | None, case: Case | None) -> Report:
        """Close the run."""
        self._suppress()
        fail_on = self.configuration.fail_on
        findings = self._findings
        counted = [finding for finding in findings if finding.suppressed is None]
        passed = not self._crashes and (fail_on is None or not any(finding.severity >= fail_on for finding in counted))
        kept = _kept(findings)
        more = len(findings) - len(kept) + self._document.more_faults + self.more_faults
        return Report(
            self._document,
            self.configuration,
            findings=kept,
            more_findings=more,
            passed=passed,
            crashes=tuple(self._crashes),
            seconds=self._seconds,
            resolved=resolved,
            case=case,
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
        return code in self._ran or code.startswith(("JSON", "SPEC", "LINT"))

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

    def _crash(self, where: str, error: Exception) -> None:
        import traceback

        from trainyard.linter.engine.own import RULE_CRASHED as CRASHED

        self._crashes.append(Crash(where, "".join(traceback.format_exception(error))))
        message = f"{where} crashed on this spec ({type(error).__name__}); this is a fault of trainlint, please report it"
        span = self._document.lines.span(0, 0)
        self._findings.append(Finding(CRASHED.code, CRASHED.name, CRASHED.severity, message, "", span.start, span.end))


def _reads_failed(planned: Planned, failed: frozenset[str]) -> bool:
    from trainyard.linter.engine import repair

    return repair.touches(planned.rule.reads, failed)


def _kept(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return the findings in order of place; where there are too many, the worst of them."""
    if len(findings) > MAX_FINDINGS:
        findings = sorted(findings, key=lambda finding: (-finding.severity, finding.start.offset))[:MAX_FINDINGS]
    return tuple(sorted(findings, key=_order))


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return finding.start.offset, -finding.severity, finding.code, finding.pointer
