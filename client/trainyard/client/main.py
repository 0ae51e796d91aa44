"""``trainyard``: one command for everything, in front of three rooms. Imports click only.

The table below says where each command lives; a command is imported when it is called, so the linter's
work in a base install and ``--help`` costs next to nothing. When a package is missing that the command's
extra would have brought, the user is told which extra; any other missing module is a fault of ours and
is shown as one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import click

from trainyard.linter.cli import exits
from trainyard.linter.cli.lazy import Entry, LazyGroup
from trainyard.linter.cli.main import COMMANDS as LINTER

_OURS = "trainyard.client.commands"

CLIENT = {
    "submit": Entry(f"{_OURS}.submit:submit", "Hand specs to a server; it refuses what can't finish well.", "client"),
    "watch": Entry(f"{_OURS}.watch:watch", "Follow a job, epoch by epoch.", "client"),
    "wait": Entry(f"{_OURS}.wait:wait", "Wait until jobs have ended.", "client"),
    "jobs": Entry(f"{_OURS}.jobs:jobs", "List jobs, newest first.", "client"),
    "show": Entry(f"{_OURS}.show:show", "Show one job, or its spec.", "client"),
    "lint-report": Entry(f"{_OURS}.lint_report:lint_report", "Show why a spec was let in or refused.", "client"),
    "logs": Entry(f"{_OURS}.logs:logs", "Print what a trainer printed.", "client"),
    "pause": Entry(f"{_OURS}.moving:pause", "Save where jobs are and free their slots.", "client"),
    "resume": Entry(f"{_OURS}.moving:resume", "Go on with paused jobs.", "client"),
    "stop": Entry(f"{_OURS}.moving:stop", "End training and keep the best model.", "client"),
    "cancel": Entry(f"{_OURS}.moving:cancel", "End jobs at once.", "client"),
    "delete": Entry(f"{_OURS}.moving:delete", "Forget jobs that are over, with their files.", "client"),
    "retry": Entry(f"{_OURS}.retry:retry", "Submit a job's spec again, perhaps with changes.", "client"),
    "curves": Entry(f"{_OURS}.curves:curves", "Draw curves, several runs over one another.", "client"),
    "compare": Entry(f"{_OURS}.compare:compare", "Show what runs did differently and what they reached.", "client"),
    "report": Entry(f"{_OURS}.report:report", "Write a page with pictures about a finished run.", "client"),
    "export": Entry(f"{_OURS}.export:export", "Write a curve as CSV, JSON, OpenMetrics or for TensorBoard.", "client"),
    "download": Entry(f"{_OURS}.download:download", "Fetch a job's files, checked byte for byte.", "client"),
    "datasets": Entry(f"{_OURS}.datasets:datasets", "List the datasets that a spec can name.", "client"),
    "hardware": Entry(f"{_OURS}.hardware:hardware", "Print the server's hardware profile for the linter.", "client"),
    "info": Entry(f"{_OURS}.info:info", "Show a server's devices, slots and limits.", "client"),
    "context": Entry(f"{_OURS}.context:context", "Name servers, and choose one."),
}
ON_THE_BOX = {
    "calibrate": Entry(
        "trainyard.service.main.calibrate_command:calibrate", "Measure this box, so that predicted times are its own.", "service"
    ),
    "dashboards": Entry("trainyard.service.dashboards.command:dashboards", "Write Grafana dashboards, alerts and scrape settings."),
    "demo": Entry("trainyard.client.demo.command:demo", "Show the whole way on real data, in minutes.", "service"),
    "doctor": Entry("trainyard.service.main.doctor_command:doctor", "Look at this box as a server would need it.", "service"),
    "export-model": Entry(
        "trainyard.service.trainer.export.command:export_model", "Write a run's best model as Keras, SavedModel or ONNX.", "service"
    ),
    "serve": Entry("trainyard.service.main:serve", "Run the server: lint again, queue, train, stream.", "service"),
    "token": Entry("trainyard.service.main.token_command:token", "Give callers of a server their tokens, and take them back.", "service"),
    "train": Entry("trainyard.service.trainer.main:train", "Lint a spec and train it here, without a server.", "service"),
}
SECTIONS = {"Specs": LINTER, "Jobs on a server": CLIENT, "On the box": ON_THE_BOX}
TABLE = {name: entry for section in SECTIONS.values() for name, entry in section.items()}

_CLIENT_PACKAGES = frozenset({"google", "grpc", "grpc_status", "platformdirs"})
_DATA_PACKAGES = frozenset({"numpy", "PIL", "pyarrow"})
#: What each extra brings, by the name it is imported under.
PACKAGES = {
    "client": _CLIENT_PACKAGES,
    "data": _DATA_PACKAGES,
    "lsp": frozenset({"lsprotocol", "pygls"}),
    "service": _CLIENT_PACKAGES
    | _DATA_PACKAGES
    | {
        "alembic",
        "grpc_health",
        "grpc_reflection",
        "keras",
        "prometheus_client",
        "psutil",
        "sklearn",
        "sqlalchemy",
        "structlog",
        "tensorflow",
    },
}


class Umbrella(LazyGroup):
    """The group of all commands, listed by where they are at home."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Load a command, or say what to install for it."""
        entry = TABLE.get(cmd_name)
        if entry is None:
            return None
        _demand(cmd_name, entry)
        module, _, attribute = entry.target.partition(":")
        try:
            command: click.Command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise _missing(cmd_name, error) from error
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; a mistyped one gets the nearest names."""
        if args and args[0] not in TABLE and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]!r}{_nearest(args[0], TABLE)}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; packages that it imports on the way count as its own."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise _missing(ctx.invoked_subcommand or "", error) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands by section without loading them."""
        for title, table in SECTIONS.items():
            if table:
                with formatter.section(title):
                    formatter.write_dl([(name, entry.summary) for name, entry in table.items()])


def _demand(command: str, entry: Entry) -> None:
    """Refuse before anything has begun when the command's extra is not installed: what it starts would miss the packages too late."""
    from importlib.util import find_spec

    absent = sorted(package for package in PACKAGES.get(entry.extra or "", ()) if find_spec(package) is None)
    if absent:
        raise _refusal(command, ", ".join(absent[:3]) + (" and others" if absent[3:] else ""), entry)


def _missing(command: str, error: ModuleNotFoundError) -> Exception:
    """Return what to tell the user; the error itself when no extra would help."""
    entry, package = TABLE.get(command), (error.name or "").partition(".")[0]
    if entry is None or entry.extra is None or package not in PACKAGES[entry.extra]:
        return error
    return _refusal(command, package, entry)


def _refusal(command: str, packages: str, entry: Entry) -> exits.Refusal:
    return exits.Refusal(f"`trainyard {command}` needs {packages}, not installed here: pip install 'trainyard[{entry.extra}]'")


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else "; `trainyard --help` lists them all"


@click.group(
    cls=Umbrella,
    table=TABLE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 well, 1 findings or job failed, 2 usage, 3 a fault of ours, 4 no server, 5 refused by it, "
    "6 not found, 7 cancelled, 124 out of time, 130 and 143 interrupted.",
)
@click.version_option(package_name="trainyard", prog_name="trainyard")
def trainyard() -> None:
    """Lint declarative training specs, and train on a server the ones that can finish well."""


def main() -> None:
    """Run ``trainyard`` and leave with its exit code."""
    sys.exit(exits.run(trainyard, program="trainyard"))


if __name__ == "__main__":
    main()
