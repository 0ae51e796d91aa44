"""Whatever the bytes: an answer, soon, in little memory. ``make bench-fuzz`` tries for longer what is tried here in short."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard.linter import Report, lint
from trainyard.linter.source.limits import Limits

EXAMPLES = Path(__file__).parents[4] / "examples"
GOOD = [path.read_bytes() for path in sorted(EXAMPLES.glob("*/*.trainspec.json"))]
SPEC: dict[str, Any] = json.loads((EXAMPLES / "digits/good.trainspec.json").read_text(encoding="utf-8"))
FULL = Limits().bytes
LARGEST_CPU_SECONDS = 0.1
LARGEST_GROWTH_BYTES = 100 * 1024 * 1024
PIECES = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b",",
    b":",
    b"//",
    b"'",
    b"\x00",
    b"\xff",
    b"\r",
    b"\\ud800",
    b"NaN",
    b"1e999",
    b"-0",
    b"9" * 40,
    b"null",
)


@st.composite
def broken_texts(draw: st.DrawFn) -> bytes:
    """An example with a few stretches of it replaced, doubled or left out."""
    raw = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(raw)))
        end = min(len(raw), start + draw(st.integers(0, 60)))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4), st.just(raw[start:end] * 2)))
        raw = raw[:start] + piece + raw[end:]
    return raw


def judged(raw: bytes) -> tuple[Report, float]:
    """Return the report and the CPU seconds that it took; in the best of some tries, since machines have other things to do."""
    seconds = float("inf")
    for _ in range(5):
        began = time.process_time()
        report = lint(raw)
        seconds = min(seconds, time.process_time() - began)
        if seconds <= LARGEST_CPU_SECONDS:
            break
    return report, seconds


def growth_bytes(raw: bytes) -> int:
    """Return what a judgement allocates at its peak."""
    lint(raw)
    tracemalloc.start()
    try:
        lint(raw)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def hold(report: Report, raw: bytes) -> None:
    assert [crash.traceback for crash in report.crashes] == []
    assert len(report.findings) <= 200  # promised, whatever the constant says
    assert all(0 <= finding.start.offset <= finding.end.offset <= len(raw) for finding in report.findings)
    json.dumps(report.to_json("x"), allow_nan=False)


def test_any_bytes_get_a_bounded_answer_soon() -> None:
    slow: list[bytes] = []

    @settings(deadline=None, max_examples=300)
    @given(st.one_of(st.binary(max_size=2000), broken_texts()))
    def judge(raw: bytes) -> None:
        if slow:  # one is enough; looking for the shortest that is as slow would take minutes and say no more
            return
        report, seconds = judged(raw)
        hold(report, raw)
        slow.extend([raw] * (seconds > LARGEST_CPU_SECONDS))

    judge()
    assert slow == []


@settings(deadline=None, max_examples=40)
@given(broken_texts())
def test_a_broken_text_takes_little_memory(raw: bytes) -> None:
    assert growth_bytes(raw) <= LARGEST_GROWTH_BYTES


def full(write: Callable[[int], Any]) -> bytes:
    """Return the largest text of this kind that is still read."""
    count, text = 1, b""
    while len(longer := json.dumps(write(count)).encode()) <= FULL:
        text, count = longer, count * 2
    low, high = count // 2, count
    while high - low > 1:
        middle = (low + high) // 2
        longer = json.dumps(write(middle)).encode()
        low, high, text = (middle, high, longer) if len(longer) <= FULL else (low, middle, text)
    return text


def layers(*kinds: Any) -> Callable[[int], Any]:
    return lambda count: {**SPEC, "model": {"type": "sequential", "layers": [*kinds] * count}}


HOSTILE: dict[str, Callable[[], bytes]] = {
    "brackets": lambda: b"[" * FULL,
    "objects": lambda: b'{"a":' * (FULL // 5),
    "one string": lambda: b'"' + b"\\" * (FULL - 1),
    "one number": lambda: b"9" * FULL,
    "one key again and again": lambda: b"{" + b'"a":1,' * (FULL // 6 - 1) + b'"a":1}',
    "keys without commas": lambda: b"{" + b'"a":1 ' * (FULL // 6 - 1) + b"}",
    "commas": lambda: b"[" + b"," * (FULL - 1),
    "comments": lambda: b"/**/" * (FULL // 4),
    "line ends": lambda: b"\r\n" * (FULL // 2),
    "zeros": lambda: bytes(FULL),
    "unknown keys": lambda: full(lambda count: {f"k{number}": 1 for number in range(count)}),
    "keys that are nearly right": lambda: full(lambda count: {**SPEC, "training": {f"epoch{number}": 1 for number in range(count)}}),
    "layers": lambda: full(layers({"type": "dense", "units": 8})),
    "layers that are none": lambda: full(layers([None])),
    "layers that are nothing": lambda: full(layers({})),
    "a thousand layers, then numbers": lambda: full(
        lambda count: {**SPEC, "model": {"type": "sequential", "layers": [*[{"type": "dense", "units": 8}] * 1000, *[0] * count]}}
    ),
    "wrong metrics": lambda: full(lambda count: {**SPEC, "metrics": ["acuracy"] * count}),
    "hidden layers": lambda: full(lambda count: {**SPEC, "model": {"type": "mlp", "hidden": [1] * count}}),
    "classes": lambda: full(
        lambda count: {
            **SPEC,
            "dataset": {**SPEC["dataset"], "facts": {"samples": 5 * count, "class_counts": {f"{number}": 5 for number in range(count)}}},
        }
    ),
    "milestones": lambda: full(lambda count: {**SPEC, "scheduler": {"type": "step", "milestones": {"steps": list(range(1, count))}}}),
    "schedules": lambda: full(lambda count: {**SPEC, "scheduler": [{"type": "step", "size": {"epochs": 1}}] * count}),
    "suppressions": lambda: full(lambda count: {**SPEC, "$lint": [{"rule": "LR001", "reason": "x"}] * count}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_largest_file_of_nothing_but_one_thing_is_answered(kind: str) -> None:
    raw = HOSTILE[kind]()
    assert FULL * 0.9 < len(raw) <= FULL
    report, seconds = judged(raw)
    hold(report, raw)
    assert growth_bytes(raw) <= LARGEST_GROWTH_BYTES
    # Ten times what 'make bench-fuzz' demands on a quiet machine: what grows with the square of the size takes longer still.
    assert seconds <= 10 * LARGEST_CPU_SECONDS


def broken_spec(imbalance: dict[str, Any] | None = None, **dataset: Any) -> bytes:
    spec = {**SPEC, "dataset": {**SPEC["dataset"], **dataset}}
    if imbalance is not None:
        spec["imbalance"] = imbalance
    return json.dumps(spec).encode()


FOUND_BY_FUZZING = {
    "a file that ends where a value was expected": b'{"version":',
    "a model on samples without axes": json.dumps(
        {
            **SPEC,
            "dataset": {"type": "npz", "path": "a.npz", "input_shape": [], "facts": {"samples": 9, "classes": 2}},
            "model": {"type": "cnn", "blocks": [], "head": {"pooling": "global_max"}},
        }
    ).encode(),
    "class weights beside no class": broken_spec(imbalance={"type": "class_weights", "weights": {"x": 1}}, facts={"classes": 0}),
    "class weights beside counts that are none": broken_spec(
        imbalance={"type": "class_weights", "weights": {"a": 1}}, facts={"class_counts": {"a": -1, "b": 0}}
    ),
    "samples with more axes than a float can count": broken_spec(input_shape=[300] * 200),
}


@pytest.mark.parametrize("what", FOUND_BY_FUZZING)
def test_what_fuzzing_found_stays_mended(what: str) -> None:
    hold(lint(FOUND_BY_FUZZING[what]), FOUND_BY_FUZZING[what])
