"""``trainyard export-model RUN --format FORMAT``: the best model of a run in another format, beside it or where one says.

The model holds its scaling, so whoever serves it hands it raw samples. The export is tried before it counts: what the file
answers on a few samples must be what the model answers.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from trainyard.linter.cli.exits import OK, Refusal
from trainyard.service.trainer.export.names import FORMATS, KERAS, ONNX, SAVED_MODEL

_NAMES = {KERAS: "model.keras", SAVED_MODEL: "saved_model", ONNX: "model.onnx"}
# Keras and most servers of ONNX know a file by its ending alone.
_ENDINGS = {KERAS: ".keras", ONNX: ".onnx"}
_PLACES = ("artifacts/best.keras", "best.keras")


@click.command("export-model")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="What to write.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where to write it (its ending is added when left out); else next to the model."
)
@click.option("--force", is_flag=True, help="Replace what is there.")
def export_model(run: Path, form: str, output: Path | None, *, force: bool) -> int:
    """Write the best model of RUN (a run folder, or a .keras file) in another format."""
    source = _find(run)
    target = _with_ending(output, form) if output else source.parent / _NAMES[form]
    if target.resolve() == source.resolve():
        raise Refusal(f"{target} is the model itself; name another place with --output")
    if target.exists() and not force:
        raise Refusal(f"{target} is there already; --force replaces it")
    _quieten()
    from trainyard.service.trainer.export import formats

    try:
        formats.write(source, form, target)
    except formats.ExportError as error:
        raise Refusal(str(error)) from error
    except OSError as error:
        raise Refusal(f"cannot write {target}: {error.strerror or error}") from error
    click.echo(str(target))
    return OK


def _with_ending(path: Path, form: str) -> Path:
    ending = _ENDINGS.get(form, "")
    return path if path.name.endswith(ending) else path.with_name(path.name + ending)


def _find(run: Path) -> Path:
    if run.is_file():
        return run
    for place in _PLACES:
        if (run / place).is_file():
            return run / place
    raise Refusal(f"{run} holds no trained model (looked for {' and '.join(_PLACES)})")


def _quieten() -> None:
    """Keep the framework's chatter off the terminal, its configuration out of the user's home, and graphics cards alone."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["KERAS_HOME"] = os.devnull
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
