"""The page of measurements, from the results that ``make bench`` and ``make bench-fuzz`` keep."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import memory_section
import monitoring_section
import time_section
import training_section

RESULTS = Path(__file__).parents[2] / "tests/bench/results"

Section = Callable[[dict[str, Any]], list[str]]

_INTRODUCTION = """# Benchmarks

Measured by `make bench`: every program in turn, round after round in one run, so that all of them meet the same weather. What counts is
CPU time, user and system, children included; the medians of all rounds are shown. Absolute figures are those of one machine under
load; the ratios are what a change must not spoil, and `make bench` fails when it does. The other linters run at the versions of
`tests/bench/peers.lock`, in an environment of their own.
"""
_COLD = """## Cold start: one file

What a commit hook pays. `trainlint check` reads `examples/digits/good.trainspec.json` with all rules on; check-jsonschema and yamllint
read the same file, cfn-lint and ruff one of their own kind and about the same size. `python -c pass` is the floor of every program in
Python; the last column says how many times a program's CPU time trainlint takes.
Targets: at most {check-jsonschema} of check-jsonschema's CPU time and {cfn-lint} of cfn-lint's.
"""
_THROUGHPUT = """## Throughput: ten thousand files

What a whole repository pays: {files:,} clean specs that all differ, in one run, all rules on. Target: at least 1.4 times the rate at which
check-jsonschema reads them against the schema alone.
"""
_PLAN = """## The plan

`trainlint plan` as text, of the file that the cold start checks, without and with a hardware profile. Target: at most 2.5 checks.
"""
_FUZZ = """## Hostile input

`make bench-fuzz` throws broken bytes, mutated specs and files that are nothing but one thing at a warm process. Each input is held to: no
crash, at most 200 findings, at most 100 ms of CPU (best of twelve tries, machines have other things to do), at most 100 MiB above idle,
places inside the text, fixes that end.
"""
_TARGETS = {"check-jsonschema": 0.40, "cfn-lint": 0.10}


def page() -> str:
    """Return the page; what was never measured is left out."""
    return "\n".join([_INTRODUCTION, *_measured(_LINTER), *_memory(), *_training(), *_measured(_TIME), *_measured(_MONITORING)])


def _measured(sections: Mapping[str, Section]) -> list[str]:
    """Return the sections of what was measured, each with the machine it was measured on."""
    parts: list[str] = []
    for name, section in sections.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            record = json.loads(path.read_text(encoding="utf-8"))
            parts += [*section(record["figures"]), _machine(record)]
    return parts


def _memory() -> list[str]:
    path = RESULTS / "memory_xla.json"
    return memory_section.section(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def _training() -> list[str]:
    """Return the part about training, as far as it was measured."""
    parts: list[str] = []
    for written, names in ((training_section.table, training_section.SETS), (training_section.resumed, training_section.RESUME)):
        for name, title in names.items():
            path = RESULTS / f"{name}.json"
            if path.exists():
                record = json.loads(path.read_text(encoding="utf-8"))
                parts += [written(title, record["figures"]), _machine(record)]
    return [training_section.INTRODUCTION, *parts] if parts else []


def _cold_start(figures: dict[str, Any]) -> list[str]:
    rows = ["| program | CPU, ms | wall, ms | peak memory, MiB | trainlint takes, times |", "|---|---:|---:|---:|---:|"]
    for name, cost in sorted(figures.items(), key=lambda item: float(item[1]["cpu_ms"])):
        ratio = "" if name == "trainlint" else f"{cost['ratio']:.2f}"
        shown = f"**{name}**" if name == "trainlint" else name
        rows.append(f"| {shown} | {cost['cpu_ms']:.0f} | {cost['wall_ms']:.0f} | {cost['peak_mebibytes']:.0f} | {ratio} |")
    rounds = f"\n{next(iter(figures.values()))['rounds']} rounds.\n"
    return [_COLD.format(**_TARGETS), *rows, rounds]


def _throughput(figures: dict[str, Any]) -> list[str]:
    rows = ["| program | specs per CPU second | CPU, s | peak memory, MiB |", "|---|---:|---:|---:|"]
    for name, cost in figures.items():
        rows.append(f"| {name} | {cost['specs_per_cpu_second']:,} | {cost['cpu_ms'] / 1000:.1f} | {cost['peak_mebibytes']:.0f} |")
    ours, theirs = figures["trainlint"], figures["check-jsonschema"]
    rate = ours["specs_per_cpu_second"] / theirs["specs_per_cpu_second"]
    return [_THROUGHPUT.format(files=ours["files"]), *rows, f"\n{rate:.1f} times the rate; {ours['rounds']} rounds.\n"]


def _plan_cost(figures: dict[str, Any]) -> list[str]:
    rows = ["| program | CPU, ms | wall, ms | peak memory, MiB | checks |", "|---|---:|---:|---:|---:|"]
    for name, cost in figures.items():
        shown = {"trainlint": "check"}.get(name, name)
        rows.append(f"| {shown} | {cost['cpu_ms']:.0f} | {cost['wall_ms']:.0f} | {cost['peak_mebibytes']:.0f} | {1 / cost['ratio']:.2f} |")
    return [_PLAN, *rows, f"\n{next(iter(figures.values()))['rounds']} rounds.\n"]


def _fuzz(figures: dict[str, Any]) -> list[str]:
    names = ("cpu_ms_median", "cpu_ms_largest", "mebibytes_above_idle", "broken_promises")
    cells = [f"{figures['inputs']:,}", f"{figures['seconds'] / 60:.0f}", *(str(figures[name]) for name in names)]
    rows = [
        "| inputs | minutes | median CPU, ms | largest CPU, ms | MiB above idle | broken promises |",
        "|---:|---:|---:|---:|---:|---:|",
        "| " + " | ".join(cells) + " |\n",
    ]
    return [_FUZZ, *rows]


def _machine(record: dict[str, Any]) -> str:
    machine = record["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    cores = f"{machine['cores']} cores of {machine['cpu']}"
    return f"Measured on {record['measured_on']}: {cores}, {machine['system']}, Python {machine['python']}; {versions}.\n"


_LINTER: dict[str, Section] = {"cold_start": _cold_start, "throughput": _throughput, "plan_cost": _plan_cost, "fuzz": _fuzz}
_MONITORING: dict[str, Section] = {"metrics_soak": monitoring_section.soak, "streams_beside_scrapes": monitoring_section.streams}
_TIME: dict[str, Section] = {
    "time_calibration_tensorflow": partial(time_section.predicted, "TensorFlow"),
    "time_calibration_jax": partial(time_section.predicted, "JAX"),
    "standby": time_section.standby,
}
