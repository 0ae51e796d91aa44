"""``trainyard calibrate``: measure this box for the linter. Imports click only."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="TRAINYARD_HOME",
    help="The server's home; hardware.json is written there. [default: the user data folder]",
)
@click.option("--device", type=click.Choice(["auto", "gpu", "cpu"]), default="auto", show_default=True, help="What to measure.")
@click.option("--backend", type=click.Choice(["tensorflow", "jax"]), default="tensorflow", show_default=True, help="Under Keras.")
@click.option("--slots", type=click.IntRange(min=1), default=1, show_default=True, help="Trainers that will share the cores, as in serve.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="Write the profile here instead.")
def calibrate(home: Path | None, device: str, backend: str, slots: int, save: Path | None) -> int:
    """Measure this box with some small models, so that predicted times are its own.

    Takes two to five minutes; let nothing else run meanwhile. A server reads the result at its next start or on SIGHUP.
    """
    import json

    import platformdirs

    from trainyard.linter.cli.exits import Refusal
    from trainyard.service.main.calibrating import calibrate as measured
    from trainyard.service.main.policy_file import HARDWARE

    path = (save or (home or Path(platformdirs.user_data_dir("trainyard"))) / HARDWARE).absolute()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = measured(device, lambda text: click.echo(text, err=True), backend=backend, slots=slots)
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise Refusal(f"{path} can not be written: {error.strerror}") from error
    print(path)
    return 0
