"""Judges one spec: pure, bounded, and never raising for anything that a spec can hold.

Faults of the text, faults of the schema and findings of the rules come out of one run. What failed is cut
away, and only rules that read it are skipped. A rule that crashes becomes a finding; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter import spec as language
from trainyard.linter.engine.configuration import MAX_FINDINGS, Configuration
from trainyard.linter.engine.findings import Severity
from trainyard.linter.engine.plan import plan
from trainyard.linter.engine.report import Report, Salvage
from trainyard.linter.engine.run import Run
from trainyard.linter.rules.case import Case
from trainyard.linter.source.document import Document

if TYPE_CHECKING:
    from trainyard.linter.estimate.hardware import HardwareProfile
    from trainyard.linter.facts.model import Facts
    from trainyard.linter.source.faults import Fault

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
    run = Run(document, configuration, plan(configuration), clock)
    run.add_faults(document.faults)
    classes = len(facts.class_names) or None if facts is not None else None
    if document.value is None:
        return run.report()
    understood = run.guard("the schema", lambda: _understand(run, document, classes))
    if understood is None:
        return run.report()
    case = run.guard("the model", lambda: Case(language.typed(understood.resolved), understood.value, facts=facts, hardware=hardware))
    if case is None:
        return run.report()
    run.judge(case, understood.failed)
    return run.report(Salvage(case, understood.resolved, understood.failed))


class _Understood(NamedTuple):
    """A spec that satisfies the schema, perhaps after cuts: as written, resolved, and the pointers that failed."""

    value: dict[str, Any]
    resolved: dict[str, Any]
    failed: frozenset[str]


def _understand(run: Run, document: Document, classes: int | None) -> _Understood | None:
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
