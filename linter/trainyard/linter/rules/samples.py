"""What reaches the model: augmentation that keeps the meaning, inputs of the right size and scale, number formats."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.pictures import turned
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.traits import layers, takes_tokens
from trainyard.linter.rules.wording import listed, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Transfer

SCALING = "/dataset/scaling"
# What the content of a sample does not survive, unless the author says otherwise under `symmetries`.
_NO_FLIPS = frozenset({"digits", "text", "signs", "bytes", "spectrogram"})
_NO_ROTATION = frozenset({"digits", "text", "signs", "bytes", "spectrogram"})
_NO_COLOUR = frozenset({"bytes", "spectrogram", "signs"})
_FLIPS = frozenset({"random_flip"})
_COLOURS = frozenset({"random_hue", "random_saturation", "random_grayscale"})
# 30 degrees, as a share of a full turn: digits bear that much.
_MOST_ROTATION = 30 / 360
_SMALL_ROTATION = round(10 / 360, 4)
_SCALING_LAYERS = frozenset({"rescaling", "normalization", "batch_normalization", "layer_normalization", "group_normalization"})
# Backbones that take 0 to 255 because they scale by themselves (keras/src/applications).
_SCALE_THEMSELVES = ("efficientnet", "convnext", "mobilenet_v3")
_LAST = [{"type": "dense", "units": 4, "activation": "softmax"}]
# Inputs beyond this are far from the order of 1 that initial weights are made for.
_UNSCALED = 10.0


class AugmentationChangesMeaning(Rule):
    """The augmentation makes samples that mean something else.

    What it checks:
        Flips, rotations beyond 30 degrees and colour changes against `content` (digits, text, signs, bytes, spectrogram) or the
        declared `symmetries`, which go first.

    Why it fails:
        A mirrored 2 is no 2, a rotated 6 is a 9, a byte plot read backwards is another program: the model learns from wrong labels.

    Evidence:
        Label preservation, Shorten & Khoshgoftaar 2019; AlexeyAB/darknet#674 (left and right signs); the byte plots of MalImg.

    When to ignore:
        When the classes bear it: declare `symmetries`.
    """

    code = "AUG001"
    name = "augmentation-changes-meaning"
    severity = Severity.WARNING
    reads = ("/augmentation", "/dataset/facts/content", "/dataset/facts/symmetries")
    VALID = (
        Valid({"augmentation": "light"}),
        Valid({"augmentation": "medium"}, onto="transfer"),
        Valid({"augmentation": [{"type": "random_rotation", "factor": 0.05}]}),
        Valid({"augmentation": "heavy", "dataset": {"facts": {"symmetries": {"flips": True, "rotation": True, "colour": True}}}}),
    )
    INVALID = (
        Invalid({"augmentation": "medium"}, "/augmentation", "flips", fix="light"),
        Invalid(
            {"augmentation": [{"type": "gaussian_noise", "stddev": 0.1}, {"type": "random_rotation", "factor": 0.25}]},
            "/augmentation/1",
            "90 degrees",
            fix=0.0278,
            fix_at="/augmentation/1/factor",
        ),
        Invalid(
            {"augmentation": [{"type": "random_flip", "mode": "vertical"}], "dataset": {"facts": {"symmetries": {"flips": False}}}},
            "/augmentation/0",
            "flips",
            onto="transfer",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Judge each transform by what the samples bear."""
        harms = [(index, harm) for index, transform in enumerate(case.spec.augmentation) if (harm := self._harm(case, transform))]
        if not harms:
            return
        content = case.spec.dataset.facts.content
        of = f"of {content}" if content in _NO_FLIPS else "of these samples"
        if isinstance(case.written.get("augmentation"), str):
            told = listed(sorted({harm for _, harm in harms}), "and")
            message = f"the augmentation '{case.written['augmentation']}' has {told}, which change the meaning {of}; write 'light'"
            yield Violation("/augmentation", message, suggestion=Suggestion("/augmentation", "light"))
            return
        mended = self._mended(case, {index for index, _ in harms}) if len(harms) > 1 else None
        for index, harm in harms:
            found = self._of_list(case, index, f"{harm} change the meaning {of}")
            # Several at once are mended together: taking one out moves the others.
            yield found if mended is None else found._replace(suggestion=mended)

    @staticmethod
    def _of_list(case: Case, index: int, problem: str) -> Violation:
        pointer = f"/augmentation/{index}"
        if case.spec.augmentation[index].type == "random_rotation":
            fix = Suggestion(f"{pointer}/factor", _SMALL_ROTATION)
            return Violation(pointer, f"{problem}; write the factor {fix.value} (10 degrees)", suggestion=fix)
        written = case.written.get("augmentation")
        rest = [each for at, each in enumerate(written) if at != index] if isinstance(written, list) else []
        return Violation(pointer, f"{problem}; take it out", suggestion=Suggestion("/augmentation", rest))

    @staticmethod
    def _mended(case: Case, harmful: set[int]) -> Suggestion:
        """Return the list with every harmful transform taken out, and rotations made small."""
        written = case.written.get("augmentation")
        kept: list[object] = []
        for index, entry in enumerate(written if isinstance(written, list) else []):
            if index not in harmful:
                kept.append(entry)
            elif case.spec.augmentation[index].type == "random_rotation":
                kept.append({**entry, "factor": _SMALL_ROTATION})
        return Suggestion("/augmentation", kept)

    @staticmethod
    def _harm(case: Case, transform: object) -> str:
        """Return what this transform does to the meaning, empty where it does nothing."""
        facts = case.spec.dataset.facts
        kind: str = getattr(transform, "type", "")
        bears = facts.symmetries
        if kind in _FLIPS:
            return "" if not _breaks(bears and bears.flips, facts.content in _NO_FLIPS) else "flips"
        if kind in _COLOURS:
            return "" if not _breaks(bears and bears.colour, facts.content in _NO_COLOUR) else "changes of colour"
        if kind == "random_rotation":
            factor: float | tuple[float, ...] = getattr(transform, "factor", 0.0)
            turn = max((abs(end) for end in factor), default=0.0) if isinstance(factor, tuple) else abs(factor)
            if turn > _MOST_ROTATION and _breaks(bears and bears.rotation, facts.content in _NO_ROTATION):
                return f"rotations of up to {number(round(turn * 360))} degrees"
        return ""


def _breaks(declared: bool | None, by_content: bool) -> bool:
    """Tell whether a change breaks the meaning: by what is declared, else by the content."""
    return not declared if declared is not None else by_content


class InputsUnscaled(Rule):
    """The inputs are far from the order of 1 that initial weights are made for.

    What it checks:
        `dataset.scaling` is `none`, no layer of the model scales or normalizes, and the inputs are images (0 to 255) or their declared
        or read range goes beyond 10. Token numbers that an embedding looks up are silent.

    Why it fails:
        Sums over large inputs saturate activations and blow up gradients: the usual learning rates are then far too high.

    Evidence:
        LeCun et al. 1998, Efficient BackProp; keras-team/keras#6914: from 30 % to 96 % on MNIST with scaled inputs.

    When to ignore:
        When the files hold scaled numbers already: declare `input_range`.
    """

    code = "INP001"
    name = "inputs-unscaled"
    severity = Severity.WARNING
    reads = (SCALING, "/dataset/type", "/dataset/facts/input_range", "/model")
    VALID = (
        Valid({"dataset": {"scaling": "none", "facts": {"input_range": {"min": 0, "max": 1}}}}),
        Valid({"dataset": {"scaling": "none"}, "model": {"backbone": "efficientnet_b0"}}, onto="transfer"),
        Valid(
            {
                "dataset": {"scaling": "none", "input_shape": [40]},
                "model": {"layers": [{"type": "embedding", "input_dim": 500, "output_dim": 8}, {"type": "lstm", "units": 8}, *_LAST]},
            },
            onto="layers",
            read={"input_range": (0.0, 499.0)},
        ),
    )
    INVALID = (
        Invalid({"dataset": {"scaling": "none"}}, SCALING, "0 to 255", fix="unit"),
        Invalid(
            {"dataset": {"scaling": "none", "facts": {"input_range": {"min": -2, "max": 4000}}}},
            SCALING,
            "-2 to 4,000",
            fix="standardize",
            onto="table",
        ),
        Invalid({"dataset": {"scaling": "none"}}, SCALING, "0 to 900", fix="standardize", onto="table", read={"input_range": (0.0, 900.0)}),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Find the range of the inputs and whatever scales them."""
        model = case.spec.model
        if case.spec.dataset.scaling != "none" or any(layer.type in _SCALING_LAYERS for _, layer in layers(model)):
            return
        if (isinstance(model, Transfer) and model.backbone.startswith(_SCALE_THEMSELVES)) or takes_tokens(model):
            return
        if getattr(model, "batch_norm", False) and not getattr(model, "blocks", ()):
            return
        low, high = self._range(case)
        if max(abs(low), abs(high)) <= _UNSCALED:
            return
        is_image = case.spec.dataset.type == "image_directory"
        value = "preprocess_input" if isinstance(model, Transfer) else "unit" if is_image else "standardize"
        message = f"inputs of {number(low)} to {number(high)} reach the model unscaled{case.origin(SCALING)}; write '{value}'"
        pointer = SCALING if case.wrote(SCALING) else "/dataset"
        yield Violation(pointer, message, suggestion=Suggestion(SCALING, value))

    @staticmethod
    def _range(case: Case) -> tuple[float, float]:
        declared = case.spec.dataset.facts.input_range
        if declared is not None and (declared.min is not None or declared.max is not None):
            return declared.min or 0.0, declared.max or 0.0
        if case.facts is not None and case.facts.input_range is not None:
            return case.facts.input_range
        return (0.0, 255.0) if case.spec.dataset.type == "image_directory" else (0.0, 0.0)


class PretrainedInput(Rule):
    """The samples are not what the pretrained base was trained with.

    What it checks:
        ImageNet weights with other than three channels (error); for a base that scales by itself anything but 0 to 255, for the
        original ResNets anything but their own preprocessing, for others inputs of 0 to 255 (warning). Where inputs come near to what
        the base knows, as 0 to 1 for -1 to 1, or the whole base learns, it is an info.

    Why it fails:
        The first layer's weights fit three colour channels in one range; with another range the features are noise.

    Evidence:
        keras/src/applications: EfficientNet and ConvNeXt take 0 to 255 and scale inside (on pictures divided by 255 B0 does not learn:
        keras-team/keras-io#1549), MobileNetV2 takes -1 to 1, ResNet50 and VGG take BGR around the mean. ResNet50 on 0 to 1 stays at
        0.5: fchollet/deep-learning-models#96; VGG16 on 0 to 1 is a recipe that works (Chollet, Deep Learning with Python, first edition,
        section 5.3), hence the difference.

    When to ignore:
        When the whole base is trained at length on plenty of data.
    """

    code = "INP002"
    name = "input-does-not-fit-pretrained-base"
    severity = Severity.WARNING
    reads = (SCALING, "/dataset/input_shape", "/model")
    VALID = (
        Valid({"dataset": {"scaling": "none"}, "model": {"backbone": "efficientnet_v2_b0"}}, onto="transfer"),
        Valid(
            {"dataset": {"scaling": "unit", "input_shape": [224, 224, 1]}, "model": {"weights": None, "trainable": "all"}}, onto="transfer"
        ),
    )
    INVALID = (
        Invalid(
            {"dataset": {"input_shape": [224, 224, 1]}},
            "/dataset/input_shape",
            "three channels",
            fix=[224, 224, 3],
            onto="transfer",
            severity=Severity.ERROR,
        ),
        Invalid(
            {"dataset": {"scaling": "unit"}, "model": {"backbone": "resnet50"}},
            SCALING,
            "resnet50",
            fix="preprocess_input",
            onto="transfer",
        ),
        Invalid(
            {"dataset": {"scaling": "unit"}, "model": {"backbone": "efficientnet_b0"}},
            SCALING,
            "0 to 255",
            fix="preprocess_input",
            onto="transfer",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare channels and scaling with the backbone."""
        model, scaling, shape = case.spec.model, case.spec.dataset.scaling, case.input_shape
        if not isinstance(model, Transfer) or model.weights is None:
            return
        if model.weights == "imagenet" and shape is not None and len(shape) == 3 and shape[-1] != 3 and turned(case) is None:
            pointer = "/dataset/input_shape"
            value = [*shape[:-1], 3]
            grey = ": grey images are repeated" if shape[-1] == 1 else ""
            message = f"ImageNet weights need three channels, not {shape[-1]}; write {value}{grey}"
            yield Violation(
                pointer if case.wrote(pointer) else "/model", message, suggestion=Suggestion(pointer, value), severity=Severity.ERROR
            )
        inside = model.backbone.startswith(_SCALE_THEMSELVES)
        if scaling == "preprocess_input" or (inside and scaling == "none"):
            return
        expects = "takes 0 to 255 and scales inside" if inside else "was trained with a preprocessing of its own"
        message = f"{model.backbone} {expects}, not with '{scaling}'; write 'preprocess_input'"
        severity = None if self._is_far(model, scaling) else Severity.INFO
        pointer = SCALING if case.wrote(SCALING) else "/dataset"
        yield Violation(pointer, message, suggestion=Suggestion(SCALING, "preprocess_input"), severity=severity)

    @staticmethod
    def _is_far(model: Transfer, scaling: str) -> bool:
        """Tell whether features of inputs in this range are noise to the base, and the base does not learn anew."""
        if model.backbone.startswith(_SCALE_THEMSELVES):
            return True
        if model.trainable == "all":
            return False
        original = model.backbone.startswith("resnet") and not model.backbone.endswith("v2")
        # Of the others VGG alone was trained on numbers of the size of 0 to 255.
        return original if scaling != "none" else not original and not model.backbone.startswith("vgg")


class HalfPrecisionWithoutScaling(Rule):
    """Half-precision gradients may vanish, and nothing scales them up.

    What it checks:
        `precision` is `mixed_float16` or `float16` and `loss_scale` is off.

    Why it fails:
        Float16 has nothing below 6e-8: small gradients become zero, and their weights stop learning.

    Evidence:
        Micikevicius et al. 2018, arXiv 1710.03740 (loss scaling was needed); tensorflow/tensorflow#38457.

    When to ignore:
        Never for long runs; `mixed_bfloat16` needs no scaling where the device has it.
    """

    code = "PRE001"
    name = "half-precision-without-loss-scale"
    severity = Severity.WARNING
    reads = ("/training/precision", "/training/loss_scale")
    VALID = (Valid({"training": {"precision": "mixed_float16"}}), Valid({"training": {"precision": "mixed_bfloat16"}}))
    INVALID = (
        Invalid(
            {"training": {"precision": "mixed_float16", "loss_scale": None}},
            "/training/loss_scale",
            "become zero",
            fix="dynamic",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at both fields."""
        training = case.spec.training
        if training.precision == "mixed_float16" and training.loss_scale is None:
            pointer = "/training/loss_scale"
            message = "small gradients become zero in float16 without loss scaling; write 'dynamic'"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, "dynamic"))


class PureHalfPrecision(Rule):
    """Weights are kept in half precision.

    What it checks:
        `precision` is `float16` (warning) or `bfloat16` (info) instead of their mixed forms.

    Why it fails:
        An update smaller than a thousandth of a weight (bfloat16: a hundredth) is rounded away, and softmax and sums lose digits.

    Evidence:
        Micikevicius et al. 2018, arXiv 1710.03740, keep a float32 copy for this; tensorflow/tensorflow#34406 (softmax in float16).

    When to ignore:
        When memory leaves no other way.
    """

    code = "PRE002"
    name = "weights-in-half-precision"
    severity = Severity.WARNING
    reads = ("/training/precision",)
    VALID = (Valid({"training": {"precision": "mixed_bfloat16"}}),)
    INVALID = (
        Invalid({"training": {"precision": "float16"}}, "/training/precision", "rounded away", fix="mixed_float16"),
        Invalid(
            {"training": {"precision": "bfloat16"}}, "/training/precision", "rounded away", fix="mixed_bfloat16", severity=Severity.INFO
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the precision."""
        precision = case.spec.training.precision
        if precision in {"float16", "bfloat16"}:
            value = f"mixed_{precision}"
            message = f"with weights in {precision} small updates are rounded away; write '{value}'"
            severity = None if precision == "float16" else Severity.INFO
            yield Violation("/training/precision", message, suggestion=Suggestion("/training/precision", value), severity=severity)


RULES = (
    AugmentationChangesMeaning(),
    InputsUnscaled(),
    PretrainedInput(),
    HalfPrecisionWithoutScaling(),
    PureHalfPrecision(),
)
