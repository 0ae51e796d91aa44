"""Man pages of the programs, from the very help texts of their commands. Needs click and nothing else.

One page for ``trainyard`` and one for each command, in troff's man macros (groff_man(7)): name, synopsis, description,
options, examples, exit codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

_TABLE_HEAD = '.TH {title} 1 "" "Trainyard" "User Commands"'
EXIT_CODES = (
    ("0", "well"),
    ("1", "findings, or the job failed"),
    ("2", "usage: a wrong option, an absent file"),
    ("3", "a fault of ours: please report it"),
    ("4", "no server there"),
    ("5", "the server refused"),
    ("6", "not found"),
    ("7", "the job was cancelled"),
    ("124", "out of time"),
    ("130, 143", "interrupted"),
)


def pages(group: click.Group, program: str) -> dict[str, str]:
    """Return the text of each page by file name: ``trainyard.1``, ``trainyard-submit.1`` and so on."""
    root = click.Context(group, info_name=program)
    made = {f"{program}.1": page(group, root, program)}
    for name in group.list_commands(root):
        command = group.get_command(root, name)
        if command is not None:
            made.update(_below(command, click.Context(command, parent=root, info_name=name), f"{program}-{name}"))
    return made


def _below(command: click.Command, context: click.Context, title: str) -> dict[str, str]:
    made = {f"{title}.1": page(command, context, title)}
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            nested = command.get_command(context, name)
            if nested is not None:
                made.update(_below(nested, click.Context(nested, parent=context, info_name=name), f"{title}-{name}"))
    return made


def page(command: click.Command, context: click.Context, title: str) -> str:
    """Return one page."""
    return "\n".join(_lines(command, context, title)) + "\n"


def _lines(command: click.Command, context: click.Context, title: str) -> Iterator[str]:
    help_ = (command.help or command.short_help or "").strip()
    summary = re.split(r"(?<=[.:])\s", " ".join(help_.split()), maxsplit=1)[0].rstrip(".")
    yield _TABLE_HEAD.format(title=_text(title.upper()))
    yield from (".SH NAME", f"{_text(title)} \\- {_text(summary)}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (".SH SYNOPSIS", f".B {_text(context.command_path)}", _text(usage))
    yield ".SH DESCRIPTION"
    yield from _paragraphs(help_)
    records = [record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))]
    yield from _listed("OPTIONS", records)
    if isinstance(command, click.Group):
        entries = [(name, _summary(command, context, name)) for name in command.list_commands(context)]
        yield from _listed("COMMANDS", entries)
    yield from _examples(command.epilog or "")
    yield from _listed("EXIT STATUS", EXIT_CODES)


def _summary(group: click.Group, context: click.Context, name: str) -> str:
    command = group.get_command(context, name)
    return command.get_short_help_str(100) if command is not None else ""


def _listed(heading: str, entries: object) -> Iterator[str]:
    rows = list(entries) if isinstance(entries, list | tuple) else []
    if rows:
        yield f".SH {heading}"
    for name, text in rows:
        yield from (".TP", f".B {_text(name)}", _text(text))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        yield from (".PP", _text(" ".join(paragraph.replace("\b", "").split())))


def _examples(epilog: str) -> Iterator[str]:
    lines = [line.strip() for line in epilog.replace("\b", "").splitlines() if line.startswith("  ")]
    if lines:
        yield ".SH EXAMPLES"
    for line in lines:
        yield from (".PP", ".nf", _text(line), ".fi")


def _text(text: str) -> str:
    """Return text that troff takes as it stands: no escapes, no line that begins like a request, hyphens that can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
