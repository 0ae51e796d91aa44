"""``trainlint explain``: what a rule checks, why it matters, when to ignore it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from trainyard.linter.cli import exits
from trainyard.linter.cli.completion import rule_names
from trainyard.linter.cli.outputs import palette
from trainyard.linter.cli.settings import settings
from trainyard.linter.engine import catalogue

if TYPE_CHECKING:
    from trainyard.linter.engine.catalogue import Described
    from trainyard.linter.report.terminal import Palette

_WIDTH = 96


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="CODE|NAME…", shell_complete=rule_names)
@click.option("--format", "format_", type=click.Choice(("text", "markdown", "json")), default="text", help="How to print it.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", help="When to colour.")
def explain(names: tuple[str, ...], format_: str, color: str) -> int:
    """Say what a rule checks, why it fails, and when to ignore it."""
    entries = [_find(name) for name in names]
    if format_ == "json":
        click.echo(
            json.dumps([entry.to_json() for entry in entries] if len(entries) > 1 else entries[0].to_json(), indent=2, ensure_ascii=False)
        )
    elif format_ == "markdown":
        click.echo("\n".join(markdown(entry) for entry in entries), nl=False)
    else:
        colours = palette(sys.stdout, color)
        click.echo("\n".join(_text(entry, colours) for entry in entries), nl=False, color=True)
    return exits.OK


def _find(name: str) -> Described:
    entry = catalogue.find(name)
    if entry is not None:
        return entry
    plugins = settings.plugins_here()
    entry = catalogue.find(name, plugins)
    if entry is None:
        meant = catalogue.closest(name, plugins)
        hint = f"did you mean {meant}?" if meant else "`trainlint rules` lists them all"
        raise exits.Refusal(f"unknown rule {name!r}: {hint}")
    return entry


def _facts(entry: Described) -> str:
    strict = f", {entry.strict.label} in strict" if entry.strict != entry.severity else ""
    home = f"since {entry.since}" if entry.origin is None else f"from {entry.origin}"
    return f"{entry.severity.label}{strict} · {home}"


def _text(entry: Described, palette: Palette) -> str:
    style = getattr(palette, entry.severity.label)
    blocks = [
        f"{palette.paint(style, entry.code)} {palette.paint(palette.bold, entry.name)}  {palette.paint(palette.dim, f'({_facts(entry)})')}",
    ]
    blocks += [_wrapped(entry.summary)] if entry.kind == "rule" else []
    blocks += [f"{palette.paint(palette.bold, section.heading)}\n{_wrapped(section.text, '  ')}" for section in entry.sections]
    blocks += [f"{palette.paint(palette.bold, 'Example')}\n{_example(entry, '  ')}"] if entry.invalid else []
    return "\n\n".join(blocks) + "\n"


def markdown(entry: Described) -> str:
    """Return the page of one rule, without front matter."""
    reads = f" · reads {', '.join(f'`{pointer}`' for pointer in entry.reads)}" if entry.reads else ""
    blocks = [f"# {entry.code} {entry.name}", f"*{_facts(entry)}*{reads}"]
    blocks += [entry.summary] if entry.kind == "rule" else []
    blocks += [f"## {section.heading}\n\n{section.text}" for section in entry.sections]
    if entry.invalid:
        invalid = entry.invalid[0]
        blocks.append(f"## Example\n\n```json\n{json.dumps(invalid.fragment, indent=2)}\n```\n\n> {invalid.pointer}: {invalid.says}")
        if invalid.fix is not None:
            blocks.append(f"Write `{json.dumps(invalid.fix)}`.")
    return "\n\n".join(blocks) + "\n"


def _example(entry: Described, indent: str) -> str:
    invalid = entry.invalid[0]
    lines = [*json.dumps(invalid.fragment, indent=2).splitlines(), "", f"{invalid.pointer}: {invalid.says}"]
    if invalid.fix is not None:
        lines.append(f"write {json.dumps(invalid.fix)}")
    return "\n".join(f"{indent}{line}".rstrip() for line in lines)


def _wrapped(text: str, indent: str = "") -> str:
    import textwrap

    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return "\n\n".join(textwrap.fill(paragraph, _WIDTH, initial_indent=indent, subsequent_indent=indent) for paragraph in paragraphs)
