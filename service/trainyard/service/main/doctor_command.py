"""``trainyard doctor``: options and lines; what is looked at stands in ``doctor``. Imports click only."""

from __future__ import annotations

import json
from pathlib import Path

import click

from trainyard.service.main import DEFAULT_LISTEN, DEFAULT_METRICS, configured

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(path_type=Path)


@click.command(context_settings={"auto_envvar_prefix": "TRAINYARD"})
@click.option("--home", type=_FOLDER, help="The server's home. [default: the user data folder]")
@click.option("--data-root", type=_FOLDER, help="Folder that dataset paths start from.")
@click.option("--listen", default=DEFAULT_LISTEN, show_default=True, metavar="HOST:PORT", help="Where gRPC is to answer.")
@click.option("--metrics", default=DEFAULT_METRICS, show_default=True, metavar="HOST:PORT", help="Where /metrics is to answer.")
@click.option("--device", type=click.Choice(["auto", "gpu", "cpu"]), default="auto", show_default=True, help="What is to be trained on.")
@click.option("--store", metavar="URL", help="As for serve. [default: a file in the home]")
@click.option("--store-password-file", type=_FILE, help="Password of the database.")
@click.option("--policy", type=_FILE, help="The policy file.")
@click.option("--tls-cert", type=_FILE, help="PEM chain, as for serve.")
@click.option("--tls-key", type=_FILE, help="PEM key of --tls-cert.")
@click.option("--tls-client-ca", type=_FILE, help="CA of clients.")
@click.option("--metrics-tls-cert", type=_FILE, help="PEM chain for /metrics.")
@click.option("--metrics-tls-key", type=_FILE, help="PEM key of --metrics-tls-cert.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=configured,
    envvar="TRAINYARD_SERVE_CONFIG",
    allow_from_autoenv=False,
    help="The file of serve's --config: what stands in it need not be said again.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(
    *,
    home: Path | None,
    data_root: Path | None,
    listen: str,
    metrics: str,
    device: str,
    store: str | None,
    store_password_file: Path | None,
    policy: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    metrics_tls_cert: Path | None,
    metrics_tls_key: Path | None,
    as_json: bool,
) -> int:
    """Look at this box as a server would need it, and say what to do. Exit code 1 when something is broken."""
    from dataclasses import asdict

    import platformdirs

    from trainyard.service.main.doctor import BROKEN, Ward, examine

    findings = examine(
        Ward(
            home=(home or Path(platformdirs.user_data_dir("trainyard"))).absolute(),
            data_root=data_root.absolute() if data_root else None,
            listen=listen,
            metrics=metrics,
            device=device,
            token_file=Path(platformdirs.user_state_dir("trainyard")) / "token",
            store=store,
            store_password_file=store_password_file,
            policy=policy,
            tls=(tls_cert, tls_key, tls_client_ca),
            metrics_tls=(metrics_tls_cert, metrics_tls_key),
        )
    )
    if as_json:
        print(json.dumps({"ok": all(one.state != BROKEN for one in findings), "checks": [asdict(one) for one in findings]}))
    for one in () if as_json else findings:
        print(f"{one.state:8} {one.check:17} {one.seen}" + (f"\n{'':26} -> {one.todo}" if one.todo else ""))
    return int(any(one.state == BROKEN for one in findings))
