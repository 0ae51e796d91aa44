"""How pictures come in: their axes in the order that the layers take them, and no larger than they are.

Knows nothing of what they show; their sizes are what was read of the data.
"""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Cnn, Transfer

SHAPE = "/dataset/input_shape"
_AXES = 3
# Grey, colour, colour with transparency.
_CHANNELS = frozenset({1, 3, 4})
_SMALLEST_SIDE = 8
# So many times the pixels: worth knowing, and a waste.
_LARGER, _FAR_LARGER = 4.0, 16.0
# The smallest side that backbones take.
_SMALLEST_FOR_BASE = 32


def turned(case: Case) -> list[int] | None:
    """Return the shape as (height, width, channels) where it was written the other way round, channels first; else None."""
    shape = case.input_shape
    if shape is None or len(shape) != _AXES or shape[0] not in _CHANNELS or min(shape[1:]) < _SMALLEST_SIDE:
        return None
    # Arrays may well be three rows of many channels; two equal sides are a picture.
    is_picture = case.spec.dataset.type == "image_directory" or (shape[1] == shape[2] and isinstance(case.spec.model, Cnn | Transfer))
    return [*shape[1:], shape[0]] if is_picture else None


class EnlargedPictures(Rule):
    """Pictures are enlarged to many times their size.

    What it checks:
        `dataset.input_shape` against the largest picture of a sample that was read: four times as many pixels are an info, sixteen
        times a warning, where the model does not start from learnt weights.

    Why it fails:
        Every pixel is computed and stored, and none of the new ones says anything: 480 x 480 of pictures of 48 x 48 takes a hundred
        times the work and memory.

    Evidence:
        The work of a convolution is in proportion to the pixels. Bases learnt on larger pictures are an exception: small ones are
        enlarged for them with gain (Kornblith et al. 2019, arXiv 1805.08974, section A.1), and they are an info.

    When to ignore:
        When later data will be larger.
    """

    code = "INP007"
    name = "pictures-enlarged"
    severity = Severity.WARNING
    reads = (SHAPE, "/dataset/type", "/model")
    VALID = (
        Valid({}, read={"samples": 6000, "images": (100, (28, 28), (28, 28), (1,))}),
        Valid({"dataset": {"input_shape": [28, 28, 1]}}, read={"samples": 6000, "images": (100, (10, 10), (16, 20), (1,))}),
    )
    INVALID = (
        Invalid(
            {"dataset": {"input_shape": [480, 480, 1]}},
            SHAPE,
            "100 times the work",
            fix=[48, 48, 1],
            read={"samples": 6000, "images": (100, (48, 48), (48, 48), (1,))},
        ),
        Invalid(
            {"dataset": {"input_shape": [224, 224, 3]}},
            SHAPE,
            "22 times the work",
            fix=None,
            onto="transfer",
            severity=Severity.INFO,
            read={"samples": 6000, "images": (100, (48, 48), (48, 48), (3,))},
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the sides."""
        images = None if case.facts is None else case.facts.images
        shape = case.spec.dataset.input_shape
        if images is None or shape is None or len(shape) != _AXES or None in shape or turned(case) is not None:
            return
        height, width, channels = (axis or 0 for axis in shape)
        _, _, sides, _ = images
        times = height * width / max(1, sides[0] * sides[1])
        if times < _LARGER:
            return
        told = f"pictures of up to {sides[0]} x {sides[1]} are enlarged to {height} x {width}: {number(round(times))} times the work"
        if case.traits.pretrained:
            yield Violation(SHAPE, f"{told}; a base that learnt from larger ones may gain by it", severity=Severity.INFO)
            return
        least = _SMALLEST_FOR_BASE if isinstance(case.spec.model, Transfer) else 1
        value = [*(max(side, least) for side in sides), channels]
        severity = None if times >= _FAR_LARGER else Severity.INFO
        yield Violation(SHAPE, f"{told}, and nothing more to see; write {value}", suggestion=Suggestion(SHAPE, value), severity=severity)


RULES = (EnlargedPictures(),)
