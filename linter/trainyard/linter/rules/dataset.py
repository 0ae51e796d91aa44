"""The data itself: whether it was read, whether it is what the spec says, and whether its paths are allowed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import count, listed, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.dataset import SampleCount

if TYPE_CHECKING:
    from trainyard.linter.facts.model import Facts

PATH = "/dataset/path"
_NAMED = 3
_NOUNS = {"image_directory": "files", "csv": "rows", "parquet": "rows"}
_UNSEEN = frozenset({"no-root", "library-missing"})


class DatasetNotRead(Rule):
    """The data was not looked at, and the spec does not say what it is.

    What it checks:
        No facts were read (no data root, or a library is missing) and the spec declares no number of samples, not how many there are of
        each class of a classification, or no input shape.

    Why it fails:
        It does not; but the rules that need them stay silent: steps and batches, class balance, memory.

    Evidence:
        Faults in the data values cannot be seen in a spec at all (Jahangirova et al. 2024, arXiv 2412.16336).

    When to ignore:
        In CI, which often has no data; `trainlint facts --write` puts what the data is into the spec.
    """

    code = "DAT001"
    name = "dataset-not-read"
    severity = Severity.INFO
    reads = ("/dataset", "/task")
    VALID = (Valid({}), Valid({"dataset": {"facts": {"samples": None}}}, onto="regression", read={"samples": 20640, "input_shape": (8,)}))
    INVALID = (
        Invalid({"dataset": {"facts": {"class_counts": None, "classes": 10}}}, PATH, "how many samples"),
        Invalid({"dataset": {"input_shape": None}}, PATH, "the input shape", onto="table"),
        Invalid(
            {"dataset": {"facts": {"class_counts": None, "classes": 10}}},
            PATH,
            "pip install 'trainyard[data]'",
            read={"problems": (("library-missing", "digits/images", "Parquet files need pyarrow."),)},
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at what neither the data nor the spec tells."""
        if case.facts is not None and not any(trouble in _UNSEEN for trouble, *_ in case.facts.problems):
            return
        unknown = ["how many samples there are"] if case.train_samples is None else []
        unknown += ["how many of each class"] if case.spec.task == CLASSIFICATION and case.class_counts is None else []
        unknown += ["the input shape"] if case.input_shape is None else []
        if unknown:
            message = f"the dataset was not read and the spec does not say {listed(unknown)}: what needs them is not judged"
            yield Violation(PATH, f"{message}; {_remedy(case)}")


def _remedy(case: Case) -> str:
    """Return what lets the data be read: a root, or the library that was missing."""
    problems = () if case.facts is None else case.facts.problems
    missing = any(trouble == "library-missing" for trouble, *_ in problems)
    return "install what reads it (pip install 'trainyard[data]')" if missing else "name the data's folder with --data-root"


class DatasetUnusable(Rule):
    """There is nothing to train on at the dataset's path.

    What it checks:
        What was read below the data root: the path exists, stays inside, holds samples and the named columns or arrays. Files that cannot
        be read, rows without a usable value and samples that hold NaN are an error with `bad_records` of `fail` or where there are more
        than `max_bad_records`, else a warning. They are counted as far as the time for reading goes.

    Why it fails:
        The run would end before its first step.

    Evidence:
        Read from the data.

    When to ignore:
        Never; without a data root nothing is read and this rule is silent.
    """

    code = "DAT002"
    name = "dataset-unusable"
    severity = Severity.ERROR
    reads = (PATH, "/dataset/split/validation", "/dataset/split/test", "/dataset/bad_records", "/task")
    optional = ("/dataset/split/validation", "/dataset/split/test", "/dataset/bad_records", "/task")
    VALID = (Valid({}, read={"samples": 6000}),)
    INVALID = (
        Invalid(
            {}, PATH, "There is no", read={"problems": (("absent", "digits/images", "There is no 'digits/images' below the data root."),)}
        ),
        Invalid(
            {"dataset": {"bad_records": "skip"}},
            PATH,
            "1 or more files",
            read={"samples": 10, "problems": (("unreadable", "digits/images/0/1.png", "'digits/images/0/1.png' cannot be read."),)},
            severity=Severity.WARNING,
        ),
        Invalid(
            {},
            PATH,
            "139 of 569 rows cannot be used",
            onto="table",
            read={"samples": 569, "unusable": (569, 139, 139, ("row 9 has no usable value in 'area'",))},
        ),
        Invalid(
            {"dataset": {"bad_records": "skip", "max_bad_records": 3}},
            "/dataset/max_bad_records",
            "at most 3",
            onto="table",
            read={"samples": 569, "unusable": (569, 139, 139, ("row 9 has no usable value in 'area'",))},
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Pass on what stood in the way of reading."""
        if case.facts is None:
            return
        yield from self._of(case, case.facts, PATH)
        for name, facts in case.facts.parts.items():
            yield from self._of(case, facts, f"/dataset/split/{name}")
            yield from self._strangers(case, facts, name)

    @staticmethod
    def _strangers(case: Case, part: Facts, name: str) -> Iterator[Violation]:
        """Look for a class that the training data has not; declared classes may be more than are seen."""
        known = case.facts.class_names if case.facts is not None else ()
        if case.spec.task != CLASSIFICATION or not known or case.spec.dataset.facts.classes is not None:
            return
        strange = next((each for each in part.class_names if each not in known), None)
        if strange is not None:
            yield Violation(f"/dataset/split/{name}", f"'{part.path}' has the class '{strange}', which the training data has not")

    @staticmethod
    def _of(case: Case, facts: Facts, pointer: str) -> Iterator[Violation]:
        readable = facts.samples is not None
        fatal = {"outside-root", "absent", "wrong-kind", "empty", "missing-field"} | (set() if readable else {"unreadable"})
        for trouble, _, message, *more in facts.problems:
            if trouble in fatal:
                yield Violation(next(filter(None, more), pointer), message.rstrip("."))
        told = [message.rstrip(".") for trouble, _, message, *_ in facts.problems if trouble == "unreadable" and readable]
        bad, seen, examples = len(told), 0, tuple[str, ...]()
        if facts.unusable is not None:
            seen, as_classes, as_numbers, examples = facts.unusable
            bad = max(bad, as_classes if case.spec.task == CLASSIFICATION else as_numbers)
        if bad:
            yield _bad_records(case, bad, seen, (*told, *examples)[:_NAMED], pointer)


def _bad_records(case: Case, bad: int, seen: int, named: tuple[str, ...], pointer: str) -> Violation:
    """Return what becomes of the records that cannot be used: skipped up to a number, or the end of the run."""
    dataset = case.spec.dataset
    noun = _NOUNS.get(dataset.type, "samples")
    amount = f"{number(bad)} of {number(seen)} {noun}" if seen else f"{number(bad)} or more {noun}"
    if dataset.bad_records != "skip":
        fate, severity = "end the run; mend them, or write bad_records 'skip' and how many at most as max_bad_records", None
    elif bad > dataset.max_bad_records:
        most = "/dataset/max_bad_records"
        pointer = most if case.wrote(most) else pointer
        fate, severity = f"end the run: at most {number(dataset.max_bad_records)} are skipped; mend them, or skip more", None
    else:
        fate, severity = "are skipped", Severity.WARNING
    examples = f" ({'; '.join(named)})" if named else ""
    return Violation(pointer, f"{amount} cannot be used{examples} and {fate}", severity=severity)


class DeclaredDataMismatch(Rule):
    """The spec declares the data to be something that it is not.

    What it checks:
        Declared samples, classes, class counts and `input_shape` against what was read. Values of a sample may be put into another
        shape of as many (a row of 64 numbers into [8, 8, 1]).

    Why it fails:
        Every prediction made from the declaration is wrong, and the trainer refuses the run before epoch 1.

    Evidence:
        Read from the data.

    When to ignore:
        Never; `trainlint facts --write` corrects the declaration.
    """

    code = "DAT003"
    name = "declared-facts-differ-from-data"
    severity = Severity.ERROR
    reads = (PATH, "/dataset/facts", "/dataset/input_shape")
    VALID = (
        Valid(
            {"dataset": {"facts": {"class_counts": {"benign": 357, "malignant": 212}}}},
            onto="table",
            read={"samples": 569, "class_names": ("benign", "malignant"), "class_counts": (357, 212)},
        ),
    )
    INVALID = (
        Invalid(
            {},
            "/dataset/facts/class_counts",
            "declares 357 samples of 'benign', the data has 300",
            fix={"benign": 300, "malignant": 212},
            onto="table",
            read={"samples": 512, "class_names": ("benign", "malignant"), "class_counts": (300, 212)},
        ),
        Invalid(
            {"dataset": {"facts": {"samples": 100}}},
            "/dataset/facts/samples",
            "the data has 20,640",
            fix=20640,
            onto="regression",
            read={"samples": 20640},
        ),
        Invalid(
            {"dataset": {"facts": {"samples": {"at_least": 30000}}}},
            "/dataset/facts/samples",
            "at least 30,000 samples",
            fix=20640,
            onto="regression",
            read={"samples": 20640},
        ),
        Invalid(
            {"dataset": {"facts": {"classes": ["mild", "malignant"], "class_counts": None}}},
            "/dataset/facts/classes",
            "a class 'mild'",
            fix=["benign", "malignant"],
            onto="table",
            read={"samples": 569, "class_names": ("benign", "malignant"), "class_counts": (357, 212)},
        ),
        Invalid(
            {"dataset": {"input_shape": [5, 2]}},
            "/dataset/input_shape",
            "a sample has [7, 2]",
            fix=[7, 2],
            onto="layers",
            read={"samples": 90, "input_shape": (7, 2)},
        ),
        Invalid(
            {},
            "/dataset/facts/class_counts",
            "2 classes, the data has 3",
            onto="table",
            read={"samples": 9, "class_names": ("a", "b", "c"), "class_counts": (3, 3, 3)},
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare what both sides know."""
        if case.facts is None or not case.facts.complete:
            return
        yield from self._classes(case)
        yield from self._shape(case.spec.dataset.input_shape, case.facts.input_shape)
        samples, real = case.spec.dataset.facts.samples, case.facts.samples
        amount = None if real is None or not isinstance(samples, SampleCount) else _otherwise(samples, real)
        if amount is not None:
            pointer = "/dataset/facts/samples"
            message = f"the spec declares {amount}, the data has {number(real or 0)}; write {number(real or 0)}"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, real))

    @staticmethod
    def _shape(written: tuple[int | None, ...] | None, real: tuple[int, ...] | None) -> Iterator[Violation]:
        """As the trainer has it (service/trainyard/service/trainer/data/samples.py)."""
        if written is None or real is None:
            return
        sizes = [size for size in written if size is not None]
        fills = len(sizes) == len(written) and math.prod(sizes) == math.prod(real)
        agrees = len(written) == len(real) and all(size in {None, have} for size, have in zip(written, real, strict=True))
        if not fills and not agrees:
            pointer, shape = "/dataset/input_shape", list(real)
            message = f"input_shape is {json.dumps(written)}, and a sample has {shape}; write {shape}"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, shape))

    @staticmethod
    def _classes(case: Case) -> Iterator[Violation]:
        facts, declared = case.facts, case.spec.dataset.facts
        if case.spec.task == "multilabel":
            yield from _labels(case)
        if facts is None or not facts.class_counts or case.spec.task != "classification":
            return
        counts = declared.class_counts
        if counts is not None:
            pointer = "/dataset/facts/class_counts"
            real = dict(zip(facts.class_names, facts.class_counts, strict=True))
            named = counts if isinstance(counts, dict) else dict(zip(facts.class_names, counts, strict=False))
            fix = Suggestion(pointer, real if isinstance(counts, dict) else list(facts.class_counts))
            if len(counts) != len(real) or set(named) != set(real):
                message = f"the spec declares {len(counts)} classes, the data has {len(real)}"
                yield Violation(pointer, f"{message} ({listed(list(facts.class_names)[:10], 'and')})", suggestion=fix)
                return
            wrong = next((name for name, amount in named.items() if amount != real[name]), None)
            if wrong is not None:
                message = f"the spec declares {number(named[wrong])} samples of '{wrong}', the data has {number(real[wrong])}"
                yield Violation(pointer, message, suggestion=fix)
        elif declared.classes is not None:
            classes = declared.classes if isinstance(declared.classes, int) else len(declared.classes)
            if classes != len(facts.class_counts):
                pointer = "/dataset/facts/classes"
                message = f"the spec declares {classes} classes, the data has {len(facts.class_counts)}"
                yield Violation(pointer, message, suggestion=Suggestion(pointer, len(facts.class_counts)))
            elif isinstance(declared.classes, tuple) and not _names_numbers(facts.class_names, classes):
                yield from _other_names(declared.classes, facts.class_names)


def _otherwise(declared: SampleCount, real: int) -> str | None:
    """Return how many samples are declared, where there are not so many."""
    if declared.exactly is not None and declared.exactly != real:
        return count(declared.exactly, "sample")
    if declared.at_least is not None and real < declared.at_least:
        return f"at least {count(declared.at_least, 'sample')}"
    if declared.at_most is not None and real > declared.at_most:
        return f"at most {count(declared.at_most, 'sample')}"
    return None


def _names_numbers(found: tuple[str, ...], classes: int) -> bool:
    """Tell whether labels are the numbers from 0 on, to which a spec may give names."""
    return all(name.isdecimal() and int(name) < classes for name in found)


def _other_names(declared: tuple[str, ...], found: tuple[str, ...]) -> Iterator[Violation]:
    lacking = sorted(set(declared) - set(found))
    if lacking:
        pointer = "/dataset/facts/classes"
        message = f"the spec declares a class '{lacking[0]}', and the data has {listed(list(found)[:10], 'and')}"
        yield Violation(pointer, message, suggestion=Suggestion(pointer, list(found)))


def _labels(case: Case) -> Iterator[Violation]:
    """The labels of a table are called as their columns."""
    target, declared = getattr(case.spec.dataset, "target", None), case.spec.dataset.facts.classes
    if not isinstance(target, tuple) or declared is None:
        return
    if isinstance(declared, tuple):
        yield from _other_names(declared, target)
    elif declared != len(target):
        pointer = "/dataset/facts/classes"
        message = f"the spec declares {count(declared, 'label')}, and there are {len(target)} target columns; write {len(target)}"
        yield Violation(pointer, message, suggestion=Suggestion(pointer, len(target)))


class PathLeavesRoot(Rule):
    """A path could lead out of the data root.

    What it checks:
        Dataset, part, weight and bundle paths are relative, without `..`, drive letters or addresses.

    Why it fails:
        A server refuses it: data is read below its root only. It would not work on another machine either.

    Evidence:
        Law 9 of the language: nothing in a spec is code, and no path leaves the root.

    When to ignore:
        Never; put a link into the data root, or move the root.
    """

    code = "DAT004"
    name = "path-leaves-data-root"
    severity = Severity.ERROR
    reads = (PATH, "/dataset/split/validation", "/dataset/split/test", "/model/weights", "/model/initial")
    VALID = (Valid({"dataset": {"path": "a/b.c/d"}}),)
    INVALID = (
        Invalid({"dataset": {"path": "../images"}}, PATH, "relative to the data root"),
        Invalid({"dataset": {"path": "/home/me/images"}}, PATH, "relative to the data root"),
        Invalid({"dataset": {"path": "https://example.org/x"}}, PATH, "is an address, and nothing is ever downloaded"),
        Invalid({"dataset": {"path": ""}}, PATH, "the path is empty; write a path relative to the data root"),
        Invalid({"dataset": {"split": {"test": "C:\\data"}}}, "/dataset/split/test", "relative to the data root"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at every path of the spec."""
        spec = case.spec
        paths: list[tuple[str, str | None]] = [(PATH, spec.dataset.path)]
        parts = (("validation", spec.dataset.split.validation), ("test", spec.dataset.split.test))
        paths += [(f"/dataset/split/{name}", part.path) for name, part in parts if part is not None]
        paths += [("/model/weights", getattr(spec.model, "weights", None)), ("/model/initial", getattr(spec.model, "initial", None))]
        for pointer, path in paths:
            if path is not None and leaves_root(path):
                yield Violation(pointer, f"{_wrong_with(path)}; write a path relative to the data root, without '..'")


def _wrong_with(path: str) -> str:
    if not path:
        return "the path is empty"
    return f"'{path}' is an address, and nothing is ever downloaded" if "://" in path else f"'{path}' is not below the data root"


def leaves_root(path: str) -> bool:
    """Tell whether a path could mean something outside of a root, on any operating system."""
    tokens = path.replace("\\", "/").split("/")
    return not path or tokens[0] == "" or ":" in tokens[0] or ".." in tokens or "\0" in path


RULES = (DatasetNotRead(), DatasetUnusable(), DeclaredDataMismatch(), PathLeavesRoot())
