"""One spec under judgement: what was written, what it means, and what follows from it.

What follows is computed when a rule first asks, once, and shared. Facts read from the data go before declared ones.
Whatever cannot be known is ``None``, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from trainyard.linter.rules.traits import Final, Traits, final, layers, traits
from trainyard.linter.spec.model.training import Oversample
from trainyard.linter.spec.resolution import wrote

if TYPE_CHECKING:
    from trainyard.linter.estimate.hardware import HardwareProfile
    from trainyard.linter.estimate.memory import Demand, Memory
    from trainyard.linter.estimate.schedule import Curve
    from trainyard.linter.estimate.split import PartCounts
    from trainyard.linter.facts.model import Facts
    from trainyard.linter.rules.stretches import Stretch
    from trainyard.linter.shapes import Shapes
    from trainyard.linter.spec.model.dataset import SampleCount
    from trainyard.linter.spec.model.layers import Layer
    from trainyard.linter.spec.model.scheduler import ReduceOnPlateau
    from trainyard.linter.spec.model.spec import Spec

_N = TypeVar("_N", int, float)

CLASSIFICATION = "classification"
# Where lengths are all in epochs, any number of steps gives the same curve; this many resolve it well.
_NOMINAL_STEPS = 100


class Case:
    """What a rule may look at.

    ``written`` is the JSON value as the author wrote it, ``facts`` what was read from the data (``None``: nobody
    looked), ``hardware`` the profile to judge against (``None``: none was named).
    """

    def __init__(
        self, spec: Spec, written: Mapping[str, object], *, facts: Facts | None = None, hardware: HardwareProfile | None = None
    ) -> None:
        self.spec = spec
        self.written = written
        self.facts = facts
        self.hardware = hardware

    def wrote(self, pointer: str) -> bool:
        """Tell whether the author wrote something at this JSON pointer (a default does not count)."""
        return wrote(self.written, pointer)

    def origin(self, pointer: str) -> str:
        """Return what a message adds to a value that nobody wrote: that it is the default."""
        return "" if self.wrote(pointer) else " (the default)"

    @cached_property
    def traits(self) -> Traits:
        """What kind of model it is."""
        return traits(self.spec.model)

    @cached_property
    def layers(self) -> tuple[tuple[str, Layer], ...]:
        """Pointer and layer of each explicit layer; empty for models that are not written layer by layer."""
        return tuple(layers(self.spec.model))

    @cached_property
    def final(self) -> Final | None:
        """The last layer of the model."""
        return final(self.spec.model)

    # ---- data -------------------------------------------------------------------------------------------------

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order in which they are counted; empty where none are known."""
        if self.facts is not None and self.facts.class_names:
            return self.facts.class_names
        declared = self.spec.dataset.facts
        if isinstance(declared.classes, tuple):
            return declared.classes
        listed = declared.class_counts if declared.class_counts is not None else declared.class_shares
        return tuple(sorted(listed)) if isinstance(listed, Mapping) else ()

    @cached_property
    def classes(self) -> int | None:
        """How many classes there are."""
        if self.facts is not None and self.facts.class_counts:
            return len(self.facts.class_counts)
        declared = self.spec.dataset.facts
        if isinstance(declared.classes, int):
            return declared.classes
        listed = declared.classes or declared.class_counts or declared.class_shares
        return len(listed) if listed else None

    @cached_property
    def class_counts(self) -> tuple[int, ...] | None:
        """Samples per class in the whole set, for a classification."""
        if self.spec.task != CLASSIFICATION:
            return None
        if self.facts is not None and self.facts.class_counts:
            return self.facts.class_counts
        declared = self.spec.dataset.facts
        if declared.class_counts is not None:
            return self._in_order(declared.class_counts)
        if declared.class_shares is not None and self.samples is not None:
            return tuple(round(share * self.samples) for share in self._in_order(declared.class_shares))
        return None

    @cached_property
    def counts_pointer(self) -> str:
        """Where the class counts come from, as far as the spec says it."""
        for name in ("class_counts", "class_shares"):
            if self.wrote(f"/dataset/facts/{name}"):
                return f"/dataset/facts/{name}"
        return "/dataset/path"

    @cached_property
    def samples(self) -> int | None:
        """Samples in the whole set, where the number is exact and it is one set."""
        if self.facts is not None and self.facts.samples is not None:
            return self.facts.samples
        declared = self.spec.dataset.facts
        exactly: int | None = getattr(declared.samples, "exactly", None)
        if exactly is None and declared.class_counts is not None:
            return sum(self._in_order(declared.class_counts))
        return exactly

    @cached_property
    def train_samples(self) -> int | None:
        """Samples in the training part."""
        return self._part("train", 0)

    @cached_property
    def validation_samples(self) -> int | None:
        """Samples in the validation part; 0 where there is none."""
        if self.spec.dataset.split.validation is None and self._declared_part("validation") is None:
            return 0
        return self._part("validation", 1)

    @cached_property
    def test_samples(self) -> int | None:
        """Samples in the test part, 0 where there is none: what training and validation leave of one set that is split."""
        declared = self._declared_part("test")
        if declared is not None:
            return declared.exactly
        if self.facts is not None and "test" in self.facts.parts:
            return self.facts.parts["test"].samples
        test = self.spec.dataset.split.test
        if test is None:
            return 0
        if self.samples is None or self.train_samples is None or self.validation_samples is None or test.path is not None:
            return None
        validation = self.spec.dataset.split.validation
        inside = self.validation_samples if validation is not None and validation.path is None else 0
        return max(0, self.samples - self.train_samples - inside)

    @cached_property
    def class_parts(self) -> PartCounts | None:
        """Samples per class in each part."""
        from trainyard.linter.estimate.split import part_sizes

        return None if self.class_counts is None else part_sizes(self.spec.dataset.split, self.class_counts)

    def class_name(self, index: int) -> str:
        """Return the name of a class, or what stands in for it."""
        return self.class_names[index] if index < len(self.class_names) else f"class {index}"

    def _in_order(self, listed: Mapping[str, _N] | Sequence[_N]) -> tuple[_N, ...]:
        if not isinstance(listed, Mapping):
            return tuple(listed)
        names = self.class_names if set(self.class_names) == set(listed) else tuple(listed)
        return tuple(listed[name] for name in names)

    def _declared_part(self, name: str) -> SampleCount | None:
        part: SampleCount | None = getattr(self.spec.dataset.facts.samples, name, None)
        return part

    def _part(self, name: str, index: int) -> int | None:
        declared = self._declared_part(name)
        if declared is not None:
            return declared.exactly
        if self.facts is not None and name in self.facts.parts:
            return self.facts.parts[name].samples
        if self.samples is None:
            return None
        if self.class_counts is not None and self.class_parts is not None and sum(self.class_counts) == self.samples:
            return sum(self.class_parts[index])
        return self._whole_parts[index]

    @cached_property
    def _whole_parts(self) -> tuple[int, ...]:
        """Samples in each part of one set whose classes do not count."""
        from trainyard.linter.estimate.split import part_sizes

        return tuple(sum(part) for part in part_sizes(self.spec.dataset.split, (self.samples or 0,)))

    # ---- the run ----------------------------------------------------------------------------------------------

    @cached_property
    def samples_per_epoch(self) -> int | None:
        """Samples that an epoch passes: those of the training part, with rare classes repeated where they are oversampled."""
        imbalance = self.spec.imbalance
        if not isinstance(imbalance, Oversample) or self.class_parts is None:
            return self.train_samples
        from trainyard.linter.estimate.oversampling import oversampled

        return sum(oversampled(self.class_parts.train, imbalance.target))

    @cached_property
    def steps_per_epoch(self) -> int | None:
        """Batches in one epoch."""
        if self.samples_per_epoch is None:
            return None
        batch = max(1, self.spec.training.batch_size)
        whole, rest = divmod(self.samples_per_epoch, batch)
        return whole + (rest > 0 and not self.spec.training.drop_remainder)

    @cached_property
    def updates(self) -> int | None:
        """Updates of the weights in the whole run, stages of unfreezing included."""
        if self.steps_per_epoch is None:
            return None
        return self.all_epochs * self.steps_per_epoch // max(1, self.spec.training.gradient_accumulation)

    @cached_property
    def curve(self) -> Curve | None:
        """The learning rate over the run; ``None`` where a length in steps meets an unknown number of them."""
        from trainyard.linter.estimate.schedule import Curve

        spec = self.spec
        steps = self.steps_per_epoch
        if steps is None:
            if any(_counts_steps(schedule) for schedule in spec.scheduler):
                return None
            steps = _NOMINAL_STEPS
        return Curve(spec.optimizer.learning_rate, spec.scheduler, steps, spec.training.epochs, spec.training.gradient_accumulation)

    @cached_property
    def epochs(self) -> int:
        """Epochs of the main training."""
        return self.spec.training.epochs

    @cached_property
    def all_epochs(self) -> int:
        """Epochs of the whole run: those of the stages of unfreezing, and of the main training after them."""
        return sum(stretch.epochs for stretch in self.stretches)

    def schedule_pointer(self, index: int) -> str:
        """Return where a schedule is written: alone, or in a list."""
        return f"/scheduler/{index}" if isinstance(self.written.get("scheduler"), list) else "/scheduler"

    @cached_property
    def plateau(self) -> tuple[str, ReduceOnPlateau] | None:
        """The plateau among the schedules, with its pointer."""
        for index, schedule in enumerate(self.spec.scheduler):
            if schedule.type == "reduce_on_plateau":
                return self.schedule_pointer(index), schedule  # type: ignore[return-value]  # told apart by its type text
        return None

    # ---- the model --------------------------------------------------------------------------------------------

    @cached_property
    def input_shape(self) -> tuple[int, ...] | None:
        """Shape of one sample: as written, else as the data has it."""
        from trainyard.linter.shapes import known

        written = self.spec.dataset.input_shape
        if written is not None:
            return known(written)
        if self.facts is None:
            return None
        images = self.facts.images
        if images is not None and images.smallest == images.largest and len(images.channels) == 1:
            return (*images.largest, *images.channels)
        return self.facts.input_shape

    @cached_property
    def shapes(self) -> Shapes | None:
        """The model layer by layer."""
        from trainyard.linter.shapes import infer

        return infer(self.spec, self.input_shape, self.classes)

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """What is trained one after the other; the last one is the main training."""
        from trainyard.linter.rules.stretches import stretches

        return stretches(self.spec, self.shapes, self.classes)

    @cached_property
    def parameters(self) -> int | None:
        """Weights of the model that learn."""
        declared: int | None = getattr(self.spec.model, "parameters", None)
        if declared is not None:
            return declared
        return None if self.shapes is None or self.shapes.obstacle is not None else self.shapes.trainable

    @cached_property
    def demand(self) -> Demand | None:
        """What the run asks of a device, for any batch size, in the stretch of training that asks for most."""
        return max(self.demands, key=lambda demand: demand.memory(self.device_batch, self.hardware).total.high, default=None)

    @cached_property
    def demands(self) -> tuple[Demand, ...]:
        """What each stretch asks of a device, in order; none where the model cannot be built."""
        if self.shapes is None or self.shapes.obstacle is not None:
            return ()
        from trainyard.linter.estimate.memory import Demand

        optimizer, training = self.spec.optimizer, self.spec.training
        accumulates = training.gradient_accumulation > 1
        told = (stretch.shapes for stretch in self.stretches if stretch.shapes is not None)
        return tuple(Demand(shapes, optimizer, training.precision, accumulates=accumulates) for shapes in told)

    @cached_property
    def device_batch(self) -> int:
        """Samples of a batch that one device sees."""
        return -(-max(1, self.spec.training.batch_size) // max(1, self.spec.resources.gpus or 1))

    @cached_property
    def memory(self) -> Memory | None:
        """Memory of a training step against the profile; of the tensors alone where there is none."""
        return None if self.demand is None else self.demand.memory(self.device_batch, self.hardware)


def _counts_steps(schedule: object) -> bool:
    """Tell whether a schedule has a length in steps."""
    lengths = [getattr(schedule, name, None) for name in ("warmup", "t_max", "size", "every", "length")]
    lengths += getattr(schedule, "milestones", None) or ()
    return any(length is not None and length.steps is not None for length in lengths)
