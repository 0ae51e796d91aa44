"""What the spec says about its data, held against itself: columns, counts, shapes and targets."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.output import READS, place_of
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import count, listed, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

_FACTS = "/dataset/facts"
# Shares that were rounded to two digits add up to 1 within this much for a few dozen classes.
_ROUNDING = 0.02


class ColumnsContradict(Rule):
    """The columns of a table contradict each other.

    What it checks:
        A target column among `features`, a `categorical` column that is no feature, and a number of features that is not the one in
        `input_shape` (where no column becomes several).

    Why it fails:
        A model that sees its target answers perfectly and has learnt nothing; a column that is no feature cannot be encoded; another number
        of inputs does not fit the first layer.

    Evidence:
        Kaufman et al. 2012, doi 10.1145/2382577.2382579 (leakage: the target among the inputs). The others follow from the definition.

    When to ignore:
        Never.
    """

    code = "DAT005"
    name = "columns-contradict"
    severity = Severity.ERROR
    reads = ("/dataset/features", "/dataset/categorical", "/dataset/target", "/dataset/input_shape", "/dataset/type")
    optional = ("/dataset/features", "/dataset/categorical", "/dataset/input_shape")
    VALID = (Valid({"dataset": {"features": ["a", "b"], "input_shape": [2]}}, onto="table"),)
    INVALID = (
        Invalid(
            {"dataset": {"features": ["a", "diagnosis"], "input_shape": [2]}},
            "/dataset/features",
            "'diagnosis'",
            fix=["a"],
            onto="table",
        ),
        Invalid({"dataset": {"features": ["a"], "categorical": ["c"], "input_shape": None}}, "/dataset/categorical", "'c'", onto="table"),
        Invalid({"dataset": {"features": ["a", "b", "c"]}}, "/dataset/input_shape", "3 features", fix=[3], onto="table"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the columns with each other."""
        dataset = case.spec.dataset
        features: tuple[str, ...] | None = getattr(dataset, "features", None)
        if dataset.type not in {"csv", "parquet"}:
            return
        target: str | tuple[str, ...] = getattr(dataset, "target", ())
        targets = {target} if isinstance(target, str) else set(target)
        categorical: tuple[str, ...] = getattr(dataset, "categorical", ())
        if not isinstance(features, tuple):
            leaked = [name for name in categorical if name in targets]
            if leaked:
                yield Violation("/dataset/categorical", f"{_being(leaked)} the target, which is no feature; take {_it(leaked)} out")
            return
        seen = [name for name in features if name in targets]
        if seen:
            rest = [name for name in features if name not in targets]
            message = f"the model sees its own target: {_being(seen)} among the features; take {_it(seen)} out"
            yield Violation("/dataset/features", message, suggestion=Suggestion("/dataset/features", rest) if rest else None)
            return
        unknown = [name for name in categorical if name not in features]
        if unknown:
            yield Violation(
                "/dataset/categorical",
                f"{_being(unknown)} among no features; add {_it(unknown)} to the features, or take {_it(unknown)} out",
            )
        shape = dataset.input_shape
        if case.wrote("/dataset/input_shape") and shape is not None and len(shape) == 1 and not categorical and shape[0] != len(features):
            message = f"there are {count(len(features), 'feature')}, and input_shape is {list(shape)}; write [{len(features)}]"
            yield Violation("/dataset/input_shape", message, suggestion=Suggestion("/dataset/input_shape", [len(features)]))


class FactsContradict(Rule):
    """Declared facts contradict each other.

    What it checks:
        `samples` against the sum of `class_counts`, `classes` against the number of counts or shares, and whether shares add up to 1.

    Why it fails:
        Nothing that is computed from them is right: steps, weights, the split.

    Evidence:
        Definition.

    When to ignore:
        Never; `trainlint facts --write` writes what the data is.
    """

    code = "DAT006"
    name = "facts-contradict"
    severity = Severity.ERROR
    reads = (_FACTS, "/task")
    VALID = (Valid({"dataset": {"facts": {"samples": 569, "classes": 2}}}, onto="table"),)
    INVALID = (
        Invalid({"dataset": {"facts": {"samples": 9999}}}, f"{_FACTS}/samples", "569", fix=569, onto="table"),
        Invalid({"dataset": {"facts": {"classes": 7}}}, f"{_FACTS}/classes", "2 counts", fix=2, onto="table"),
        Invalid(
            {"dataset": {"facts": {"class_counts": None, "class_shares": [0.5, 0.9], "samples": 1000}}},
            f"{_FACTS}/class_shares",
            "1.4",
            onto="table",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare what is declared in several ways."""
        facts = case.spec.dataset.facts
        named = facts.class_counts if facts.class_counts is not None else facts.class_shares
        if case.spec.task != CLASSIFICATION or named is None:
            return
        if facts.classes is not None:
            classes = facts.classes if isinstance(facts.classes, int) else len(facts.classes)
            if classes != len(named):
                pointer, kind = f"{_FACTS}/classes", "count" if facts.class_counts is not None else "share"
                fix = Suggestion(pointer, len(named)) if isinstance(facts.classes, int) else None
                advice = f"; write {len(named)}" if fix else "; name each class once"
                yield Violation(pointer, f"{classes} classes are declared, and {count(len(named), kind)}{advice}", suggestion=fix)
        values = list(named.values()) if isinstance(named, dict) else list(named)
        total = sum(values)
        exactly: int | None = getattr(facts.samples, "exactly", None)
        if facts.class_counts is None:
            if abs(total - 1) > _ROUNDING:
                yield Violation(f"{_FACTS}/class_shares", f"the shares of the classes add up to {number(round(total, 3))}, and not to 1")
        elif exactly is not None and exactly != total:
            pointer = f"{_FACTS}/samples"
            message = f"{count(exactly, 'sample')} are declared, and the class counts add up to {number(total)}; write {number(total)}"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, int(total)))


def _numbers_each(case: Case) -> int | None:
    """Return how many numbers or flags each target has, where an archive was read."""
    found = None if case.facts is None else case.facts.targets
    # A tuple without its last members is what an example says.
    return found[5] if found is not None and len(found) > 5 else None


class OutputsDifferFromTargets(Rule):
    """There are more or fewer outputs than values to predict.

    What it checks:
        The units of the last layer against the target columns of a regression on a table, the numbers that each target of an archive
        has, and the declared labels of a multilabel task.

    Why it fails:
        Outputs and targets of different width do not subtract: an error at the first step, or one target is compared with all outputs.

    Evidence:
        Definition. Keras stretches a single target over several outputs without a word (broadcasting in keras/src/losses).

    When to ignore:
        Never.
    """

    code = "OUT018"
    name = "outputs-differ-from-targets"
    severity = Severity.ERROR
    reads = (*READS, "/dataset/type", "/dataset/target")
    optional = ("/loss", "/dataset/facts/classes", "/dataset/facts/class_counts", "/dataset/facts/class_shares", "/dataset/target")
    VALID = (Valid({"dataset": {"target": ["price", "rent"]}}, onto="regression"),)
    INVALID = (
        Invalid(
            {"dataset": {"target": ["price", "rent"]}, "model": {"output": {"units": 1}}},
            "/model/output/units",
            "2 target columns",
            fix=2,
            onto="regression",
        ),
        Invalid(
            {"dataset": {"type": "npz", "path": "rents.npz", "target": "y"}, "model": {"output": {"units": 1}}},
            "/model/output/units",
            "3 numbers",
            fix=3,
            onto="regression",
            read={"targets": ("number", 1, None, False, False, 3)},
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the last layer with what is to be predicted."""
        output, dataset, task = case.final, case.spec.dataset, case.spec.task
        if output is None or output.units is None or output.units < 1:
            return
        if task == "regression" and dataset.type in {"csv", "parquet"}:
            target: str | tuple[str, ...] = getattr(dataset, "target", "")
            width, told = (1, "1 target column") if isinstance(target, str) else (len(target), count(len(target), "target column"))
        elif task != CLASSIFICATION and (numbers := _numbers_each(case)) is not None:
            width, told = numbers, f"targets of {count(numbers, 'number')} each"
        elif task == "multilabel" and case.classes:
            width, told = case.classes, count(case.classes, "label")
        else:
            return
        if output.units != width:
            message = f"{count(output.units, 'output')} for {told}; write {width}"
            yield Violation(place_of(case, output.units_pointer), message, suggestion=Suggestion(output.units_pointer, width))


class FolderOfClasses(Rule):
    """A folder of pictures has one class for each of them, and the task wants something else.

    What it checks:
        A dataset of the type `image_directory` with a task other than `classification`.

    Why it fails:
        The name of the sub-folder is all that such a folder says about a picture: there are no numbers and no sets of labels to learn.

    Evidence:
        Definition of the dataset type: keras/src/utils/image_dataset_utils.py infers one label per sub-folder.

    When to ignore:
        Never; an npz has targets of any kind, and labels in a list beside the pictures go in there.
    """

    code = "DAT007"
    name = "image-folder-has-classes-only"
    severity = Severity.ERROR
    reads = ("/dataset/type", "/task")
    VALID = (Valid({}),)
    INVALID = (Invalid({"task": "regression"}, "/task", "one class"),)

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the type with the task."""
        task = case.spec.task
        if case.spec.dataset.type == "image_directory" and task in {"regression", "multilabel"}:
            message = f"an image folder gives every picture one class, and a {task} needs other targets, as an npz has them"
            yield Violation("/task", message)


def _being(names: list[str]) -> str:
    return f"{_quoted(names)} {'is' if len(names) == 1 else 'are'}"


def _it(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _quoted(names: list[str]) -> str:
    return listed([f"'{name}'" for name in names], "and")


RULES = (ColumnsContradict(), FactsContradict(), OutputsDifferFromTargets(), FolderOfClasses())
