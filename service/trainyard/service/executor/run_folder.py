"""Making a run folder ready for its trainer: specs and report, each written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from trainyard.service.core.jobs import Documents
from trainyard.service.wire import CANCEL, RunFolder


def prepare(run: RunFolder, documents: Documents, report: str) -> None:
    """Write what a trainer starts from; safe to do again. Raises OSError."""
    run.artifacts.mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace(run.spec, documents.source)
    _replace(run.resolved, documents.resolved.encode())
    _replace(run.lint, report.encode())
    run.control.unlink(missing_ok=True)


def ask_to_cancel(run: RunFolder) -> None:
    """Leave the word in the control file; the signals say the same."""
    if run.path.is_dir():
        _replace(run.control, CANCEL.encode() + b"\n")


def _replace(path: Path, content: bytes) -> None:
    """Put ``content`` into ``path`` so that no reader ever sees a part of it, and a power cut loses none."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
