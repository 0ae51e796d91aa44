"""What will happen if this spec is started: a plan as a value, and its three faces (text, JSON, HTML).

``training_plan`` takes the report of a judgement and returns a ``TrainingPlan``: steps, learning rate, time, memory, disk,
class weights, callbacks and checks, each computed from the same case that the rules saw. What cannot be known is ``None`` and
has a line in ``needs`` that says what would tell it; nothing is guessed. Reads no file and no clock.
(``engine.plan`` is another thing: which rules run.)
"""

from __future__ import annotations

from trainyard.linter.planning.making import training_plan
from trainyard.linter.planning.training_plan import TrainingPlan

__all__ = ["TrainingPlan", "training_plan"]
