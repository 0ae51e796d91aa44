"""``trainyard demo``: the whole way on real data, in minutes."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import click

from trainyard.linter.cli.exits import FINDINGS, OK, Refusal

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--examples", type=_FOLDER, default=Path("examples"), show_default=True, help="Where the examples lie.")
@click.option("--runs", type=_FOLDER, default=Path("runs"), show_default=True, help="Where the model goes.")
@click.option("--keep", is_flag=True, help="Keep the server's home, to look around in it.")
def demo(examples: Path, runs: Path, keep: bool) -> int:
    """Lint, serve, submit, stream and scrape on real data, in a home of its own that is gone afterwards.

    Everything is done by the commands that you see. The exit code is 0 when all was as promised.
    """
    from trainyard.client.demo.promises import BrokenPromiseError
    from trainyard.client.demo.stage import Stage
    from trainyard.client.demo.walk import BAD, Walk

    if not (examples / BAD).is_file():
        raise Refusal(f"there are no examples in {examples}: name the folder that holds {BAD} with --examples")
    # Short, because command lines with it are shown.
    folder = Path(tempfile.mkdtemp(prefix="trainyard-demo-"))
    walk = Walk(Stage(_environment(folder), colored=_colored()), examples.resolve(), folder, runs)
    try:
        walk.go()
    except BrokenPromiseError as broken:
        click.echo(f"\nerror: not as promised: {broken}", err=True)
        return FINDINGS
    finally:
        walk.house.evacuate()
        if keep:
            click.echo(f"the home is kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return OK


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment in which nothing of the user's is touched."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("TRAINYARD_")}
    return {**mine, "XDG_STATE_HOME": str(folder / "state"), "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONIOENCODING": "utf-8"}


def _colored() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
