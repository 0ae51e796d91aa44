"""The part of the page of measurements that is about training: ours beside the script that a person would have written."""

from __future__ import annotations

from typing import Any

INTRODUCTION = """## Training

The same network on the same samples, by Trainyard and by a plain Keras script that knows nothing of it (`tests/bench/plain_keras.py`),
each in a process of its own, in alternating rounds, a seed a round, on a processor. An epoch is what lies between the ends of two epochs,
validation, events, checkpoint and bundle included; "beside" is what of it is not steps or validation, "waits" the share of an epoch
in which steps wait for samples. "Times as fast" is beside the faster plain script on TensorFlow. The accuracy is that of the
last epoch on the validation part.
Targets: twice as fast per epoch on digits and the table, never slower on the images, half as fast again where decoding rules.
"""
SETS = {
    "training_digits": "Handwritten digits (1,797 images of 8 by 8), a small convolutional network",
    "training_table": "Breast cancer (569 rows of 30 numbers), a dense network",
    "training_photographs": "600 colour JPEGs of 1024 by 768, a small convolutional network on 64 by 64",
    "training_images": "An image folder of MalImg's size (9,339 images of 64 by 64 in 25 classes), a convolutional network",
}
# Figures that make a sentence, by what it begins with.
RESUME = {
    "exact_resume_tensorflow": "TensorFlow",
    "exact_resume_jax": "JAX",
    "crossing": "The language crossed with itself",
    "drawn_specs": "Specs drawn from the schema",
    "answering_pause": "Asked to pause",
}


def table(title: str, figures: dict[str, Any]) -> str:
    """Return one set as a table."""
    rows = [f"**{title}**\n", "| by | epoch, ms | times as fast | to the end, s | times as fast | accuracy | beside, ms | waits | runs |"]
    rows.append("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, cost in sorted(figures.items(), key=lambda item: float(item[1]["epoch_seconds"])):
        spread = "" if cost["accuracy_spread"] is None else f" ± {cost['accuracy_spread']:.3f}"
        beside = "" if cost["overhead_ms"] is None else f"{cost['overhead_ms']:.1f}"
        waits = "" if cost.get("input_wait") is None else f"{cost['input_wait']:.1%}"
        numbers = f"{1000 * cost['epoch_seconds']:.1f} | {cost['epoch_speed']:.2f} | {cost['wall_seconds']:.1f} | {cost['wall_speed']:.2f}"
        rows.append(f"| {name} | {numbers} | {cost['accuracy']:.3f}{spread} | {beside} | {waits} | {cost['runs']} |")
    return "\n".join(rows) + "\n"


def resumed(title: str, figures: dict[str, Any]) -> str:
    """Return the sentence that a set of figures makes."""
    if "pairs" in figures:
        return _crossed(title, figures)
    if "drawn" in figures:
        fates = ", ".join(f"{word} {count:,}" for word, count in figures["fates"].items())
        return f"{title}: {figures['drawn']:,} of them, every field a default, an example or something silly: {fates}.\n"
    if "asked" in figures:
        took = f"after {figures['median_seconds']:.2f} s in the median and {figures['longest_seconds']:.2f} s at most"
        moments = f"{title} at {figures['asked']} random moments, a run in launches of {figures['launch_seconds']:g} s"
        return f"{moments} had ended {took}, its bundle written.\n"
    return _killed(title, figures)


def _crossed(title: str, figures: dict[str, Any]) -> str:
    runs = f"{figures['runs_trained']} of {figures['runs']} specs that the linter let pass were trained to their end"
    pairs = f"model, task, data, optimizer, schedule, imbalance and precision make {figures['pairs']} pairs of values"
    refused = f"The linter refuses the others wherever they stand: {'; '.join(figures['pairs_refused'])}."
    return f"{title}: {pairs}. {runs}, which hold {figures['pairs_trained']} of the pairs. {refused}\n"


def _killed(backend: str, figures: dict[str, Any]) -> str:
    killed = f"{backend}: a run of {figures['epochs']} epochs, killed {figures['deaths']} times at random moments and resumed each time,"
    return f"{killed} ended with the history of the run that was never killed, to the digit, and with its variables, to the bit.\n"
