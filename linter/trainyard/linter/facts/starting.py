"""Whether the weights that a model starts from lie below the data root: asked by the linter, and by the gate of a server.

Published weights (``imagenet``) are the operator's to have, so nothing is said of them. Nothing is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainyard.linter.facts.model import FactsError, Problem
from trainyard.linter.facts.paths import locate
from trainyard.linter.spec.model.architecture import Declared, Model, Transfer

PUBLISHED = "imagenet"


def absent(model: Model, root: Path) -> Iterator[Problem]:
    """Yield a problem, with the pointer of its field, for every file that the model starts from and that is not there."""
    if isinstance(model, Declared):
        return
    weights = model.weights if isinstance(model, Transfer) and model.weights != PUBLISHED else None
    for field, path in (("/model/weights", weights), ("/model/initial", model.initial)):
        if path is None:
            continue
        try:
            locate(root, path)
        except FactsError as error:
            yield error.problem._replace(field=field)
