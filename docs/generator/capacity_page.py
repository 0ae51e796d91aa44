"""What one server carries: the page of capacity, from the figures that `make bench-service` keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_RESULT = Path(__file__).parents[2] / "tests/bench/results/service_load.json"
_INTRODUCTION = """# Capacity

What one server carries, with its store in SQLite on the machine's own disk. `make bench-service` measured it: the program itself, with
trainers that start no Keras, everybody who loads it in a process of his own. Figures of another machine differ; ratios differ less.

Measured on {measured_on}: {cores} cores of {cpu}, Python {python}, load average {load} afterwards
(above {cores} other programs had their share of the machine, and delays say so; CPU times and ratios hardly do).
"""
_STREAMS = """## Streams

{streams:,} streams of one client over {jobs} jobs, each of which says an epoch a second, while somebody else asks for a job twenty
times a second. Beside it a bare `grpc.aio` server that keeps and checks nothing, with the same messages to the same client, in turn,
{rounds} rounds of each; the medians of the rounds. A delay counts from the trainer's line in its spool: reading it, keeping it (synced
to disk) and sending it. Targets: every event arrives; p95 at most three times the bare server's; calls meanwhile below 20 ms.
"""
_SUBMIT = """## Submissions

{jobs:,} specs, no two the same, at {per_second} a second, whatever was answered by then: judged, kept, synced to disk, acknowledged.
Target: p95 below 50 ms.

| p50, ms | p95, ms | CPU of the server for each, ms |
|---:|---:|---:|
| {p50_ms} | {p95_ms} | {server_cpu_ms_each} |
"""
_LISTS = """## Lists

{jobs:,} finished jobs in the store, each with a name of its own; pages of fifty, sixty times each. Target: p95 below 100 ms, the
server below 250 MiB ({resident} MiB afterwards).
"""
_REST = """## Restart and rest

| | | target |
|---|---:|---:|
| a server that was killed over {trainers} live trainers answers again, s | {answers_seconds} | |
| and has found them all, s | {all_attached_seconds} | 5 |
| a server with nothing to do, of one core, over {seconds:.0f} s, standby off | {percent_of_a_core} % | 1 % |
| its memory, MiB | {resident_mebibytes} | 250 |

## What bounds it

- The server's Python runs on one core at a time: streams, calls and the supervisor share it. {events_per_core:,} events a second, handed to
  streams, fill a core at the cost above; the lint of a spec and its transaction are most of a submission.
- Connections: {connections:,} at once, fewer where fewer file descriptors are allowed (the log says `few-descriptors`); calls: {calls:,}
  under way. Who connects and says nothing is sent away after ten seconds.
- A watcher that does not read holds one page of at most {page} events. A job's newest {ring} events, {ring_kib} KiB at most, are held
  while somebody watches it.
- A search for a part of a name looks at all names, in an index: it grows with the jobs there are. `--keep-days` bounds them.
"""
MOST_OVER_BARE = 3.0
_WORDS = {
    "newest": "the newest",
    "by_state": "those that succeeded",
    "live": "those that wait or run",
    "by_tag": "with a tag that all have",
    "by_rare_tag": "with two tags, one of them rare",
    "by_no_tag": "with a tag that none has",
    "by_name": "a part of a name that a hundred have",
    "by_no_name": "a part of a name that none has",
}


def page() -> str:
    """Return the page of the kept figures."""
    from trainyard.service.main import descriptors
    from trainyard.service.rpc import feed, server, watching

    record = json.loads(_RESULT.read_text(encoding="utf-8"))
    machine, figures = record["machine"], record["figures"]
    streams = figures["streams"]
    rest = _REST.format(
        **figures["attach"],
        **figures["idle"],
        events_per_core=int(1e6 / streams["server_cpu_us_per_event"] / 100) * 100,
        connections=descriptors.MOST_FOR_CALLERS,
        calls=server.MAX_CALLS,
        page=watching.PAGE,
        ring=feed.MOST_EVENTS,
        ring_kib=feed.MOST_BYTES // 1024,
    )
    told = _INTRODUCTION.format(measured_on=record["measured_on"], **machine, load=machine["load_average_afterwards"])
    return "\n".join(
        [told, _fan_out(streams, figures["bare_fan_out"]), _SUBMIT.format(**figures["submit"]), _lists(figures["lists"]), rest]
    )


def _fan_out(ours: dict[str, Any], bare: dict[str, Any]) -> str:
    rows = [
        (
            "events that arrived, of those that were due",
            *(f"{each['events']:,} of {each['events_expected']:,}" for each in (bare, ours)),
            "",
        ),
        ("delay p50, ms", bare["p50_ms"], ours["p50_ms"], ""),
        ("delay p95, ms", bare["p95_ms"], ours["p95_ms"], f"{ours['p95_over_bare']:.2f}"),
        ("a call meanwhile, p95, ms", bare["unary_p95_ms"], ours["unary_p95_ms"], ""),
        (
            "CPU of the server for each event, µs",
            *(each["server_cpu_us_per_event"] for each in (bare, ours)),
            f"{ours['server_cpu_us_per_event_over_bare']:.2f}",
        ),
        ("all streams opened and caught up, s", bare["opened_seconds"], ours["opened_seconds"], ""),
        ("the client's share of a core, %", *(each["client_percent_of_a_core"] for each in (bare, ours)), ""),
    ]
    lines = ["| | bare | ours | times |", "|---|---:|---:|---:|", *("| " + " | ".join(map(str, row)) + " |" for row in rows)]
    held = (
        "holds the target"
        if ours["p95_over_bare"] <= MOST_OVER_BARE
        else "misses the target in this run: the rest waits for its turn on a core"
    )
    told = _STREAMS.format(streams=ours["streams"], jobs=ours["jobs"], rounds=ours["rounds"])
    return told + "\n" + "\n".join(lines) + f"\n\nThe delay {held}.\n"


def _lists(figures: dict[str, Any]) -> str:
    rows = [f"| {_WORDS[name]} | {took} | {figures['server_cpu_ms_each'][name]} |" for name, took in figures["p95_ms"].items()]
    head = _LISTS.format(jobs=figures["finished_jobs"], resident=figures["resident_mebibytes"])
    return "\n".join([head, "| list | p95, ms | CPU of the server, ms |", "|---|---:|---:|", *rows, ""])
