"""Every rule, written down by hand: no scanning, so what runs is what is read here."""

from __future__ import annotations

from trainyard.linter.rules import (
    balance,
    batch,
    buildable,
    callbacks,
    class_weights,
    dataset,
    effect,
    learning_rate,
    length,
    loss,
    memory,
    network,
    optimizer,
    output,
    rate_scaling,
    regularization,
    samples,
    schedule,
    schedule_span,
    split,
    strength,
)
from trainyard.linter.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *learning_rate.RULES,
    *rate_scaling.RULES,
    *optimizer.RULES,
    *schedule.RULES,
    *length.RULES,
    *batch.RULES,
    *memory.RULES,
    *balance.RULES,
    *regularization.RULES,
    *callbacks.RULES,
    *output.RULES,
    *loss.RULES,
    *network.RULES,
    *split.RULES,
    *samples.RULES,
    *dataset.RULES,
    *class_weights.RULES,
    *strength.RULES,
    *schedule_span.RULES,
    *effect.RULES,
    *buildable.RULES,
)
