"""``make bench-fuzz``: hostile input for as long as asked, each one held to every promise.

    python -m tests.bench.fuzz_run --seconds 600 --seed 1

Inputs that break a promise are cut down and kept below ``build/fuzz``; the exit status is then 1. The same seed gives
the same inputs in the same order; how many of them a run gets through is up to the machine.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import json
import os
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.conftest import ROOT, Bench
from tests.bench.fuzz_mutations import ByteMutator, SpecMutator
from tests.bench.fuzz_promises import CONFIGURATIONS, BrokenPromiseError, check, check_fixes, check_outputs, judge
from tests.unit.linter.spec.conftest import Writer

FOUND = ROOT / "build/fuzz"
LARGEST_GROWTH_MEBIBYTES = 100
STUCK_SECONDS = 60
_FULL_RUN_SECONDS = 600
_PROGRESS_SECONDS = 30
_SHRINKING_SECONDS = 20
#: Of how many inputs one is also written in every format, and mended.
_WRITTEN, _MENDED = 10, 4


@dataclass
class Tally:
    """What came of the inputs so far."""

    cpu_seconds: list[float] = field(default_factory=list)
    broken: dict[str, bytes] = field(default_factory=dict)
    idle_mebibytes: float = 0.0

    def growth_mebibytes(self) -> float:
        """Return by how much memory at its peak exceeds that of the idle process."""
        return _peak_mebibytes() - self.idle_mebibytes

    def figures(self) -> dict[str, float | int]:
        """What is worth keeping."""
        return {
            "inputs": len(self.cpu_seconds),
            "cpu_ms_median": round(1000 * statistics.median(self.cpu_seconds), 2),
            "cpu_ms_largest": round(1000 * max(self.cpu_seconds), 1),
            "mebibytes_above_idle": round(self.growth_mebibytes(), 1),
            "broken_promises": len(self.broken),
        }


def corpus() -> list[bytes]:
    """Return what is mutated: the examples."""
    return [path.read_bytes() for path in sorted((ROOT / "examples").glob("*/*.trainspec.json"))]


def inputs(seed: int, known: list[bytes]) -> Iterator[bytes]:
    """Yield inputs without end: broken bytes, broken specs, specs that the schema allows, files full of one thing."""
    chance = random.Random(seed)
    in_bytes, in_specs, writer = ByteMutator(chance, known), SpecMutator(chance), Writer(seed)
    specs = [json.loads(raw) for raw in known]

    def some_spec() -> dict[str, Any]:
        return writer.spec() if chance.random() < 0.5 else chance.choice(specs)

    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: in_bytes.mutate(chance.choice(known)),
        lambda: in_bytes.mutate(_written(in_specs.mutate(some_spec()), chance)),
        lambda: _written(in_specs.mutate(some_spec()), chance),
        lambda: _written(in_specs.mutate(some_spec()), chance),
        lambda: _written(writer.spec(), chance),
        lambda: _written(in_specs.swell(some_spec()), chance),
    )
    shares = (20, 10, 25, 20, 20, 5)
    while True:
        yield chance.choices(kinds, shares)[0]()


def _written(spec: dict[str, Any], chance: random.Random) -> bytes:
    return json.dumps(spec, indent=chance.choice((None, None, 1, 2, "\t")), ensure_ascii=chance.random() < 0.5).encode(
        errors="surrogatepass"
    )


def promises(number: int, tally: Tally) -> Callable[[bytes], None]:
    """Return what the input with this number is held to."""
    configuration = CONFIGURATIONS[number % len(CONFIGURATIONS)]

    def hold(raw: bytes) -> None:
        report, seconds = judge(raw, configuration)
        tally.cpu_seconds.append(seconds)
        check(raw, report)
        if number % _WRITTEN == 0:
            check_outputs(report)
        if number % _MENDED == 0 and seconds < 0.02:
            check_fixes(raw, configuration)
        if tally.growth_mebibytes() > LARGEST_GROWTH_MEBIBYTES:
            raise BrokenPromiseError("more than 100 MiB above idle")

    return hold


def broken_promise(raw: bytes, hold: Callable[[bytes], None]) -> str | None:
    """Return which promise an input breaks, in words that are the same for every input that breaks it."""
    try:
        hold(raw)
    except BrokenPromiseError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - any exception is a broken promise
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where is not None else "nowhere"
        return f"{type(error).__name__} at {place}"
    return None


def shrunk(raw: bytes, breaks: Callable[[bytes], bool]) -> bytes:
    """Return a shorter input that breaks the same promise: pieces are left out, large ones first, while that holds."""
    ends = time.monotonic() + _SHRINKING_SECONDS
    size = max(1, len(raw) // 2)
    while size and time.monotonic() < ends:
        start, before = 0, len(raw)
        while start < len(raw) and time.monotonic() < ends:
            shorter = raw[:start] + raw[start + size :]
            if breaks(shorter):
                raw = shorter
            else:
                start += size
        size = size if len(raw) < before else size // 2
    return raw


def keep(promise: str, raw: bytes) -> Path:
    """Write an input down; return where."""
    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"{hashlib.sha256(raw).hexdigest()[:12]}.bin"
    path.write_bytes(raw)
    path.with_suffix(".txt").write_text(promise + "\n", encoding="utf-8")
    return path


def fuzz(seconds: float, seed: int) -> Tally:
    """Throw inputs at the linter until the time is over."""
    tally, known = Tally(), corpus()
    for number, raw in enumerate(known * len(CONFIGURATIONS)):
        promises(number, tally)(raw)
        check_outputs(judge(raw, CONFIGURATIONS[0])[0])
        check_fixes(raw, CONFIGURATIONS[0])
    tally.idle_mebibytes = _peak_mebibytes()
    FOUND.mkdir(parents=True, exist_ok=True)
    # An input that makes the process hang or die is found here afterwards.
    current = os.open(FOUND / "current.bin", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    ends = time.monotonic() + seconds
    told = time.monotonic()
    for number, raw in enumerate(inputs(seed, known)):
        if (now := time.monotonic()) > ends:
            break
        if now - told > _PROGRESS_SECONDS:
            told = now
            print(json.dumps(tally.figures()), file=sys.stderr, flush=True)
        os.pwrite(current, raw, 0)
        os.ftruncate(current, len(raw))
        faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True)
        _hold_one(number, raw, tally)
    faulthandler.cancel_dump_traceback_later()
    os.close(current)
    (FOUND / "current.bin").unlink()
    return tally


def _hold_one(number: int, raw: bytes, tally: Tally) -> None:
    hold = promises(number, tally)
    promise = broken_promise(raw, hold)
    if promise is None or promise in tally.broken:
        return
    faulthandler.cancel_dump_traceback_later()
    tally.broken[promise] = shrunk(raw, lambda shorter: broken_promise(shorter, hold) == promise)
    print(f"{promise}\n  input {number}, kept as {keep(promise, tally.broken[promise])}", file=sys.stderr, flush=True)


def _peak_mebibytes() -> float:
    unit = 1024 if sys.platform == "linux" else 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> int:
    """Fuzz as the command line says; return an exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=_FULL_RUN_SECONDS)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    tally = fuzz(arguments.seconds, arguments.seed)
    bench = Bench(FOUND, full=arguments.seconds >= _FULL_RUN_SECONDS)
    bench.keep("fuzz", {"seconds": arguments.seconds, "seed": arguments.seed, **tally.figures()})
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
