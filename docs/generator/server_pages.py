"""The references of metrics and errors, from the server's own tables."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from trainyard.service.metrics.catalogue import FLEET, PER_JOB, Metric
from trainyard.service.rpc.catalogue import CATALOGUE, INTERNAL

# A message's place for a fact: {job!r}.
FACT = re.compile(r"\{(\w+)(?:![rs])?\}")
METRICS = """# Metrics

What the server shows under `/metrics`. Fleet metrics carry no job id, so their number does not grow with the jobs. Metrics of single
jobs do; a bounded number of jobs is shown at a time, and a job that ended leaves after a while.
"""
ERRORS = """# Errors on the wire

Every error carries `google.rpc.ErrorInfo` with the domain `trainyard` and one of these reasons; a refusal also carries its findings.
Programs go by the reason, people read the message.
"""


def metrics_page() -> str:
    """Return the table of every metric."""
    return "\n\n".join([METRICS.strip(), "## Fleet", metrics(FLEET), "## Single jobs", metrics(PER_JOB)]) + "\n"


def metrics(rows: Sequence[Metric]) -> str:
    """Return metrics as a table."""
    lines = ["| name | type | labels | at most | meaning |", "|---|---|---|---|---|"]
    for row in rows:
        labels = ", ".join(f"`{label}`" for label in row.labels)
        lines.append(f"| `{row.full_name}` | {row.type.value} | {labels} | {row.bound} | {row.meaning} |")
    return "\n".join(lines)


def errors_page() -> str:
    """Return the table of every error: reason, gRPC code, when to try again, what it says."""
    rows = [(row, inspect.getdoc(error) or "") for error, row in CATALOGUE.items()] + [(INTERNAL, "A fault of ours; the log tells more.")]
    lines = ["| reason | gRPC code | try again after | says |", "|---|---|---|---|"]
    for row, says in rows:
        again = f"{row.retry_seconds:g} s" if row.retry_seconds else ""
        message = FACT.sub(r"*\1*", " ".join(says.split())).replace("|", "\\|")
        lines.append(f"| `{row.reason}` | {row.code.name} | {again} | {message} |")
    return ERRORS + "\n" + "\n".join(lines) + "\n"
