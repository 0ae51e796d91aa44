"""Staged unfreezing: which layers of a backbone learn in which epochs, and at what rate.

Stages come before the main training and last their own epochs. Each has an optimizer of its own: the moments of weights that
did not learn yet say nothing. The schedule's clock starts with the main training; until then a stage's rate is constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trainyard.linter.spec.model.architecture import Transfer
from trainyard.linter.spec.model.spec import Spec
from trainyard.service.trainer.architecture import backbones
from trainyard.service.trainer.model import Built

Compile = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Phase:
    """Epochs ``first`` to ``end - 1`` (counted from 0) in which the same layers learn.

    ``learning_rate`` is the stage's own, None where the schedule says it.
    """

    first: int
    end: int
    trainable: str | dict[str, int | str] | None
    learning_rate: float | None


class Stages:
    """All phases of a run; ``enter`` must be called before an epoch that begins one, and at a resume."""

    def __init__(self, spec: Spec, built: Built, compile_model: Compile) -> None:
        self.phases = phases(spec)
        self._model = spec.model
        self._built = built
        self._compile = compile_model
        self._present: Phase | None = None

    @property
    def epochs(self) -> int:
        """Epochs of all phases together."""
        return self.phases[-1].end

    def phase(self, epoch: int) -> Phase:
        """Return the phase that ``epoch`` (counted from 0) lies in."""
        return next((phase for phase in self.phases if epoch < phase.end), self.phases[-1])

    def enter(self, epoch: int) -> bool:
        """Freeze, unfreeze and compile anew when ``epoch`` (counted from 0) lies in another phase; tell whether it did."""
        phase = self.phase(epoch)
        if phase == self._present:
            return False
        self._present = phase
        if isinstance(self._model, Transfer) and phase.trainable is not None:
            backbones.freeze(self._built.backbone, self._model, phase.trainable)
        self._compile()
        return True


def phases(spec: Spec) -> tuple[Phase, ...]:
    """Return the phases of a run in order; a run without stages has one."""
    return tuple(_phases(spec))


def _phases(spec: Spec) -> Iterator[Phase]:
    first = 0
    for stage in spec.training.stages:
        rate = spec.optimizer.learning_rate if stage.learning_rate is None else stage.learning_rate
        yield Phase(first, first + stage.epochs, stage.trainable, rate)
        first += stage.epochs
    own = spec.model.trainable if isinstance(spec.model, Transfer) else None
    yield Phase(first, first + spec.training.epochs, own, None)
