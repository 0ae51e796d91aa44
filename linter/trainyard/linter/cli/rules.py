"""``trainlint rules``: every code there is."""

from __future__ import annotations

import json
import sys

import click

from trainyard.linter.cli import exits
from trainyard.linter.cli.outputs import palette
from trainyard.linter.cli.settings import settings
from trainyard.linter.engine.catalogue import catalogue


@click.command()
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", help="How to print it.")
@click.option("--isolated", is_flag=True, help="List only trainlint's own: use no configuration file, load no plugin.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", help="When to colour.")
def rules(format_: str, color: str, *, isolated: bool) -> int:
    """List every rule with its severity, those of plugins that the configuration here names included; `explain` tells more."""
    entries = catalogue(() if isolated else settings.plugins_here())
    if format_ == "json":
        click.echo(json.dumps([entry.to_json() for entry in entries], indent=2, ensure_ascii=False))
        return exits.OK
    colours = palette(sys.stdout, color)
    names = max(len(entry.name) for entry in entries)
    for entry in entries:
        severity = colours.paint(getattr(colours, entry.severity.label), f"{entry.severity.label:<8}")
        click.echo(f"{colours.paint(colours.bold, f'{entry.code:<8}')} {entry.name:<{names}}  {severity} {entry.summary}", color=True)
    return exits.OK
