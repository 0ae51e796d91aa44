"""``trainlint lsp``: the language server, as editors start it. Brings settings and linter together for it."""

from __future__ import annotations

import os
import signal
import sys
from importlib.metadata import version
from typing import NoReturn

import click

from trainyard.linter.cli import exits
from trainyard.linter.cli.checker import Checker
from trainyard.linter.cli.settings import discovery
from trainyard.linter.cli.settings.settings import Settings, SettingsReader
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.lint import lint
from trainyard.linter.lsp import server
from trainyard.linter.lsp.ports import Verdict

# What is being written is judged as far as it is written. Nobody is told at every keystroke that data was not read.
_SAID = {"partial": True, "ignore": ("dataset-not-read",)}
_WITHOUT_SETTINGS = Configuration(partial=True, ignore=("dataset-not-read",))


@click.command()
@click.option("--stdio", is_flag=True, help="Accepted for editors that pass it; there is no other way.")
@click.option("--isolated", is_flag=True, help="Use no configuration file, load no plugin.")
def lsp(*, stdio: bool, isolated: bool) -> int:  # noqa: ARG001 - see its help
    """Serve an editor over standard input and output: findings as you type, hover, fixes, completion."""
    if sys.stdin.isatty():
        click.echo("trainlint lsp speaks with an editor over standard input; Ctrl-C ends it.", err=True)
    signal.signal(signal.SIGINT, _leave)
    return exits.OK if server.serve(EditorJudge(isolated=isolated), version("trainyard")) else exits.FINDINGS


def _leave(*_: object) -> NoReturn:
    # Nothing is to be saved, and a thread that waits for standard input cannot be woken.
    os._exit(exits.INTERRUPTED)


class EditorJudge:
    """Judges under the settings that govern a path; data is not read while somebody types."""

    def __init__(self, *, isolated: bool = False) -> None:
        self._isolated = isolated
        self._checker = self._fresh()

    def _fresh(self) -> Checker:
        return Checker(_TypingSettings(_SAID, isolated=self._isolated))

    def judge(self, path: str, raw: bytes) -> Verdict:
        """Return the verdict on a text as if it lay at ``path``."""
        try:
            return Verdict(None if self._checker.excludes(path) else self._checker.judge(path, raw))
        except exits.Refusal as refusal:
            return Verdict(lint(raw, configuration=_WITHOUT_SETTINGS), refusal.message)

    def forget(self) -> None:
        """Read settings, profiles and baselines anew."""
        from trainyard.linter.cli import profiles

        discovery.forget()
        profiles.load.cache_clear()
        self._checker = self._fresh()


class _TypingSettings(SettingsReader):
    """Settings without a data root: reading the data takes seconds, and every keystroke in its path names another."""

    def settings(self, path: str) -> Settings:
        """Return the settings that govern the file at ``path``."""
        settings = super().settings(path)
        return settings._replace(said={key: said for key, said in settings.said.items() if key != "data-root"})
