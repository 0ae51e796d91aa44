"""What was read of the data, column by column: features that are no numbers, targets that the task cannot take, weights that are not there.

Each is what the trainer refuses before the first step (service/trainyard/service/trainer/data), said where it can be mended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import count, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.facts.model import Column, Targets

CATEGORICAL, FEATURES = "/dataset/categorical", "/dataset/features"
_TABLES = frozenset({"csv", "parquet"})
# A column of words with more different ones than this is hardly one of kinds: a remark, a name, an identifier.
_FEW_KINDS = 50
# The trainer's own limit (service/trainyard/service/trainer/data/columns.py).
_MOST_KINDS = 10_000
# Rows that a category needs so that something can be learnt of it, and categories from which on a column is looked at.
_ROWS_EACH, _MANY_KINDS = 10, 50


def _features(case: Case) -> list[Column]:
    """Return the columns that go in, as they were read; none where not all rows were."""
    dataset, facts = case.spec.dataset, case.facts
    if facts is None or dataset.type not in _TABLES:
        return []
    written: tuple[str, ...] | None = getattr(dataset, "features", None)
    target: str | tuple[str, ...] = getattr(dataset, "target", ())
    others = {*((target,) if isinstance(target, str) else target), dataset.split.group}
    columns = [column if hasattr(column, "numeric") else _column(column) for column in facts.columns]
    return [column for column in columns if (column.name not in others if written is None else column.name in written)]


def _column(values: tuple[object, ...]) -> Column:
    from trainyard.linter.facts.model import Column

    return Column(*values)  # type: ignore[arg-type] # an example's plain values


def _targets(case: Case) -> Targets | None:
    from trainyard.linter.facts.model import Targets

    found = None if case.facts is None else case.facts.targets
    return None if found is None else Targets(*found)


class ColumnNoNumber(Rule):
    """A column that goes into the model holds no numbers, and is not listed as categorical.

    What it checks:
        The features of a table that was read: columns of words or dates that are not in `categorical`, columns without any value or of
        lists and bytes, and categorical ones of more than 10,000 different values.

    Why it fails:
        The model takes numbers. The trainer makes some of the words of a categorical column, and refuses any other column of words.

    Evidence:
        Read from the data.

    When to ignore:
        Never.
    """

    code = "DAT008"
    name = "column-is-no-number"
    severity = Severity.ERROR
    reads = ("/dataset/type", FEATURES, CATEGORICAL)
    optional = (FEATURES, CATEGORICAL)
    VALID = (
        Valid({"dataset": {"categorical": ["city"]}}, onto="table", read={"columns": (("city", "text", 0, None, None, 4, False, True),)}),
        Valid({}, onto="table", read={"columns": (("smokes", "text", 0, None, None, 2, True, True),)}),
    )
    INVALID = (
        Invalid(
            {},
            "/dataset",
            "'city' holds words",
            fix=["city"],
            fix_at=CATEGORICAL,
            onto="table",
            read={"columns": (("city", "text", 0, None, None, 4, False, True),)},
        ),
        Invalid(
            {"dataset": {"features": ["note", "age"], "input_shape": None}},
            FEATURES,
            "leave it out",
            onto="table",
            read={"columns": (("note", "text", 0, None, None, 412, False, True), ("age", "number", 0, 1.0, 90.0, 80, True, True))},
        ),
        Invalid(
            {}, "/dataset", "'old' holds no value", onto="table", read={"columns": (("old", "empty", 569, None, None, 0, False, True),)}
        ),
        Invalid(
            {"dataset": {"categorical": ["path"]}},
            "/dataset",
            "'path' holds neither",
            onto="table",
            read={"columns": (("path", "other", 0, None, None, None, False, True),)},
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at each column that goes in."""
        listed: tuple[str, ...] = getattr(case.spec.dataset, "categorical", ())
        at = FEATURES if case.wrote(FEATURES) else "/dataset"
        words = []
        for column in _features(case):
            if column.kind == "empty":
                yield Violation(at, f"the column '{column.name}' holds no value; leave it out of the features")
            elif column.kind == "other":
                yield Violation(at, f"the column '{column.name}' holds neither numbers nor words; leave it out of the features")
            elif column.name in listed and (column.distinct or 0) > _MOST_KINDS:
                problem = f"the column '{column.name}' has {number(column.distinct or 0)} different values"
                yield Violation(CATEGORICAL, f"{problem}, and {number(_MOST_KINDS)} are the most; leave it out of the features")
            elif column.numeric is False and column.name not in listed:
                words.append(column)
        for column in words:
            few = column.kind == "text" and column.distinct is not None and column.distinct <= _FEW_KINDS
            remedy = "list it in categorical" if few else "leave it out of the features, or list it in categorical"
            message = f"the column '{column.name}' holds words or dates, and the model takes numbers; {remedy}"
            mended = [*listed, *(each.name for each in words if (each.distinct or _MOST_KINDS) <= _FEW_KINDS)]
            place = CATEGORICAL if few and case.wrote(CATEGORICAL) else at
            yield Violation(place, message, suggestion=Suggestion(CATEGORICAL, mended) if few else None)


class TargetsDoNotFitTask(Rule):
    """The targets are not what the task can learn.

    What it checks:
        The targets that were read. A classification takes numbers without fractions or words, or rows with exactly one 1. A multilabel
        task takes rows of 0 and 1. A regression takes numbers. And the samples of a classification are of two classes at least.

    Why it fails:
        The trainer refuses the data before the first step.

    Evidence:
        Read from the data.

    When to ignore:
        Never.
    """

    code = "DAT009"
    name = "targets-do-not-fit-task"
    severity = Severity.ERROR
    reads = ("/dataset/type", "/task")
    VALID = (
        Valid({}, onto="layers", read={"targets": ("number", 0, True, False)}),
        Valid({}, onto="table", read={"targets": ("text", 0, True)}),
    )
    INVALID = (
        Invalid({}, "/task", "fractions", onto="table", read={"targets": ("number", 0, False)}),
        Invalid({}, "/dataset/target", "one class, 'benign'", onto="table", read={"class_names": ("benign",), "class_counts": (569,)}),
        Invalid({}, "/task", "multilabel", onto="layers", read={"targets": ("number", 1, None, True, False)}),
        Invalid({}, "/task", "words", onto="regression", read={"targets": ("text", 0, True)}),
        Invalid({"task": "multilabel"}, "/task", "one value per sample", onto="layers", read={"targets": ("number", 0, True, True)}),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the targets with the task."""
        targets, task = _targets(case), case.spec.task
        if task not in {CLASSIFICATION, "multilabel", "regression"}:
            return
        problem = "" if targets is None else _shape_problem(targets, task) or _value_problem(targets, task)
        if problem:
            yield Violation("/task", problem)
        elif task == CLASSIFICATION and (only := _only_class(case)) is not None:
            table = case.wrote("/dataset/target")
            told = f"all samples are of one class, '{only}': there is nothing to tell apart"
            yield Violation("/dataset/target" if table else "/dataset/path", f"{told}; name another target" if table else told)


def _only_class(case: Case) -> str | None:
    """Return the class that all samples are of, where there is one and all were counted."""
    if case.facts is None or not case.facts.complete:
        return None
    names = [name for name, amount in zip(case.facts.class_names, case.facts.class_counts, strict=True) if amount]
    return names[0] if len(names) == 1 else None


def _shape_problem(targets: Targets, task: str) -> str:
    if targets.kind == "other":
        return "the targets are neither numbers nor words; write them as one of these"
    if targets.axes > 1:
        return f"the targets have {targets.axes} axes per sample; write one number or one row per sample"
    if task == "multilabel" and targets.axes == 0:
        return "multilabel takes rows of 0 and 1, and the target is one value per sample; write 'classification', or one column per label"
    return ""


def _value_problem(targets: Targets, task: str) -> str:
    if task != CLASSIFICATION and targets.kind == "text":
        return f"the targets are words, and a {task} task takes numbers; write 'classification', or name another target"
    if task == "multilabel" and targets.flags is False:
        return "multilabel takes rows of 0 and 1, and the targets hold other values; write 'regression', or mend them"
    if task != CLASSIFICATION:
        return ""
    if targets.axes and targets.one_each is False:
        several = "several labels at once: write 'multilabel'" if targets.flags else "other values: write 'regression'"
        return f"a classification takes rows with exactly one 1, and the targets have {several}"
    if targets.whole is False:
        return "the targets are fractions, and classes are numbered without; write 'regression', or name another target"
    return ""


class StartNotThere(Rule):
    """The weights that the model starts from are not there.

    What it checks:
        `model.weights` (unless published ones are asked for) and `model.initial`, where a data root is known.

    Why it fails:
        The run would end before its first step.

    Evidence:
        Looked up below the data root, as a server does.

    When to ignore:
        When they will be there by the time of the run: check without a data root.
    """

    code = "DAT010"
    name = "initial-weights-not-there"
    severity = Severity.ERROR
    reads = ("/model",)
    VALID = (Valid({}, onto="transfer"),)
    INVALID = (
        Invalid(
            {"model": {"weights": "w/nope.h5"}},
            "/model/weights",
            "no 'w/nope.h5'",
            onto="transfer",
            read={"starts": (("absent", "w/nope.h5", "There is no 'w/nope.h5' below the data root.", "/model/weights"),)},
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Pass on what was not found."""
        for trouble, _, message, field in () if case.facts is None else case.facts.starts:
            # What is outside has a rule that needs no data root.
            if trouble != "outside-root":
                yield Violation(field, message.rstrip("."))


class CategoriesTooMany(Rule):
    """A categorical column has about as many values as rows.

    What it checks:
        A `categorical` column of a table that was read: numbers with fractions, of more than 50 different values, or any of more than 50
        of which each has fewer than 2 rows on average (warning); fewer than 10 rows each are an info.

    Why it fails:
        Each value becomes an input of its own. One that hardly any row has teaches nothing about other rows; neighbouring numbers become
        strangers to each other.

    Evidence:
        Micci-Barreca 2001, doi 10.1145/507533.507538 (attributes of high cardinality: one input per value breaks down where values have few
        rows). Of values that occur once, none of those in the validation part was ever trained on.

    When to ignore:
        When the column is one of kinds and more rows will come.
    """

    code = "INP006"
    name = "categories-with-few-rows"
    severity = Severity.WARNING
    reads = ("/dataset/type", FEATURES, CATEGORICAL)
    optional = (FEATURES,)
    VALID = (
        Valid(
            {"dataset": {"categorical": ["city"]}},
            onto="table",
            read={"samples": 569, "columns": (("city", "text", 0, None, None, 30, False, True),)},
        ),
    )
    INVALID = (
        Invalid(
            {"dataset": {"categorical": ["area"]}},
            CATEGORICAL,
            "takes 400 values",
            fix=[],
            onto="table",
            read={"samples": 569, "columns": (("area", "number", 0, 12.5, 90.5, 400, True, False),)},
        ),
        Invalid(
            {"dataset": {"categorical": ["street"]}},
            CATEGORICAL,
            "each",
            onto="table",
            read={"samples": 569, "columns": (("street", "text", 0, None, None, 100, False, True),)},
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Divide the rows by the values."""
        listed: tuple[str, ...] = getattr(case.spec.dataset, "categorical", ())
        samples = 0 if case.facts is None else case.facts.samples or 0
        for column in _features(case):
            kinds = column.distinct or 0
            if column.name not in listed or kinds <= _MANY_KINDS or not samples:
                continue
            measured = column.kind == "number" and column.whole is False
            if not measured and samples >= _ROWS_EACH * kinds:
                continue
            told = f"the categorical column '{column.name}' takes {count(kinds, 'value')} in {count(samples, 'row')}"
            rest = [name for name in listed if name != column.name]
            if measured:
                message = f"{told}, fractions among them: it is a quantity; take it out of categorical"
                yield Violation(CATEGORICAL, message, suggestion=Suggestion(CATEGORICAL, rest))
            else:
                message = f"{told}, {samples / kinds:.2g} rows each: little can be learnt of them; group them, or leave the column out"
                yield Violation(CATEGORICAL, message, severity=Severity.INFO if samples >= 2 * kinds else None)


RULES = (ColumnNoNumber(), TargetsDoNotFitTask(), StartNotThere(), CategoriesTooMany())
