"""A click group whose commands are loaded when they are called. Imports click only.

The table says for each command where it lives and what it does, so that ``--help`` imports no command. A
command whose extra is not installed says which one to install.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from trainyard.linter.cli.exits import ReaderGoneError, Refusal

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """One command: ``module:attribute`` of the click command, one line of help, the extra that it needs."""

    target: str
    summary: str
    extra: str | None = None


class LazyGroup(click.Group):
    """A group that knows its commands from a table."""

    def __init__(self, *args: Any, table: Mapping[str, Entry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Load a command."""
        entry = self._table.get(cmd_name)
        return None if entry is None else load(cmd_name, entry)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was called; one that is misspelt is told what was meant."""
        name = args[0]
        if name not in self._table and not name.startswith("-"):
            import difflib

            close = difflib.get_close_matches(name, self._table, n=1, cutoff=0.6)
            known = f"did you mean {close[0]}?" if close else f"there are {', '.join(self._table)}"
            raise Refusal(f"no such command: {name}; {known}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was called."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands from the table, without loading them."""
        from click.shell_completion import CompletionItem

        commands = [CompletionItem(name, help=entry.summary) for name, entry in self._table.items() if name.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self._table.items()])


def load(name: str, entry: Entry) -> click.Command:
    """Import a command.

    Raises:
        Refusal: when a package of the extra it needs is not installed.
    """
    from importlib import import_module

    module, _, attribute = entry.target.partition(":")
    try:
        command = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if entry.extra is None or missing == "trainyard":
            raise
        raise Refusal(f"`{name}` needs {missing}, which is not installed: pip install 'trainyard[{entry.extra}]'") from None
    assert isinstance(command, click.Command)  # noqa: S101 - the table is ours
    return command
