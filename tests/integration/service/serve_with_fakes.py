"""``trainyard serve`` with trainers that start no Keras. Options are the program's own.

When it ends it writes the names of all modules it has imported into the file that MODULES_FILE names. LEASE_SECONDS and
MAX_ATTEMPTS are what no option says. BOOT_ID makes this a host of its own: it knows no process that another one started. BREAK
names a fault to build in, so that a test which must notice it can be seen to.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from trainyard.linter.cli import exits
from trainyard.service.core import journal, submission
from trainyard.service.executor import processes
from trainyard.service.executor.launching import LocalLauncher, Order
from trainyard.service.main import policy_file, running, serve
from trainyard.service.main.settings import settle
from trainyard.service.store.sql_store import SqlJobStore

FAKE = Path(__file__).parent / "fake_trainer.py"


def fake_command(order: Order) -> list[str]:
    # Asked before the folder is made, too: a restarted server looks whether the trainer of a claim exists.
    mode = json.loads(order.run.resolved.read_text())["experiment"]["name"] if order.run.resolved.exists() else ""
    return [sys.executable, str(FAKE), str(order.run.path), "--attempt", str(order.attempt), mode]


def break_what_is_named(fault: str) -> None:
    """Build a fault in: each takes one promise's mechanism away."""
    faults: dict[str, list[tuple[Any, str, Any]]] = {
        # A restarted server does not know its trainers.
        "finds-nobody": [(LocalLauncher, "find", lambda *_: None), (SqlJobStore, "bind", lambda *_: None)],
        # A word that is said again is kept again.
        "counts-twice": [(journal, "_take", _again(journal._take))],
        # The offset is kept before the events, not with them.
        "offset-apart": [(SqlJobStore, "ingest", _apart(SqlJobStore.ingest))],
        # A job is acknowledged before it is kept.
        "acknowledges-early": [(SqlJobStore, "create", lambda _self, new, _report: journal.accept(new, 0))],
    }
    for where, name, instead in faults[fault] if fault else ():
        setattr(where, name, instead)


def _again(take: Callable[..., Any]) -> Callable[..., Any]:
    def taken(job: Any, entry: Any, seen: Any) -> Any:
        return take(job, replace(entry, key=f"{entry.key}/{job.last_seq}") if entry.key in seen else entry, {})

    return taken


def _apart(ingest: Callable[..., Any]) -> Callable[..., Any]:
    def ingested(store: Any, job_id: str, batch: Any, at: Any) -> Any:
        ingest(store, job_id, replace(batch, entries=()), at)
        return ingest(store, job_id, replace(batch, start=batch.end), at)

    return ingested


def _boot_id() -> str:
    return os.environ["BOOT_ID"]


def _unknown(described: dict[str, Any]) -> None:
    return None


def serve_with_fakes(**options: Any) -> int:
    break_what_is_named(os.environ.get("BREAK", ""))
    if "BOOT_ID" in os.environ:
        processes.boot_id = _boot_id
    if "FORGET_MEMORY" in os.environ:  # a hundred fakes fit where a hundred trainers do not
        setattr(policy_file, "understood", _unknown)  # noqa: B010 - the name that its user knows
    submission.MAX_ATTEMPTS = int(os.environ.get("MAX_ATTEMPTS", submission.MAX_ATTEMPTS))
    settings = replace(settle(**options), lease_seconds=float(os.environ.get("LEASE_SECONDS", "60")))
    code = running.run(settings, command=None if os.environ.get("REAL_TRAINERS") else fake_command)
    if "MODULES_FILE" in os.environ:
        Path(os.environ["MODULES_FILE"]).write_text("\n".join(sorted(sys.modules)))
    return code


if __name__ == "__main__":
    sys.exit(exits.run(click.Command("serve", params=serve.params, callback=serve_with_fakes), program="trainyard serve"))
