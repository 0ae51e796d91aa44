"""How far transforms go, and whether the samples are of a kind that they can be applied to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity


class _Reach(NamedTuple):
    """Where a transform's fields end for Keras, from where on little of a sample is left, and what is usual."""

    fields: tuple[str, ...]
    lowest: float
    highest: float
    much: float
    usual: float


# keras/src/layers/preprocessing/image_preprocessing: bounds of -1 to 1 in the base class, 0 to 1 where a class narrows them.
_REACHES = {
    "random_zoom": _Reach(("height_factor", "width_factor"), -1, 1, 0.9, 0.1),
    "random_translation": _Reach(("height_factor", "width_factor"), -1, 1, 0.6, 0.1),
    "random_shear": _Reach(("x_factor", "y_factor"), -1, 1, 0.9, 0.1),
    "random_brightness": _Reach(("factor",), -1, 1, 0.9, 0.2),
    "random_rotation": _Reach(("factor",), -1, 1, 2.0, 0.05),
    "random_contrast": _Reach(("factor",), 0, 1, 1.01, 0.2),
    "random_hue": _Reach(("factor",), 0, 1, 1.01, 0.05),
    "random_erasing": _Reach(("factor",), 0, 1, 1.01, 0.5),
}
# Standard deviation of noise that drowns inputs of 0 to 1, and of unit variance.
_DROWNS, _DROWNS_STANDARDIZED, _USUAL_NOISE = 1.0, 3.0, 0.05
_MOST_ERASED = 0.9
# Transforms of samples of any shape.
_SHAPELESS = frozenset({"gaussian_noise", "mix_up"})
_COLOURED = frozenset({"random_saturation", "random_hue", "random_grayscale"})
_IMAGE_AXES, _COLOURS = 3, 3
_TABLES = frozenset({"csv", "parquet"})


class AugmentationTooFar(Rule):
    """A transform leaves next to nothing of the sample, or has a factor that Keras refuses.

    What it checks:
        Factors of shifts, zooms, shears, brightness, rotation, contrast and hue within the range that Keras takes (error), and below what
        leaves little of a picture: shifts of 0.6, zooms, shears and brightness of 0.9, erased shares of 0.9; noise of a standard deviation
        of 1 on inputs of 0 to 1, of 3 on standardized ones. Negative noise and a blend of zero or less are errors.

    Why it fails:
        The model learns from samples that show nothing, under labels that say something: it can only learn the shares of the classes.

    Evidence:
        keras/src/layers/preprocessing/image_preprocessing (bounds; the layers raise beyond them). The usual ranges of this language end at
        a tenth to a third of the warnings' bounds. Label preservation: Shorten & Khoshgoftaar 2019.

    When to ignore:
        When strong noise is the task, as for denoising.
    """

    code = "AUG002"
    name = "augmentation-too-far"
    severity = Severity.WARNING
    reads = ("/augmentation", "/dataset/scaling")
    optional = ("/dataset/scaling",)
    VALID = (
        Valid({"augmentation": [{"type": "random_zoom", "height_factor": [-0.3, 0.5]}, {"type": "gaussian_noise", "stddev": 0.1}]}),
        Valid({"augmentation": "heavy"}, onto="transfer"),
    )
    INVALID = (
        Invalid({"augmentation": [{"type": "gaussian_noise", "stddev": 5}]}, "/augmentation/0/stddev", "drowns", fix=0.05, onto="transfer"),
        Invalid(
            {"augmentation": [{"type": "random_translation", "height_factor": 0.1, "width_factor": 0.8}]},
            "/augmentation/0/width_factor",
            "0.8",
            fix=0.1,
        ),
        Invalid(
            {"augmentation": [{"type": "random_brightness", "factor": 3}]},
            "/augmentation/0/factor",
            "-1 to 1",
            fix=0.2,
            severity=Severity.ERROR,
        ),
        Invalid({"augmentation": [{"type": "mix_up", "alpha": 0}]}, "/augmentation/0/alpha", "above 0", fix=0.2, severity=Severity.ERROR),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at every transform that was written."""
        if not isinstance(case.written.get("augmentation"), list):
            return
        for index, transform in enumerate(case.spec.augmentation):
            place = f"/augmentation/{index}"
            reach = _REACHES.get(transform.type)
            if reach is not None:
                yield from self._factors(place, transform, reach)
            if transform.type == "gaussian_noise":
                yield from self._noise(case, place, getattr(transform, "stddev", 0.0))
            elif transform.type == "mix_up" and getattr(transform, "alpha", 1.0) <= 0:
                yield _fix(f"{place}/alpha", "alpha has to be above 0: it shapes the blend", 0.2, Severity.ERROR)
            elif transform.type == "random_erasing" and max(getattr(transform, "scale", (0.0,)), default=0.0) >= _MOST_ERASED:
                fix = Suggestion(f"{place}/scale", [0.02, 0.33])
                yield Violation(f"{place}/scale", "up to the whole picture is blanked; write [0.02, 0.33]", suggestion=fix)

    @staticmethod
    def _factors(place: str, transform: object, reach: _Reach) -> Iterator[Violation]:
        for field in reach.fields:
            factor: float | tuple[float, ...] | None = getattr(transform, field, None)
            ends = () if factor is None else factor if isinstance(factor, tuple) else (factor,)
            kind = getattr(transform, "type", "")
            if any(not reach.lowest <= end <= reach.highest for end in ends):
                told = f"{field} {_shown(ends)} of {kind} has to lie in {number(reach.lowest)} to {number(reach.highest)}"
                yield _fix(f"{place}/{field}", told, reach.usual, Severity.ERROR)
            elif any(abs(end) >= reach.much for end in ends):
                yield _fix(f"{place}/{field}", f"{field} {_shown(ends)} of {kind} leaves little of a sample", reach.usual)

    @staticmethod
    def _noise(case: Case, place: str, deviation: float) -> Iterator[Violation]:
        standardized = case.spec.dataset.scaling == "standardize"
        if deviation < 0:
            yield _fix(f"{place}/stddev", f"a standard deviation of {number(deviation)} is below 0", _USUAL_NOISE, Severity.ERROR)
        elif case.spec.dataset.scaling != "none" and deviation >= (_DROWNS_STANDARDIZED if standardized else _DROWNS):
            of = "of unit variance" if standardized else "of 0 to 1"
            yield _fix(f"{place}/stddev", f"noise of {number(deviation)} drowns inputs {of}", _USUAL_NOISE)


def _fix(pointer: str, problem: str, value: float, severity: Severity | None = None) -> Violation:
    return Violation(pointer, f"{problem}; write {number(value)}", suggestion=Suggestion(pointer, value), severity=severity)


def _shown(ends: tuple[float, ...]) -> str:
    return number(ends[0]) if len(ends) == 1 else f"[{', '.join(number(end) for end in ends)}]"


class AugmentationNeedsPictures(Rule):
    """A transform of pictures is applied to samples that are none.

    What it checks:
        Every transform but noise and blending on samples whose shape is not (height, width, channels); changes of colour on samples that do
        not have three channels.

    Why it fails:
        Keras refuses the shape, or takes columns of a table for rows of a picture.

    Evidence:
        keras/src/layers/preprocessing/image_preprocessing: the layers work on (height, width, channels), those of colour on three.

    When to ignore:
        Never.
    """

    code = "AUG003"
    name = "augmentation-needs-pictures"
    severity = Severity.ERROR
    reads = ("/augmentation", "/dataset/input_shape", "/dataset/type", "/task")
    VALID = (Valid({"augmentation": [{"type": "gaussian_noise", "stddev": 0.1}]}, onto="table"),)
    INVALID = (
        Invalid({"augmentation": [{"type": "random_flip"}]}, "/augmentation/0", "pictures", fix=[], fix_at="/augmentation", onto="table"),
        Invalid({"augmentation": [{"type": "random_hue", "factor": 0.1}]}, "/augmentation/0", "three channels"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Hold each transform against the shape of a sample."""
        # Rows of a table are no pictures, however many columns they become.
        shape = case.input_shape or ((1,) if case.spec.dataset.type in _TABLES else None)
        written = case.written.get("augmentation")
        if shape is None or case.spec.task == "other":
            return
        wrong = {index: why for index, each in enumerate(case.spec.augmentation) if (why := self._why(each.type, shape))}
        if not wrong:
            return
        if not isinstance(written, list):
            fix = Suggestion("/augmentation", "none")
            yield Violation("/augmentation", f"the augmentation '{written}' {next(iter(wrong.values()))}; write 'none'", suggestion=fix)
            return
        rest = [entry for index, entry in enumerate(written) if index not in wrong]
        for index, why in wrong.items():
            message = f"{case.spec.augmentation[index].type} {why}; take it out"
            yield Violation(f"/augmentation/{index}", message, suggestion=Suggestion("/augmentation", rest))

    @staticmethod
    def _why(kind: str, shape: tuple[int, ...]) -> str:
        if kind not in _SHAPELESS and len(shape) != _IMAGE_AXES:
            return "changes pictures, and samples have " + (f"{len(shape)} axes" if len(shape) > 1 else "one axis")
        if kind in _COLOURED and shape[-1] != _COLOURS:
            return f"changes colours of three channels, and samples have {shape[-1]}"
        return ""


RULES = (AugmentationTooFar(), AugmentationNeedsPictures())
