"""What happens when: stages of training, reductions, checkpoints, and the end before the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.linter.planning.training_plan import Callbacks, Checkpoints, Stage, Stopping

if TYPE_CHECKING:
    from trainyard.linter.rules.case import Case
    from trainyard.linter.spec.model.scheduler import ReduceOnPlateau
    from trainyard.linter.spec.model.training import EarlyStopping

# A plateau that reduces every few epochs of a long run is told by its first reductions.
_MOST_REDUCTIONS = 40


def stages(case: Case) -> tuple[Stage, ...]:
    """Return the stretches of training in order: stages of unfreezing, then the main training; stages without epochs are left out."""
    *before, main = case.stretches
    found: list[Stage] = []
    for stretch in (*(stage for stage in before if stage.epochs), main):
        first = found[-1].last_epoch + 1 if found else 1
        found.append(Stage(stretch.name, _said(stretch.trainable), stretch.learning_rate, first, first + stretch.epochs - 1))
    return tuple(found)


def callbacks(case: Case) -> Callbacks:
    """Return what happens at ends of epochs."""
    wanted = case.spec.callbacks
    checkpoint = wanted.checkpoint
    return Callbacks(
        None if wanted.early_stopping is None else _stopping(wanted.early_stopping, case.all_epochs),
        None if checkpoint is None else Checkpoints(checkpoint.monitor, checkpoint.keep),
        wanted.tensorboard,
        () if case.plateau is None else _reductions(case.plateau[1], case.epochs),
        stages(case),
    )


def _stopping(wanted: EarlyStopping, epochs: int) -> Stopping:
    from trainyard.linter.estimate.stopping import Rule, likelihood

    # The first epoch that counts always improves; then as many have to pass as patience says, and one at least.
    first = max(0, wanted.start_from_epoch) + 1 + max(1, wanted.patience)
    rule = Rule(wanted.patience, wanted.min_delta, wanted.mode, wanted.start_from_epoch)
    return Stopping(
        wanted.monitor,
        wanted.patience,
        wanted.min_delta,
        wanted.restore_best,
        first if first < epochs else None,
        likelihood(rule, wanted.monitor, epochs) if epochs > 0 else None,
    )


def _reductions(plateau: ReduceOnPlateau, epochs: int) -> tuple[int, ...]:
    """Return the epochs after which a plateau reduces if nothing improves after the first; Keras' callback, as the curve has it."""
    patience = max(1, plateau.patience)
    period = patience + max(0, plateau.cooldown - 1)
    first = patience + 1
    return tuple(range(first, min(epochs, first + period * _MOST_REDUCTIONS), period)) if first < epochs else ()


def _said(trainable: object) -> str:
    if isinstance(trainable, dict):
        return f"the last {trainable['last']} layers" if "last" in trainable else f"from layer {trainable.get('from', '?')} on"
    return {"none": "the head", "all": "all layers"}.get(str(trainable), str(trainable))
