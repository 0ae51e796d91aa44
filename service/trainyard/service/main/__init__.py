"""``trainyard serve``: options, and nothing else. Imports click only; the server is imported when it is started."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from trainyard.service.main import numbers

DEFAULT_LISTEN = "127.0.0.1:50051"
DEFAULT_METRICS = "127.0.0.1:9464"
_FOLDER = click.Path(file_okay=False, path_type=Path)
_OLD_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_OLD_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_ROLE = click.Choice(["viewer", "submitter", "operator"])
_SHOW = f"{__name__}.show"
_ORIGINS = {"COMMANDLINE": "flag", "ENVIRONMENT": "environment", "DEFAULT_MAP": "file"}
_DEVICE = click.Choice(["auto", "gpu", "cpu"])
# A store with one is refused when the server starts, and shown without it before.
_PASSWORD = re.compile("(://[^:/@]*:).*@")


def configured(context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    """Take the values of a configuration file for options that are not written."""
    if path is not None:
        from trainyard.service.main.configuration import read

        context.default_map = {**(context.default_map or {}), **read(path)}
    return path


def _to_show(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    context.meta[_SHOW] = wanted


def _show(context: click.Context) -> int:
    """Print every option with its value and who said so."""
    for option in context.command.params:
        name = option.name or ""
        if option.expose_value:
            source = context.get_parameter_source(name)
            origin = _ORIGINS.get(source.name if source else "", "default")
            print(f"{name.replace('_', '-'):20} {_shown(context.params[name]):32} {origin}")
    return 0


def _shown(value: object) -> str:
    """Write a value as a configuration file would, a password in an address left out."""
    if isinstance(value, bool):
        return str(value).lower()
    return "-" if value is None else _PASSWORD.sub(r"\1***@", str(value))


@click.command(context_settings={"auto_envvar_prefix": "TRAINYARD"})
@click.option("--home", type=_FOLDER, help="Where jobs and run folders are kept. [default: the user data folder]")
@click.option("--listen", default=DEFAULT_LISTEN, show_default=True, metavar="HOST:PORT", help="gRPC; port 0 takes any.")
@click.option("--metrics", default=DEFAULT_METRICS, show_default=True, metavar="HOST:PORT", help="/metrics and /healthz.")
@click.option("--data-root", type=_OLD_FOLDER, help="Folder that dataset paths start from. [required]")
@click.option("--slots", type=click.IntRange(1, 1000), help="Jobs that run at once. [default: one per GPU, or 1]")
@click.option("--device", type=_DEVICE, default="auto", show_default=True, help="gpu refuses to start without one.")
@click.option("--store", metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST/DB. [default: a file in the home]")
@click.option("--store-password-file", type=_OLD_FILE, help="Password of the database; or set TRAINYARD_STORE_PASSWORD.")
@click.option("--runs", type=_FOLDER, help="Where run folders lie; servers that share a store share it. [default: in the home]")
@click.option("--keep-days", type=numbers.days(or_nothing=True), help="Remove jobs that ended longer ago, and files. [default: never]")
@click.option("--standby/--no-standby", default=True, show_default=True, help="Keep a trainer ready per free slot (0.5 GB each).")
@click.option("--most-hours", type=numbers.hours(), help="End an attempt after so long. [default: no limit]")
@click.option("--stall-minutes", type=numbers.minutes(), default=30.0, show_default=True, help="End a trainer that shows no sign of life.")
@click.option("--orphan-minutes", type=numbers.minutes(), default=60.0, show_default=True, help="A trainer without a server pauses.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=configured,
    envvar="TRAINYARD_SERVE_CONFIG",
    allow_from_autoenv=False,
    help="TOML file with any of these options. Flags win over TRAINYARD_… variables, those over the file.",
)
@click.option("--tls-cert", type=_OLD_FILE, help="PEM chain of this server; an address that others can reach needs it.")
@click.option("--tls-key", type=_OLD_FILE, help="PEM key of --tls-cert.")
@click.option("--tls-client-ca", type=_OLD_FILE, help="Ask clients for a certificate of this CA; its common name is who calls.")
@click.option("--tls-client-role", type=_ROLE, default="submitter", show_default=True, help="What owners of a certificate may do.")
@click.option("--metrics-tls-cert", type=_OLD_FILE, help="PEM chain for /metrics.")
@click.option("--metrics-tls-key", type=_OLD_FILE, help="PEM key of --metrics-tls-cert.")
@click.option("--metrics-token-file", type=_OLD_FILE, help="Token that /metrics wants; /healthz is open.")
@click.option("--policy", type=_OLD_FILE, help="TOML file with the house's limits; read again on SIGHUP.")
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path), help="File that is written when the server answers.")
@click.option(
    "--show-config", is_flag=True, expose_value=False, callback=_to_show, help="Print every option, its value and origin; start nothing."
)
def serve(**options: Any) -> int:
    """Run the server: lint again, queue, train, stream.

    Answers on this machine only, unless it has TLS. Running trainers outlive the server; started again, it finds them.
    """
    context = click.get_current_context()
    if context.meta.get(_SHOW):
        return _show(context)
    if options["data_root"] is None:
        raise click.UsageError("Missing option '--data-root': the folder that dataset paths start from.", context)
    from trainyard.service.main.running import run
    from trainyard.service.main.settings import settle

    return run(settle(**options))
