"""The house's own limits: what an operator allows on this server, beyond what the linter knows to be right.

Read from a mapping and checked whole: a misspelt limit would be none, unseen. What a spec breaks becomes a finding that
names the policy, at its place in the text. Knows no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from trainyard.linter import Severity
from trainyard.linter.engine import catalogue
from trainyard.linter.source.limits import Limits as TextLimits
from trainyard.linter.spec.model.spec import Spec

MOST_SPEC_BYTES = 1024 * 1024
# What is longer, the timer of a trainer can not count.
MOST_HOURS = 100 * 365 * 24


class BadPolicyError(Exception):
    """A policy says something that is none; the message tells what, and what to write."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed; None and empty mean: everything.

    ``max_jobs`` counts the jobs of a principal that are not over, ``max_running`` those that hold a slot. ``data_paths`` are
    folders below the data root. ``required`` rules can not be suppressed in a spec.
    """

    refuse_on: Severity = Severity.ERROR
    max_hours: float | None = None
    max_epochs: int | None = None
    max_batch_size: int | None = None
    max_spec_bytes: int = TextLimits().bytes
    max_jobs: int | None = None
    max_running: int | None = None
    model_types: tuple[str, ...] = ()
    backbones: tuple[str, ...] = ()
    data_paths: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    severities: tuple[tuple[str, Severity], ...] = ()

    def changes(self, new: Policy) -> list[str]:
        """Say what differs in a new one, a line for each: ``max_epochs: 100 -> 50``."""
        names = (field.name for field in fields(self))
        pairs = ((name, getattr(self, name), getattr(new, name)) for name in names)
        return [f"{name}: {_shown(before)} -> {_shown(after)}" for name, before, after in pairs if before != after]


class Breach(NamedTuple):
    """A limit that a spec breaks: which, where in the spec, and what to do."""

    limit: str
    pointer: str
    message: str


def breaches(policy: Policy, spec: Spec) -> Iterator[Breach]:
    """Find what the policy of this server does not allow."""
    training, model, dataset = spec.training, spec.model, spec.dataset
    yield from _above("max_epochs", "/training/epochs", "epochs", training.epochs, policy.max_epochs)
    yield from _above("max_batch_size", "/training/batch_size", "a batch size of", training.batch_size, policy.max_batch_size)
    yield from _above("max_hours", "/training/max_hours", "hours", training.max_hours, policy.max_hours)
    yield from _not_among("model_types", "/model/type", "model type", model.type, policy.model_types)
    yield from _not_among("backbones", "/model/backbone", "backbone", getattr(model, "backbone", None), policy.backbones)
    yield from _above("max_running", "/resources/gpus", "slots, one for each GPU", spec.resources.gpus, policy.max_running)
    if policy.data_paths and not _below(dataset.path, policy.data_paths):
        allowed = ", ".join(policy.data_paths)
        yield Breach("data_paths", "/dataset/path", f"The policy of this server allows data below {allowed} only (data_paths).")


def read(written: Mapping[str, Any]) -> Policy:
    """Return the policy that a TOML document describes; raises BadPolicyError."""
    unknown = [name for name in written if name not in {"refuse_on", *_TABLES}]
    if unknown:
        raise BadPolicyError(_no_such(unknown[0], ("refuse_on", *_TABLES)))
    values: dict[str, Any] = {}
    if "refuse_on" in written:
        values["refuse_on"] = _severity("refuse_on", written["refuse_on"])
    for table, readers in _TABLES.items():
        section = written.get(table, {})
        if not isinstance(section, Mapping):
            raise BadPolicyError(f"{table} is a table: write [{table}]")
        for name, value in section.items():
            if name not in readers:
                raise BadPolicyError(_no_such(name, tuple(readers), f"[{table}] "))
            field, reader = readers[name]
            values[field] = reader(f"[{table}] {name}", value)
    return Policy(**values)


def _above(limit: str, pointer: str, what: str, value: float | None, most: float | None) -> Iterator[Breach]:
    if most is not None and value is not None and value > most:
        said = f"{what} {value:g}" if what.endswith("of") else f"{value:g} {what}"
        yield Breach(limit, pointer, f"The policy of this server allows at most {most:g} ({limit}), and the spec asks for {said}.")


def _not_among(limit: str, pointer: str, what: str, value: str | None, allowed: Sequence[str]) -> Iterator[Breach]:
    if allowed and value is not None and value not in allowed:
        yield Breach(limit, pointer, f"The policy of this server does not allow the {what} {value!r} ({limit}): use {', '.join(allowed)}.")


def _below(path: str, folders: Sequence[str]) -> bool:
    parts = PurePosixPath(path).parts
    return ".." not in parts and any(PurePosixPath(path).is_relative_to(folder) for folder in folders)


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadPolicyError(f"{name} wants a whole number from 1 on; it has {value!r}")
    return value


def _spec_bytes(name: str, value: object) -> int:
    count = _count(name, value)
    if count > MOST_SPEC_BYTES:
        raise BadPolicyError(f"{name} is {MOST_SPEC_BYTES} at most; it has {count}")
    return count


def _hours(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST_HOURS:
        raise BadPolicyError(f"{name} wants a number above 0, {MOST_HOURS} (a hundred years) at most; it has {value!s:.20}")
    return float(value)


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise BadPolicyError(f"{name} wants a list of texts, one at least; leave it out to allow all")
    return tuple(value)


def _folders(name: str, value: object) -> tuple[str, ...]:
    folders = _texts(name, value)
    for folder in folders:
        if PurePosixPath(folder).is_absolute() or ".." in PurePosixPath(folder).parts:
            raise BadPolicyError(f"{name} wants folders below the data root; it has {folder!r}")
    return folders


def _rules(name: str, value: object) -> tuple[str, ...]:
    return tuple(_rule(name, rule) for rule in _texts(name, value))


def _rule(name: str, rule: str) -> str:
    if catalogue.find(rule) is None:
        near = catalogue.closest(rule)
        raise BadPolicyError(f"{name}: there is no rule {rule!r}{f'; did you mean {near!r}?' if near else ''}")
    return rule


def _severities(name: str, value: object) -> tuple[tuple[str, Severity], ...]:
    if not isinstance(value, Mapping):
        raise BadPolicyError(f'{name} wants rules and severities: {{ "learning-rate-too-high" = "error" }}')
    return tuple((_rule(name, rule), _severity(f"{name}, {rule}", severity)) for rule, severity in value.items())


def _severity(name: str, value: object) -> Severity:
    found = next((level for level in Severity if level.label == value), None)
    if found is None:
        raise BadPolicyError(f"{name} is one of {', '.join(level.label for level in Severity)}; it has {value!r}")
    return found


def _no_such(name: str, known: Sequence[str], where: str = "") -> str:
    close = get_close_matches(name, known, n=1)
    return f"{where}there is no {name!r}; " + (f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}")


def _shown(value: object) -> str:
    if isinstance(value, Severity):
        return value.label
    if isinstance(value, tuple):
        return ", ".join(f"{one[0]}={one[1].label}" if isinstance(one, tuple) else str(one) for one in value) or "all"
    return "no limit" if value is None else str(value)


_Reader = Callable[[str, object], object]
_TABLES: dict[str, dict[str, tuple[str, _Reader]]] = {
    "limits": {
        "max_hours": ("max_hours", _hours),
        "max_epochs": ("max_epochs", _count),
        "max_batch_size": ("max_batch_size", _count),
        "max_spec_bytes": ("max_spec_bytes", _spec_bytes),
        "max_jobs": ("max_jobs", _count),
        "max_running": ("max_running", _count),
    },
    "models": {"types": ("model_types", _texts), "backbones": ("backbones", _texts)},
    "data": {"paths": ("data_paths", _folders)},
    "rules": {"required": ("required", _rules), "severities": ("severities", _severities)},
}
