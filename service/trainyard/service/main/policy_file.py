"""What can change while the server runs: the policy file and the box's measured profile, read at start and on SIGHUP.

A new file that is broken changes nothing, and the log says why: a server must not lose its limits to a typing error.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from trainyard.linter.cli.exits import Refusal
from trainyard.linter.estimate.hardware import BadProfileError, HardwareProfile, profile
from trainyard.service.core import policy
from trainyard.service.core.errors import QuotaError
from trainyard.service.core.hardware import understood
from trainyard.service.core.policy import BadPolicyError, Policy

HARDWARE = "hardware.json"
_log = structlog.get_logger("policy")


def read_policy(path: Path | None) -> Policy:
    """Return the policy in a file, or the one without limits; raises Refusal."""
    if path is None:
        return Policy()
    try:
        return policy.read(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise Refusal(f"--policy {path} can not be read as TOML: {error}") from error
    except BadPolicyError as error:
        raise Refusal(f"--policy {path}: {error}") from error


def read_hardware(home: Path, described: dict[str, Any]) -> dict[str, Any]:
    """Return the profile that ``trainyard calibrate`` left for this device, else ``described``; raises Refusal for a broken one.

    The memory of a slot is the server's to say: it follows from how many jobs run at once.
    """
    path = home / HARDWARE
    try:
        measured = json.loads(path.read_bytes())
        profile(measured)
    except FileNotFoundError:
        return described
    except (OSError, ValueError, TypeError, AttributeError, BadProfileError) as error:
        raise Refusal(f"{path} is no hardware profile: {error}; `trainyard calibrate` writes a new one") from error
    for what in ("device", "backend"):
        if measured.get(what, described[what]) != described[what]:
            _log.warning(f"hardware-of-another-{what}", measured=measured[what], here=described[what])
            return described
    return {**measured, "memory_bytes": described["memory_bytes"] or measured["memory_bytes"]}


class House:
    """The policy as it is now, and whoever follows it."""

    def __init__(self, path: Path | None, home: Path, described: dict[str, Any], most_hours: float | None = None) -> None:
        """Read both files; raises Refusal for one that is broken. ``most_hours`` is the operator's word beside the file's."""
        self._path, self._home, self._described, self._most_hours = path, home, described, most_hours
        self.policy = self._read_policy()
        self.hardware = read_hardware(home, described)
        self._followers: list[Callable[[House], None]] = []

    def followed(self, by: Callable[[House], None]) -> None:
        """Tell somebody whenever something has changed."""
        self._followers.append(by)

    def profile(self) -> HardwareProfile | None:
        """Return the linter's profile of this box."""
        return understood(self.hardware)

    def admit(self, count_live: Callable[[str], int]) -> Callable[[str], None]:
        """Return what raises QuotaError for an owner who has as many jobs as the policy allows."""

        def admit(owner: str) -> None:
            most = self.policy.max_jobs
            if most is not None and (count := count_live(owner)) >= most:
                raise QuotaError(owner=owner, count=count, most=most)

        return admit

    def wall_seconds(self) -> float | None:
        """Return how long an attempt may last now."""
        return None if self.policy.max_hours is None else self.policy.max_hours * 3600

    def _read_policy(self) -> Policy:
        """Return the file's policy; of its hours and the operator's the fewer count, for specs and for attempts."""
        read = read_policy(self._path)
        said = [hours for hours in (read.max_hours, self._most_hours) if hours is not None]
        return replace(read, max_hours=min(said, default=None))

    def read_again(self) -> None:
        """Read both files again and log what changed; keeps all as it was when one is broken."""
        try:
            new, hardware = self._read_policy(), read_hardware(self._home, self._described)
        except Refusal as error:
            _log.error("policy-kept", why=str(error))
            return
        changes = self.policy.changes(new)
        if hardware != self.hardware:
            changes.append("hardware profile: measured anew" if hardware is not self._described else "hardware profile: not measured")
        self.policy, self.hardware = new, hardware
        for follower in self._followers:
            follower(self)
        _log.info("policy-read", changes=changes)
