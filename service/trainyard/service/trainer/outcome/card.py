"""The model card: what was learnt from what, how well, and how to use it, on one page of Markdown (Mitchell 2019).

Everything in it is taken from the run; what nobody measured is not claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MOST_CLASSES = 50


def write(facts: Mapping[str, Any]) -> str:
    """Return the card as Markdown; ``facts`` are those that ``closing`` gathers."""
    return "\n".join(_lines(facts)) + "\n"


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {_plain(facts['name'])}"
    yield ""
    if facts["description"]:
        yield _plain(facts["description"])
        yield ""
    yield from _section("Model", facts["model"])
    yield from _section("Data", facts["data"])
    yield from _section("Training", facts["training"])
    yield from _evaluation(facts["evaluation"])
    yield from _section("Made with", facts["environment"])
    yield "## Use"
    yield ""
    yield "The model takes raw samples: scaling is inside. `labels.json` says what goes in and what each output means."
    yield ""
    yield "```python"
    yield "import keras"
    yield ""
    yield 'model = keras.saving.load_model("best.keras")'
    yield f"outputs = model.predict(samples)  # samples: {facts['input']}"
    yield "```"
    yield ""
    yield "## Limits"
    yield ""
    yield "The figures above hold for samples like those of this dataset. Nothing was measured on other data, on subgroups, or over time."


def _section(title: str, rows: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "| | |"
    yield "|---|---|"
    for name, value in rows.items():
        yield f"| {_plain(name)} | {_plain(value)} |"
    yield ""


def _evaluation(judged: Mapping[str, Any] | None) -> Iterator[str]:
    yield "## Evaluation"
    yield ""
    if judged is None:
        yield "No part was held back for it."
        yield ""
        return
    yield f"On the {judged['part']} part, {judged['samples']:,} samples that were not learnt from; weights of epoch {judged['epoch']}."
    yield ""
    yield "| metric | value |"
    yield "|---|---|"
    figures = {name: value for name, value in judged.items() if isinstance(value, float)}
    for name, value in {**figures, **judged["metrics"]}.items():
        yield f"| {_plain(name)} | {value:.4f} |"
    yield ""
    rows = judged.get("per_class") or []
    if rows:
        yield "| class | precision | recall | F1 | samples |"
        yield "|---|---|---|---|---|"
        for row in rows[:_MOST_CLASSES]:
            yield f"| {_plain(row['class'])} | {row['precision']:.3f} | {row['recall']:.3f} | {row['f1']:.3f} | {row['support']} |"
        if len(rows) > _MOST_CLASSES:
            yield f"| and {len(rows) - _MOST_CLASSES} more | | | | |"
        yield ""


def _plain(value: Any) -> str:
    """Return text that stays in its cell and is no Markdown or HTML of its own, whoever named the classes."""
    text = " ".join(str(value).split())
    for sign in "\\`*_{}[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return text
