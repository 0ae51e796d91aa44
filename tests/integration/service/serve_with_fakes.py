"""``trainyard serve`` with trainers that start no Keras. Options are the program's own.

When it ends it writes the names of all modules it has imported into the file that MODULES_FILE names. LEASE_SECONDS and
MAX_ATTEMPTS are what no option says. BREAK names a fault to build in, so that a test which must notice it can be seen to.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from trainyard.linter.cli import exits
from trainyard.service.core import journal, submission
from trainyard.service.executor.launching import LocalLauncher, Order
from trainyard.service.main import running, serve
from trainyard.service.main.settings import settle
from trainyard.service.store import changes, leases
from trainyard.service.store.sql_store import SqlJobStore

FAKE = Path(__file__).parent / "fake_trainer.py"


def fake_command(order: Order) -> list[str]:
    mode = json.loads(order.run.resolved.read_text())["experiment"]["name"]
    return [sys.executable, str(FAKE), str(order.run.path), "--attempt", str(order.attempt), mode]


def break_what_is_named(fault: str) -> None:
    """Build a fault in: each takes one promise's mechanism away."""
    if fault == "finds-nobody":  # a restarted server does not know its trainers
        LocalLauncher.find = lambda *_: None  # type: ignore[method-assign,assignment]
        SqlJobStore.bind = lambda *_: None  # type: ignore[method-assign,assignment]
    elif fault == "counts-twice":  # a word that is read again is kept again
        take = journal._take
        journal._take = lambda job, entry, _seen: take(job, replace(entry, key=f"{entry.key}/{job.last_seq}"), {})
    elif fault == "offset-apart":  # the offset is kept before the events, not with them
        ingest = changes.ingest

        def apart(connection: Any, job_id: str, batch: Any, at: Any) -> Any:
            ingest(connection, job_id, replace(batch, entries=()), at)
            connection.commit()
            connection.begin()
            return ingest(connection, job_id, replace(batch, start=batch.end), at)

        changes.ingest = apart
    elif fault == "adopts-at-once":  # a lease that is past proves a death
        adopt = leases.adopt
        leases.adopt = lambda connection, lease, _patience, now: adopt(connection, lease, -3600.0, now)
    elif fault == "acknowledges-early":  # a job is acknowledged before it is kept
        SqlJobStore.create = lambda _self, new, _report: journal.accept(new, 0)  # type: ignore[method-assign]
    elif fault:
        raise ValueError(fault)


def serve_with_fakes(**options: Any) -> int:
    break_what_is_named(os.environ.get("BREAK", ""))
    submission.MAX_ATTEMPTS = int(os.environ.get("MAX_ATTEMPTS", submission.MAX_ATTEMPTS))
    settings = replace(settle(**options), lease_seconds=float(os.environ.get("LEASE_SECONDS", "60")))
    code = running.run(settings, command=None if os.environ.get("REAL_TRAINERS") else fake_command)
    if "MODULES_FILE" in os.environ:
        Path(os.environ["MODULES_FILE"]).write_text("\n".join(sorted(sys.modules)))
    return code


if __name__ == "__main__":
    sys.exit(exits.run(click.Command("serve", params=serve.params, callback=serve_with_fakes), program="trainyard serve"))
