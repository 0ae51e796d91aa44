"""Baseline files: ``{"version": 1, "findings": [{"path", "rule", "pointer"}, …]}``, paths relative to the file."""

# ruff: noqa: PTH100, PTH120, PTH123 - pathlib is left out of the cold start

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report

VERSION = 1
_Known = dict[str, frozenset[tuple[str, str]]]


class Baselines:
    """The baseline files of a run, each read once."""

    def __init__(self) -> None:
        self._read: dict[str, _Known] = {}

    def known(self, file: str, path: str) -> frozenset[tuple[str, str]]:
        """Return the (rule, pointer) pairs that a baseline file knows for the spec at ``path``.

        Raises:
            Refusal: when the file cannot be read or is no baseline.
        """
        if file not in self._read:
            self._read[file] = _load(file)
        return self._read[file].get(relative(path, file), frozenset())


class Written(NamedTuple):
    """How many findings a new baseline knows, and how many errors of text and schema it cannot hold."""

    known: int
    unacceptable: int


def write(file: str, reports: Sequence[tuple[str, Report]]) -> Written:
    """Write a baseline that knows every finding of the reports, those of text and schema excepted.

    Raises:
        Refusal: when the file cannot be written.
    """
    from trainyard.linter.engine import baseline

    findings = [
        {"path": relative(path, file), "rule": rule, "pointer": pointer}
        for path, report in reports
        for rule, pointer in baseline.candidates(report.findings)
    ]
    findings.sort(key=lambda finding: (finding["path"], finding["rule"], finding["pointer"]))
    try:
        with open(file, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(json.dumps({"version": VERSION, "findings": findings}, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise Refusal(f"cannot write the baseline {file}: {error.strerror}") from None
    return Written(len(findings), sum(baseline.unacceptable(report.findings) for _, report in reports))


def relative(path: str, file: str) -> str:
    """Return ``path`` as a baseline file names it: relative to its folder, with forward slashes."""
    return os.path.relpath(os.path.abspath(path), os.path.dirname(os.path.abspath(file))).replace(os.sep, "/")


def _load(file: str) -> _Known:
    try:
        with open(file, encoding="utf-8") as stream:
            document: Any = json.load(stream)
    except OSError as error:
        raise Refusal(f"cannot read the baseline {file}: {error.strerror}; `check --write-baseline {file}` writes one") from None
    except ValueError as error:
        raise Refusal(f"the baseline {file} is not JSON: {error}") from None
    pairs: dict[str, set[tuple[str, str]]] = {}
    try:
        if document["version"] != VERSION:
            raise Refusal(f"the baseline {file} has version {document['version']}; this trainlint knows {VERSION}")
        for finding in document["findings"]:
            pairs.setdefault(str(finding["path"]), set()).add((str(finding["rule"]), str(finding["pointer"])))
    except (KeyError, TypeError):
        raise Refusal(f"{file} is no baseline: `check --write-baseline {file}` writes one") from None
    return {path: frozenset(known) for path, known in pairs.items()}
