"""``--fix`` and ``--diff``: what the fixes do to files. Fixing itself is the engine's."""

# ruff: noqa: PTH101, PTH105, PTH108, PTH118, PTH120, PTH123 - pathlib is left out of the cold start

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from trainyard.linter.cli import targets
from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.linter.cli.checker import Checker
    from trainyard.linter.engine.report import Report


_MOST_TOLD = 20


class Fixer:
    """Mends files, or shows what it would do to them.

    Args:
        checker: judges a text.
        unsafe: make suggestions too.
        diff: write nothing; show the difference.
    """

    def __init__(self, checker: Checker, *, unsafe: bool, diff: bool) -> None:
        self._checker = checker
        self._unsafe = unsafe
        self._diff = diff
        self.changed = 0

    def judge(self, path: str) -> Report:
        """Mend a file and return the report on what is left."""
        from trainyard.linter.engine.fixes import mend

        raw = self._checker.read(path)
        mended = mend(raw, lambda text: self._checker.judge(path, text), unsafe=self._unsafe)
        self.changed += mended.raw != raw
        if self._diff:
            sys.stdout.write(difference(self._checker.shown(path), raw, mended.raw))
        elif path == targets.STDIN:
            sys.stdout.buffer.write(mended.raw)  # the very bytes: a text stream would change line ends and what is not UTF-8
        elif mended.raw != raw:
            replace(path, mended.raw)
        if not self._diff:
            self._tell(self._checker.shown(path), mended.report)
        return mended.report

    @staticmethod
    def _tell(path: str, report: Report) -> None:
        """Say on standard error what was mended; places are those of the old text."""
        fixed = [finding for finding in report.findings if finding.fixed]
        for finding in fixed[:_MOST_TOLD]:
            sys.stderr.write(
                f"mended {path}:{finding.start.line}:{finding.start.column} {finding.code}[{finding.name}] {finding.message}\n"
            )
        if len(fixed) > _MOST_TOLD:
            sys.stderr.write(f"mended {path}: {len(fixed) - _MOST_TOLD} more\n")


def difference(path: str, old: bytes, new: bytes) -> str:
    """Return a unified diff; nothing when both are the same."""
    import difflib

    # A byte order mark is the one change that a text diff would not show.
    before, after = (raw.decode(errors="replace").replace("\ufeff", "<U+FEFF>").splitlines(keepends=True) for raw in (old, new))
    lines = difflib.unified_diff(before, after, fromfile=f"a/{path}", tofile=f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def replace(path: str, raw: bytes) -> None:
    """Write a file so that a reader sees the old text or the new one, never a half; links stay links.

    Raises:
        Refusal: when it cannot be written.
    """
    target = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{os.getpid()}.tmp")  # noqa: PTH119 - as above
    try:
        mode = os.stat(target).st_mode  # noqa: PTH116 - as above
        with open(temporary, "wb") as stream:
            stream.write(raw)
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except OSError as error:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise Refusal(f"cannot write {path}: {error.strerror}") from None
