"""One run, from its folder to its verdict. Every way to end passes through ``run``, so that there is one last word."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainyard.linter import spec as language
from trainyard.linter.spec.model.spec import Spec
from trainyard.service import wire
from trainyard.service.capability import untrainable
from trainyard.service.trainer import failures, verdict
from trainyard.service.trainer.artifacts import ENVIRONMENT, HISTORY, LABELS, Artifacts
from trainyard.service.trainer.device import CPU, GPU
from trainyard.service.trainer.failures import (
    BundleError,
    DeviceMemoryError,
    DeviceMissingError,
    InterruptedRun,
    PausedRun,
    SpecError,
    TerminatedRun,
)
from trainyard.service.trainer.journal import Journal
from trainyard.service.trainer.place import Place
from trainyard.service.trainer.verdict import Verdict

if TYPE_CHECKING:
    # It knows NumPy, and a spec that is refused does not wait for that.
    from trainyard.service.trainer.bundle.contents import Bundle


@dataclass(frozen=True, slots=True)
class Task:
    """What one process is to do; ``device`` is one of ``device.DEVICES``, ``cache`` keeps what trials of speed found.

    ``virtual_devices`` is how many GPUs the processor stands in for, 0 for none: for trying what needs several.

    The rest is as in ``Place``. A bundle in the folder is gone on from, whatever the attempt.
    """

    folder: wire.RunFolder
    journal: Journal
    data_root: Path
    device: str
    monotonic: Callable[[], float]
    attempt: int = 1
    virtual_devices: int = 0
    orphan_limit_seconds: float | None = None
    bundle_steps: int | None = None
    cache: Path | None = None


def run(task: Task) -> Verdict:
    """Train what the folder's resolved spec says; raises nothing but a second SIGTERM, and reports how it ended."""
    try:
        return _train(task)
    except PausedRun as paused:
        return Verdict(wire.PAUSED, paused.reason, str(paused))
    except InterruptedRun:
        return Verdict(wire.CANCELLED, verdict.USER, "The run was cancelled.")
    except (Exception, TerminatedRun) as error:  # noqa: BLE001 -- whatever happens, the event log gets its last word
        return failed(error)


def failed(error: BaseException) -> Verdict:
    """Return the verdict over an exception; a fault of ours leaves its traceback in the log."""
    failure = failures.explain(_translated(error))
    if failure.bug:
        traceback.print_exception(error, file=sys.stderr)
    return Verdict(wire.FAILED, failure.reason, failure.message)


def _translated(error: BaseException) -> BaseException:
    """Name an allocation or an operation that the framework can not do; on a CPU the device's memory is the machine's."""
    if "keras" not in sys.modules:
        return error
    from trainyard.service.trainer import backend

    lacking = backend.unsupported(error)
    if lacking is not None:
        return SpecError(f"{backend.name()} has no way to compute this model on this device: {lacking}")
    if not backend.ran_out_of_memory(error):
        return error
    advice = "lower training.batch_size, or use a smaller model."
    if backend.device().kind == CPU:
        return MemoryError(advice)
    return DeviceMemoryError(f"The device's memory is full ({backend.peak_memory_bytes() / 2**30:.1f} GiB used at most): {advice}")


def _train(task: Task) -> Verdict:
    resolved, typed = _read_spec(task.folder)
    _refuse_untrainable(typed)
    digest = language.digest(resolved)
    saved = _saved(task.folder, digest)
    # Keras takes seconds to import: a spec that is refused does not wait for it.
    from trainyard.service.trainer import environment, judgement, snapshot
    from trainyard.service.trainer.bundle.contents import Position
    from trainyard.service.trainer.data import identity
    from trainyard.service.trainer.fitting import Fitting
    from trainyard.service.trainer.history import History
    from trainyard.service.trainer.outcome import closing
    from trainyard.service.trainer.preparation import prepare
    from trainyard.service.trainer.speed import choice
    from trainyard.service.trainer.started import announce, labels

    _claim_device(typed, task.device, task.virtual_devices)
    fingerprint = identity.identify(typed.dataset, task.data_root)
    prepared = prepare(typed, task.data_root)
    origin = snapshot.origin(digest, prepared.division)
    if saved is not None:
        snapshot.check(saved, origin)
    chosen = choice.settled(prepared, saved, task.cache)
    place = _place(task)
    announce(prepared, task.journal, chosen.settings, Position() if saved is None else saved.position)
    made_with = {**environment.describe(typed, digest), "dataset_fingerprint": fingerprint}
    place.artifacts.put_json(ENVIRONMENT, "environment", made_with)
    place.artifacts.put_json(LABELS, "labels", labels(prepared))
    history = History()
    try:
        fitted = Fitting(prepared, history, place, choice=chosen, origin=origin, saved=saved).run()
    finally:
        # A bundle that could not be taken up leaves the history of the attempts before.
        if len(history) or saved is None:
            place.artifacts.put_json(HISTORY, "history", history.as_json())
    judged = judgement.judge(prepared, fitted.best_epoch, place)
    closing.close(prepared, judged, made_with, place.artifacts, task.folder.events)
    return Verdict(wire.SUCCEEDED, fitted.reason, _sentence(len(history), prepared.stages.epochs, fitted.best_epoch, judged))


def _saved(folder: wire.RunFolder, digest: str) -> Bundle | None:
    from trainyard.service.trainer.bundle.files import BundleFiles

    saved = BundleFiles(folder).read()
    if saved is not None and saved.origin.spec_digest != digest:
        raise BundleError("it belongs to another spec")
    return saved


def _place(task: Task) -> Place:
    artifacts = Artifacts(task.folder.artifacts, task.journal)
    return Place(task.folder, task.journal, artifacts, task.monotonic, task.attempt, task.orphan_limit_seconds, task.bundle_steps)


def _claim_device(typed: Spec, wanted: str, virtual_devices: int) -> None:
    """Set the framework up; raises where a GPU is asked for and none is there."""
    from trainyard.service.trainer import backend

    gpus = typed.resources.gpus
    hide_gpus = wanted == CPU or gpus == 0 or virtual_devices > 0
    steady, seed = typed.training.deterministic, typed.experiment.seed
    backend.prepare(deterministic=steady, seed=seed, hide_gpus=hide_gpus, virtual_devices=virtual_devices)
    if gpus and virtual_devices:
        return
    if gpus and (hide_gpus or backend.device().kind == CPU):
        raise SpecError(f"resources.gpus asks for {gpus}, and this trainer sees no GPU.")
    if wanted == GPU and not hide_gpus and backend.device().kind == CPU:
        raise DeviceMissingError("This run was given a GPU, and the trainer sees none.")


def _read_spec(folder: wire.RunFolder) -> tuple[dict[str, Any], Spec]:
    try:
        resolved = json.loads(folder.resolved.read_bytes())
    except (OSError, ValueError) as error:
        raise SpecError(f"The run folder has no resolved spec that can be read: {type(error).__name__}.") from error
    faults = language.check(resolved)
    if faults:
        raise SpecError(f"The run folder has no resolved spec that is one: {faults[0].pointer or '/'}: {faults[0].message}.")
    return resolved, language.typed(resolved)


def _refuse_untrainable(typed: Spec) -> None:
    reasons = untrainable(typed)
    if reasons:
        listed = "; ".join(f"{pointer}: {message}" for pointer, message in reasons)
        raise SpecError(f"This trainer can not train the spec: {listed}")


def _sentence(epochs: int, planned: int, best_epoch: int, judged: dict[str, Any] | None) -> str:
    trained = f"Trained {epochs} of {planned} epochs; the model is that of epoch {best_epoch}."
    if judged is None or "accuracy" not in judged:
        return trained
    return f"{trained[:-1]}, {judged['part']} accuracy {judged['accuracy']:.4f}."
