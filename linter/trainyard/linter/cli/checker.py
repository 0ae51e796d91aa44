"""Judges files one after the other, each under the settings that govern it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from trainyard.linter.cli import exits, targets
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.lint import lint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainyard.linter.cli.baselines import Baselines
    from trainyard.linter.cli.outputs import Reporter
    from trainyard.linter.cli.settings.settings import Settings, SettingsReader
    from trainyard.linter.engine.report import Report
    from trainyard.linter.estimate.hardware import HardwareProfile
    from trainyard.linter.facts.model import Facts


class Checker:
    """Reads and judges files.

    Args:
        settings: says which settings govern a file.
        stdin_filename: the path that standard input stands for.
        clock: seconds for the time per rule; None when nobody asks.
    """

    def __init__(self, settings: SettingsReader, *, stdin_filename: str | None = None, clock: Callable[[], float] | None = None) -> None:
        self._settings = settings
        self._stdin_filename = stdin_filename
        self._clock = clock
        self._facts: dict[tuple[str, str], Facts] = {}
        self._baselines: Baselines | None = None

    def shown(self, path: str) -> str:
        """Return the path that reports carry."""
        return (self._stdin_filename or "<stdin>") if path == targets.STDIN else path

    def excludes(self, path: str) -> bool:
        """Tell whether the configuration leaves this file out."""
        return self._settings.excludes(self._governed(path))

    def settings(self, path: str) -> Settings:
        """Return the settings that govern a file."""
        return self._settings.settings(self._governed(path))

    def read(self, path: str) -> bytes:
        """Return the bytes of a file, cut just above the size limit that governs it."""
        return targets.read(path, self.settings(path).configuration.limits.bytes)

    def judge(self, path: str, raw: bytes) -> Report:
        """Return the report on a text as if it lay at ``path``."""
        settings = self.settings(path)
        configuration = self._with_baseline(settings, path)
        return lint(
            raw,
            configuration=configuration,
            hardware=_hardware(settings),
            facts=self._facts_for(settings, raw),
            clock=self._clock,
        )

    def _governed(self, path: str) -> str:
        return (self._stdin_filename or "stdin") if path == targets.STDIN else path

    def _with_baseline(self, settings: Settings, path: str) -> Configuration:
        file = settings.value("baseline")
        if file is None:
            return settings.configuration
        from trainyard.linter.cli.baselines import Baselines

        self._baselines = self._baselines or Baselines()
        return settings.configuration._replace(baseline=self._baselines.known(file, self._governed(path)))

    def _facts_for(self, settings: Settings, raw: bytes) -> Facts | None:
        root = settings.value("data-root")
        if root is None:
            return None
        # The data can only be read when its section is understood, whatever else is wrong; no rule runs for that.
        spec = lint(raw, configuration=Configuration(ignore=("ALL",), limits=settings.configuration.limits)).readable
        if spec is None:
            return None
        from trainyard.linter.cli import datasets

        dataset = spec.dataset
        key = (root, repr(dataset))
        if key not in self._facts:
            self._facts[key] = datasets.read(dataset, root)
        return datasets.with_starts(self._facts[key], spec.model, root)


def _hardware(settings: Settings) -> HardwareProfile | None:
    name = settings.value("hardware")
    if name is None:
        return None
    from trainyard.linter.cli import profiles

    return profiles.load(name)


class Run:
    """What came of the files so far.

    Args:
        checker: judges them.
        keep: whether the reports are wanted afterwards; ten thousand of them take memory.
    """

    def __init__(self, checker: Checker, *, keep: bool = False) -> None:
        self._checker = checker
        self._keep = keep
        self._passed = True
        self._crashed = False
        self.stale = 0
        self.kept: list[tuple[str, Report]] = []

    def add(self, path: str, report: Report, reporters: Sequence[Reporter]) -> None:
        """Show a report and count it."""
        for reporter in reporters:
            reporter.file(self._checker.shown(path), report)
        self._passed = self._passed and report.passed
        self._crashed = _tell_crashes(report) or self._crashed
        if report.configuration.baseline:
            from trainyard.linter.engine import baseline

            self.stale += baseline.stale(report)
        if self._keep:
            self.kept.append((path, report))

    @property
    def exit_code(self) -> int:
        """The exit code of the process."""
        if self._crashed:
            return exits.INTERNAL
        return exits.OK if self._passed else exits.FINDINGS


def _tell_crashes(report: Report) -> bool:
    for crash in report.crashes:
        sys.stderr.write(f"{crash.traceback}{crash.appeal} with the lines above.\n")
    return bool(report.crashes)
