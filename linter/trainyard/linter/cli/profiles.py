"""``--hardware NAME|FILE``: a built-in profile or one that was measured on a box."""

# ruff: noqa: PTH123 - pathlib is left out of the cold start

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.linter.estimate.hardware import HardwareProfile

_MAX_BYTES = 1024 * 1024


@cache
def load(name: str) -> HardwareProfile:
    """Return the profile of that name, or the one in the file of that name.

    Raises:
        Refusal: when there is neither, or the file is no profile.
    """
    from trainyard.linter.estimate.hardware import BadProfileError, profile

    is_file = name.endswith(".json") or "/" in name
    try:
        return profile(_read(name) if is_file else name)
    except BadProfileError as error:
        raise Refusal(f"--hardware {name}: {error}") from None


def _read(path: str) -> dict[str, object]:
    from trainyard.linter.source.document import Document
    from trainyard.linter.source.limits import Limits

    try:
        with open(path, "rb") as stream:
            document = Document.parse(stream.read(_MAX_BYTES + 1), Limits(bytes=_MAX_BYTES))
    except OSError as error:
        raise Refusal(f"cannot read the hardware profile {path}: {error.strerror}") from None
    if document.value is None or document.faults:
        fault = document.faults[0]
        line = fault.span.start.line if fault.span is not None else 1
        raise Refusal(f"the hardware profile {path} is not JSON: line {line}: {fault.message}")
    return document.value
