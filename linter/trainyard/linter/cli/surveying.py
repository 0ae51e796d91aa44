"""What data asks for: the task that its labels tell, the columns worth learning from, and what a person should know.

Guesses, each told aloud: whoever knows better names the target or the task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.linter.facts.model import Column, Facts

# More different whole numbers than this, or fewer samples of each, and they are rather amounts than classes.
_MOST_NUMBERED_CLASSES = 50
_FEWEST_PER_CLASS = 10
# A column of more different words than this is a name or free text, not a category.
_MOST_CATEGORIES = 50
# Columns that only number the rows; what follows from them follows from the order of the file.
_ROW_NUMBERS = frozenset({"", "id", "index", "row", "unnamed: 0"})
_NAME_ANOTHER = "name another target with --target, or --task regression"


class Survey(NamedTuple):
    """What was made of some data.

    Attributes:
        task: ``classification``, ``multilabel`` or ``regression``.
        dataset: the dataset section, with the columns chosen.
        facts: what was read, as far as it concerns the task.
        notes: what a person should know, a sentence each.
    """

    task: str
    dataset: dict[str, Any]
    facts: Facts
    notes: tuple[str, ...] = ()


def survey(dataset: dict[str, Any], facts: Facts, task: str | None = None) -> Survey:
    """Return what the data asks for.

    Args:
        dataset: the dataset section as drafted.
        facts: what was read from it.
        task: what the author wants; guessed from the labels when None.

    Raises:
        Refusal: when the target is neither an amount nor a class.
    """
    chosen = task or guessed_task(dataset, facts)
    if dataset["type"] == "image_directory" and chosen != "classification":
        raise Refusal(f"an image folder names one class per image; {chosen} learns from a table or an npz archive")
    if chosen == "classification" and facts.samples and not facts.class_counts and facts.type in {"csv", "parquet"}:
        raise Refusal(f"column {dataset['target']!r} holds too many different values to be classes; {_NAME_ANOTHER}")
    if chosen == "classification" and 2 * len(facts.class_counts) > (facts.samples or 0) > 1:
        raise Refusal(f"the labels of {facts.path} differ in almost every sample: these are no classes; {_NAME_ANOTHER}")
    if chosen == "classification" and len(facts.class_names) == 1:
        raise Refusal(f"{facts.path} holds one class alone, {facts.class_names[0]!r}: there is nothing to tell apart; {_second(dataset)}")
    notes = [f"class {name!r} has no sample: remove it, or fill it" for name in empty_classes(facts)]
    if facts.columns:
        dataset, facts = _with_columns(dataset, facts, notes)
    notes += [problem.message for problem in facts.problems]
    return Survey(chosen, dataset, concerning(facts, chosen), tuple(notes))


def empty_classes(facts: Facts) -> list[str]:
    """Return the classes without a sample: folders that hold no image."""
    return [name for name, samples in zip(facts.class_names, facts.class_counts, strict=True) if samples == 0]


def _second(dataset: dict[str, Any]) -> str:
    return "give it a second folder of images" if dataset["type"] == "image_directory" else _NAME_ANOTHER


def guessed_task(dataset: dict[str, Any], facts: Facts) -> str:
    """Return the task that the labels tell."""
    if dataset["type"] == "image_directory" or facts.label_encoding == "one_hot":
        return "classification"
    if facts.label_encoding == "multi_hot":
        return "multilabel"
    if any(column.name == dataset.get("target") and column.kind == "text" for column in facts.columns):
        return "classification"
    return "classification" if _are_classes(facts) else "regression"


def concerning(facts: Facts, task: str) -> Facts:
    """Return the facts without what only another task would ask for."""
    if task == "regression":
        return facts._replace(class_names=(), class_counts=(), label_encoding=None)
    return facts._replace(target_range=None)


def _are_classes(facts: Facts) -> bool:
    """Tell whether labels are classes: words always, whole numbers when there are few and each is seen often."""
    names, samples = facts.class_names, facts.samples or 0
    if not names:
        return False
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return True
    is_few = len(names) <= _MOST_NUMBERED_CLASSES and samples >= _FEWEST_PER_CLASS * len(names)
    return is_few and all(number.is_integer() for number in numbers)


def _with_columns(dataset: dict[str, Any], facts: Facts, notes: list[str]) -> tuple[dict[str, Any], Facts]:
    """Return the section with its features chosen, and the facts about those."""
    from trainyard.linter.cli.drafting import typed
    from trainyard.linter.facts import tables

    features = [column for column in facts.columns if column.name != dataset["target"]]
    useless = {column.name: reason for column in features if (reason := _useless(column)) is not None}
    notes += [f"left out {name!r}: {reason}" for name, reason in useless.items()]
    kept = [column for column in features if column.name not in useless]
    if not kept:
        raise Refusal(f"{facts.path} has no column to learn from beside {dataset['target']!r}")
    categorical = [column.name for column in kept if column.kind == "text"]
    if len(kept) < len(features):
        dataset = {**dataset, "features": [column.name for column in kept]}
    if categorical:
        dataset = {**dataset, "categorical": categorical}
        notes.append(f"taken as categories: {', '.join(categorical)}")
    lacking = [column.name for column in facts.columns if column.missing and (column in kept or column.name == dataset["target"])]
    if lacking:
        notes.append(f"values are missing in {', '.join(lacking)}: repair those rows, or set dataset.bad_records to skip")
    section: Any = typed(dataset)
    shape, ends = tables.input_shape(section, facts.columns), tables.span(tables.feature_columns(section, facts.columns))
    return dataset, facts._replace(input_shape=shape, input_range=ends)


def _useless(column: Column) -> str | None:
    """Return why nothing can be learnt from a column, or None."""
    if column.kind == "empty":
        return "it is empty"
    if column.name.lower() in _ROW_NUMBERS:
        return "it numbers the rows"
    if column.kind == "text" and (column.distinct is None or column.distinct > _MOST_CATEGORIES):
        return "too many different texts" if column.distinct is not None else "text whose values were not counted"
    return None


def summary(found: Survey, place: str) -> str:
    """Return in one line what the data is."""
    facts = found.facts
    what = {"image_directory": "images", "npz": "samples"}.get(facts.type, "rows")
    parts = [f"{facts.samples:,} {what}" if facts.samples is not None else f"{what}, not all counted"]
    if facts.images is not None:
        parts.append(_sizes(facts))
    elif facts.input_shape is not None:
        parts.append(f"{' x '.join(map(str, facts.input_shape))} number{'' if facts.input_shape == (1,) else 's'} each")
    target = f" of {found.dataset['target']!r}" if facts.columns else ""
    if facts.class_counts:
        fewest, most = min(facts.class_counts), max(facts.class_counts)
        each = f"{fewest:,} to {most:,} each" if fewest != most else f"{most:,} each"
        parts.append(f"{len(facts.class_counts):,} classes{target} ({each})")
    elif facts.target_range is not None:
        parts.append(f"values{target} from {facts.target_range[0]:g} to {facts.target_range[1]:g}")
    return f"{place}: {', '.join(parts)}; {found.task}"


def _sizes(facts: Facts) -> str:
    assert facts.images is not None  # noqa: S101 - the caller has looked
    smallest, largest = facts.images.smallest, facts.images.largest
    sizes = f"{largest[0]} x {largest[1]}" if smallest == largest else f"{smallest[0]} x {smallest[1]} to {largest[0]} x {largest[1]}"
    channels = " or ".join(map(str, facts.images.channels))
    return f"{sizes}, {channels} channel{'' if facts.images.channels == (1,) else 's'}"
