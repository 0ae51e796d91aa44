"""The stretches of training that follow each other: stages of unfreezing, each with other layers that learn, then the main one.

A stage asks for other memory and takes other time than the main training, and its epochs count as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from trainyard.linter.shapes import Shapes
    from trainyard.linter.spec.model.spec import Spec

MAIN = "main training"


class Stretch(NamedTuple):
    """Epochs in which the same layers learn.

    ``trainable`` is what of the base learns, as the spec writes it, ``learning_rate`` the rate it begins with; ``epochs`` may be
    none. ``shapes`` are the layers with what learns then, as far as they can be told.
    """

    name: str
    trainable: str | dict[str, int | str]
    learning_rate: float
    epochs: int
    shapes: Shapes | None


def stretches(spec: Spec, shapes: Shapes | None, classes: int | None) -> tuple[Stretch, ...]:
    """Return the stretches in the order in which they are trained; the last one is the main training.

    ``shapes`` are the layers in the main training; only a model with a base has stages.
    """
    base = hasattr(spec.model, "trainable")
    main = Stretch(MAIN, getattr(spec.model, "trainable", "all"), spec.optimizer.learning_rate, max(0, spec.training.epochs), shapes)
    stages = spec.training.stages if base else ()
    return (
        *(
            Stretch(
                f"stage {number}",
                stage.trainable,
                main.learning_rate if stage.learning_rate is None else stage.learning_rate,
                max(0, stage.epochs),
                _unfrozen(spec, shapes, classes, stage.trainable),
            )
            for number, stage in enumerate(stages, start=1)
        ),
        main,
    )


def _unfrozen(spec: Spec, shapes: Shapes | None, classes: int | None, trainable: str | dict[str, int | str]) -> Shapes | None:
    """Return the layers when this much of the base learns; as they are where it cannot be told."""
    if shapes is None or shapes.obstacle is not None:
        return shapes
    from trainyard.linter.shapes import layers_of

    model = spec.model._replace(trainable=trainable)  # type: ignore[call-arg] # only a model with a base gets here
    found = layers_of(model, shapes.input_shape, classes)
    return shapes if found is None or found.obstacle is not None else found
