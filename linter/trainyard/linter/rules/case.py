"""One spec under judgement: what was written, what it means, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainyard.linter.estimate.hardware import HardwareProfile
    from trainyard.linter.facts.model import Facts
    from trainyard.linter.spec.model.spec import Spec


class Case:
    """What a rule may look at. Derived values are computed when first asked for, once, and shared by all rules.

    ``written`` is the JSON value as the author wrote it, ``facts`` what was read from the data
    (``None``: nobody looked), ``hardware`` the profile to judge against (``None``: none was named).
    """

    def __init__(
        self, spec: Spec, written: Mapping[str, object], *, facts: Facts | None = None, hardware: HardwareProfile | None = None
    ) -> None:
        self.spec = spec
        self.written = written
        self.facts = facts
        self.hardware = hardware

    def wrote(self, pointer: str) -> bool:
        """Tell whether the author wrote something at this JSON pointer (a default does not count)."""
        value: object = self.written
        for token in pointer.split("/")[1:]:
            if isinstance(value, Mapping) and token in value:
                value = value[token]
            elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
                value = value[int(token)]
            else:
                return False
        return True
