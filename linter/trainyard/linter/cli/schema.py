"""``trainlint schema``: the language, as editors and other tools read it."""

from __future__ import annotations

import click

from trainyard.linter.cli import exits


@click.command()
def schema() -> int:
    """Print the JSON Schema (2020-12) of the training spec."""
    from trainyard.linter import spec

    click.echo(spec.schema_text(), nl=False)
    return exits.OK
