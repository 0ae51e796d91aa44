"""Which flags of ``check`` go together. A flag that would do nothing is a mistake of whoever wrote it, and is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trainyard.linter.cli import targets
from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.linter.cli.outputs import Output

# Flag, and those of which one has to be there.
_NEEDS = (
    ("unsafe_fixes", ("fix", "diff")),
    ("exit_non_zero_on_fix", ("fix",)),
)
# Two that contradict each other, and why.
_CLASHES = (
    ("fix", "diff", "one writes, the other only shows"),
    ("config", "isolated", "one names a configuration, the other reads none"),
    ("write_baseline", "diff", "a baseline holds what is found in the files as they are"),
    ("write_baseline", "watch", "a baseline is written once"),
    ("exit_non_zero_on_fix", "watch", "watching ends with Ctrl-C"),
)
# --show-config judges nothing, so what bears on judging has nothing to do.
_JUDGING = ("fix", "diff", "unsafe_fixes", "exit_non_zero_on_fix", "write_baseline", "statistics", "watch")


def demand(options: Mapping[str, Any], paths: Sequence[str], requested: Sequence[Output]) -> None:
    """Return when every flag given has something to do.

    Raises:
        Refusal: naming the flag that has not, and why.
    """
    given = {name for name, value in options.items() if value}
    if "show_config" in given:
        _demand_showing(given, requested)
    for name, needed in _NEEDS:
        if name in given and given.isdisjoint(needed):
            raise Refusal(f"{_flag(name)} goes with {' or '.join(map(_flag, needed))}")
    for one, other, why in _CLASHES:
        if {one, other} <= given:
            raise Refusal(f"{_flag(one)} and {_flag(other)} do not go together: {why}")
    if "stdin_filename" in given and targets.STDIN not in paths:
        raise Refusal("--stdin-filename is the path that standard input stands for: give - as FILE")
    if "watch" in given and targets.STDIN in paths:
        raise Refusal("--watch needs files: standard input does not change")


def _demand_showing(given: set[str], requested: Sequence[Output]) -> None:
    idle = next((name for name in _JUDGING if name in given), None)
    if idle is not None:
        raise Refusal(f"{_flag(idle)} has nothing to do with --show-config, which judges nothing")
    if any(output.format != "json" or output.file is not None for output in requested):
        raise Refusal("--show-config prints a table, or with --format json a document, on standard output")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
