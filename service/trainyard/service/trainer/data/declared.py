"""Holds what a spec says about its data against the data: a run on other data than the linter judged is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainyard.linter.spec.model.dataset import Facts, SampleCount
from trainyard.service.trainer.data.samples import Samples
from trainyard.service.trainer.failures import DataError


def check(facts: Facts, samples: Samples, counts: Sequence[int]) -> None:
    """Raise DataError when a declared fact is not so; ``counts`` are the whole dataset's samples per class."""
    for sentence in _differences(facts, samples, counts):
        raise DataError(f"The spec does not describe this dataset: {sentence}.")


def _differences(facts: Facts, samples: Samples, counts: Sequence[int]) -> Iterator[str]:
    total = len(samples) + len(samples.bad)
    if isinstance(facts.samples, SampleCount):
        yield from _count("samples", facts.samples, total)
    if not samples.classes:
        return
    if isinstance(facts.classes, int) and facts.classes != len(samples.classes):
        yield f"it declares {facts.classes} classes and there are {len(samples.classes)}"
    if isinstance(facts.classes, tuple) and set(facts.classes) != set(samples.classes):
        strange = sorted(set(facts.classes) ^ set(samples.classes))
        yield f'its class names differ from those found, "{strange[0]}" for one'
    if not samples.bad and facts.class_counts is not None:
        order = facts.classes if isinstance(facts.classes, tuple) else samples.classes
        declared = facts.class_counts
        wanted = declared if isinstance(declared, dict) else dict(zip(order, declared, strict=False))
        yield from _class_counts(wanted, dict(zip(samples.classes, counts, strict=True)))


def _count(what: str, declared: SampleCount, real: int) -> Iterator[str]:
    if declared.exactly is not None and declared.exactly != real:
        yield f"it declares {declared.exactly:,} {what} and there are {real:,}"
    if declared.at_least is not None and real < declared.at_least:
        yield f"it declares at least {declared.at_least:,} {what} and there are {real:,}"
    if declared.at_most is not None and real > declared.at_most:
        yield f"it declares at most {declared.at_most:,} {what} and there are {real:,}"


def _class_counts(wanted: dict[str, int], real: dict[str, int]) -> Iterator[str]:
    for name, count in wanted.items():
        if real.get(name) != count:
            yield f'it declares {count:,} samples of the class "{name}" and there are {real.get(name, 0):,}'
            return
